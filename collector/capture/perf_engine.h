/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_engine: the rungs of the ladder of CPU samplers, best first, and how each is opened.
 *
 * Which rung a machine offers is found by trying; which one was used, and what it cannot see, goes
 * into the profile. Adding a rung is adding a row.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/tick.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct perf_engine {
	const char *name;   /* for --engine and the trust line */
	const char *metric; /* what its samples count */
	const char *unit;
	const char *note; /* what it cannot see; "" when nothing */
	uint32_t type;	  /* perf_event_attr.type and .config */
	uint64_t config;
	bool exclude_kernel;
	bool is_tick; /* rides on the kernel's tick: see tick.h; .config is found at run time */
	bool has_frequency; /* the kernel adapts the period; else the period is fixed time */
};

#define PERF_ENGINES 5
#define PERF_LADDER  (PERF_ENGINES - 1) /* tried one after the other: all before the tick */
extern const struct perf_engine perf_engines[PERF_ENGINES];

/* Returns the engine called @name, or NULL. */
const struct perf_engine *perf_engine_find(const char *name);

/* Units one sample stands for when the period is fixed; 1 where each sample tells its own. Not for
 * the tick, whose period is the kernel's. */
uint64_t perf_engine_period(const struct perf_engine *engine, unsigned frequency_hz);

/* Returns how many samples a second the kernel allows on each CPU, 0 where that is not known.
 * Source: /proc/sys/kernel/perf_event_max_sample_rate. */
int perf_engine_most_hz(void);

/* When an event begins to count. */
enum perf_start {
	PERF_START_ON_EXEC, /* when its thread executes a program */
	PERF_START_NOW,
	PERF_START_LATER, /* when it is enabled; until then it needs no ring */
};

/* What of the user's stack comes with each sample. */
struct perf_copy {
	uint32_t bytes;	  /* from the stack pointer upward; a multiple of 8 */
	bool has_callers; /* and the kernel follows the frame pointers */
};

/*
 * Opens the event that owns the ring of a CPU. It counts nothing and belongs to the calling
 * process, so that the ring outlives the threads whose events write into it.
 *
 * @ring_bytes  a reader is woken when half of it is full
 * Returns the file descriptor, or a negative errno; -ENODEV when the CPU is offline.
 */
int perf_engine_open_ring(int cpu, uint32_t ring_bytes, struct error *error);

/*
 * Opens the event that tells of each signal which any thread of the machine is about to handle on a
 * CPU, if the handler may have a stack of its own (SA_ONSTACK), with a copy of the stack that it
 * interrupts. It owns its ring, and counts nothing until it is enabled.
 *
 * @tracepoint  of signal:signal_deliver
 * Returns the file descriptor, or a negative errno; -ENODEV when the CPU is offline, -EINVAL where
 * the kernel does not count lost records (before Linux 6.0).
 */
int perf_engine_open_deliveries(uint64_t tracepoint, int cpu, uint32_t copy_bytes,
				uint32_t ring_bytes, struct error *error);

/*
 * Opens the sampling event of a thread, inherited by all it creates.
 *
 * @cpu      events that are inherited and write into a ring must be opened for each CPU
 * @ring_fd  of perf_engine_open_ring on the same CPU; with PERF_START_LATER -1
 * @tick     of tick_find; for an engine that rides on it
 * Returns the file descriptor, or a negative errno: -ESRCH when the thread is gone. @error says
 * what the machine's administrator can do.
 */
int perf_engine_open(const struct perf_engine *engine, enum perf_start start, pid_t tid, int cpu,
		     unsigned frequency_hz, const struct perf_copy *copy, int ring_fd,
		     const struct tick *tick, struct error *error);

/* Makes an event write into the ring of @ring_fd, and so all that inherited it. Returns 0 or a
 * negative errno. */
int perf_engine_redirect(int fd, int ring_fd, struct error *error);

/* Opens the event that reports mappings, forks, exits and names, and counts CPU time in
 * nanoseconds; otherwise as above. */
int perf_engine_open_side(enum perf_start start, pid_t tid, int cpu, int ring_fd,
			  struct error *error);

/* Opens an event that counts nothing and that threads inherit, but not processes: see perf_apart.h.
 * Returns as above. */
int perf_engine_open_apart(pid_t tid, struct error *error);
