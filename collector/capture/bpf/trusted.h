/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trusted: in which watched processes a return address may be replaced: where the user side has
 * looked at all files of the process (../../resolve/unwinding.h).
 *
 * What a process consists of changes as it executes a program and as its loader loads a file. Each
 * makes another state of it, and trust is in one state: it ends by itself, before anything that has
 * come with the change can run. A forked process is as its parent.
 */
#pragma once

#include "collector/capture/bpf/uprobe.h"
#include "collector/capture/bpf/watched.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_PROCESSES);
	__type(key, __u32);
	__type(value, __u32); /* number of the state, from 1 */
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_PROCESSES);
	__type(key, __u32);
	__type(value,
	       __u32); /* that was looked at, and UPROBE_DISTRUSTED where it is not trusted */
} trusted SEC(".maps");

__u32 trust_changes; /* of either map */

static __noinline bool is_trusted(__u32 pid)
{
	__u32 *state = bpf_map_lookup_elem(&states, &pid);
	__u32 *known = bpf_map_lookup_elem(&trusted, &pid);

	return state && known && *state == *known;
}

/* A process is another one from now on. */
static __noinline int change_state(__u32 pid)
{
	__u32 *state = is_watched(pid) ? bpf_map_lookup_elem(&states, &pid) : NULL;

	if (state) {
		__sync_fetch_and_add(state, 1);
		__sync_fetch_and_add(&trust_changes, 1);
	}
	return 0;
}

/* It is as it was when the user side looked at its files. */
static __noinline int trust_state(__u32 pid)
{
	__u32 *state = is_watched(pid) ? bpf_map_lookup_elem(&states, &pid) : NULL, known;

	if (state) {
		known = *state;
		bpf_map_update_elem(&trusted, &pid, &known, BPF_ANY);
		__sync_fetch_and_add(&trust_changes, 1);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	change_state(process_number(task));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_trust, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = process_number(parent), child_pid = process_number(child), value;
	__u32 *state = bpf_map_lookup_elem(&states, &pid);
	__u32 *known = bpf_map_lookup_elem(&trusted, &pid);

	if (pid == child_pid || !state || !known)
		return 0;
	value = *state;
	bpf_map_update_elem(&states, &child_pid, &value, BPF_ANY);
	value = *known;
	bpf_map_update_elem(&trusted, &child_pid, &value, BPF_ANY);
	__sync_fetch_and_add(&trust_changes, 1);
	return 0;
}
