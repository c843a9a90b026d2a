/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sampled_stacks: what probes have changed of a stack, told with each sample of the target
 * (../uprobe_stacks.h). Included by one program file each.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/return_instances.h"
#include "collector/capture/bpf/uprobe.h"
#include "collector/capture/bpf/watched.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define XOL_SLOT_BYTES 128 /* of code that the kernel puts into a process for one probe */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uprobe_stack);
} sampled SEC(".maps");

__u64 stacks_lost;

/* Where the instruction pointer is in code of the kernel's own, which it put into the process for
 * its probes, says where it would be without them. */
static __always_inline void find_real_place(struct uprobe_stack *stack,
					    const struct uprobe_task *utask)
{
	__u64 stepped = stack->instruction_pointer - BPF_CORE_READ(utask, xol_vaddr);

	stack->real_instruction = stack->instruction_pointer;
	stack->real_stack = stack->stack_pointer;
	if (BPF_CORE_READ(utask, active_uprobe) && stepped < XOL_SLOT_BYTES) {
		stack->real_instruction = BPF_CORE_READ(utask, vaddr) + stepped;
	} else if (stack->count && stack->trampoline &&
		   stack->instruction_pointer - stack->trampoline < XOL_SLOT_BYTES) {
		stack->real_instruction = stack->returns[0].address;
		stack->real_stack = stack->returns[0].slot + 8;
	}
}

/* Runs with each sample of the target, and tells what its stack would be like without probes. */
SEC("perf_event")
int on_sample(void *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct uprobe_task *utask = BPF_CORE_READ(task, utask);
	struct pt_regs *registers = (struct pt_regs *)bpf_task_pt_regs(task);
	struct uprobe_stack *stack;
	__u32 key = 0;

	(void)context;
	if (!utask)
		return 1;
	stack = bpf_map_lookup_elem(&sampled, &key);
	if (!stack)
		return 1;
	stack->time_ns = bpf_ktime_get_ns();
	stack->pid = process_number(task);
	stack->tid = thread_number(task);
	stack->instruction_pointer = registers->ip;
	stack->stack_pointer = registers->sp;
	stack->trampoline = return_instances_trampoline(task);
	stack->count = return_instances_read(task, stack->returns);
	find_real_place(stack, utask);
	if ((stack->count || stack->real_instruction != stack->instruction_pointer) &&
	    bpf_ringbuf_output(&stacks, stack, sizeof(*stack), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&stacks_lost, 1);
	return 1;
}
