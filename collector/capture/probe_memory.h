/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_memory: the collector's side of the memory that is shared with the targets' libprobe.so
 * (probe/wire.h): made here, before any target starts.
 *
 * The collector trusts nothing in it. What decides where it reads (sizes and places) is kept here
 * and never read back.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/probe_clock.h"
#include "probe/wire.h"

#include <stdbool.h>
#include <stddef.h>

struct probe_memory_options {
	uint32_t modes;		   /* enum wire_mode */
	uint64_t period_ns;	   /* of the CPU timers; > 0 */
	uint32_t copy_bytes;	   /* of stack with a sample, a multiple of 8 */
	uint64_t memory_rate;	   /* bytes between sampled allocations; 0: all are counted */
	uint32_t temporary_within; /* allocations: see wire_tally; 0 stands for 1 */
};

struct probe_memory {
	int fd;
	uint64_t bytes;
	uint32_t modes; /* enum wire_mode */
	struct wire_header *header;
	bool is_recording;
	struct wire_slot *slots;
	uint8_t *rings;
	uint32_t slot_count;
	uint64_t ring_bytes; /* of one */
	uint64_t memory_rate;
	struct probe_clock *clock; /* NULL: none */
	/* with WIRE_MODES_STACKS; tallies with WIRE_MODE_MEMORY */
	struct wire_process *processes;
	uint32_t process_limit;
	struct wire_node *nodes;
	uint32_t node_limit;
	_Atomic uint32_t *tally_rows; /* of slot_count + 1 */
	struct wire_shape *shapes;    /* the same */
	struct wire_tally *tallies;
	uint32_t segment_limit;
	/* with WIRE_MODES_OPERATIONS */
	struct wire_thread *threads;
	uint32_t thread_limit;
	struct wire_subject *subjects;
	uint32_t subject_limit;
	struct wire_operation *operations;
	uint32_t operation_limit;
	struct wire_spread *spreads;
	uint32_t spread_limit;
	const char *texts;
	uint32_t text_limit;
	const struct wire_count *counts; /* of slot_count + 1 */
};

/*
 * Makes it; the targets record for as long as the calling thread lives, or until it says stop. One
 * memory at a time.
 *
 * Returns 0, or a negative errno with a sentence.
 */
int probe_memory_make(struct probe_memory *memory, const struct probe_memory_options *options,
		      struct error *error);

/* Tells the targets to record nothing any more. */
void probe_memory_stop(struct probe_memory *memory);

void probe_memory_done(struct probe_memory *memory);

/* Writes the path by which processes of the same /proc find the memory, for WIRE_VARIABLE. */
void probe_memory_path(const struct probe_memory *memory, char *path, size_t bytes);
