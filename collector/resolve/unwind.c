/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind: the walk of one stack (see unwind.h).
 *
 *      sp of the sample                                  the thread's first function
 *      ↓                                                 ↓
 *      [ copy taken with the sample ][ absent or beyond the copy ]  higher addresses →
 *        walk ──────────────────────→ stops, state kept
 *                                      1. a window of the live stack joins the readable memory,
 *                                         if the stack has not changed (live_stack.h); walk on
 *                                      2. else the rest of the thread's last complete walk
 *
 * The walk is restartable: a step that misses memory leaves the frame as it was (cfi_step), so
 * finishing is the same loop with more to read.
 *
 * Where the innermost function's own frame leaves the copy, nothing in it can verify live memory.
 * But a function of such a frame mostly keeps a frame pointer (arrays that are aligned, or of
 * variable size), and the kernel has followed that when it took the sample: it knows the return
 * address. Where there is no frame pointer the stack ends as truncated.
 *
 * Code without call frame information is passed by what its instructions do up to the return
 * (epilogue.h), generated code by its frame pointer, where that gives a plausible caller; the
 * result is marked as guessed.
 */
#include "collector/resolve/unwind.h"
#include "collector/base/xalloc.h"
#include "collector/resolve/live_stack.h"

/* Frames that must agree before a recursion's last walk is taken for this one's. */
#define RECURSION_PROOF 24

/* Below this no code is mapped (vm.mmap_min_addr). */
#define LOWEST_CODE 4096

struct unwind_memory_frame {
	uint64_t position; /* stack pointer of the frame */
	uint64_t address;  /* run address that was looked up */
	uint32_t frame;
};

struct walk {
	struct address_space *space;
	const struct unwind_sample *sample;
	struct cfi_frame frame;
	struct cfi_memory copy; /* copy.next: what was read of the live stack, or NULL */
	const uint64_t *callers;
	size_t caller_count;
	bool was_guessed;
	uint32_t depth; /* frames left behind */
	uint32_t *frames;
	struct live_stack live;
	struct unwind_memory_frame trail[UNWIND_DEPTH];
};

void unwind_memory_done(struct unwind_memory *memory)
{
	free(memory->frames);
	*memory = (struct unwind_memory){0};
}

/* ---- walking ------------------------------------------------------------------------------ */

/* Puts the real return address back where the kernel's was found. */
static void restore_return(struct walk *walk)
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

/* Notes what the step has read as a witness of what lies above it. What a handler on a stack of its
 * own returns to stands there still when both stacks have long moved on. */
static void note_step(struct walk *walk, bool is_signal)
{
	const struct cfi_frame *frame = &walk->frame;

	if (is_signal && frame->registers[CFI_SP] - walk->copy.start > walk->copy.bytes)
		live_stack_forget(&walk->live);
	else if (frame->return_slot)
		live_stack_note(&walk->live, frame->return_slot, frame->registers[CFI_IP]);
}

/* Takes a guessed step back unless the caller it led to is mapped code. */
static enum cfi_step judge_guess(struct walk *walk, const struct cfi_frame *before)
{
	const struct cfi_frame *frame = &walk->frame;

	if (frame->registers[CFI_IP] &&
	    address_space_find(walk->space, cfi_frame_address(frame))->kind ==
		    PROFILE_MODULE_UNKNOWN) {
		walk->frame = *before;
		return CFI_STEP_NO_RULE;
	}
	walk->was_guessed = true;
	return CFI_STEP_DONE;
}

/* Steps by what the instructions up to the return do. */
static enum cfi_step step_by_code(struct walk *walk)
{
	struct cfi_frame before = walk->frame;
	const struct cfi_rule *rule = address_space_epilogue(walk->space, before.registers[CFI_IP]);
	enum cfi_step step = cfi_step(rule, &walk->frame, &walk->copy);

	return step == CFI_STEP_DONE ? judge_guess(walk, &before) : step;
}

/* Steps out of code without a rule. @ending receives how the walk ends unless the step is done. */
static enum cfi_step step_by_guess(struct walk *walk, bool is_entry, enum profile_ending *ending)
{
	struct cfi_frame before = walk->frame;
	bool is_outermost = !before.registers[CFI_BP] && before.known & 1U << CFI_BP;
	enum cfi_step step;

	*ending = walk->was_guessed ? PROFILE_ENDING_GUESSED : PROFILE_ENDING_COMPLETE;
	if (is_outermost && is_entry)
		return CFI_STEP_END;
	step = step_by_code(walk);
	if (step == CFI_STEP_DONE || step == CFI_STEP_OUTSIDE)
		return step;
	if (is_outermost && walk->was_guessed)
		return CFI_STEP_END;
	*ending = PROFILE_ENDING_NO_RULE;
	step = cfi_step_by_frame_pointer(&walk->frame, &walk->copy);
	return step == CFI_STEP_DONE ? judge_guess(walk, &before) : step;
}

/* Steps out of a function of Go's that set the stack pointer freely. */
static enum cfi_step step_by_go(struct walk *walk, enum go_stack stack, enum profile_ending *ending)
{
	struct cfi_frame before = walk->frame;
	enum cfi_step step;

	*ending = walk->was_guessed ? PROFILE_ENDING_GUESSED : PROFILE_ENDING_COMPLETE;
	if (stack == GO_STACK_LEFT)
		return CFI_STEP_END;
	*ending = PROFILE_ENDING_NO_RULE;
	walk->frame.registers[CFI_SP] = walk->frame.registers[CFI_BP];
	step = cfi_step_by_frame_pointer(&walk->frame, &walk->copy);
	if (step == CFI_STEP_DONE)
		return judge_guess(walk, &before);
	before.missing = walk->frame.missing;
	walk->frame = before;
	return step;
}

/* Says whether the frame is to be left by step_by_go. */
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
		*ending = walk->was_guessed ? PROFILE_ENDING_GUESSED : PROFILE_ENDING_COMPLETE;
	else if (ip < LOWEST_CODE)
		*ending = PROFILE_ENDING_BAD;
	else
		return false;
	return true;
}

/*
 * Walks until the stack ends or bytes are missing. Returns true when it has ended, with @ending
 * set and all frames written; false when walk->frame.missing is needed to go on.
 */
static bool walk_on(struct walk *walk, enum profile_ending *ending)
{
	while (walk->depth < UNWIND_DEPTH) {
		uint64_t address = cfi_frame_address(&walk->frame);
		const struct code_address *code = address_space_find(walk->space, address);
		struct unwind_memory_frame *trail = &walk->trail[walk->depth];
		bool is_signal;
		enum cfi_step step;

		bool is_root = code->is_before_root && !walk->frame.is_exact;

		/* A handler returns to the first instruction of its trampoline, and a coroutine to
		 * that of the function which ends it. Nothing called those: the byte before has
		 * another name. */
		if ((code->rule.is_signal && !walk->frame.is_exact) || is_root) {
			walk->frame.is_exact = true;
			code = address_space_find(walk->space, ++address);
		}
		is_signal = code->rule.kind == CFI_SIGNAL;
		walk->frames[walk->depth] = code->frame;
		trail->position = walk->frame.registers[CFI_SP];
		trail->address = address;
		trail->frame = code->frame;
		if (is_root) {
			*ending = walk->was_guessed ? PROFILE_ENDING_GUESSED
						    : PROFILE_ENDING_COMPLETE;
			step = CFI_STEP_END;
		} else if (code->kind == PROFILE_MODULE_UNKNOWN) {
			*ending = PROFILE_ENDING_UNMAPPED;
			step = CFI_STEP_NO_RULE;
		} else if (has_go_switched(walk, code)) {
			step = step_by_go(walk, (enum go_stack)code->stack, ending);
		} else {
			step = cfi_step(&code->rule, &walk->frame, &walk->copy);
			if (step == CFI_STEP_END)
				*ending = walk->was_guessed ? PROFILE_ENDING_GUESSED
							    : PROFILE_ENDING_COMPLETE;
			else if (step == CFI_STEP_IMPOSSIBLE)
				*ending = PROFILE_ENDING_BAD;
			else if (step == CFI_STEP_NO_RULE)
				step = step_by_guess(walk, code->is_entry, ending);
		}
		if (step == CFI_STEP_OUTSIDE)
			return false;
		walk->depth++;
		if (step != CFI_STEP_DONE || is_last(walk, ending))
			return true;
		note_step(walk, is_signal);
		restore_return(walk);
	}
	*ending = PROFILE_ENDING_TOO_DEEP;
	return true;
}

static bool is_same_function(struct address_space *space, uint64_t a, uint64_t b)
{
	uint64_t start_a, start_b;

	return address_space_function(space, a, &start_a) &&
	       address_space_function(space, b, &start_b) && start_a == start_b;
}

/* ---- finishing from the chain of frame pointers --------------------------------------------- */

/* Appends the frame of a caller; returns its code, or NULL when there is no room or no code. */
static const struct code_address *add_caller(struct walk *walk, uint64_t address)
{
	const struct code_address *code = address_space_find(walk->space, address);

	if (walk->depth == UNWIND_DEPTH || code->kind == PROFILE_MODULE_UNKNOWN)
		return NULL;
	walk->frames[walk->depth] = code->frame;
	walk->trail[walk->depth++] = (struct unwind_memory_frame){0, address, code->frame};
	return code;
}

/*
 * Goes on from the frame that could not be left, by the return addresses that follow its own in
 * the kernel's chain. A function without a frame has no part in the chain: where one switched
 * stacks its caller is the function that the next return address's call instruction leads to.
 */
static bool finish_by_callers(struct walk *walk)
{
	const struct code_address *code =
		address_space_find(walk->space, cfi_frame_address(&walk->frame));
	uint32_t depth = walk->depth++;
	size_t i = 0;

	if (code->stack == GO_STACK_NONE || walk->frame.is_exact)
		i = walk->caller_count;
	while (i < walk->caller_count && walk->callers[i] != walk->frame.registers[CFI_IP])
		i++;
	while (++i < walk->caller_count && code) {
		uint64_t target;

		if (code->stack == GO_STACK_SWITCHED &&
		    address_space_call_target(walk->space, walk->callers[i], &target) &&
		    !is_same_function(walk->space, code->address, target) &&
		    !add_caller(walk, target))
			break;
		code = add_caller(walk, walk->callers[i] - 1);
		if (code && (code->rule.kind == CFI_END || code->stack == GO_STACK_LEFT))
			return true;
	}
	walk->depth = depth;
	return false;
}

/* ---- finishing from the live process ------------------------------------------------------- */

/*
 * Finds the return address of the innermost function where the kernel's chain has it.
 *
 * @caller  receives the caller's frame, of which nothing else is known
 */
static bool find_known_caller(struct walk *walk, struct cfi_frame *caller)
{
	const struct cfi_frame *frame = &walk->frame;
	const struct cfi_rule *rule =
		&address_space_find(walk->space, cfi_frame_address(frame))->rule;
	uint64_t bp = frame->registers[CFI_BP];

	if (walk->depth || walk->caller_count < 2 || walk->callers[0] != frame->registers[CFI_IP] ||
	    rule->kind != CFI_REGISTER || rule->cfa_register != CFI_BP ||
	    rule->ip_saved != CFI_AT_CFA || rule->cfa_offset + rule->ip_offset != 8)
		return false;
	*caller = *frame;
	caller->registers[CFI_SP] = bp + (uint64_t)(int64_t)rule->cfa_offset;
	caller->registers[CFI_IP] = walk->callers[1];
	caller->known = 1U << CFI_SP | 1U << CFI_IP;
	caller->is_exact = false;
	caller->return_slot = bp + 8;
	return true;
}

/* Finishes the walk from live memory. Where that leads nowhere it was not the sample's stack after
 * all, and the walk is put back to where the copy ended. */
static bool finish_live(struct walk *walk, enum profile_ending *ending)
{
	struct cfi_frame frame = walk->frame;
	bool was_guessed = walk->was_guessed;
	uint32_t depth = walk->depth;
	bool is_finished = false;
	struct cfi_frame caller;

	if (find_known_caller(walk, &caller))
		live_stack_note(&walk->live, caller.return_slot, caller.registers[CFI_IP]);
	while (!is_finished && live_stack_read(&walk->live, &walk->frame)) {
		walk->copy.next = &walk->live.memory;
		is_finished = walk_on(walk, ending);
	}
	if (is_finished &&
	    (profile_endings[*ending].complete || *ending == PROFILE_ENDING_TOO_DEEP) &&
	    live_stack_confirm(&walk->live))
		return true;
	walk->frame = frame;
	walk->was_guessed = was_guessed;
	walk->depth = depth;
	walk->copy.next = NULL;
	return false;
}

/* ---- finishing from the last complete walk -------------------------------------------------- */

static void remember(const struct walk *walk, struct unwind_memory *memory)
{
	if (memory->capacity < walk->depth) {
		memory->capacity = walk->depth + walk->depth / 2;
		memory->frames =
			xreallocarray(memory->frames, memory->capacity, sizeof(*memory->frames));
	}
	memcpy(memory->frames, walk->trail, walk->depth * sizeof(*walk->trail));
	memory->count = walk->depth;
}

/* Finds the frame of the last complete walk that is the one we stand in: the same position and
 * address, or the same upper end and function (at another call in it). Returns its index or
 * memory->count. */
static uint32_t find_meeting(struct walk *walk, const struct unwind_memory *memory)
{
	const struct unwind_memory_frame *here = &walk->trail[walk->depth];
	const struct code_address *code = address_space_find(walk->space, here->address);
	uint64_t top;
	bool has_top = cfi_frame_top(&code->rule, &walk->frame, &top);

	for (uint32_t i = 0; i < memory->count; i++) {
		const struct unwind_memory_frame *there = &memory->frames[i];

		if (there->position == here->position && there->address == here->address)
			return i;
		/* The upper end of a frame is the lower end of its caller's. */
		if (has_top && i + 1 < memory->count && memory->frames[i + 1].position == top &&
		    is_same_function(walk->space, there->address, here->address))
			return i;
	}
	return memory->count;
}

/* Says whether a call of the last complete walk stands more than once in it. */
static bool is_recursive(const struct unwind_memory *memory, uint32_t call)
{
	for (uint32_t i = 0; i < memory->count; i++)
		if (i != call && memory->frames[i].address == memory->frames[call].address)
			return true;
	return false;
}

/* Says whether the frames below the meeting are the same in both walks, as far as there are some,
 * up to RECURSION_PROOF. */
static bool is_same_below(const struct walk *walk, const struct unwind_memory *memory,
			  uint32_t meeting)
{
	uint32_t count = walk->depth < RECURSION_PROOF ? walk->depth : RECURSION_PROOF;

	if (!count || meeting < count)
		return false;
	for (uint32_t i = 1; i <= count; i++) {
		const struct unwind_memory_frame *here = &walk->trail[walk->depth - i];
		const struct unwind_memory_frame *there = &memory->frames[meeting - i];

		if (here->position != there->position || here->address != there->address)
			return false;
	}
	return true;
}

/*
 * Completes the walk with the frames of the last complete one; returns false when they do not
 * meet. That a recursion's frame stands at the same place with the same address says little: the
 * way down to it may be another one each time.
 */
static bool join(struct walk *walk, const struct unwind_memory *memory)
{
	uint32_t meeting = find_meeting(walk, memory);
	uint32_t rest;

	if (meeting == memory->count ||
	    (is_recursive(memory, meeting) && !is_same_below(walk, memory, meeting)))
		return false;
	rest = memory->count - meeting - 1;
	if (rest >= UNWIND_DEPTH - walk->depth)
		return false;
	walk->depth++;
	for (uint32_t i = 0; i < rest; i++, walk->depth++) {
		walk->trail[walk->depth] = memory->frames[meeting + 1 + i];
		walk->frames[walk->depth] = walk->trail[walk->depth].frame;
	}
	return true;
}

/* Finishes the walk by the last complete one, from the innermost function's caller on when that is
 * known. What does not meet it has no part in the walk. */
static bool finish_by_memory(struct walk *walk, const struct unwind_memory *memory)
{
	uint32_t depth = walk->depth;
	enum profile_ending ending;
	struct cfi_frame caller;
	bool has_ended = false;

	if (find_known_caller(walk, &caller)) {
		walk->frame = caller;
		walk->depth++;
		has_ended = walk_on(walk, &ending);
	}
	if (!has_ended && join(walk, memory))
		return true;
	walk->depth = depth;
	return false;
}

/* ---- brief copies ---------------------------------------------------------------------------- */

/* Says whether the last complete walk had the same frames from @end upward, if there are any. */
static bool stood_before(const struct walk *walk, uint64_t end, const struct unwind_memory *memory)
{
	uint32_t here = walk->depth, there = memory->count;

	while (here && walk->trail[here - 1].position >= end) {
		const struct unwind_memory_frame *now = &walk->trail[--here];
		const struct unwind_memory_frame *before;

		if (!there)
			return false;
		before = &memory->frames[--there];
		if (now->position != before->position || now->address != before->address)
			return false;
	}
	return true;
}

/* Finishes a walk that left a brief copy. */
static bool finish_brief(struct walk *walk, struct unwind_memory *memory,
			 enum profile_ending *ending)
{
	uint64_t end = walk->copy.start + walk->copy.bytes;
	uint32_t depth = walk->depth;

	if (!memory || memory->is_doubtful)
		return false;
	if (finish_live(walk, ending) && profile_endings[*ending].complete &&
	    stood_before(walk, end, memory)) {
		if (*ending == PROFILE_ENDING_COMPLETE)
			*ending = PROFILE_ENDING_FINISHED_LIVE;
		return true;
	}
	walk->depth = depth;
	if (walk->live.is_gone && finish_by_memory(walk, memory)) {
		*ending = PROFILE_ENDING_FINISHED_CHAIN;
		return true;
	}
	memory->is_doubtful = true;
	memory->changes++;
	return false;
}

/* Says whether a brief copy would have done for a walk. */
static bool does_brief(const struct walk *walk, const struct unwind_memory *memory,
		       enum profile_ending ending)
{
	return profile_endings[ending].complete &&
	       stood_before(walk, walk->copy.start + walk->sample->brief_bytes, memory);
}

/* Finishes a walk that left the copy. Returns false when it stays truncated. */
static bool finish(struct walk *walk, struct unwind_memory *memory, enum profile_ending *ending)
{
	if (finish_by_callers(walk)) {
		*ending = PROFILE_ENDING_GUESSED;
		return true;
	}
	if (walk->sample->is_brief)
		return finish_brief(walk, memory, ending);
	if (finish_live(walk, ending)) {
		if (*ending == PROFILE_ENDING_COMPLETE)
			*ending = PROFILE_ENDING_FINISHED_LIVE;
		return true;
	}
	*ending = PROFILE_ENDING_FINISHED_CHAIN;
	return memory && finish_by_memory(walk, memory);
}

/* ------------------------------------------------------------------------------------------- */

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
	walk->copy = (struct cfi_memory){sample->stack, sample->registers[CFI_SP],
					 sample->stack_bytes, NULL};
	walk->callers = sample->callers;
	walk->caller_count = sample->caller_count;
	walk->was_guessed = false;
	walk->depth = 0;
	walk->frames = frames;
}

uint32_t unwind_walk(struct address_space *space, struct unwind_memory *memory, pid_t pid,
		     const struct unwind_sample *sample, uint32_t *frames,
		     enum profile_ending *ending)
{
	struct walk walk;

	begin(&walk, space, pid, sample, frames);
	if (!walk_on(&walk, ending) && !finish(&walk, memory, ending)) {
		*ending = PROFILE_ENDING_TRUNCATED;
		walk.depth++; /* the frame that could not be left */
	}
	if (memory && sample->brief_bytes && !sample->is_brief) {
		memory->changes += !does_brief(&walk, memory, *ending);
		memory->is_doubtful = false;
	}
	if (memory && profile_endings[*ending].complete)
		remember(&walk, memory);
	return walk.depth;
}
