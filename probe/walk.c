/* SPDX-License-Identifier: MIT */
/* walk: see walk.h. */
#include "probe/walk.h"

#include "probe/rules.h"
#include "probe/stacks.h"
#include "probe/walk_slow.h"

/* Where a walk met the last one, or how it ended without. */
struct meeting {
	uint32_t kept;		 /* frames of the last walk that are this one's, too */
	enum wire_ending ending; /* 0: it reached the first function */
	bool is_plain;		 /* all of the short form: fit to be remembered */
};

void walk_reset(struct walk *walk, uint64_t stack_start, uint64_t stack_end)
{
	walk->stack_start = stack_start;
	walk->stack_end = stack_end;
	walk->count = 0;
	walk->era++;
}

/* A word of the thread's stack. */
static inline uint64_t word(uint64_t address)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): memory of the process */
	return *(const volatile uint64_t *)address;
}

/*
 * Compares what the rest of the remembered walk read, from frame @met outward, with what stands
 * there now. Returns the outermost frame up to which it is the same: 0 when all of it is.
 */
static inline uint32_t verify(const struct walk *walk, uint32_t met)
{
	for (const struct walk_frame *frame = &walk->frames[met]; met; met--) {
		frame--;
		if (word(frame->sp - 8) != frame->ip ||
		    (frame->bp_slot && word(frame->bp_slot) != frame->bp))
			break;
	}
	return met;
}

static inline void push(struct walk *walk, const struct walk_start *state, uint64_t leave)
{
	struct walk_frame *frame = &walk->new_frames[walk->new_count++];

	frame->ip = state->ip;
	frame->sp = state->sp;
	frame->bp = state->bp;
	frame->leave = leave;
}

/*
 * Leaves one function, whose frame has been pushed last. Returns false when its frame would not lie
 * above.
 */
static inline bool leave(struct walk *walk, struct walk_start *state, uint64_t how)
{
	uint64_t base = (how & LEAVE_KIND) == LEAVE_SP ? state->sp : state->bp;
	uint64_t cfa = base + (uint64_t)leave_offset(how);

	if (cfa <= state->sp || cfa > walk->stack_end || cfa & 7)
		return false;
	if (how & LEAVE_SAVES_BP) {
		uint64_t slot = cfa + (uint64_t)leave_bp(how);

		/* Below sp nothing is saved any more: see cfi_step. */
		if (slot >= state->sp && slot <= walk->stack_end - 8)
			state->bp = word(slot);
		else
			walk->new_frames[walk->new_count - 1].leave &= ~(uint64_t)LEAVE_SAVES_BP;
	}
	state->ip = word(cfa - 8);
	state->sp = cfa;
	return true;
}

/*
 * Takes over the remembered frames from @met out to @last, whose states are this walk's, too; bp
 * may differ where it did not matter, and is found anew. @state becomes that of @last.
 */
static bool take_over(struct walk *walk, uint32_t met, uint32_t last, struct walk_start *state)
{
	for (uint32_t i = met;; i--) {
		const struct walk_frame *frame = &walk->frames[i];

		if (walk->new_count == WALK_DEPTH)
			return false;
		state->ip = frame->ip;
		state->sp = frame->sp;
		if (i == last)
			return true; /* the walk itself pushes it */
		push(walk, state, frame->leave);
		if (frame->leave & LEAVE_SAVES_BP)
			state->bp = word(frame[-1].sp + (uint64_t)leave_bp(frame->leave));
	}
}

/* Returns whether the walk meets frame @index of the last one. */
static inline bool is_same(const struct walk *walk, uint32_t index, const struct walk_start *state)
{
	const struct walk_frame *frame = &walk->frames[index];

	return frame->sp == state->sp && frame->ip == state->ip &&
	       (!frame->needs_bp || frame->bp == state->bp);
}

/* Unwinds until the last walk is met or there is nothing more to unwind. */
static struct meeting unwind(struct walk *walk, struct walk_start state)
{
	uint32_t candidate = walk->count; /* frames below it have not been looked at */

	walk->new_count = 0;
	if (state.sp < walk->stack_start || state.sp >= walk->stack_end || state.sp & 7)
		return (struct meeting){.ending = walk_slow(walk, &state)};
	for (;;) {
		uint64_t how;

		while (candidate && walk->frames[candidate - 1].sp < state.sp)
			candidate--;
		if (candidate && is_same(walk, candidate - 1, &state)) {
			uint32_t last = verify(walk, candidate - 1);

			if (!last)
				return (struct meeting){.kept = candidate, .is_plain = true};
			if (!take_over(walk, candidate - 1, last, &state))
				return (struct meeting){.ending = WIRE_ENDING_TOO_DEEP};
			candidate = last;
		}
		if (walk->new_count == WALK_DEPTH)
			return (struct meeting){.ending = WIRE_ENDING_TOO_DEEP};
		how = rules_leave(state.ip);
		if ((how & LEAVE_KIND) == LEAVE_FULL || (how & LEAVE_KIND) == LEAVE_NO_RULE)
			return (struct meeting){.ending = walk_slow(walk, &state)};
		push(walk, &state, how);
		if ((how & LEAVE_KIND) == LEAVE_END)
			return (struct meeting){.is_plain = true};
		if (!leave(walk, &state, how))
			return (struct meeting){.ending = WIRE_ENDING_BAD};
	}
}

/* Makes the node of each frame. Nothing is remembered. */
static uint32_t name_only(const struct walk *walk, const struct meeting *meeting)
{
	uint32_t node = walk->root;

	if (meeting->ending)
		node = stacks_node(node, meeting->ending);
	for (uint32_t i = walk->new_count; i-- > 0;)
		node = stacks_node(node, walk->new_frames[i].ip);
	return node;
}

/* Says where bp of a frame's state must stand again, given what matters in it. */
static inline void note_bp(struct walk_frame *frame, const struct walk_frame *callee)
{
	uint64_t kind = frame->leave & LEAVE_KIND;
	const struct walk_frame *caller = frame - 1;

	frame->needs_bp =
		kind == LEAVE_BP ||
		(kind == LEAVE_SP && !(frame->leave & LEAVE_SAVES_BP) && caller->needs_bp);
	frame->bp_slot = 0;
	if (callee && frame->needs_bp && callee->leave & LEAVE_SAVES_BP)
		frame->bp_slot = frame->sp + (uint64_t)leave_bp(callee->leave);
}

/* ---- tails -------------------------------------------------------------------------------- */

static inline struct walk_tail *tails_of(struct walk *walk, uint64_t ip, uint64_t sp)
{
	return walk->tails[((ip ^ sp << 20) * 0x9e3779b97f4a7c15u) >> 57];
}

_Static_assert(WALK_TAIL_SETS == 1 << (64 - 57), "as the shift says");

/* Keeps what was read from the innermost frame to the meeting with frame @met. */
static void keep_tail(struct walk *walk, uint32_t met)
{
	const struct walk_frame *start = &walk->frames[walk->count - 1], *meeting;
	struct walk_tail *tail =
		&tails_of(walk, start->ip, start->sp)[walk->oldest++ % WALK_TAIL_WAYS];
	uint32_t count = 0;

	meeting = &walk->frames[met];
	tail->era = 0;
	for (const struct walk_frame *frame = start; frame > meeting;) {
		frame--;
		if (count + 2 > WALK_TAIL_CHECKS)
			return;
		tail->checks[count++] = (struct walk_check){frame->sp - 8, frame->ip};
		if (frame->bp_slot)
			tail->checks[count++] = (struct walk_check){frame->bp_slot, frame->bp};
	}
	tail->ip = start->ip;
	tail->sp = start->sp;
	tail->bp = start->bp;
	tail->needs_bp = start->needs_bp;
	tail->node = start->node;
	tail->check_count = (uint16_t)count;
	tail->met = met;
	tail->met_node = meeting->node;
	tail->met_sp = meeting->sp;
	tail->met_bp = meeting->bp;
	tail->met_needs_bp = meeting->needs_bp;
	tail->era = walk->era;
}

/* Returns whether the walk goes along a tail, and on as the last one. */
static inline bool follows(const struct walk *walk, const struct walk_tail *tail,
			   const struct walk_start *start)
{
	const struct walk_frame *met = &walk->frames[tail->met];

	if (tail->ip != start->ip || tail->sp != start->sp || tail->era != walk->era ||
	    (tail->needs_bp && tail->bp != start->bp))
		return false;
	for (uint32_t i = 0; i < tail->check_count; i++)
		if (word(tail->checks[i].address) != tail->checks[i].value)
			return false;
	return tail->met < walk->count && met->node == tail->met_node && met->sp == tail->met_sp &&
	       met->needs_bp == tail->met_needs_bp &&
	       (!tail->met_needs_bp || met->bp == tail->met_bp) && !verify(walk, tail->met);
}

/* Returns the stack of a walk that goes along the last one or a tail, 0 when it does not. */
static inline uint32_t follow(struct walk *walk, const struct walk_start *start)
{
	const struct walk_tail *tails;

	if (!walk->count)
		return 0;
	if (is_same(walk, walk->count - 1, start) && !verify(walk, walk->count - 1))
		return walk->frames[walk->count - 1].node;
	tails = tails_of(walk, start->ip, start->sp);
	for (uint32_t way = 0; way < WALK_TAIL_WAYS; way++)
		if (follows(walk, &tails[way], start))
			return tails[way].node;
	return 0;
}

/* ------------------------------------------------------------------------------------------- */

/* Puts the new frames on top of the kept ones, with their nodes. */
static uint32_t remember(struct walk *walk, uint32_t kept)
{
	uint32_t node = kept ? walk->frames[kept - 1].node : walk->root;
	bool is_unchanged = true;
	struct walk_frame *frame = &walk->frames[kept];

	/* How the kept frame's bp came about may have changed with its callee. */
	if (kept && walk->new_count && walk->frames[kept - 1].needs_bp)
		note_bp(&walk->frames[kept - 1], &walk->new_frames[walk->new_count - 1]);
	for (uint32_t i = walk->new_count; i-- > 0; frame++) {
		const struct walk_frame *new = &walk->new_frames[i];
		uint32_t index = (uint32_t)(frame - walk->frames);

		is_unchanged = is_unchanged && index < walk->count && frame->ip == new->ip;
		node = is_unchanged ? frame->node : stacks_node(node, new->ip);
		*frame = *new;
		frame->node = node;
		if (index)
			note_bp(frame, i ? new - 1 : NULL);
		else
			frame->needs_bp = false, frame->bp_slot = 0;
	}
	walk->count = (uint32_t)(frame - walk->frames);
	if (kept && walk->new_count)
		keep_tail(walk, kept - 1);
	return node;
}

/* Code was unloaded, or this is another process: what was remembered is void. */
static void start_anew(struct walk *walk)
{
	walk->generation = atomic_load(&rules_generation);
	walk->root = atomic_load(&stacks_root);
	walk->count = 0;
	walk->era++;
}

static uint32_t walk_once(struct walk *walk, const struct walk_start *start)
{
	struct meeting meeting;
	uint32_t node = follow(walk, start);

	if (node)
		return node;
	meeting = unwind(walk, *start);
	if (meeting.kept + walk->new_count > WALK_DEPTH) {
		walk->count = 0;
		meeting = unwind(walk, *start);
	}
	if (!meeting.is_plain)
		return name_only(walk, &meeting);
	return remember(walk, meeting.kept);
}

#ifdef PROBE_VERIFY
/* The test build: walks again without what is remembered, which must give the same stack. */
static void check(struct walk *walk, const struct walk_start *start, uint32_t node)
{
	uint32_t count = walk->count, full;
	struct meeting meeting;

	walk->count = 0;
	meeting = unwind(walk, *start);
	full = name_only(walk, &meeting);
	walk->count = count;
	atomic_fetch_add(&probe.wire->walks_checked, 1);
	if (full != node)
		atomic_fetch_add(&probe.wire->walks_wrong, 1);
}
#endif

uint32_t walk_stack(struct walk *walk, const struct walk_start *start)
{
	uint32_t node;

	if (walk->generation != atomic_load_explicit(&rules_generation, memory_order_relaxed) ||
	    walk->root != atomic_load_explicit(&stacks_root, memory_order_relaxed))
		start_anew(walk);
	node = walk_once(walk, start);
#ifdef PROBE_VERIFY
	check(walk, start, node);
#endif
	return node;
}
