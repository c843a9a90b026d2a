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
 * A program that allocates in turn from several places would meet its last walk far out each time.
 * So what lay inside of the meeting is kept for each place as a tail: the words that were read from
 * there to the meeting, and the stack that came of it. A walk that starts in the same state and
 * finds the same words there, in the same order, has met the last walk at the same frame, and goes
 * on as above; it unwinds nothing, and the last walk stays the one that is remembered.
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

enum {
	WALK_TAIL_SETS = 128,  /* a power of two; by the state they start in */
	WALK_TAIL_WAYS = 4,    /* tails of one set */
	WALK_TAIL_CHECKS = 13, /* longer ones are not kept */
};

struct walk_check {
	uint64_t address, value;
};

struct walk_tail {
	uint64_t ip, sp, bp; /* the state it starts in */
	uint32_t era;	     /* of the walk, else it is void */
	uint32_t node;	     /* the stack */
	uint8_t needs_bp, met_needs_bp;
	uint16_t check_count;
	uint32_t met; /* the remembered frame, and what it must be: */
	uint32_t met_node;
	uint64_t met_sp, met_bp;
	struct walk_check checks[WALK_TAIL_CHECKS];
};

_Static_assert(sizeof(struct walk_tail) <= 288, "nine halves of a line of the cache");

struct walk {
	uint64_t stack_start, stack_end; /* of the thread; where the words may be */
	uint32_t root;			 /* as of what is remembered: stacks_root */
	uint32_t generation;		 /* and rules_generation */
	uint32_t count;			 /* of remembered frames */
	uint32_t new_count;
	uint32_t era;	 /* of the tails: grows when all of them become void */
	uint32_t oldest; /* way whose tail is given up next, modulo WALK_TAIL_WAYS */
	struct walk_tail tails[WALK_TAIL_SETS][WALK_TAIL_WAYS];
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
 * Cost: 11 instructions for each frame that is the same as the last time or stands in a tail, about
 * 150 for one that is not, a microsecond at the first use of an address.
 */
uint32_t walk_stack(struct walk *walk, const struct walk_start *start);
