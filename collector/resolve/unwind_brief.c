/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_brief: whether a brief copy of the stack would have done for a walk, and how one that left
 * it is finished (unwind.h).
 */
#include "collector/resolve/unwind_walk.h"

/* Says whether the last complete walk had the same frames from @end upward, if there are any. */
static bool stood_before(const struct walk *walk, uint64_t end, const struct unwind_stack *before)
{
	uint32_t here = walk->depth, there = before->count;

	while (here && walk->trail[here - 1].position >= end) {
		const struct unwind_memory_frame *now = &walk->trail[--here];
		const struct unwind_memory_frame *then;

		if (!there)
			return false;
		then = &before->frames[--there];
		if (now->position != then->position || now->address != then->address)
			return false;
	}
	return true;
}

bool unwind_finish_brief(struct walk *walk, struct unwind_memory *memory,
			 enum profile_ending *ending)
{
	uint64_t end = walk->copy.start + walk->copy.bytes;
	uint32_t depth = walk->depth;

	if (!memory || memory->is_doubtful)
		return false;
	if (unwind_finish_live(walk, memory, ending) && profile_endings[*ending].complete &&
	    stood_before(walk, end, &memory->last)) {
		if (*ending == PROFILE_ENDING_COMPLETE)
			*ending = PROFILE_ENDING_FINISHED_LIVE;
		return true;
	}
	walk->depth = depth;
	if (walk->live.is_gone && unwind_finish_by_memory(walk, memory)) {
		*ending = PROFILE_ENDING_FINISHED_CHAIN;
		return true;
	}
	memory->is_doubtful = true;
	memory->changes++;
	return false;
}

void unwind_judge_brief(const struct walk *walk, struct unwind_memory *memory,
			enum profile_ending ending)
{
	uint64_t end = walk->copy.start + walk->sample->brief_bytes;

	if (!walk->sample->brief_bytes || walk->sample->is_brief)
		return;
	/* What is beyond whole copies, too, would only be read when it may be another call's. */
	memory->changes += unwind_is_beyond_copy(walk) || !profile_endings[ending].complete ||
			   !stood_before(walk, end, &memory->last);
	memory->is_doubtful = false;
}
