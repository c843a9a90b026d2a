/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * symbols: names every frame of a profile once: function, source line, inlined callers.
 *
 * Works at the end of a recording, file by file, several at a time, and gives each one's tables
 * back before the next. Per file: (1) symbols (.symtab, else .dynsym) copied once into a sorted
 * array; (2) debug information, by a table of the compilation units' ranges and, for each unit met,
 * of its functions and their inlined calls, because asking libdw address by address costs
 * milliseconds each. A symbol counts only within its size; an address that no symbol covers is
 * named by its module and the start of its function (module_function_start), with named = false,
 * never by the nearest exported symbol.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/profile/profile.h"
#include "collector/resolve/module.h"

/*
 * Names all frames that have no lines yet.
 *
 * Never fails as a whole: frames of a file that cannot be read are named "file+0xaddress". Kernel
 * frames are left to kernel_symbols_name.
 * Cost: see the essay in symbols.c.
 */
void symbols_name(struct modules *modules, struct profile *profile);
