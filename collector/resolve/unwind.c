/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind: the walk of one stack (see unwind.h).
 *
 *      sp of the sample                                  the thread's first function
 *      ↓                                                 ↓
 *      [ copy taken with the sample ][ absent or beyond the copy ]  higher addresses →
 *        walk ──────────────────────→ stops, state kept
 *                                      1. a window of the live stack joins the readable memory,
 *                                         if the stack has not changed; walk on
 *                                      2. else the rest of the thread's last complete walk
 *
 * The walk is restartable: a step that misses memory leaves the frame as it was (cfi_step), so
 * finishing is the same loop with more to read.
 *
 * Live memory is later than the sample. What stood above the copy then is there now if the
 * functions between have not returned, and they have not if their return addresses still stand in
 * their slots; the last three seen are asked for in the same system call that fetches the window.
 * Measured: without that question 10-16 % of such answers were wrong, with it under 0.4 % of all
 * samples. With none seen (the innermost frame itself leaves the copy) nothing can be verified and
 * live memory is not used.
 *
 * Code without call frame information is passed by what its instructions do up to the return
 * (epilogue.h), generated code by its frame pointer, where that gives a plausible caller; the
 * result is marked as guessed.
 */
#include "collector/resolve/unwind.h"
#include "collector/base/xalloc.h"

#include <sys/uio.h>

#define WITNESSES    3		/* return addresses that verify live memory */
#define WINDOW_BYTES (16 << 10) /* of live memory per system call */
#define WINDOW_BELOW 2048	/* bytes before the missing address: slots of the same frame */
#define WINDOW_LIMIT 64		/* per walk: 1 MB of stack */
#define PAGE	     4096
#define WINDOW_PAGES (WINDOW_BYTES / PAGE + 1)

/* Below this no code is mapped (vm.mmap_min_addr). */
#define LOWEST_CODE 4096

struct unwind_memory_frame {
	uint64_t position; /* stack pointer of the frame */
	uint64_t address;  /* run address that was looked up */
	uint32_t frame;
};

struct witness {
	uint64_t slot;
	uint64_t value;
};

struct walk {
	struct address_space *space;
	const struct unwind_sample *sample;
	pid_t pid;
	struct cfi_frame frame;
	struct cfi_memory copy;
	struct cfi_memory live; /* valid where copy.next points to it */
	const uint64_t *callers;
	size_t caller_count;
	bool was_guessed;
	uint32_t depth; /* frames left behind */
	uint32_t window_count;
	uint32_t witness_count; /* ever seen; the last WITNESSES are kept */
	struct witness witnesses[WITNESSES];
	uint32_t *frames;
	struct unwind_memory_frame trail[UNWIND_DEPTH];
	uint8_t window[WINDOW_BYTES];
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

static void note_return_slot(struct walk *walk)
{
	if (!walk->frame.return_slot)
		return;
	walk->witnesses[walk->witness_count % WITNESSES] =
		(struct witness){walk->frame.return_slot, walk->frame.registers[CFI_IP]};
	walk->witness_count++;
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
		enum cfi_step step;

		/* A handler returns to the first instruction of its trampoline, which nothing
		 * called: the byte before has another name. */
		if (code->rule.is_signal && !walk->frame.is_exact) {
			walk->frame.is_exact = true;
			code = address_space_find(walk->space, ++address);
		}
		walk->frames[walk->depth] = code->frame;
		trail->position = walk->frame.registers[CFI_SP];
		trail->address = address;
		trail->frame = code->frame;
		if (code->kind == PROFILE_MODULE_UNKNOWN) {
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
		note_return_slot(walk);
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

/* Describes [start, start + WINDOW_BYTES) page by page: the kernel delivers whole pieces, so an
 * absent page costs only itself and what follows. */
static unsigned int split_pages(uint64_t start, struct iovec *pieces)
{
	uint64_t end = start + WINDOW_BYTES;
	unsigned int count = 0;

	while (start < end) {
		uint64_t next = (start / PAGE + 1) * PAGE;

		if (next > end)
			next = end;
		pieces[count++] = (struct iovec){(void *)(uintptr_t)start, next - start};
		start = next;
	}
	return count;
}

/* Reads the stack around the missing address. Returns false when it is not there or no longer
 * the stack that the sample saw. */
static bool read_live(struct walk *walk)
{
	struct iovec remote[WITNESSES + WINDOW_PAGES];
	uint64_t seen[WITNESSES];
	struct iovec local[2] = {{seen, 0}, {walk->window, WINDOW_BYTES}};
	uint32_t count = walk->witness_count < WITNESSES ? walk->witness_count : WITNESSES;
	uint64_t start = walk->frame.missing & ~7ULL;
	uint64_t bottom = walk->frame.registers[CFI_SP] & ~7ULL;
	ssize_t bytes;

	if (!walk->pid || !count || walk->window_count++ == WINDOW_LIMIT)
		return false;
	if (start >= bottom)
		start = start - bottom > WINDOW_BELOW ? start - WINDOW_BELOW : bottom;
	for (uint32_t i = 0; i < count; i++)
		remote[i] = (struct iovec){(void *)(uintptr_t)walk->witnesses[i].slot, 8};
	local[0].iov_len = count * sizeof(seen[0]);
	bytes = process_vm_readv(walk->pid, local, 2, remote,
				 count + split_pages(start, remote + count), 0);
	if (bytes < 0 || (size_t)bytes <= local[0].iov_len)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (seen[i] != walk->witnesses[i].value)
			return false;
	walk->live.data = walk->window;
	walk->live.start = start;
	walk->live.bytes = (size_t)bytes - local[0].iov_len;
	walk->copy.next = &walk->live;
	return walk->frame.missing - start < walk->live.bytes;
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

/* Completes the walk with the frames of the last complete one; returns false when they do not
 * meet. */
static bool join(struct walk *walk, const struct unwind_memory *memory)
{
	uint32_t meeting = find_meeting(walk, memory);
	uint32_t rest;

	if (meeting == memory->count)
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

/* ------------------------------------------------------------------------------------------- */

/* Only the fields a walk reads before it writes them: the buffers are 40 KB. */
static void begin(struct walk *walk, struct address_space *space, pid_t pid,
		  const struct unwind_sample *sample, uint32_t *frames)
{
	walk->space = space;
	walk->sample = sample;
	walk->pid = pid;
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
	walk->window_count = 0;
	walk->witness_count = 0;
	walk->frames = frames;
}

/* Finishes the walk from live memory. Where that leads nowhere it was not the sample's stack after
 * all, and the walk is put back to where the copy ended. */
static bool finish_live(struct walk *walk, enum profile_ending *ending)
{
	struct cfi_frame frame = walk->frame;
	bool was_guessed = walk->was_guessed;
	uint32_t depth = walk->depth;
	bool is_finished = false;

	while (!is_finished && read_live(walk))
		is_finished = walk_on(walk, ending);
	if (is_finished &&
	    (profile_endings[*ending].complete || *ending == PROFILE_ENDING_TOO_DEEP))
		return true;
	walk->frame = frame;
	walk->was_guessed = was_guessed;
	walk->depth = depth;
	return false;
}

uint32_t unwind_walk(struct address_space *space, struct unwind_memory *memory, pid_t pid,
		     const struct unwind_sample *sample, uint32_t *frames,
		     enum profile_ending *ending)
{
	struct walk walk;

	begin(&walk, space, pid, sample, frames);
	if (!walk_on(&walk, ending)) {
		if (finish_by_callers(&walk)) {
			*ending = PROFILE_ENDING_GUESSED;
		} else if (finish_live(&walk, ending)) {
			if (*ending == PROFILE_ENDING_COMPLETE)
				*ending = PROFILE_ENDING_FINISHED_LIVE;
		} else if (memory && join(&walk, memory)) {
			*ending = PROFILE_ENDING_FINISHED_CHAIN;
		} else {
			*ending = PROFILE_ENDING_TRUNCATED;
			walk.depth++; /* the frame that could not be left */
		}
	}
	if (memory && profile_endings[*ending].complete)
		remember(&walk, memory);
	return walk.depth;
}
