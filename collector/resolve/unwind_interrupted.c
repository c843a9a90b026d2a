/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_interrupted: walks that leave a handler's alternate stack for the one it interrupted
 * (unwind_walk.h).
 *
 * live_stack.h says whether a handler ran when that stack was read, with this signal frame. It can
 * be another activation yet, begun since at the same instruction with the same registers, from
 * elsewhere. Two things tell: the kernel's chain of frame pointers, taken with the sample, goes on
 * beyond the signal frame in code that keeps them; and where the same signal frame was seen to lead
 * to different callers it is not believed for some time.
 *
 * Source: Linux, arch/x86/include/asm/sigframe.h and uapi/asm/sigcontext.h (struct rt_sigframe).
 */
#include "collector/resolve/unwind_walk.h"

/* In bytes from the ucontext: 23 words of struct sigcontext_64, from r8 to cr2, and the mask of
 * signals that were blocked. */
#define REGISTERS      40
#define REGISTER_WORDS 23
#define MASK	       296

/* Walks for which a change beyond the same signal frame is feared to be one of many. */
#define UNSURE_WALKS 64

_Static_assert(REGISTER_WORDS < LIVE_STACK_WITNESSES, "all are witnesses");

void unwind_note_interruption(struct walk *walk)
{
	struct live_stack_witness words[REGISTER_WORDS + 1] = {0};
	uint64_t context = walk->trail[walk->depth - 1].position;
	uint32_t count = 0;

	walk->interruption = walk->depth - 1;
	for (; count <= REGISTER_WORDS; count++) {
		words[count].slot =
			context + (count < REGISTER_WORDS ? REGISTERS + 8 * count : MASK);
		if (!cfi_read_word(&walk->copy, words[count].slot, &words[count].value))
			break;
	}
	live_stack_interrupt(&walk->live, words, count <= REGISTER_WORDS ? 0 : count,
			     words[REGISTER_WORDS].value);
}

/*
 * Says whether the kernel's chain goes on beyond the signal frame in callers that the walk has.
 * Where code keeps no frame pointers the chain ends there, or goes on with what is no code.
 */
static bool agrees_with_callers(const struct walk *walk)
{
	uint32_t frame = walk->interruption;
	size_t i = 0;

	while (i < walk->caller_count && walk->callers[i] != walk->trail[frame].address)
		i++;
	while (++i < walk->caller_count &&
	       address_space_find(walk->space, walk->callers[i] - 1)->kind !=
		       PROFILE_MODULE_UNKNOWN) {
		while (++frame < walk->depth && walk->trail[frame].address != walk->callers[i] - 1)
			;
		if (frame >= walk->depth)
			return false;
	}
	return true;
}

/* FNV-1a, by words. */
static uint64_t digest(uint64_t sum, uint64_t word)
{
	return (sum ^ word) * 0x100000001b3;
}

bool unwind_is_interruption_sure(const struct walk *walk, struct unwind_memory *memory)
{
	uint64_t interruption = 0xcbf29ce484222325, chain = interruption;

	if (!agrees_with_callers(walk))
		return false;
	if (!memory)
		return true;
	for (uint32_t i = 0; i < walk->live.first_count; i++)
		interruption = digest(interruption, walk->live.first[i].value);
	for (uint32_t i = walk->interruption + 1; i < walk->depth; i++)
		chain = digest(digest(chain, walk->trail[i].position), walk->trail[i].address);
	if (memory->interruption != interruption)
		memory->unsure = 0;
	else if (memory->interrupted_chain != chain)
		memory->unsure = UNSURE_WALKS;
	else if (memory->unsure)
		memory->unsure--;
	memory->interruption = interruption;
	memory->interrupted_chain = chain;
	return !memory->unsure;
}
