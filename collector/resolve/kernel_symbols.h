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

/*
 * Names all frames of PROFILE_MODULE_KERNEL that have no lines yet.
 *
 * @path  "/proc/kallsyms", or a file of its format in tests
 */
void kernel_symbols_name(struct profile *profile, const char *path);
