/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_source: what the targets' libprobe.so counted of their allocations, as events.
 *
 * The stacks are told as they come (EVENT_NODE), so that their addresses are named by what is
 * mapped there at that time. The amounts stand in shared memory, which outlives the targets; from
 * time to time they are summed over all threads, and what has changed is told (EVENT_NODE_AMOUNT)
 * as amounts of the metrics
 *
 *     allocations  count   calls that gave a block; a realloc is a free and an allocation
 *     allocated    bytes   asked for by them
 *     temporaries  count   blocks freed before their thread allocated again
 *     live         bytes   allocated and not freed until now, or until the end of the process
 *     live-blocks  count
 *     replaced     bytes   live when the process executed another program, and with it gone
 *     replaced-blocks  count
 *     lifetime     ms      of the blocks that were freed, added up
 *     mappings     count   of memory from the kernel itself, past the allocator
 *     mapped       bytes   by them
 *     mapped-live  bytes   of them, mapped until now, or until the end of the process
 *     peak         bytes   live when the process's live bytes were at their highest
 *     peak-blocks  count
 *
 * Live and peak are levels. Looks are a tenth of a second apart at first, later a hundredth of the
 * recording until then; where there is much to tell, longer.
 * All are exact, but for the peak of a process with several threads: see WIRE_PEAK_STEP. Where
 * allocations are sampled all are estimates: probe/thinning.h.
 * How large the blocks were and how long they lived is told of all stacks together, at the end.
 * Operations on locks, files and statements are told after them in each look: see
 * operation_telling.h.
 * Nothing in the memory is trusted: numbers are checked, places are computed here.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/probe_memory.h"
#include "collector/capture/source.h"

struct memory_source;

/*
 * Opens the source, before the target starts.
 *
 * @shared   memory of another source, which looks after the slots and is closed after this one;
 *           NULL: to have one of its own
 * @options  modes of WIRE_MODES_STACKS that are wanted, and how; of a shared memory those it was
 *           made with. The period is not asked for
 * Returns the source, or NULL with @error and errno set.
 */
struct memory_source *memory_source_open(const struct probe_memory *shared,
					 const struct probe_memory_options *options,
					 struct error *error);

/* Returns the memory, for the target's environment. */
const struct probe_memory *memory_source_memory(const struct memory_source *source);

/*
 * Takes from another source that a process executed a program: what it had is gone with it, also
 * where the new one has no probe that would say so.
 */
void memory_source_take_exec(struct memory_source *source, pid_t pid, uint64_t time_ns);

/* Returns the source as a row among others, which closes it too. */
struct source memory_source_row(struct memory_source *source);
