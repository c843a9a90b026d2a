/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind: registers and a copy of the stack → the frames of a call stack.
 *
 * It knows no source of samples: registers and bytes come in as arguments, so it serves perf
 * events, off-CPU records and the probe alike.
 *
 * Where a source copies a stack by pieces the walk goes on from one to the next. A walk that leaves
 * the copied bytes is finished, in this order, from
 *   0. in Go's code, which keeps frame pointers throughout: the chain of them that the kernel took
 *      with the sample, when it goes on from here and leads to the root;
 *   1. the live process's memory, accepted only when what the copy has of waiting functions stands
 *      there still, before and after it is read (live_stack.h), only when it leads to the root, and
 *      only where nothing else has been found for some time (rest_belief.h); of a deep stack a few
 *      windows, and then the rest of the thread's last complete one when that still stands
 *      (unwind_finish.c);
 *   2. the last complete stack of the same thread, where it meets this one in stack position and
 *      code address (or stack position and function) in a recursion that is the same;
 * else it ends as truncated.
 *
 * A handler may have a stack of its own. From there a walk goes on with what the last interruption
 * of the thread has told, and with nothing else: the handler's stack says where it interrupted, but
 * nothing of the callers there. Where none was told it ends as interrupted.
 *
 * A source can copy less of the stack when that will do. What it would have missed is known from
 * the whole copies: beyond a brief copy each walk should meet what the thread's last complete one
 * had there. A walk that does not is counted as a change.
 * Of a brief copy itself little stands for the rest: a function that is called from two places
 * looks the same either way, and a moment later the stack may be that of the other call. So a walk
 * that leaves one is finished by live memory only when that, again, is what the last complete walk
 * had there. The first that meets something else is counted as a change, and until a whole copy
 * comes they end as truncated.
 */
#pragma once

#include "collector/cfi/cfi.h"
#include "collector/profile/profile.h"
#include "collector/resolve/address_space.h"
#include "collector/resolve/rest_belief.h"

/*
 * Frames; deeper stacks end as PROFILE_ENDING_TOO_DEEP. The default stack of 8 MB holds as many of
 * 512 bytes each. Bounded by memory: a thread with such a stack takes 512 KB here and 128 KB in
 * the recorder; of one that is not deep nothing is paid for.
 */
#define UNWIND_DEPTH 16384

#define UNWIND_RESTS 16

#define UNWIND_RED_ZONE 128 /* bytes (System V ABI AMD64, section 3.2.2) */

struct unwind_stack {
	struct unwind_memory_frame *frames; /* innermost first */
	uint32_t count, capacity;
};

/* The last complete walks of one thread; zero-initialised by its owner, released with
 * unwind_memory_done. */
struct unwind_memory {
	struct unwind_stack last;
	struct unwind_stack deep; /* the last one that went beyond a whole copy */
	bool is_deep_believed;	  /* else what lay beyond its copy may be another activation's */
	struct unwind_stack interrupted; /* of the last interruption; empty: not known */
	enum profile_ending interrupted_ending;
	struct rest_beliefs *beliefs; /* of what lies beyond whole copies */
	uint32_t restless; /* walks until it is believed again what lies below a recursion */
	uint8_t *copy;	   /* that the deep one left */
	uint64_t copy_start;
	size_t copy_bytes;
	uint32_t changes;    /* walks that met beyond a brief copy what the one before had not */
	bool wants_red_zone; /* a walk ended for want of what lies below the stack pointer */
	bool is_doubtful;    /* the last change was seen by a brief copy */
	uint32_t walks_until_whole; /* that may not read all of a deep stack */
};

void unwind_memory_done(struct unwind_memory *memory);

/* A return address that does not stand where it should: the kernel put its own there, to see the
 * return. */
struct unwind_return {
	uint64_t slot;
	uint64_t address;
};

struct unwind_sample {
	uint64_t registers[CFI_REGISTERS]; /* DWARF numbers of x86-64; [CFI_IP] the code address */
	const uint8_t *stack;		   /* bytes from registers[CFI_SP] upward; borrowed */
	size_t stack_bytes;
	const struct cfi_memory *rest; /* what was copied beyond, ascending; the first
					  UNWIND_RESTS count; borrowed, next is not used */
	size_t rest_count;
	const uint8_t *red_zone; /* UNWIND_RED_ZONE bytes up to registers[CFI_SP]; NULL: not taken
				  */
	size_t brief_bytes;	 /* of a copy that might do; 0: there is no choice */
	bool is_brief;		 /* no more was wanted */
	bool is_interruption; /* a handler is about to interrupt it: kept, whole, for those in it */
	const uint64_t *callers; /* the code address and what follows by frame pointers, as the
				    kernel found it with the sample; borrowed */
	size_t caller_count;	 /* 0: not known */
	uint64_t trampoline;	 /* the kernel's return address; 0: none was replaced */
	const struct unwind_return *returns; /* of one slot the last counts */
	size_t return_count;
};

/*
 * Walks one stack.
 *
 * @space   of the sampled process
 * @memory  of the sampled thread, updated by complete walks; NULL: do without
 * @pid     live process to finish the walk from; 0: it is gone or must not be read
 * @frames  receives rows of profile->frames, innermost first; room for UNWIND_DEPTH
 * @ending  receives how it ended
 * Returns the number of frames (at least 1: the sampled address). Cost: one cache look-up and two
 * or three reads of the copy per frame; nothing is allocated once the caches are warm and stacks
 * have no more than 1,024 frames. Of live memory at most 1 MB is read, 8 MB in one of 16 walks.
 * Source: System V ABI AMD64 (register numbers, .eh_frame), perf_event_open(2).
 */
uint32_t unwind_walk(struct address_space *space, struct unwind_memory *memory, pid_t pid,
		     const struct unwind_sample *sample, uint32_t *frames,
		     enum profile_ending *ending);
