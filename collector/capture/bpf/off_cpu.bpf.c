/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: accounts for the time of threads at the scheduler's own tracepoints.
 *
 *     running ── sched_switch, still runnable ──► runnable ── sched_switch ──► running
 *        └────── sched_switch, blocked ──► blocked ── sched_wakeup ──► runnable
 *
 * A thread that is switched cannot be woken at the same moment: both happen under the lock of its
 * run queue. So the fields of a thread have one writer at a time.
 */
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/off_cpu.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TASK_DEAD 0x80 /* include/linux/sched.h */

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OFF_CPU_PROCESSES);
	__type(key, __u32);
	__type(value, __u8);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OFF_CPU_THREADS);
	__type(key, struct off_cpu_key);
	__type(value, struct off_cpu_thread);
} threads SEC(".maps");

__u64 threads_lost; /* had no room in the table */

/* Returns the entry of a watched thread, made when it is new, or NULL. */
static struct off_cpu_thread *watched(struct task_struct *task, __u32 state, __u64 now_ns)
{
	struct off_cpu_key key = {.tid = task->pid, .born_ns = task->start_time};
	struct off_cpu_thread *thread = bpf_map_lookup_elem(&threads, &key);
	struct off_cpu_thread fresh = {
		.pid = task->tgid,
		.state = state,
		.first_ns = now_ns,
		.since_ns = now_ns,
	};

	if (thread || !bpf_map_lookup_elem(&processes, &fresh.pid))
		return thread;
	if (bpf_map_update_elem(&threads, &key, &fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&threads_lost, 1);
	return bpf_map_lookup_elem(&threads, &key);
}

/* Books the time since the last change and begins another state. */
static void change(struct off_cpu_thread *thread, __u32 state, __u64 now_ns)
{
	__u64 spent_ns = now_ns - thread->since_ns;

	if (thread->state == OFF_CPU_RUNNING)
		thread->running_ns += spent_ns;
	else if (thread->state == OFF_CPU_RUNNABLE)
		thread->runnable_ns += spent_ns;
	else if (thread->state == OFF_CPU_BLOCKED)
		thread->blocked_ns += spent_ns;
	thread->state = state;
	thread->since_ns = now_ns;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct off_cpu_thread *thread = watched(prev, OFF_CPU_RUNNING, now_ns);

	if (thread) {
		thread->switches++;
		if (prev_state & TASK_DEAD)
			change(thread, OFF_CPU_ENDED, now_ns);
		else
			change(thread, preempt || !prev_state ? OFF_CPU_RUNNABLE : OFF_CPU_BLOCKED,
			       now_ns);
	}
	thread = watched(next, OFF_CPU_RUNNABLE, now_ns);
	if (thread)
		change(thread, OFF_CPU_RUNNING, now_ns);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct off_cpu_thread *thread = watched(task, OFF_CPU_BLOCKED, now_ns);

	/* One that runs is woken before it has gone to sleep: nothing changes. */
	if (thread && thread->state == OFF_CPU_BLOCKED)
		change(thread, OFF_CPU_RUNNABLE, now_ns);
	return 0;
}

/* A new process of a watched one is watched from its birth. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = parent->tgid, child_pid = child->tgid;
	__u8 yes = 1;

	if (!bpf_map_lookup_elem(&processes, &pid))
		return 0;
	bpf_map_update_elem(&processes, &child_pid, &yes, BPF_ANY);
	watched(child, OFF_CPU_RUNNABLE, bpf_ktime_get_ns());
	return 0;
}
