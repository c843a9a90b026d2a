/* SPDX-License-Identifier: MIT */
/*
 * walk: the call stack of the calling thread, as a number of the prefix tree (stacks.h).
 *
 * A walk is a deterministic function of the state it starts from (ip, sp, bp), the rules, and the
 * words of the stack that it reads. So each thread remembers its last walk:
 *
 *     frames[0]     the outermost function         ip, sp, bp  the state at this frame
 *     frames[1]     …                              node        the stack up to and with it
 *     frames[n-1]   the caller of the allocation
 *
 * The next walk unwinds until it meets a remembered state: the same sp, the same ip and, where it
 * matters, the same bp. Then the words that the rest of that walk read are compared with what
 * stands there now, from inner to outer, ending at the first that differs. Each word is so read
 * only when a full walk would read it, too. When all are the same, so is the rest of the walk. When
 * one differs, the walk goes on from there.
 *
 * bp matters in a state when its function's frame is found by bp, or when that function leaves bp
 * alone and it matters in its caller's state. Without this distinction a loop that keeps a counter
 * in bp would find nothing the same; without the comparison where it matters some walks would be
 * wrong although all return addresses agree.
 *
 * Nothing is read but between the stack pointer and the end of this thread's stack. A walk that
 * begins elsewhere (coroutines, alternate stacks), or meets a rule that is not of the short form (a
 * signal's frame, a realigned stack), goes on step by step with the page of each word asked of the
 * kernel first; it is not remembered, nor is one that was cut short.
 */
#pragma once

#include "probe/probe.h"
#include "probe/wire.h"

#define WALK_DEPTH 2048 /* frames; the outer ones beyond are cut, and the stack says so */

struct walk_frame {
	uint64_t ip, sp, bp;
	uint64_t bp_slot; /* where bp was read and must stand again; 0: nothing to compare */
	uint64_t leave;	  /* of its function: rules.h */
	uint32_t node;
	bool needs_bp;
};

struct walk {
	uint64_t stack_start, stack_end; /* of the thread; where the words may be */
	uint32_t root;			 /* as of what is remembered: stacks_root */
	uint32_t generation;		 /* and rules_generation */
	uint32_t count;			 /* of remembered frames */
	uint32_t new_count;
	struct walk_frame frames[WALK_DEPTH];
	struct walk_frame new_frames[WALK_DEPTH]; /* of the walk at hand, innermost first */
};

/* The caller of the function at hand, whose frame pointer must be in use. */
struct walk_start {
	uint64_t ip, sp, bp;
};

#define WALK_START()                                                                               \
	((struct walk_start){                                                                      \
		.ip = (uint64_t)__builtin_return_address(0),                                       \
		.sp = (uint64_t)__builtin_frame_address(0) + 16,                                   \
		.bp = *(const uint64_t *)__builtin_frame_address(0),                               \
	})

/* Forgets the last walk: another thread begins. */
void walk_reset(struct walk *walk, uint64_t stack_start, uint64_t stack_end);

/*
 * Walks from @start to the thread's first function.
 *
 * Returns the number of the stack; one that is cut hangs under a node that says why.
 * Cost: 11 instructions for each frame that is the same as the last time, about 50 for one that is
 * not, a microsecond at the first use of an address.
 */
uint32_t walk_stack(struct walk *walk, const struct walk_start *start);
