/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_source: CPU samples out of the memory that libprobe.so fills in the targets, as events.
 *
 * The lowest rung of the ladder, for where perf_event_open is refused: it needs no right at all.
 * What it costs: programs that cannot be preloaded are not seen, nor kernel code, nor threads made
 * by clone alone, nor the time before libprobe.so's start; and the kernel serves CPU timers at its
 * tick only (probe/sampler.h).
 *
 * A slot of the memory (probe/wire.h) is one stream: the birth of its thread, its records, its end.
 * All streams are merged by time. For what is mapped when, see probe_mappings.h.
 *
 * Nothing in the memory is trusted: sizes are checked, places are computed here.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_engine.h"
#include "collector/capture/probe_memory.h"
#include "collector/capture/source.h"

#define PROBE_SOURCE_COPY_BYTES (64u << 10) /* of stack with each sample, at most */

/* Its row of the ladder: name, unit and note. Opened here, not by perf_engine_open. */
extern const struct perf_engine probe_source_engine;

struct probe_source;

/*
 * Makes the memory, before the target starts.
 *
 * @more  what else the probe is to do, whose source shares the memory; its period is not asked for
 * Returns the source, or NULL with @error and errno set.
 */
struct probe_source *probe_source_open(unsigned frequency_hz,
				       const struct probe_memory_options *more,
				       struct error *error);
void probe_source_close(struct probe_source *source); /* accepts NULL */

const struct probe_memory *probe_source_memory(const struct probe_source *source);

/* Writes the path of the memory for the target's environment. */
void probe_source_path(const struct probe_source *source, char *path, size_t bytes);

/* Returns the source as a row among others, which closes it too. */
struct source probe_source_row(struct probe_source *source);

const struct event_metric *probe_source_metric(const struct probe_source *source);

/* Returns the samples per second of CPU time that the kernel can deliver: its tick's rate. */
unsigned probe_source_tick_hz(void);

/* Returns the CPU time in nanoseconds that the samples stand for, and that which the processes
 * were last seen to have used, as the kernel counted it. */
uint64_t probe_source_sampled_ns(const struct probe_source *source);
uint64_t probe_source_cpu_ns(const struct probe_source *source);
