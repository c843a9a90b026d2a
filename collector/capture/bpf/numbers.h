/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * numbers: process and thread numbers as the user side knows them.
 *
 * A process has a number in each pid namespace from its own outward. Programs in the kernel are
 * told the machine's; in a container the user side knows others, and so do the events of perf.
 * Source: pid_namespaces(7); include/linux/pid.h.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define NUMBERS_LEVELS 33 /* MAX_PID_NS_LEVEL and the machine's own */

/* The inode of the user side's pid namespace, set before loading; 0: the machine's own. */
const volatile __u32 numbers_namespace;

/* Returns the number in the user side's namespace; 0: it has none there, or has ended. Nearly
 * always it is the innermost. */
static __noinline __u32 number_of(struct pid *pid)
{
	const void *numbers = &pid->numbers;
	__u32 level;

	if (!pid)
		return 0;
	level = BPF_CORE_READ(pid, level);
	for (int i = 0; i < NUMBERS_LEVELS; i++) {
		const struct upid *number =
			(const struct upid *)(numbers + level * bpf_core_type_size(struct upid));

		if (BPF_CORE_READ(number, ns, ns.inum) == numbers_namespace)
			return BPF_CORE_READ(number, nr);
		if (!level--)
			break;
	}
	return 0;
}

static __always_inline __u32 thread_number(struct task_struct *task)
{
	return numbers_namespace ? number_of(BPF_CORE_READ(task, thread_pid))
				 : (__u32)BPF_CORE_READ(task, pid);
}

static __always_inline __u32 process_number(struct task_struct *task)
{
	return numbers_namespace ? number_of(BPF_CORE_READ(task, group_leader, thread_pid))
				 : (__u32)BPF_CORE_READ(task, tgid);
}
