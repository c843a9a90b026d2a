/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_walk: the state of one walk, for the files of the unwinder only (see unwind.h).
 *
 *     unwind.c         steps from frame to frame
 *     unwind_guess.c   steps out of code without call frame information
 *     unwind_finish.c  goes on where the copy of the stack ends
 *     unwind_brief.c   the same, where the copy was brief by intent
 *     unwind_callers.c by the kernel's chain of frame pointers
 */
#pragma once

#include "collector/resolve/live_stack.h"
#include "collector/resolve/unwind.h"

/* Most stacks are no deeper; for others the trail is allocated. */
#define UNWIND_USUAL_DEPTH 1024

struct unwind_memory_frame {
	uint64_t position; /* stack pointer of the frame */
	uint64_t address;  /* run address that was looked up */
	uint32_t frame;
};

struct walk {
	struct address_space *space;
	const struct unwind_sample *sample;
	struct cfi_frame frame;
	struct cfi_memory copy; /* next: the rest, and at last live.memory */
	struct cfi_memory rest[UNWIND_RESTS];
	struct cfi_memory red_zone;
	const uint64_t *callers;
	size_t caller_count;
	bool was_guessed;
	bool has_left;	   /* the copy */
	bool is_elsewhere; /* on a stack that a handler interrupted, of which the copy has nothing
			    */
	uint32_t depth;	   /* frames left behind */
	uint32_t *frames;
	struct unwind_memory_frame *trail; /* usual_trail, or larger and of this walk's own */
	uint32_t trail_capacity;
	struct live_stack live;
	struct unwind_memory_frame usual_trail[UNWIND_USUAL_DEPTH];
};

/*
 * Walks until the stack ends or bytes are missing. Returns true when it has ended, with @ending
 * set and all frames written; false when walk->frame.missing is needed to go on: the walk is
 * restartable.
 */
bool unwind_walk_on(struct walk *walk, enum profile_ending *ending);

/* Writes the frame at walk->depth; there is room (depth < UNWIND_DEPTH). */
void unwind_note_frame(struct walk *walk, uint64_t position, uint64_t address, uint32_t frame);

/* How a walk ends that reaches the root here. */
enum profile_ending unwind_root_ending(const struct walk *walk);

/* Puts the real return address back where the kernel's was found. */
void unwind_restore_return(struct walk *walk);

/* Steps out of code without a rule, or with one that needs a register whose value is not known.
 * @ending receives how the walk ends unless the step is done. */
enum cfi_step unwind_guess(struct walk *walk, const struct code_address *code,
			   enum profile_ending *ending);

/* Steps out of a function of Go's that set the stack pointer freely; otherwise the same. */
enum cfi_step unwind_guess_go(struct walk *walk, enum go_stack stack, enum profile_ending *ending);

/* Says whether two code addresses are of one function. */
bool unwind_is_same_function(struct address_space *space, uint64_t a, uint64_t b);

/*
 * Goes on from the frame that could not be left, by the return addresses that follow its own in
 * the kernel's chain. A function without a frame has no part in the chain: where one switched
 * stacks its caller is the function that the next return address's call instruction leads to.
 * In Go's code only. Returns false, and has done nothing, when that leads to no root.
 */
bool unwind_finish_by_callers(struct walk *walk);

/*
 * Finds the return address of the innermost function where the kernel's chain has it.
 *
 * @caller  receives the caller's frame, of which nothing else is known
 */
bool unwind_find_known_caller(struct walk *walk, struct cfi_frame *caller);

/* Says whether a walk of at least one frame has come to some that perf's copy has not. */
bool unwind_is_beyond_copy(const struct walk *walk);

/* Finishes a walk that left the copy. Returns false when it stays truncated. */
bool unwind_finish(struct walk *walk, struct unwind_memory *memory, enum profile_ending *ending);

/* Finishes the walk from live memory. Where that leads nowhere it was not the sample's stack after
 * all, and the walk is put back to where the copy ended. Returns whether it is finished. */
bool unwind_finish_live(struct walk *walk, struct unwind_memory *memory,
			enum profile_ending *ending);

/* Finishes the walk by the last complete one, from the innermost function's caller on when that is
 * known. What does not meet it has no part in the walk. */
bool unwind_finish_by_memory(struct walk *walk, const struct unwind_memory *memory);

/* Finishes a walk that left a brief copy. */
bool unwind_finish_brief(struct walk *walk, struct unwind_memory *memory,
			 enum profile_ending *ending);

/* Notes, where a source has a choice, whether a brief copy would have done for a walk. */
void unwind_judge_brief(const struct walk *walk, struct unwind_memory *memory,
			enum profile_ending ending);

/* Keeps the walk of what a handler is about to interrupt, for those in it, if it is complete. */
void unwind_keep_interruption(const struct walk *walk, struct unwind_memory *memory,
			      enum profile_ending ending);

/* Keeps a complete walk for those to come. */
void unwind_remember(const struct walk *walk, struct unwind_memory *memory);
