/* SPDX-License-Identifier: MIT */
/* walk_slow: see walk_slow.h. */
#include "probe/walk_slow.h"

#include "probe/raw.h"
#include "probe/rules.h"

#define PAGE_BYTES 4096ull
#define WINDOWS	   8 /* stretches of memory that one walk may read */

/* What of the memory can be read, found out as the walk goes. */
struct readable {
	struct cfi_memory windows[WINDOWS];
	int count;
};

static void add_window(struct readable *readable, uint64_t start, uint64_t end)
{
	struct cfi_memory *window = &readable->windows[readable->count];

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): memory of the process */
	*window = (struct cfi_memory){(const uint8_t *)start, start, end - start, NULL};
	if (readable->count)
		window[-1].next = window;
	readable->count++;
}

/* Makes the page of @address readable; returns false when it is not, or there is no room. */
static bool extend(struct readable *readable, uint64_t address)
{
	uint64_t page = address & ~(PAGE_BYTES - 1);

	if (address & 7 || !raw_is_readable(page))
		return false;
	for (int i = 0; i < readable->count; i++) {
		struct cfi_memory *window = &readable->windows[i];

		if (window->start + window->bytes != page)
			continue;
		window->bytes += PAGE_BYTES;
		return true;
	}
	if (readable->count == WINDOWS)
		return false;
	add_window(readable, page, page + PAGE_BYTES);
	return true;
}

/*
 * Where makecontext lets a coroutine's function return to: the first byte of a function, with none
 * in front of it. No call can have left such an address.
 */
static bool is_made_up(const struct cfi_frame *frame)
{
	struct cfi_rule rule;

	rules_full(frame->registers[CFI_IP], &rule);
	return !frame->is_exact && rule.kind != CFI_NO_RULE;
}

static enum cfi_step step(struct cfi_frame *frame, struct readable *readable)
{
	struct cfi_rule rule;
	enum cfi_step result;

	rules_full(cfi_frame_address(frame), &rule);
	if (rule.kind == CFI_NO_RULE && is_made_up(frame)) {
		frame->is_exact = true;
		return CFI_STEP_END;
	}
	do
		result = cfi_step(&rule, frame, readable->windows);
	while (result == CFI_STEP_OUTSIDE && extend(readable, frame->missing));
	return result;
}

static bool append(struct walk *walk, const struct cfi_frame *frame)
{
	if (walk->new_count == WALK_DEPTH)
		return false;
	/* The tree holds return addresses; where a signal interrupted, one that would lead there.
	 */
	walk->new_frames[walk->new_count++].ip = cfi_frame_address(frame) + 1;
	return true;
}

enum wire_ending walk_slow(struct walk *walk, const struct walk_start *state)
{
	struct cfi_frame frame = {.known = 1U << CFI_IP | 1U << CFI_SP | 1U << CFI_BP};
	struct readable readable = {0};
	enum cfi_step result = CFI_STEP_DONE;

	frame.registers[CFI_IP] = state->ip;
	frame.registers[CFI_SP] = state->sp;
	frame.registers[CFI_BP] = state->bp;
	if (walk->stack_start <= state->sp && state->sp < walk->stack_end)
		add_window(&readable, state->sp, walk->stack_end);
	else
		add_window(&readable, 0, 0);
	while (result == CFI_STEP_DONE) {
		if (!append(walk, &frame))
			return WIRE_ENDING_TOO_DEEP;
		result = step(&frame, &readable);
	}
	/* Now known to be no return address: see is_made_up. */
	walk->new_frames[walk->new_count - 1].ip = cfi_frame_address(&frame) + 1;
	switch (result) {
	case CFI_STEP_END:
		return 0;
	case CFI_STEP_NO_RULE:
		return WIRE_ENDING_NO_RULE;
	case CFI_STEP_OUTSIDE:
		return WIRE_ENDING_OUTSIDE;
	default:
		return WIRE_ENDING_BAD;
	}
}
