/* SPDX-License-Identifier: MIT */
/*
 * clock: the time, as the kernel has it.
 *
 * Not by the library's function, in whose place others stand to give programs another time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Finds the kernel's own function, which needs no system call. Before that, and where there is
 * none, the system call is made. */
void clock_prepare(void);

/* Says whether reading the clock surely needs no system call. Opens a file. Source: Linux,
 * Documentation/timers/timekeeping.rst; the clock sources that the vDSO can read. */
bool clock_is_in_vdso(void);

/* CLOCK_MONOTONIC. Async-signal-safe. */
uint64_t clock_now_ns(void);
