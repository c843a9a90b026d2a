/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_clock: the clock in the memory shared with the targets (wire_header.clock), by which they
 * tell how long a block lived without asking the kernel for the time.
 *
 * A thread of its own moves it on every WIRE_CLOCK_NS: the collector's main thread may be busy for
 * longer. Where it gets no processor, the clock stands still, then jumps.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct probe_clock {
	_Atomic uint32_t *hand;
	pthread_t thread;
	_Atomic bool is_stopped;
	bool is_running;
};

/* Starts it; where there is no thread to be had it stands still. @clock stays where it is. */
void probe_clock_start(struct probe_clock *clock, _Atomic uint32_t *hand);

/* Waits until it has stopped. */
void probe_clock_stop(struct probe_clock *clock);
