/* SPDX-License-Identifier: MIT */
/*
 * tally: counting what each stack allocates and frees (struct wire_tally), the process's live bytes
 * and their peak.
 *
 * What was live at the peak needs no stream of events: each new peak begins an epoch, and a tally
 * that is about to change for the first time in an epoch keeps what it stood at. A tally that has
 * not changed since the last epoch began stands at the peak's value itself.
 */
#pragma once

#include "probe/probe.h"
#include "probe/wire.h"

/* Where a thread counts. */
struct tally_book {
	_Atomic uint32_t *row;	  /* of its slot, or everybody's */
	struct wire_shape *shape; /* the same */
	bool is_shared;		  /* everybody's: changed by atomic additions */
	struct wire_slot *slot;	  /* its slot; NULL: it is shared */
	int64_t behind;		  /* bytes that the process's live bytes do not have yet */
};

/* Finds the regions. Returns false when they are not here. */
bool tally_prepare(void);

/* Claims a row for the process; the calling process counts there from now on. Returns its number
 * from 1, or 0 when there is none. */
uint32_t tally_begin_process(bool is_fork);

extern struct wire_process *tally_process;

/* @slot  number of the thread's; the number of slots for everybody's */
void tally_open(struct tally_book *book, uint32_t slot);

/* Counts an allocation of so many bytes and what it stands for. */
void tally_allocation(struct tally_book *book, uint32_t node, uint64_t bytes);

#define TALLY_AGE_UNKNOWN UINT32_MAX

/*
 * Counts that a block is freed.
 *
 * @lifetime  in steps of the clock
 * @age       allocations of its thread since its own; TALLY_AGE_UNKNOWN: many, or another thread's
 */
void tally_free(struct tally_book *book, uint32_t node, uint64_t bytes, uint32_t lifetime,
		uint32_t age);

/* The same of memory from the kernel, which is never sampled and not among the process's live
 * bytes;
 * @is_all says that nothing of the region is left. */
void tally_mapped(struct tally_book *book, uint32_t node, uint64_t bytes);
void tally_unmapped(struct tally_book *book, uint32_t node, uint64_t bytes, bool is_all);

/* Notes the path of an allocator that is not the C library's. */
void tally_name_allocator(const char *path);

/* The thread ends: tells the process of what it does not have yet. */
void tally_close(struct tally_book *book);

/* The process has or gets a second thread. */
void tally_threads(void);
