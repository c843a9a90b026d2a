/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_stacks: see uprobe_stacks.h. */
#include "collector/capture/uprobe_stacks.h"

#include "collector/base/xalloc.h"

#define APART_NS 1000000u  /* between telling and sampling; usually some microseconds */
#define STALE_NS 50000000u /* whose sample has been lost */

/* DWARF numbers of x86-64. */
enum {
	STACK_POINTER = 7,
	INSTRUCTION_POINTER = 16
};

void uprobe_stacks_done(struct uprobe_stacks *stacks)
{
	free(stacks->list);
	*stacks = (struct uprobe_stacks){0};
}

void uprobe_stacks_add(struct uprobe_stacks *stacks, const struct uprobe_stack *stack)
{
	if (stacks->first == stacks->count)
		stacks->first = stacks->count = 0;
	if (stacks->first > 1024 && stacks->first > stacks->count / 2) {
		stacks->count -= stacks->first;
		memmove(stacks->list, stacks->list + stacks->first,
			stacks->count * sizeof(*stacks->list));
		stacks->first = 0;
	}
	xgrow(stacks->list, stacks->count, stacks->capacity);
	stacks->list[stacks->count++] = *stack;
}

/* Returns the time between a stack of the sample's thread and place and the sample; UINT64_MAX for
 * another one's. Kernels differ in which of the two comes first. */
static uint64_t apart_ns(const struct uprobe_stack *stack, const struct event *event)
{
	if (stack->tid != (uint32_t)event->tid ||
	    stack->stack_pointer != event->sample.registers[STACK_POINTER])
		return UINT64_MAX;
	return stack->time_ns > event->time_ns ? stack->time_ns - event->time_ns
					       : event->time_ns - stack->time_ns;
}

static struct uprobe_stack *find(struct uprobe_stacks *stacks, const struct event *event)
{
	struct uprobe_stack *found = NULL;
	uint64_t least_ns = APART_NS;

	while (stacks->first < stacks->count &&
	       stacks->list[stacks->first].time_ns + STALE_NS < event->time_ns)
		stacks->first++;
	for (size_t i = stacks->first; i < stacks->count; i++) {
		uint64_t between_ns = apart_ns(&stacks->list[i], event);

		if (between_ns < least_ns) {
			found = &stacks->list[i];
			least_ns = between_ns;
		}
	}
	return found;
}

bool uprobe_stacks_correct(struct uprobe_stacks *stacks, struct event *event)
{
	struct event_sample *sample = &event->sample;
	struct uprobe_stack *stack = find(stacks, event);
	uint64_t above;

	if (!stack)
		return false;
	sample->trampoline = stack->trampoline;
	sample->returns = stacks->returns;
	sample->return_count = stack->count < UPROBE_DEPTH ? stack->count : UPROBE_DEPTH;
	for (size_t i = 0; i < sample->return_count; i++)
		stacks->returns[i] =
			(struct event_return){stack->returns[i].slot, stack->returns[i].address};
	if (sample->registers[INSTRUCTION_POINTER] == stack->instruction_pointer)
		sample->registers[INSTRUCTION_POINTER] = stack->real_instruction;
	above = stack->real_stack - sample->registers[STACK_POINTER];
	if (above && above <= sample->stack_bytes) {
		sample->registers[STACK_POINTER] = stack->real_stack;
		sample->stack += above;
		sample->stack_bytes -= above;
	}
	stack->tid = 0; /* taken */
	return true;
}
