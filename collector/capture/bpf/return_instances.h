/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * return_instances: the kernel's list of the return addresses that it has replaced on a thread's
 * stack, innermost first. It changes at probes of the thread only, so it may be read while that
 * does not run, and in the thread itself.
 *
 * Source: include/linux/uprobes.h, struct uprobe_task.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/replaced_return.h"

#include <bpf/bpf_core_read.h>

/* Reads it; @returns has REPLACED_RETURNS elements. Returns their number. */
static __always_inline __u32 return_instances_read(struct task_struct *task,
						   struct replaced_return *returns)
{
	struct return_instance *instance;
	struct uprobe_task *utask;
	__u32 count = 0;

	if (!bpf_core_field_exists(task->utask))
		return 0;
	utask = BPF_CORE_READ(task, utask);
	instance = utask ? BPF_CORE_READ(utask, return_instances) : NULL;
	for (int i = 0; i < REPLACED_RETURNS && instance; i++) {
		returns[i].slot = BPF_CORE_READ(instance, stack);
		returns[i].address = BPF_CORE_READ(instance, orig_ret_vaddr);
		count = i + 1;
		instance = BPF_CORE_READ(instance, next);
	}
	return count;
}

/* Returns what a replaced return address points to; 0: nothing. */
static __always_inline __u64 return_instances_trampoline(struct task_struct *task)
{
	struct xol_area *area = NULL;

	if (bpf_core_field_exists(task->utask))
		area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	return area ? BPF_CORE_READ(area, vaddr) : 0;
}
