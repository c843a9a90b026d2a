/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: accounts for the time of threads at the scheduler's own tracepoints.
 *
 *     running ── sched_switch, still runnable ──► runnable ── sched_switch ──► running
 *        └────── sched_switch, blocked ──► blocked ── sched_wakeup ──► runnable
 *
 * The sums of a thread are exact. Where it waits is found when it leaves the processor: its user
 * registers lie on its kernel stack, and its memory is still mapped. Copying the stack at each
 * switch would cost more than the switch, so it is done once in a while for each place (thread,
 * instruction pointer, stack pointer); the waits between two copies are summed up per place and
 * booked under the former. Nothing that was waited is lost when the ring is full: a sum is set to
 * zero only when it was told.
 *
 * A thread is never switched and woken at the same moment: both happen under the lock of its run
 * queue. So the fields of a thread, and those of its places, have one writer at a time.
 */
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/numbers.h"
#include "collector/capture/bpf/off_cpu.h"
#include "collector/capture/bpf/return_instances.h"
#include "collector/capture/bpf/user_stack.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TASK_DEAD	0x80	   /* include/linux/sched.h */
#define PF_EXITING	0x00000004 /* the same */
#define CPUS		1024	   /* at most; the user side cuts the tables to those there are */
#define TRACING_FRAMES	8	   /* at most: this program, bpf_trace_run and the like */
#define NOT_OF_A_SWITCH 0	   /* scratch of the iterator; that of a CPU is its number + 1 */

char LICENSE[] SEC("license") = "GPL";

extern const void __sched_text_start __ksym __weak;
extern const void __sched_text_end __ksym __weak;

/* Set by the user side before loading: watch this process from its next exec on. */
const volatile __u32 launched_pid;

__u64 place_ids;
__u64 switches;	    /* of watched threads */
__u64 stacks;	    /* copied and told */
__u64 stacks_lost;  /* the ring was full */
__u64 threads_lost; /* had no room in the table */
__u64 places_lost;

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OFF_CPU_PLACES);
	__type(key, struct off_cpu_place_key);
	__type(value, struct off_cpu_place);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, OFF_CPU_RING_BYTES);
} ring SEC(".maps");

/* Records are put together here before their size is known. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CPUS + 1);
	__type(key, __u32);
	__type(value, struct off_cpu_stack);
} scratch SEC(".maps");

/* Copies on each CPU in the second at hand. */
struct budget {
	__u64 second;
	__u64 copies;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct budget);
} budgets SEC(".maps");

/* Returns the entry of a thread of a watched process, made when it is new, or NULL. */
static struct off_cpu_thread *watched(struct task_struct *task, __u32 state, __u64 now_ns)
{
	struct off_cpu_key key = {.tid = task->pid, .born_ns = task->start_time};
	struct off_cpu_thread *thread = bpf_map_lookup_elem(&threads, &key), fresh = {0};

	/* First of all: at its last switch its numbers may have been given back. */
	if (thread)
		return thread;
	fresh.pid = process_number(task);
	if (!fresh.pid || !bpf_map_lookup_elem(&processes, &fresh.pid))
		return NULL;
	fresh.tid = thread_number(task);
	fresh.state = state;
	fresh.first_ns = fresh.since_ns = now_ns;
	fresh.cpu_first_ns = fresh.cpu_ns = task->se.sum_exec_runtime;
	fresh.place.thread = key;
	if (bpf_map_update_elem(&threads, &key, &fresh, BPF_NOEXIST))
		__sync_fetch_and_add(&threads_lost, 1);
	return bpf_map_lookup_elem(&threads, &key);
}

/* Tells what was waited in a place, and begins anew, if the ring has room. */
static void tell(struct off_cpu_place *place, const struct off_cpu_thread *thread, __u64 now_ns)
{
	struct off_cpu_amount *amount;

	if (!place->blocked_ns && !place->runnable_ns)
		return;
	amount = bpf_ringbuf_reserve(&ring, sizeof(*amount), 0);
	if (!amount)
		return;
	amount->head.kind = OFF_CPU_RECORD_AMOUNT;
	amount->head.pid = thread->pid;
	amount->head.tid = thread->tid;
	amount->head.time_ns = now_ns;
	amount->head.place = place->id;
	amount->blocked_ns = place->blocked_ns;
	amount->runnable_ns = place->runnable_ns;
	bpf_ringbuf_submit(amount, BPF_RB_NO_WAKEUP);
	place->blocked_ns = place->runnable_ns = 0;
	place->told_ns = now_ns;
}

/* Returns the place where the thread is now, made when it is new, or NULL. */
static struct off_cpu_place *place_get(struct off_cpu_thread *thread)
{
	struct off_cpu_place *place = bpf_map_lookup_elem(&places, &thread->place);
	struct off_cpu_place fresh = {0};

	if (place)
		return place;
	if (thread->place.kind == OFF_CPU_CALL && thread->places >= OFF_CPU_OWN_PLACES) {
		thread->place.kind = OFF_CPU_ELSEWHERE;
		thread->place.ip = thread->place.sp = 0;
		place = bpf_map_lookup_elem(&places, &thread->place);
		if (place)
			return place;
	}
	fresh.id = __sync_fetch_and_add(&place_ids, 1) + 1;
	if (bpf_map_update_elem(&places, &thread->place, &fresh, BPF_NOEXIST)) {
		__sync_fetch_and_add(&places_lost, 1);
		thread->place.kind = OFF_CPU_NOWHERE;
		return NULL;
	}
	thread->places++;
	return bpf_map_lookup_elem(&places, &thread->place);
}

static bool may_copy(__u64 now_ns)
{
	__u32 zero = 0;
	struct budget *budget = bpf_map_lookup_elem(&budgets, &zero);
	__u64 second = now_ns >> 30;

	if (!budget)
		return false;
	if (budget->second != second) {
		budget->second = second;
		budget->copies = 0;
	}
	return budget->copies++ < OFF_CPU_COPIES;
}

/* The scheduler's code lies in a section of its own. What is above it is tracing. */
static void skip_tracing(struct off_cpu_stack *record)
{
	record->kernel_first = 0;
	for (int i = 0; i < TRACING_FRAMES; i++)
		if (record->kernel[i] >= (__u64)&__sched_text_start &&
		    record->kernel[i] < (__u64)&__sched_text_end) {
			record->kernel_first = i;
			return;
		}
}

static void begin_record(struct off_cpu_stack *record, const struct off_cpu_thread *thread,
			 const struct off_cpu_place *place, __u64 now_ns)
{
	record->head.kind = OFF_CPU_RECORD_STACK;
	record->head.pid = thread->pid;
	record->head.tid = thread->tid;
	record->head.time_ns = now_ns;
	record->head.place = place->id;
}

/* Takes what of the thread's user stack is needed to walk it. */
static __always_inline void take_user_stack(struct off_cpu_stack *record, struct task_struct *task,
					    const struct pt_regs *user, bool is_current)
{
	record->is_32_bit = user_stack_registers(record->registers, user);
	record->stack_bytes = 0;
	record->return_count = 0;
	if (record->is_32_bit)
		return;
	record->stack_bytes = user_stack_copy(record->stack, user->sp, is_current ? NULL : task);
	record->trampoline = return_instances_trampoline(task);
	record->return_count = return_instances_read(task, record->returns);
}

static void send_record(const struct off_cpu_stack *record, struct off_cpu_place *place,
			__u64 now_ns)
{
	__u64 bytes = __builtin_offsetof(struct off_cpu_stack, stack) + record->stack_bytes;

	if (bytes > sizeof(*record))
		return;
	/* The user side polls; it is woken only when it had better hurry. */
	if (bpf_ringbuf_output(&ring, (void *)record, bytes,
			       bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > OFF_CPU_RING_BYTES / 2
				       ? BPF_RB_FORCE_WAKEUP
				       : BPF_RB_NO_WAKEUP)) {
		__sync_fetch_and_add(&stacks_lost, 1);
		return;
	}
	__sync_fetch_and_add(&stacks, 1);
	/* A page that was not in memory at this moment may be at the next. */
	if (record->stack_bytes)
		place->copied_ns = now_ns;
}

/* Tells the stack of the thread that is leaving the processor. */
static void copy(void *ctx, struct off_cpu_thread *thread, struct off_cpu_place *place,
		 const struct pt_regs *user, __u64 now_ns)
{
	__u32 index = bpf_get_smp_processor_id() + 1;
	struct off_cpu_stack *record = bpf_map_lookup_elem(&scratch, &index);
	long bytes;

	if (!record || !may_copy(now_ns))
		return;
	tell(place, thread, now_ns);
	begin_record(record, thread, place, now_ns);
	bytes = bpf_get_stack(ctx, record->kernel, sizeof(record->kernel), 0);
	record->kernel_count = bytes > 0 ? bytes / sizeof(*record->kernel) : 0;
	skip_tracing(record);
	take_user_stack(record, bpf_get_current_task_btf(), user, true);
	send_record(record, place, now_ns);
}

/* Books the end of a blocked state, at the wake-up or, when none was seen, at the switch. */
static void end_blocked(struct off_cpu_thread *thread, __u64 now_ns)
{
	thread->wait_blocked_ns += now_ns - thread->since_ns;
	thread->blocked_ns += now_ns - thread->since_ns;
	thread->state = OFF_CPU_RUNNABLE;
	thread->since_ns = now_ns;
}

/* Ends a wait and books it under its place. */
static void end_wait(struct off_cpu_thread *thread, __u64 now_ns)
{
	struct off_cpu_place *place;
	__u64 runnable_ns;

	if (thread->state == OFF_CPU_BLOCKED)
		end_blocked(thread, now_ns);
	runnable_ns = now_ns - thread->since_ns;
	thread->runnable_ns += runnable_ns;
	thread->state = OFF_CPU_RUNNING;
	thread->since_ns = now_ns;
	place = bpf_map_lookup_elem(&places, &thread->place);
	if (place) {
		place->blocked_ns += thread->wait_blocked_ns;
		place->runnable_ns += runnable_ns;
		if (now_ns - place->told_ns >= OFF_CPU_TELL_NS)
			tell(place, thread, now_ns);
	} else {
		thread->nowhere_blocked_ns += thread->wait_blocked_ns;
		thread->nowhere_runnable_ns += runnable_ns;
	}
	thread->wait_blocked_ns = 0;
}

static void begin_wait(struct off_cpu_thread *thread, __u32 state, __u64 now_ns)
{
	thread->running_ns += now_ns - thread->since_ns;
	thread->state = state;
	thread->since_ns = now_ns;
	thread->place.kind = OFF_CPU_NOWHERE;
	thread->place.ip = thread->place.sp = 0;
}

/*
 * Now and then a switch is not seen; a likely reason is that a program is not run while its CPU is
 * in the middle of a bpf system call of some process, but that is not proven. The scheduler's own
 * count tells how long a thread ran meanwhile.
 * Returns the time at which the missed switch must have been.
 */
static __u64 missed_switch_ns(const struct off_cpu_thread *thread, struct task_struct *task,
			      __u64 now_ns)
{
	__u64 ran_ns = task->se.sum_exec_runtime - thread->cpu_ns;
	__u64 spent_ns = now_ns - thread->since_ns;

	if (ran_ns > spent_ns)
		ran_ns = spent_ns;
	return thread->state == OFF_CPU_RUNNING ? thread->since_ns + ran_ns : now_ns - ran_ns;
}

static void enter(struct off_cpu_thread *thread, struct task_struct *task, __u64 now_ns)
{
	if (thread->state == OFF_CPU_RUNNING)
		begin_wait(thread, OFF_CPU_BLOCKED, missed_switch_ns(thread, task, now_ns));
	end_wait(thread, now_ns);
	thread->cpu_ns = task->se.sum_exec_runtime;
}

static void leave(void *ctx, struct off_cpu_thread *thread, struct task_struct *task, __u32 state,
		  __u64 now_ns)
{
	const struct pt_regs *user = (const struct pt_regs *)bpf_task_pt_regs(task);
	struct off_cpu_place *place = NULL;

	if (thread->state != OFF_CPU_RUNNING)
		end_wait(thread, missed_switch_ns(thread, task, now_ns));
	__sync_fetch_and_add(&switches, 1);
	thread->switches++;
	thread->cpu_ns = task->se.sum_exec_runtime;
	begin_wait(thread, state, now_ns);
	if (state == OFF_CPU_ENDED || task->flags & PF_EXITING || !task->mm)
		return;
	thread->place.kind = state == OFF_CPU_BLOCKED ? OFF_CPU_CALL : OFF_CPU_PREEMPTED;
	if (state == OFF_CPU_BLOCKED) {
		thread->place.ip = user->ip;
		thread->place.sp = user->sp;
	}
	place = place_get(thread);
	if (place && now_ns - place->copied_ns >= OFF_CPU_COPY_NS)
		copy(ctx, thread, place, user, now_ns);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct off_cpu_thread *thread = watched(prev, OFF_CPU_RUNNING, now_ns);

	if (thread)
		leave(ctx, thread, prev,
		      preempt || !prev_state   ? OFF_CPU_RUNNABLE
		      : prev_state & TASK_DEAD ? OFF_CPU_ENDED
					       : OFF_CPU_BLOCKED,
		      now_ns);
	thread = watched(next, OFF_CPU_RUNNABLE, now_ns);
	if (thread)
		enter(thread, next, now_ns);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	__u64 now_ns = bpf_ktime_get_ns();
	struct off_cpu_thread *thread = watched(task, OFF_CPU_BLOCKED, now_ns);

	/* One that runs is woken before it has gone to sleep: nothing changes. */
	if (thread && thread->state == OFF_CPU_BLOCKED)
		end_blocked(thread, now_ns);
	return 0;
}

/* A new process of a watched one is watched from its birth. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = process_number(parent), child_pid = process_number(child);
	__u8 yes = 1;

	if (!bpf_map_lookup_elem(&processes, &pid))
		return 0;
	if (child_pid != pid)
		bpf_map_update_elem(&processes, &child_pid, &yes, BPF_ANY);
	watched(child, OFF_CPU_RUNNABLE, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_tid, struct linux_binprm *program)
{
	__u32 pid = process_number(task);
	__u8 yes = 1;

	if (!pid || pid != launched_pid)
		return 0;
	bpf_map_update_elem(&processes, &pid, &yes, BPF_ANY);
	watched(task, OFF_CPU_RUNNING, bpf_ktime_get_ns());
	return 0;
}

/* The last thread of a process ends: all there are known by now. Later the number may be
 * another's. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 pid = process_number(task);

	if (!task->signal->live.counter)
		bpf_map_delete_elem(&processes, &pid);
	return 0;
}

/* Run once by the user side after attaching: threads that have waited since before. */
SEC("iter.s/task")
int on_each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 index = NOT_OF_A_SWITCH;
	struct off_cpu_stack *record = bpf_map_lookup_elem(&scratch, &index);
	__u64 now_ns = bpf_ktime_get_ns();
	struct off_cpu_thread *thread;
	struct off_cpu_place *place;
	const struct pt_regs *user;
	__u32 state = OFF_CPU_RUNNING;
	long bytes;

	if (!task || !record)
		return 0;
	if (!task->on_cpu)
		state = task->__state ? OFF_CPU_BLOCKED : OFF_CPU_RUNNABLE;
	thread = watched(task, state, now_ns);
	if (!thread || thread->state != OFF_CPU_BLOCKED || thread->switches || !task->mm)
		return 0;
	user = (const struct pt_regs *)bpf_task_pt_regs(task);
	thread->place.kind = OFF_CPU_CALL;
	thread->place.ip = user->ip;
	thread->place.sp = user->sp;
	place = place_get(thread);
	if (!place)
		return 0;
	begin_record(record, thread, place, now_ns);
	bytes = bpf_get_task_stack(task, record->kernel, sizeof(record->kernel), 0);
	record->kernel_count = bytes > 0 ? bytes / sizeof(*record->kernel) : 0;
	record->kernel_first = 0;
	take_user_stack(record, task, user, false);
	send_record(record, place, now_ns);
	return 0;
}
