/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * demangle: linkage names → names as people write them, for C++ and Rust (libiberty).
 *
 * Names come from files that nobody has checked: a few hundred bytes of C++ mangling can describe
 * gigabytes of text, so a result above DEMANGLE_LIMIT counts as not demangled.
 */
#pragma once

#include <stddef.h>

#define DEMANGLE_LIMIT 65536 /* bytes */

/*
 * Returns the length of @name without the suffixes that compilers add to copies and parts of a
 * function: .constprop.N .isra.N .part.N .cold .lto_priv.N .llvm.N .localalias and their
 * repetitions.
 */
size_t demangle_stem(const char *name);

/*
 * Returns the source form of @name with parameters ("world::step(int)"); the plain stem when @name
 * is not mangled ("step" for "step.part.0"); never NULL. The caller frees it.
 */
char *demangle(const char *name);
