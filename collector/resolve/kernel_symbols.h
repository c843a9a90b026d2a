/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel_symbols: names of kernel addresses, from /proc/kallsyms.
 *
 * Kernel frames keep run addresses (the kernel is relocated at boot, so only this machine can
 * name them, and only now). Where kallsyms shows zeros (kernel.kptr_restrict) every kernel frame
 * is named "[kernel]" with named = false.
 */
#pragma once

#include "collector/profile/profile.h"

struct kernel_symbols;

/*
 * Prepares; the file is read when a frame is to be named.
 *
 * @path  "/proc/kallsyms", or a file of its format in tests; lives as long
 */
struct kernel_symbols *kernel_symbols_new(const char *path);
void kernel_symbols_free(struct kernel_symbols *symbols); /* accepts NULL */

/* Names all frames of PROFILE_MODULE_KERNEL that have no lines yet. What the kernel loads after the
 * file was read is not known. */
void kernel_symbols_name(struct kernel_symbols *symbols, struct profile *profile);
