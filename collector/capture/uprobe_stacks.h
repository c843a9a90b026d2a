/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_stacks: what probes had changed of the sampled stacks, joined with the samples.
 *
 * The BPF program tells it while the kernel writes the sample, through a ring of its own.
 * The two belong together when thread and stack pointer are the same and the times are next to each
 * other.
 */
#pragma once

#include "collector/capture/bpf/uprobe.h"
#include "collector/capture/event.h"

struct uprobe_stacks {
	struct uprobe_stack *list; /* [first, count) wait for their samples, in order of time */
	size_t first, count, capacity;
	struct event_return returns[UPROBE_DEPTH]; /* of the sample at hand */
};

void uprobe_stacks_done(struct uprobe_stacks *stacks);
void uprobe_stacks_add(struct uprobe_stacks *stacks, const struct uprobe_stack *stack);

/*
 * Corrects a sample with 64-bit registers, if its stack is among those that wait: instruction and
 * stack pointer, start of the copy, and replaced return addresses, which event->sample borrows
 * until the next call. Samples are passed in order of time. Returns whether there was something to
 * correct.
 */
bool uprobe_stacks_correct(struct uprobe_stacks *stacks, struct event *event);
