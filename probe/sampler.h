/* SPDX-License-Identifier: MIT */
/*
 * sampler: CPU samples without perf_event_open.
 *
 * Each thread has a timer on its own CPU clock, whose signal goes to that thread. The handler
 * copies registers and a piece of stack into the thread's ring and unwinds nothing. The kernel
 * looks at CPU timers only at its tick (CONFIG_HZ, 250 a second on Debian), so a shorter period
 * brings no more signals; the expirations that a signal stands for are counted (si_overrun), which
 * keeps the weights right.
 *
 * Never a wall timer: its signals cut sleeping calls short. A CPU timer's do not: the kernel looks
 * at it on the way back to the program (CONFIG_POSIX_CPU_TIMERS_TASK_WORK, since Linux 5.10), so
 * no call is ever left because of it.
 *
 * The signal is SIGURG: ignored by default, so that nothing happens to a program that takes our
 * handler away. What the program itself does with SIGURG goes on to work: see signals.h.
 */
#pragma once

#include "probe/thread.h"

#include <signal.h>

#define SAMPLER_SIGNAL SIGURG

/* Once a process: the signal's handler. */
void sampler_prepare(void);

/* Gives the signal back to the program, so that no handler of ours is called any more. */
void sampler_retire(void);

/* Starts sampling of the calling thread; ends that of any. */
void sampler_begin(struct thread *thread);
void sampler_end(struct thread *thread);
