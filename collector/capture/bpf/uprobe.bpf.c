/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe: counts and times calls of probed functions, at the probes themselves.
 *
 * One program runs at entry and at return ("session"), another one where no return may be waited
 * for: at the entry, at each exit and where exceptions are caught. Each thread has a stack of its
 * timed calls (uprobe_calls.h):
 *
 *     frames[depth - 1]   the innermost: its function, start, stack pointer,
 *                         child_ns: durations of timed callees, probe_ns: what their probes cost
 */
#include "collector/capture/bpf/jump_condition.h"
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/sampled_stacks.h"
#include "collector/capture/bpf/uprobe_calls.h"
#include "collector/capture/bpf/uprobe_maps.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SIGNAL_GROUP_EXIT 4 /* of signal_struct; include/linux/sched/signal.h of Linux */

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void) __ksym __weak; /* of on_call; older kernels lack it */

SEC("kprobe")
int on_call(struct pt_regs *registers)
{
	bool is_return = bpf_session_is_return();
	__u64 end_ns = is_return ? bpf_ktime_get_ns() : 0,
	      cookie = bpf_get_attach_cookie(registers);
	__u32 function = (__u32)cookie;
	struct calls *calls = bpf_task_storage_get(&running, bpf_get_current_task_btf(), 0, 0);
	struct uprobe_setting *setting = bpf_map_lookup_elem(&settings, &function);
	struct uprobe_cell *cell;
	struct frame *frame;

	if (!calls && !is_return)
		calls = begin_thread();
	if (!calls || !setting)
		return 1;
	cell = cell_of(calls, function);
	if (!cell)
		return 1;
	if (!is_return)
		return !enter(calls, cell, setting, cookie, registers->sp, false);
	frame = returning(calls, function, registers->sp);
	if (frame) {
		__u64 telling_ns = leave(calls, cell, setting, frame, end_ns, 0);

		take_handling(calls, cell, end_ns + telling_ns);
	}
	return 0;
}

/* The two halves of on_call, where the kernel knows no session: each has a probe of its own. */
SEC("kprobe")
int on_entry(struct pt_regs *registers)
{
	__u64 cookie = bpf_get_attach_cookie(registers);
	__u32 function = (__u32)cookie;
	struct calls *calls = bpf_task_storage_get(&running, bpf_get_current_task_btf(), 0, 0);
	struct uprobe_setting *setting = bpf_map_lookup_elem(&settings, &function);
	struct uprobe_cell *cell;

	if (!calls)
		calls = begin_thread();
	cell = calls && setting ? cell_of(calls, function) : NULL;
	/* Its return probe waits already: such functions are chosen for that (timing_plan.h). */
	if (cell)
		enter(calls, cell, setting, cookie, registers->sp, false);
	return 0;
}

SEC("kprobe")
int on_return(struct pt_regs *registers)
{
	__u64 end_ns = bpf_ktime_get_ns();
	__u32 function = (__u32)bpf_get_attach_cookie(registers);
	struct calls *calls = bpf_task_storage_get(&running, bpf_get_current_task_btf(), 0, 0);
	struct uprobe_setting *setting = bpf_map_lookup_elem(&settings, &function);
	struct uprobe_cell *cell = calls && setting ? cell_of(calls, function) : NULL;
	struct frame *frame = cell ? returning(calls, function, registers->sp) : NULL;

	if (frame) {
		__u64 telling_ns = leave(calls, cell, setting, frame, end_ns, 0);

		take_handling(calls, cell, end_ns + telling_ns);
	}
	return 0;
}

/* An exception has been caught: what lies below the catching function's call has been left. */
__noinline int take_catch(struct calls *calls, __u64 stack_pointer, __u64 end_ns)
{
	if (!calls)
		return 0;
	calls->is_unwinding = 0;
	for (int i = 0; i < UPROBE_DEPTH && calls->depth; i++) {
		if (frame_at(calls, calls->depth - 1)->stack_pointer > stack_pointer)
			break;
		end_thrown(calls, end_ns);
	}
	return 0;
}

/* A process tells where it sums up what it does. */
static __noinline int take_told(__u64 pid_address, __u64 address, __u64 slots, __u64 limit)
{
	struct uprobe_totals_place place = {pid_address, address, slots, limit};
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (is_watched(process_number(bpf_get_current_task_btf())) &&
	    !bpf_probe_read_user(&place.pid, sizeof(place.pid), (void *)pid_address))
		bpf_map_update_elem(&totals_places, &pid, &place, BPF_ANY);
	return 0;
}

/* Where no return probe may wait: at an entry, at an exit, and where an exception is caught. */
SEC("kprobe")
int on_edge(struct pt_regs *registers)
{
	__u64 end_ns = bpf_ktime_get_ns(), whole_cookie = bpf_get_attach_cookie(registers);
	__u32 cookie = (__u32)whole_cookie, function;
	struct calls *calls = bpf_task_storage_get(&running, bpf_get_current_task_btf(), 0, 0);
	struct uprobe_setting *setting;
	struct uprobe_cell *cell;
	struct frame *frame;

	if (cookie == UPROBE_TOLD)
		return take_told(registers->di, registers->si, registers->dx, registers->cx);
	if (cookie == UPROBE_CATCH)
		return calls ? take_catch(calls, registers->sp, end_ns) : 0;
	if (cookie == UPROBE_THROW) {
		if (calls)
			calls->is_unwinding = 1;
		return 0;
	}
	if (cookie == UPROBE_LOADS)
		return change_state(process_number(bpf_get_current_task_btf()));
	if (cookie == UPROBE_STARTS)
		return trust_state(process_number(bpf_get_current_task_btf()));
	if (!calls && !(cookie & UPROBE_EXIT))
		calls = begin_thread();
	function = cookie & UPROBE_FUNCTION;
	setting = bpf_map_lookup_elem(&settings, &function);
	if (!calls || !setting)
		return 0;
	cell = cell_of(calls, function);
	if (!cell)
		return 0;
	if (!(cookie & UPROBE_EXIT)) {
		enter(calls, cell, setting, whole_cookie, registers->sp + setting->moved, true);
		return 0;
	}
	if (!is_taken(cookie >> 24 & 31, registers->flags))
		return 0;
	frame = returning(calls, function, registers->sp + 8);
	if (frame && frame->has_exits) {
		__u64 telling_ns = leave(calls, cell, setting, frame, end_ns,
					 cookie & UPROBE_EXIT_EMULATED ? setting->step_ns : 0);

		if (cookie & UPROBE_EXIT_TAIL_CALL)
			add(calls, &cell->tail_calls, 1);
		take_handling(calls, cell, end_ns + telling_ns);
	}
	return 0;
}

/* The innermost call is left with its thread. */
static __noinline int end_with_thread(struct calls *calls)
{
	struct innermost innermost;

	if (!find_innermost(calls, &innermost))
		return 0;
	if (innermost.cell)
		add(calls, &innermost.cell->ended, 1);
	return drop(calls);
}

/* A thread ends by itself (pthread_exit, cancellation): its calls are left. Where its process ends
 * with all threads they are open at the end. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_thread_end, struct task_struct *task)
{
	struct calls *calls = bpf_task_storage_get(&running, task, 0, 0);

	if (!calls || task->signal->flags & SIGNAL_GROUP_EXIT)
		return 0;
	for (int i = 0; i < UPROBE_DEPTH && end_with_thread(calls); i++)
		;
	return 0;
}
