/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_finish: what a walk does where the copy of the stack ends (unwind_walk.h).
 *
 * Of a deep recursion most lies beyond the copy, and to read all of it for each sample would take
 * longer than to take the sample. So when the walk has come some way in live memory and meets the
 * thread's last complete one for many frames in a row, the rest is taken from that, provided that
 * its outermost return addresses, and some between, still stand where they stood.
 */
#include "collector/base/xalloc.h"
#include "collector/resolve/unwind_walk.h"

#include <time.h>

/* Frames that must agree before a recursion's last walk is taken for this one's. */
#define RECURSION_PROOF 24

/* Windows of live memory that are read before the last complete walk is asked. */
#define WINDOWS_ALONE 2

/* Of two copies of a recursion's stack, compared at their upper ends. */
#define MOST_SAME_BYTES 8192

#define MOST_COPY_BYTES (64 << 10)

/* Of the copy, next to what live memory is asked for, that say that it is the same stack. */
#define LEAST_SEEN_BYTES 256

/* Of a recursion's copy, at its end, that must stand while the rest is read. */
#define RECURSION_BYTES 2048

/* A recursion of more functions than this is told apart by them. */
#define LONGEST_PERIOD 8

/* Walks for which a change below a recursion is feared to be one of many. */
#define RESTLESS_WALKS 64

/* One in so many walks that find no end may read all of a deep stack. */
#define WHOLE_READS_APART 16

/* ---- the last complete walk -------------------------------------------------- */

/* A copy that ended before the stack did may be compared with the next one. */
static void remember_copy(const struct walk *walk, struct unwind_memory *memory)
{
	if (!memory->copy)
		memory->copy = xmalloc(MOST_COPY_BYTES);
	memory->copy_start = walk->copy.start;
	memory->copy_bytes =
		walk->copy.bytes < MOST_COPY_BYTES ? walk->copy.bytes : MOST_COPY_BYTES;
	memcpy(memory->copy, walk->copy.data, memory->copy_bytes);
}

static void keep(const struct walk *walk, struct unwind_stack *stack)
{
	if (stack->capacity < walk->depth) {
		stack->capacity = walk->depth + walk->depth / 2;
		stack->frames =
			xreallocarray(stack->frames, stack->capacity, sizeof(*stack->frames));
	}
	memcpy(stack->frames, walk->trail, walk->depth * sizeof(*walk->trail));
	stack->count = walk->depth;
}

static void remember_deep(const struct walk *walk, struct unwind_memory *memory)
{
	keep(walk, &memory->deep);
	remember_copy(walk, memory);
	memory->is_deep_believed = true;
}

void unwind_remember(const struct walk *walk, struct unwind_memory *memory)
{
	keep(walk, &memory->last);
	if (!walk->sample->is_brief && (walk->has_left || unwind_is_beyond_copy(walk)))
		remember_deep(walk, memory);
}

/* Finds the frame of the last complete walk that is the one we stand in: the same position and
 * address, or the same upper end and function (at another call in it). Returns its index or
 * memory->count. */
static uint32_t find_meeting(struct walk *walk, const struct unwind_stack *before)
{
	const struct unwind_memory_frame *here = &walk->trail[walk->depth];
	const struct code_address *code = address_space_find(walk->space, here->address);
	uint64_t top;
	bool has_top = cfi_frame_top(&code->rule, &walk->frame, &top);

	for (uint32_t i = 0; i < before->count; i++) {
		const struct unwind_memory_frame *there = &before->frames[i];

		if (there->position == here->position && there->address == here->address)
			return i;
		/* The upper end of a frame is the lower end of its caller's. */
		if (has_top && i + 1 < before->count && before->frames[i + 1].position == top &&
		    unwind_is_same_function(walk->space, there->address, here->address))
			return i;
	}
	return before->count;
}

/* Says whether the call that this walk has come to stands in it already. */
static bool is_in_recursion(const struct walk *walk)
{
	for (uint32_t i = 0; i < walk->depth; i++)
		if (walk->trail[i].address == walk->trail[walk->depth].address)
			return true;
	return false;
}

/* The part of the copy that belongs to functions which wait for another one to return. */
static struct cfi_memory suspended_copy(const struct walk *walk)
{
	uint64_t offset = walk->trail[1].position - walk->copy.start;

	if (offset > walk->copy.bytes)
		offset = walk->copy.bytes;
	return (struct cfi_memory){walk->copy.data + offset, walk->copy.start + offset,
				   walk->copy.bytes - offset, NULL};
}

/* Says whether the upper end of the copy, where it and that of the last complete walk lie one over
 * the other, is the same in both. */
static bool is_same_copy(const struct walk *walk, const struct unwind_memory *memory)
{
	struct cfi_memory here = suspended_copy(walk);
	uint64_t end = here.start + here.bytes, start = here.start;

	if (end > memory->copy_start + memory->copy_bytes)
		end = memory->copy_start + memory->copy_bytes;
	if (start < memory->copy_start)
		start = memory->copy_start;
	if (start >= end)
		return true;
	if (end - start > MOST_SAME_BYTES)
		start = end - MOST_SAME_BYTES;
	return memcmp(here.data + (start - here.start), memory->copy + (start - memory->copy_start),
		      end - start) == 0;
}

/* Says whether a call of the last complete walk stands more than once in it. */
static bool is_recursive(const struct unwind_stack *before, uint32_t call)
{
	for (uint32_t i = 0; i < before->count; i++)
		if (i != call && before->frames[i].address == before->frames[call].address)
			return true;
	return false;
}

/* Says whether the frames below the meeting are the same in both walks, as far as there are some,
 * up to RECURSION_PROOF. */
static bool is_same_below(const struct walk *walk, const struct unwind_stack *before,
			  uint32_t meeting)
{
	uint32_t count = walk->depth < RECURSION_PROOF ? walk->depth : RECURSION_PROOF;

	if (!count || meeting < count)
		return false;
	for (uint32_t i = 1; i <= count; i++) {
		const struct unwind_memory_frame *here = &walk->trail[walk->depth - i];
		const struct unwind_memory_frame *there = &before->frames[meeting - i];

		if (here->position != there->position || here->address != there->address)
			return false;
	}
	return true;
}

/*
 * Says whether the recursion had called the same functions in both walks: from the innermost one up
 * to the call that the recursion itself consists of. Who enters a recursion often tells it what to
 * call, so what it calls says who entered it.
 */
static bool is_same_called(const struct walk *walk, const struct unwind_stack *before,
			   uint32_t meeting)
{
	uint64_t call = before->frames[meeting].address;

	for (uint32_t i = 0; i < walk->depth && i < before->count; i++) {
		uint64_t here = walk->trail[i].address, there = before->frames[i].address;

		if (here == call || there == call)
			return here == there;
		if (!unwind_is_same_function(walk->space, here, there))
			return false;
	}
	return false;
}

/* Takes all frames beyond the meeting from the last complete walk; false when they are too many. */
static bool take_rest(struct walk *walk, const struct unwind_stack *before, uint32_t meeting)
{
	uint32_t rest = before->count - meeting - 1;

	if (rest >= UNWIND_DEPTH - walk->depth)
		return false;
	walk->depth++;
	for (uint32_t i = 0; i < rest; i++, walk->depth++) {
		const struct unwind_memory_frame *there = &before->frames[meeting + 1 + i];

		unwind_note_frame(walk, there->position, there->address, there->frame);
	}
	return true;
}

/* ---- what a handler interrupted ------------------------------------------------------------- */

void unwind_keep_interruption(const struct walk *walk, struct unwind_memory *memory,
			      enum profile_ending ending)
{
	memory->interrupted.count = 0;
	if (!profile_endings[ending].complete)
		return;
	keep(walk, &memory->interrupted);
	memory->interrupted_ending = ending;
}

static bool is_signal_frame(const struct walk *walk, const struct unwind_memory_frame *frame)
{
	return address_space_find(walk->space, frame->address)->rule.kind == CFI_SIGNAL;
}

/*
 * Goes on with what the last interruption told. Handlers that interrupt one another on the same
 * stack are all in that one. The interrupted address can differ: a system call that is begun again,
 * or a restartable sequence, is set back after it was told.
 */
static bool finish_interrupted(struct walk *walk, const struct unwind_memory *memory,
			       enum profile_ending *ending)
{
	const struct unwind_stack *before = &memory->interrupted;
	const struct unwind_memory_frame *here = &walk->trail[walk->depth];
	uint32_t i = 0;

	while (i < before->count && before->frames[i].position != here->position)
		i++;
	if (i == before->count || (i && !is_signal_frame(walk, &before->frames[i - 1])) ||
	    (before->frames[i].address != here->address &&
	     !unwind_is_same_function(walk->space, before->frames[i].address, here->address)) ||
	    !take_rest(walk, before, i))
		return false;
	*ending = memory->interrupted_ending == PROFILE_ENDING_GUESSED ? PROFILE_ENDING_GUESSED
								       : unwind_root_ending(walk);
	return true;
}

/* ---- finishing from the live process ------------------------------------------------------- */

/* Says whether what the last complete walk has beyond its frame @meeting still stands in the live
 * stack: of its return addresses the outermost ones and some between. */
static bool does_rest_stand(const struct walk *walk, const struct unwind_stack *before,
			    uint32_t meeting)
{
	struct live_stack_witness witnesses[LIVE_STACK_WITNESSES];
	uint32_t rest = before->count - meeting - 1;
	uint32_t count = rest < LIVE_STACK_WITNESSES ? rest : LIVE_STACK_WITNESSES;
	uint32_t spread = count / 2; /* these are taken evenly from the whole rest */

	for (uint32_t i = 0; i < count; i++) {
		uint32_t above =
			i < spread ? (uint32_t)((uint64_t)rest * i / spread) : rest - (count - i);
		const struct unwind_memory_frame *frame = &before->frames[meeting + 1 + above];

		/* A call leaves the address behind it below what its caller then has as the stack
		 * pointer. */
		witnesses[i] = (struct live_stack_witness){frame->position - 8, frame->address + 1};
	}
	return live_stack_stands(&walk->live, witnesses, count);
}

/* Completes a walk that has come some way in live memory with the last complete one of its kind. */
static bool join_live(struct walk *walk, const struct unwind_memory *memory)
{
	uint32_t meeting;

	if (walk->depth < RECURSION_PROOF || walk->sample->is_brief || !memory->deep.count)
		return false;
	meeting = find_meeting(walk, &memory->deep);
	if (meeting == memory->deep.count || !is_same_below(walk, &memory->deep, meeting))
		return false;
	return does_rest_stand(walk, &memory->deep, meeting) &&
	       take_rest(walk, &memory->deep, meeting);
}

/* Says whether the walk may read as much as there is. */
static bool may_read_whole(struct unwind_memory *memory)
{
	if (!memory)
		return false;
	if (memory->walks_until_whole) {
		memory->walks_until_whole--;
		return false;
	}
	return true;
}

/* Reads window after window until the walk has ended. */
static bool walk_live(struct walk *walk, struct unwind_memory *memory, enum profile_ending *ending)
{
	bool is_whole = may_read_whole(memory);

	struct cfi_memory suspended = walk->depth ? suspended_copy(walk) : walk->copy;
	const struct cfi_memory *seen =
		walk->sample->is_brief && !is_in_recursion(walk) ? NULL : &suspended;

	for (uint32_t windows = 0; live_stack_read(&walk->live, &walk->frame, seen, is_whole);) {
		seen = NULL;
		if (unwind_walk_on(walk, ending))
			return true;
		if (walk->is_elsewhere)
			return false;
		if (memory && ++windows >= WINDOWS_ALONE && join_live(walk, memory)) {
			*ending = PROFILE_ENDING_FINISHED_CHAIN;
			return true;
		}
	}
	return false;
}

/* Says whether the last frames that the walk has passed are the same few calls again and again, so
 * that they tell nothing of what lies below them. */
static bool is_monotonous(const struct walk *walk)
{
	const struct unwind_memory_frame *last = &walk->trail[walk->depth];

	for (uint32_t period = 1; period <= LONGEST_PERIOD; period++) {
		uint32_t i = 0;

		while (i + period <= walk->depth && i < RECURSION_PROOF &&
		       last[-(int64_t)i].address == last[-(int64_t)(i + period)].address)
			i++;
		if (i == RECURSION_PROOF)
			return true;
	}
	return false;
}

/*
 * What must stand as it was copied, before and after live memory is asked for the rest. Return
 * addresses alone do not say enough: a function that was called from elsewhere since has left the
 * same ones. Outside of recursions it is all that belongs to functions which wait; of a recursion
 * what lies next to the end of the copy. What the running function keeps may change, and says
 * nothing; nor does a brief copy (unwind.h).
 */
static struct cfi_memory must_stand(const struct walk *walk)
{
	struct cfi_memory part = {0};

	if (!walk->depth || walk->sample->is_brief)
		return part;
	part = suspended_copy(walk);
	if (is_in_recursion(walk) && part.bytes > RECURSION_BYTES) {
		part.start += part.bytes - RECURSION_BYTES;
		part.data += part.bytes - RECURSION_BYTES;
		part.bytes = RECURSION_BYTES;
	}
	return part;
}

bool unwind_finish_live(struct walk *walk, struct unwind_memory *memory,
			enum profile_ending *ending)
{
	struct cfi_frame frame = walk->frame;
	bool was_guessed = walk->was_guessed;
	uint32_t depth = walk->depth;
	struct cfi_memory part = must_stand(walk);
	struct cfi_frame caller;
	bool is_finished;

	if (unwind_find_known_caller(walk, &caller))
		live_stack_note(&walk->live, caller.return_slot, caller.registers[CFI_IP]);
	is_finished = live_stack_holds(&walk->live, &part) && walk_live(walk, memory, ending);
	if (memory && live_stack_was_long(&walk->live))
		memory->walks_until_whole = WHOLE_READS_APART;
	if (is_finished &&
	    (profile_endings[*ending].complete || *ending == PROFILE_ENDING_TOO_DEEP) &&
	    live_stack_confirm(&walk->live) && live_stack_holds(&walk->live, &part))
		return true;
	walk->frame = frame;
	walk->was_guessed = was_guessed;
	walk->depth = depth;
	live_stack_clear(&walk->live);
	return false;
}

/* ---- whether it is believed ----------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Digest of the frame that the walk left: its function, and where it ends. */
static uint64_t digest_place(const struct walk *walk, const struct cfi_frame *frame)
{
	uint64_t address = cfi_frame_address(frame), start = address;
	uint64_t top = frame->registers[CFI_SP];

	if (cfi_frame_top(&address_space_find(walk->space, address)->rule, frame, &top))
		address_space_function(walk->space, address, &start);
	return rest_belief_digest(rest_belief_digest(0, top), start);
}

/* Digest of what lies beyond the frame @left. */
static uint64_t digest_rest(const struct walk *walk, uint32_t left)
{
	uint64_t rest = 0;

	for (uint32_t i = left + 1; i < walk->depth; i++)
		rest = rest_belief_digest(rest_belief_digest(rest, walk->trail[i].position),
					  walk->trail[i].address);
	return rest;
}

/* ---- finishing by the last complete walk alone ------------------------------------------------
 */

/*
 * Completes the walk with the frames of a complete one; returns false when they do not meet. That a
 * recursion's frames stand at the same places with the same addresses says little: the way down to
 * them may be another one each time. What the functions keep there must be the same, and what lies
 * below the recursion must have been the same for some time.
 *
 * Outside of recursions nothing is joined. Live memory has just shown, or the process has ended,
 * that the activation is over; the last complete walk's can have been another. A call of 3 ms after
 * one of 600 ms got the long one's caller in two of three samples, though for long nothing else had
 * been seen: what is so short is never seen itself.
 */
static bool join(struct walk *walk, const struct unwind_memory *memory,
		 const struct unwind_stack *before)
{
	uint32_t meeting = find_meeting(walk, before);

	return meeting != before->count && is_recursive(before, meeting) && !memory->restless &&
	       is_same_below(walk, before, meeting) && is_same_called(walk, before, meeting) &&
	       (before != &memory->deep ||
		(memory->is_deep_believed && is_same_copy(walk, memory))) &&
	       take_rest(walk, before, meeting);
}

bool unwind_finish_by_memory(struct walk *walk, const struct unwind_memory *memory)
{
	uint32_t depth = walk->depth;
	enum profile_ending ending;
	struct cfi_frame caller;
	bool has_ended = false;

	/* Of a handler's callers none says what it interrupted. */
	if (walk->is_elsewhere)
		return false;
	if (unwind_find_known_caller(walk, &caller)) {
		walk->frame = caller;
		walk->depth++;
		has_ended = unwind_walk_on(walk, &ending);
	}
	if (!has_ended && (join(walk, memory, &memory->last) || join(walk, memory, &memory->deep)))
		return true;
	walk->depth = depth;
	return false;
}

/* Says whether the last such walk came to @call, the recursion's, through the same functions. A
 * stack that has been left has the new call's address where the recursion's was. */
static bool is_same_way(const struct walk *walk, uint64_t call, const struct unwind_stack *before)
{
	uint32_t here = walk->depth, there = before->count;

	while (here && there) {
		const struct unwind_memory_frame *now = &walk->trail[--here];
		const struct unwind_memory_frame *then = &before->frames[--there];

		if (now->address == call)
			return true;
		if (now->position != then->position ||
		    (now->address != then->address &&
		     !unwind_is_same_function(walk->space, now->address, then->address)))
			return false;
	}
	return false;
}

/*
 * Judges what live memory showed below a recursion whose frames are all alike. It may be another
 * activation of it, entered since from elsewhere. So it is believed only while it has been the same
 * for some time.
 */
static bool is_rest_believed(const struct walk *walk, uint64_t call, struct unwind_memory *memory)
{
	if (memory->deep.count && !is_same_way(walk, call, &memory->deep))
		memory->restless = RESTLESS_WALKS;
	else if (memory->restless)
		memory->restless--;
	return !memory->restless;
}

/*
 * Judges what live memory showed beyond the frame @left, which was at @frame. In a recursion that
 * takes another way each time there is always something else; there what functions keep is another
 * thing each time, too, and says enough. A plain one that was entered again from elsewhere
 * meanwhile can look the same word for word: it has to be the same at many moments, as outside of
 * recursions.
 */
static bool is_live_believed(const struct walk *walk, uint32_t left, const struct cfi_frame *frame,
			     bool was_in_recursion, bool is_alike, struct unwind_memory *memory)
{
	if (was_in_recursion && !is_alike && walk->live.seen_bytes >= LEAST_SEEN_BYTES)
		return true;
	return rest_belief_note(&memory->beliefs, digest_place(walk, frame),
				digest_rest(walk, left), now_ns());
}

/* Finishes a walk that left a whole copy from live memory. */
static bool finish_whole_live(struct walk *walk, struct unwind_memory *memory,
			      enum profile_ending *ending)
{
	bool is_alike = is_monotonous(walk), was_in_recursion = is_in_recursion(walk), is_right;
	struct cfi_frame frame = walk->frame, caller = {0};
	bool has_caller = unwind_find_known_caller(walk, &caller);
	uint64_t call = walk->trail[walk->depth].address;
	uint32_t left = walk->depth;

	if (!unwind_finish_live(walk, memory, ending))
		return false;
	if (*ending == PROFILE_ENDING_COMPLETE)
		*ending = PROFILE_ENDING_FINISHED_LIVE;
	if (!memory)
		return true;
	is_right = is_live_believed(walk, left + has_caller, has_caller ? &caller : &frame,
				    was_in_recursion, is_alike, memory);
	if (is_alike && !is_rest_believed(walk, call, memory))
		is_right = false;
	if (is_right)
		return true;
	if (is_alike && profile_endings[*ending].complete) {
		remember_deep(walk, memory);
		memory->is_deep_believed = false;
	}
	walk->depth = left;
	return false;
}

bool unwind_finish(struct walk *walk, struct unwind_memory *memory, enum profile_ending *ending)
{
	walk->has_left = true;
	if (walk->is_elsewhere && memory && finish_interrupted(walk, memory, ending))
		return true;
	if (unwind_finish_by_callers(walk)) {
		*ending = PROFILE_ENDING_GUESSED;
		return true;
	}
	if (walk->is_elsewhere)
		return false;
	if (walk->sample->is_brief)
		return unwind_finish_brief(walk, memory, ending);
	if (finish_whole_live(walk, memory, ending))
		return true;
	*ending = PROFILE_ENDING_FINISHED_CHAIN;
	return memory && unwind_finish_by_memory(walk, memory);
}
