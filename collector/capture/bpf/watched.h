/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watched: the processes whose probes count: those that the user side names, and all that they
 * fork. */
#pragma once

#include "collector/capture/bpf/numbers.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define WATCHED_PROCESSES 4096

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_PROCESSES);
	__type(key, __u32);
	__type(value, __u8);
} processes SEC(".maps");

static __always_inline bool is_watched(__u32 pid)
{
	return bpf_map_lookup_elem(&processes, &pid);
}

/* A new process of a watched one is watched from its birth. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = process_number(parent), child_pid = process_number(child);
	__u8 yes = 1;

	if (pid != child_pid && is_watched(pid))
		bpf_map_update_elem(&processes, &child_pid, &yes, BPF_ANY);
	return 0;
}
