/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_source: all perf events of a target and their rings, read as one stream in time order.
 *
 * Each CPU has two rings: samples, and side records (mappings, forks, exits, names), which must
 * not be lost because samples fill their ring. Order across rings is restored by the rounds of
 * source.h: all heads are looked at, those of the samples first, and a record with time <= horizon
 * had been written by then, so no later round can bring one that should have come before. Cost:
 * one comparison per ring and record.
 *
 * No wake-up per sample: it would cost the target more than the sample itself (research: copy lab,
 * section 3). The owner polls every PERF_SOURCE_POLL_MS; poll_fd wakes it before a ring overflows.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/event.h"
#include "collector/capture/perf_engine.h"
#include "collector/capture/source.h"

#define PERF_SOURCE_POLL_MS 20
/* The largest copy for which a whole record stays below 64 KB. */
#define PERF_SOURCE_COPY_BYTES 65000
/* What most stacks fit in. Without the rest, and the kernel's user call chain, a sample costs the
 * target less (tests/bench/cost). */
#define PERF_SOURCE_BRIEF_BYTES 4096

struct perf_source;

struct perf_source_options {
	unsigned frequency_hz;		  /* > 0; the tick has its own */
	const struct perf_engine *engine; /* NULL: the first of the ladder that works */
	bool prefers_tick;		  /* the tick is tried before the ladder */
	bool wants_time;		  /* of the ladder, only what counts nanoseconds */
	enum perf_start start;
	uint32_t copy_bytes;  /* of stack with each sample; a multiple of 8 */
	uint32_t brief_bytes; /* the same while perf_source_set_brief wants it; 0: never */
};

struct perf_source_losses {
	uint64_t samples;    /* a sample ring was full */
	uint64_t side;	     /* a side ring was full: mappings or threads are missing */
	uint64_t unreadable; /* records that contradicted themselves */
	uint64_t throttles;  /* times that the kernel stopped sampling for a moment */
};

/*
 * Opens a source for thread @tid and all that it will create.
 *
 * Returns the source, or NULL with @error naming the remedy and errno set.
 */
struct perf_source *perf_source_open(const struct perf_source_options *options, pid_t tid,
				     struct error *error);

/*
 * Changes between copies of brief_bytes without the kernel's user call chain, and those of
 * copy_bytes with it, for all threads. The events for both are there from the beginning: the switch
 * takes some hundred microseconds, in which nothing is sampled. Where memory for further rings is
 * refused the copies stay as they are.
 */
void perf_source_set_brief(struct perf_source *source, bool is_brief);

/* Adds another thread. Returns 0 or a negative errno: -ESRCH when it has ended meanwhile. */
int perf_source_add(struct perf_source *source, pid_t tid, struct error *error);

/* Adds a thread again, whose events the kernel has ended, and which runs already; all that are
 * added later are taken to run, too. Returns as perf_source_add. */
int perf_source_resume(struct perf_source *source, pid_t tid, struct error *error);
void perf_source_close(struct perf_source *source); /* accepts NULL */

const struct perf_engine *perf_source_engine(const struct perf_source *source);
/* Returns the tick that the samples ride on; NULL: on none. */
const struct tick *perf_source_tick(const struct perf_source *source);
uint32_t perf_source_copy_bytes(const struct perf_source *source); /* may be less than asked */
size_t perf_source_ring_bytes(const struct perf_source *source);   /* of one CPU's samples */

/* Returns the source as a row among others, which closes it too. Its poll descriptor is readable
 * when a ring is half full. */
struct source perf_source_row(struct perf_source *source);

/* Runs a BPF program (of the kind perf_event) with each sample, also of threads that are added or
 * born later; a second one after the first, if that calls it. Returns 0, or a negative errno:
 * -EINVAL the engine rides on a tracepoint. */
int perf_source_set_program(struct perf_source *source, int program, struct error *error);

/* Has a second program run where the first ends: it calls the first of @programs, a
 * BPF_MAP_TYPE_PROG_ARRAY that stays its owner's. */
void perf_source_set_next(struct perf_source *source, int programs);

/* Stops the events: the target runs on unsampled. */
void perf_source_stop(struct perf_source *source);

/* Delivers the events up to now, or everything that is left, of this source alone. */
void perf_source_read(struct perf_source *source, bool last, source_deliver *deliver,
		      void *context);

/* Returns the samples that records have told as lost, while the target runs: all of them are only
 * known to perf_source_count_losses, which is not for free. */
uint64_t perf_source_lost_so_far(const struct perf_source *source);

void perf_source_count_losses(struct perf_source *source, struct perf_source_losses *losses);

/* Returns the CPU time in nanoseconds that all threads have used since they were watched, ended
 * ones too, as the kernel counted it. */
uint64_t perf_source_cpu_ns(const struct perf_source *source);

/*
 * Adds the same to @core_ns for each core below @core_count, while the target runs: reading an
 * event holds up the births of threads that inherit it.
 *
 * Returns false, and does nothing, when that would be too many events.
 */
bool perf_source_core_ns(const struct perf_source *source, uint64_t *core_ns, size_t core_count);

/* Returns what its samples count, with the units of the engine that one sample stands for, and the
 * samples per second asked for: the tick's own where that is used. */
const struct event_metric *perf_source_metric(const struct perf_source *source);
unsigned perf_source_frequency_hz(const struct perf_source *source);
