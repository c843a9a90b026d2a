/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * live_stack: the stack of a running process, read later than the sample whose copy it completes.
 *
 * What stood above the copy then is there now if the functions between have not returned. They have
 * not if words that were theirs at the time of the sample still stand where they stood: witnesses.
 * The walk notes as witnesses the return addresses that it sees in the copy; the last ones are
 * asked for in the same system call that fetches a window. They are many, because a recursion
 * repeats two or three addresses: of three asked for, one time in eight all stood there by chance
 * where two calls alternate.
 *
 * Of a recursion they say little, though: each time that it is entered the same addresses stand at
 * the same places. There the words between must be those of the copy, too (@seen).
 *
 * A stack that is just growing again has new frames above and, further down, the old ones' words
 * where it has not come yet. It comes there within microseconds, so the witnesses are asked once
 * more after the walk.
 *
 * Measured: without witnesses 10-16 % of answers were wrong.
 */
#pragma once

#include "collector/cfi/cfi.h"

#include <sys/types.h>

#define LIVE_STACK_WITNESSES 24
#define LIVE_STACK_WINDOW    (16 << 10) /* bytes that one system call fetches */

struct live_stack_witness {
	uint64_t slot;
	uint64_t value;
};

struct live_stack {
	pid_t pid;    /* 0: it is gone or must not be read */
	bool is_gone; /* a read has found no process any more */
	bool needs_witness;
	size_t seen_bytes; /* of the copy, that stood there still */
	uint32_t window_count;
	uint32_t witness_count; /* noted; the last ones are kept */
	uint32_t first_count;
	struct live_stack_witness witnesses[LIVE_STACK_WITNESSES];
	struct live_stack_witness first[LIVE_STACK_WITNESSES]; /* those of the first read */
	struct cfi_memory memory; /* the window; empty unless live_stack_read has filled it */
	uint8_t window[LIVE_STACK_WINDOW];
};

/* Prepares for one walk. @needs_witness  false when the caller has another proof of what is read */
void live_stack_begin(struct live_stack *live, pid_t pid, bool needs_witness);

/* Notes that the word at @slot was @value at the time of the sample. */
void live_stack_note(struct live_stack *live, uint64_t slot, uint64_t value);

/* Forgets all witnesses: the walk goes on on another stack, of which they say nothing. */
void live_stack_forget(struct live_stack *live);

/*
 * Reads a window of the stack around frame->missing into live->memory.
 *
 * @seen      what must still stand there of the sample's copy, as far as the window reaches below
 *            what is missing: live->seen_bytes says how far; NULL: the witnesses suffice
 * @is_whole  up to 8 MB of stack may be read for one walk, instead of 1 MB
 * Returns false when it is not there, no longer the stack that the sample saw, or when there is no
 * witness and one is needed. Cost: one system call, 2-8 us.
 */
bool live_stack_read(struct live_stack *live, const struct cfi_frame *frame,
		     const struct cfi_memory *seen, bool is_whole);

/* Empties live->memory. */
void live_stack_clear(struct live_stack *live);

/* Says whether a walk wanted more than the 1 MB that each may read. */
bool live_stack_was_long(const struct live_stack *live);

/* Says whether words stand in the live stack. Cost: one system call. */
bool live_stack_stands(const struct live_stack *live, const struct live_stack_witness *witnesses,
		       uint32_t count);

/*
 * Says whether a copied part stands in the live stack as it was copied. Overwrites the window.
 * Cost: a system call for each 16 KB.
 */
bool live_stack_holds(struct live_stack *live, const struct cfi_memory *part);

/* Says, after all reads, whether what the first one relied on stands there still. Cost: one system
 * call. */
bool live_stack_confirm(const struct live_stack *live);
