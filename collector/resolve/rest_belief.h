/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rest_belief: whether what lies beyond the copy of a stack is believed.
 *
 * The copy says where the walk left it: in a function, at a position. What was found beyond, a
 * moment later in live memory, can be another activation's that has come to the same call at the
 * same place: of a function with 100 KB of its own that is called in turn from two others, a third
 * of the stacks had the wrong one, and all that was seen of the copy still stood. So it is believed
 * only when it has been the same at many moments, and for long not after it has been another.
 * Samples that are read in one go all see one moment. An activation that is over before anything of
 * it is read is never found here: what tells it apart is that the copy does not stand there any
 * more (live_stack.h).
 *
 *     left in (function, position):  A A A ... A A A B A A ...
 *     believed                      - - - ... - + + - - -      for ever longer
 *
 * So it is in a plain recursion, too: entered again from elsewhere it can stand there word for word
 * as it was copied. Believed at once, half of the stacks had another one's caller where three
 * functions entered one in turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Moments at which it must be the same, after the first, and what lies between two, at least. */
#define REST_BELIEF_TIMES    16
#define REST_BELIEF_APART_NS 5000000u

/* Moments for which it is not believed after a change; twice as many after each further one. */
#define REST_BELIEF_DOUBT 16

/* Of one thread. */
struct rest_beliefs;

/*
 * Notes what was found beyond a place. Returns whether it is believed.
 *
 * @beliefs  of the thread; allocated at the first use, freed by its owner
 * @place    digest of where the copy was left
 * @rest     digest of what was found beyond
 * @now_ns   the moment, of any clock that does not go back
 */
bool rest_belief_note(struct rest_beliefs **beliefs, uint64_t place, uint64_t rest,
		      uint64_t now_ns);

/* Adds a word to a digest (FNV-1a, by words). */
static inline uint64_t rest_belief_digest(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * 0x100000001b3;
}
