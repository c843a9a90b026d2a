/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwinding: whether a process may have its own stack unwound, by the files that it has mapped.
 *
 * Where the kernel has replaced a return address, because a probe waits for the return, an unwinder
 * inside the process does not find its way on: an exception ends the program, a cancelled thread
 * runs no handlers, and backtrace(3) stops. That happens to any function between what begins to
 * unwind and where that leads, in whatever language it is written: qsort(3) with a comparison in
 * C++. So it is all files of the process that have to be asked, not the function's own.
 *
 * A file counts when
 *
 *     its call frame information names a personality routine (C++, Rust, Ada, D, C with
 *     -fexceptions), or
 *     it needs, or is, what unwinds: _Unwind_*, backtrace, libunwind, __cxa_throw, pthread_cancel,
 *     pthread_exit and thrd_exit, which run the handlers of those who are left.
 *
 * libc and the loader have personalities, and the functions, but nothing unwinds because of them
 * alone. What a process loads later is not known before.
 *
 * Source: Itanium C++ ABI: Exception Handling, 1.6; Linux Standard Base 5.0, 10.6.1 (augmentation
 * 'P'); glibc, sysdeps/nptl/unwind-link.h.
 */
#pragma once

#include "collector/resolve/module.h"

/* Returns whether a file that has been opened counts. Cost: some microseconds for each imported
 * symbol, and one pass over .eh_frame. */
bool unwinding_by(const struct module *module);

/* Returns whether it loads others when it pleases: dlopen(3). */
bool unwinding_may_come(const struct module *module);
