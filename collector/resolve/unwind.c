/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind: the walk of one stack (see unwind.h).
 *
 *      sp of the sample                                  the thread's first function
 *      ↓                                                 ↓
 *      [ copies taken with the sample ][ absent or beyond them ]  higher addresses →
 *        walk ──────────────────────→ stops, state kept
 *                                      1. a window of the live stack joins the readable memory,
 *                                         if the stack has not changed (live_stack.h); walk on
 *                                      2. else the rest of the thread's last complete walk
 *
 * The walk is restartable: a step that misses memory leaves the frame as it was (cfi_step), so
 * finishing (unwind_finish.c) is the same loop with more to read.
 */
#include "collector/base/xalloc.h"
#include "collector/resolve/unwind_walk.h"

/* Below this no code is mapped (vm.mmap_min_addr). */
#define LOWEST_CODE 4096

void unwind_memory_done(struct unwind_memory *memory)
{
	free(memory->last.frames);
	free(memory->deep.frames);
	free(memory->interrupted.frames);
	free(memory->beliefs);
	free(memory->copy);
	*memory = (struct unwind_memory){0};
}

void unwind_restore_return(struct walk *walk)
{
	const struct unwind_sample *sample = walk->sample;

	if (!sample->trampoline || walk->frame.registers[CFI_IP] != sample->trampoline)
		return;
	for (size_t i = sample->return_count; i-- > 0;)
		if (sample->returns[i].slot == walk->frame.return_slot) {
			walk->frame.registers[CFI_IP] = sample->returns[i].address;
			return;
		}
}

enum profile_ending unwind_root_ending(const struct walk *walk)
{
	return walk->was_guessed ? PROFILE_ENDING_GUESSED : PROFILE_ENDING_COMPLETE;
}

static void grow_trail(struct walk *walk)
{
	uint32_t capacity = walk->trail_capacity * 4;

	if (walk->trail == walk->usual_trail) {
		walk->trail = xreallocarray(NULL, capacity, sizeof(*walk->trail));
		memcpy(walk->trail, walk->usual_trail, sizeof(walk->usual_trail));
	} else {
		walk->trail = xreallocarray(walk->trail, capacity, sizeof(*walk->trail));
	}
	walk->trail_capacity = capacity;
}

void unwind_note_frame(struct walk *walk, uint64_t position, uint64_t address, uint32_t frame)
{
	if (walk->depth == walk->trail_capacity)
		grow_trail(walk);
	walk->frames[walk->depth] = frame;
	walk->trail[walk->depth] = (struct unwind_memory_frame){position, address, frame};
}

/* Says whether the sample has the stack at @address. */
static bool is_copied(const struct walk *walk, uint64_t address)
{
	const struct cfi_memory *memory = &walk->copy;

	while (memory != &walk->live.memory && address - memory->start > memory->bytes)
		memory = memory->next;
	return memory != &walk->live.memory;
}

bool unwind_is_beyond_copy(const struct walk *walk)
{
	return walk->trail[walk->depth - 1].position - walk->copy.start > walk->copy.bytes;
}

/* Notes what the step has read as a witness of what lies above it. What a handler on a stack of its
 * own returns to stands there still when both stacks have long moved on. */
static void note_step(struct walk *walk, bool is_signal)
{
	const struct cfi_frame *frame = &walk->frame;

	if (is_signal && !is_copied(walk, frame->registers[CFI_SP])) {
		live_stack_forget(&walk->live);
		walk->is_elsewhere = true;
	} else if (frame->return_slot)
		live_stack_note(&walk->live, frame->return_slot, frame->registers[CFI_IP]);
}

/* Says whether the frame is to be left by unwind_guess_go. */
static bool has_go_switched(const struct walk *walk, const struct code_address *code)
{
	return code->stack > GO_STACK_KEPT && !walk->frame.is_exact;
}

/* Judges the code address a step has led to. Returns true when the walk ends here, before it. */
static bool is_last(const struct walk *walk, enum profile_ending *ending)
{
	uint64_t ip = walk->frame.registers[CFI_IP];

	/* A first function that was not called (made by makecontext, or a thread library's) has a
	 * return address of zero. */
	if (!ip)
		*ending = unwind_root_ending(walk);
	else if (ip < LOWEST_CODE)
		*ending = PROFILE_ENDING_BAD;
	else
		return false;
	return true;
}

/* Leaves the function at @code. @ending receives how the walk ends unless the step is done. */
static enum cfi_step step_out(struct walk *walk, const struct code_address *code,
			      enum profile_ending *ending)
{
	enum cfi_step step;

	if (code->kind == PROFILE_MODULE_UNKNOWN) {
		*ending = PROFILE_ENDING_UNMAPPED;
		return CFI_STEP_NO_RULE;
	}
	if (has_go_switched(walk, code))
		return unwind_guess_go(walk, (enum go_stack)code->stack, ending);
	step = cfi_step(&code->rule, &walk->frame, &walk->copy);
	if (step == CFI_STEP_END)
		*ending = unwind_root_ending(walk);
	else if (step == CFI_STEP_IMPOSSIBLE)
		*ending = PROFILE_ENDING_BAD;
	else if (step == CFI_STEP_NO_RULE)
		step = unwind_guess(walk, code, ending);
	return step;
}

/*
 * Returns the address that says which code the frame is in. The system call that ends a handler
 * does not return, and the instruction behind it is another function's. A thread that is in it has
 * that one's address also in rcx (AMD64 manual, SYSCALL).
 */
static uint64_t code_address_of(const struct walk *walk)
{
	uint64_t address = cfi_frame_address(&walk->frame);

	if (!walk->depth && walk->sample->registers[CFI_CX] == address &&
	    address_space_find(walk->space, address - 1)->rule.kind == CFI_SIGNAL)
		return address - 1;
	return address;
}

bool unwind_walk_on(struct walk *walk, enum profile_ending *ending)
{
	while (walk->depth < UNWIND_DEPTH) {
		uint64_t address = code_address_of(walk);
		const struct code_address *code = address_space_find(walk->space, address);
		bool is_root = code->is_before_root && !walk->frame.is_exact;
		enum cfi_step step = CFI_STEP_END;
		bool is_signal;

		/* A handler returns to the first instruction of its trampoline, and a coroutine to
		 * that of the function which ends it. Nothing called those: the byte before has
		 * another name. */
		if ((code->rule.is_signal && !walk->frame.is_exact) || is_root) {
			walk->frame.is_exact = true;
			code = address_space_find(walk->space, ++address);
		}
		is_signal = code->rule.kind == CFI_SIGNAL;
		unwind_note_frame(walk, walk->frame.registers[CFI_SP], address, code->frame);
		if (is_root)
			*ending = unwind_root_ending(walk);
		else
			step = step_out(walk, code, ending);
		if (step == CFI_STEP_OUTSIDE)
			return false;
		walk->depth++;
		if (step != CFI_STEP_DONE || is_last(walk, ending))
			return true;
		note_step(walk, is_signal);
		unwind_restore_return(walk);
	}
	*ending = PROFILE_ENDING_TOO_DEEP;
	return true;
}

/* Makes one memory of the copy, what was copied beyond it, and what will be read of the live stack,
 * which is nothing yet. */
static void link_memory(struct walk *walk)
{
	const struct unwind_sample *sample = walk->sample;
	size_t count = sample->rest_count < UNWIND_RESTS ? sample->rest_count : UNWIND_RESTS;
	struct cfi_memory *last = &walk->copy;

	walk->copy = (struct cfi_memory){sample->stack, sample->registers[CFI_SP],
					 sample->stack_bytes, NULL};
	for (size_t i = 0; i < count; i++) {
		walk->rest[i] = sample->rest[i];
		last->next = &walk->rest[i];
		last = &walk->rest[i];
	}
	if (sample->red_zone) {
		walk->red_zone =
			(struct cfi_memory){sample->red_zone, walk->copy.start - UNWIND_RED_ZONE,
					    UNWIND_RED_ZONE, NULL};
		last->next = &walk->red_zone;
		last = &walk->red_zone;
	}
	last->next = &walk->live.memory;
}

/* Only the fields a walk reads before it writes them: the buffers are 40 KB. */
static void begin(struct walk *walk, struct address_space *space, pid_t pid,
		  const struct unwind_sample *sample, uint32_t *frames)
{
	walk->space = space;
	walk->sample = sample;
	live_stack_begin(&walk->live, pid, !sample->is_brief);
	memcpy(walk->frame.registers, sample->registers, sizeof(sample->registers));
	walk->frame.known = (1U << CFI_REGISTERS) - 1;
	walk->frame.is_exact = true;
	walk->frame.return_slot = 0;
	link_memory(walk);
	walk->callers = sample->callers;
	walk->caller_count = sample->caller_count;
	walk->was_guessed = false;
	walk->has_left = false;
	walk->is_elsewhere = false;
	walk->depth = 0;
	walk->frames = frames;
	walk->trail = walk->usual_trail;
	walk->trail_capacity = UNWIND_USUAL_DEPTH;
}

uint32_t unwind_walk(struct address_space *space, struct unwind_memory *memory, pid_t pid,
		     const struct unwind_sample *sample, uint32_t *frames,
		     enum profile_ending *ending)
{
	struct walk walk;
	bool is_done;

	begin(&walk, space, pid, sample, frames);
	is_done = unwind_walk_on(&walk, ending);
	if (memory && !is_done && !sample->red_zone)
		memory->wants_red_zone |=
			walk.copy.start - walk.frame.missing - 1 < UNWIND_RED_ZONE;
	if (!is_done && !unwind_finish(&walk, memory, ending)) {
		*ending = walk.is_elsewhere ? PROFILE_ENDING_INTERRUPTED : PROFILE_ENDING_TRUNCATED;
		walk.depth++; /* the frame that could not be left */
	}
	if (memory && sample->is_interruption)
		unwind_keep_interruption(&walk, memory, *ending);
	if (memory)
		unwind_judge_brief(&walk, memory, *ending);
	/* What a handler's frames lead to is another stack each time. */
	if (memory && profile_endings[*ending].complete && !walk.is_elsewhere)
		unwind_remember(&walk, memory);
	if (walk.trail != walk.usual_trail)
		free(walk.trail);
	return walk.depth;
}
