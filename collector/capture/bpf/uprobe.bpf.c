/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe: counts and times calls of probed functions, at the probes themselves.
 *
 * One program runs at entry and at return ("session"), another one where no return may be waited
 * for: at the entry, at each exit and where exceptions are caught. Each thread has a stack of its
 * timed calls:
 *
 *     frames[depth - 1]   the innermost: its function, start, stack pointer,
 *                         child_ns: durations of timed callees, probe_ns: what their probes cost
 *
 * A call that is left without a return (longjmp, exception) stays there until the next probe of the
 * thread, where its stack pointer tells: nothing that lives lies below the current one. Two calls
 * with the same stack pointer are a tail call, or one left and one new: then the return address
 * tells, which the kernel has replaced for the former. Where exits are probed it is always the
 * latter, because the jump of a tail call is one of them.
 *
 * The probes' own cost is taken off here, call by call, so that nested calls come out right.
 */
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/uprobe.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define XOL_SLOT_BYTES 128 /* of code that the kernel puts into a process for one probe */

char LICENSE[] SEC("license") = "GPL";

extern __u64 *bpf_session_cookie(void) __ksym;
extern bool bpf_session_is_return(void) __ksym;

struct frame {
	__u64 start_ns;
	__u64 stack_pointer;
	__u64 child_ns;
	__u64 probe_ns;
	__u32 function;
	__u8 is_outer;
	__u8 has_exits; /* it ends at one of its exits; no return probe waits for it */
	__u16 unused;
};

/* A thread's calls; ends with the thread. */
struct calls {
	__u32 slot;
	__u16 depth;
	__u16 is_unwinding; /* an exception is on its way */
	struct frame frames[UPROBE_DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calls);
} running SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UPROBE_PROCESSES);
	__type(key, __u32);
	__type(value, __u8);
} processes SEC(".maps");

/* The arrays' sizes are set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uprobe_setting);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uprobe_thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uprobe_cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct uprobe_histogram);
} histograms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UPROBE_EDGES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct uprobe_edge_key);
	__type(value, struct uprobe_edge);
} edges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} steps SEC(".maps");

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

const volatile __u32 function_count = 1;
const volatile __u32 slot_count = 1;
const volatile __u32 histogram_shards = 1;

__u32 slots_used; /* besides slot 0, which is for those that come too late */
__s32 steps_open;
__u64 steps_lost;
__u64 stacks_lost;
__u64 edges_lost;
__u64 threads_lost; /* got no storage: their calls are not seen */

static __always_inline struct frame *frame_at(struct calls *calls, __u64 index)
{
	/* The verifier must see the bound, which the compiler would leave out. */
	asm volatile("" : "+r"(index));
	index &= UPROBE_DEPTH - 1;
	asm volatile("" : "+r"(index));
	return &calls->frames[index];
}

static __always_inline struct uprobe_cell *cell_of(const struct calls *calls, __u32 function)
{
	__u32 key = calls->slot * function_count + function;

	return bpf_map_lookup_elem(&cells, &key);
}

static __always_inline void add(const struct calls *calls, __u64 *sum, __u64 value)
{
	if (calls->slot)
		*sum += value;
	else
		__sync_fetch_and_add(sum, value);
}

/* A call has ended in whatever way. */
static __always_inline void end_call(struct calls *calls, struct uprobe_cell *cell,
				     const struct uprobe_setting *setting, bool is_outer)
{
	add(calls, (__u64 *)&cell->open, -1);
	if (setting->mode == UPROBE_STEP && is_outer)
		__sync_fetch_and_add(&steps_open, -1);
}

/* Drops the innermost call, which was left without a return. */
static __noinline int drop(struct calls *calls)
{
	struct uprobe_setting *setting;
	struct uprobe_cell *cell;
	struct frame *frame;
	__u32 function;

	if (!calls || !calls->depth)
		return 0;
	frame = frame_at(calls, calls->depth - 1);
	function = frame->function;
	setting = bpf_map_lookup_elem(&settings, &function);
	cell = cell_of(calls, function);
	if (setting && cell)
		end_call(calls, cell, setting, frame->is_outer);
	calls->depth--;
	return 1;
}

/* Says whether the return address at @stack_pointer is the kernel's: a call that lives was left for
 * this one by a jump. */
static __always_inline bool is_tail_call(__u64 stack_pointer)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct xol_area *area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	__u64 address = 0;

	if (!area || bpf_probe_read_user(&address, sizeof(address), (void *)stack_pointer))
		return false;
	return address == BPF_CORE_READ(area, vaddr);
}

static __noinline int end_thrown(struct calls *calls, __u64 end_ns);

static __always_inline void drop_left(struct calls *calls, __u64 stack_pointer)
{
	for (int i = 0; i < UPROBE_DEPTH && calls->depth; i++) {
		struct frame *innermost = frame_at(calls, calls->depth - 1);

		if (innermost->stack_pointer > stack_pointer ||
		    (innermost->stack_pointer == stack_pointer && !innermost->has_exits &&
		     is_tail_call(stack_pointer)))
			break;
		if (calls->is_unwinding)
			end_thrown(calls, bpf_ktime_get_ns());
		else
			drop(calls);
	}
}

/* Makes the storage of a thread at its first hit; NULL when its process is none of the target's. */
static __noinline struct calls *begin_thread(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = bpf_get_current_pid_tgid() >> 32, slot;
	struct uprobe_thread *thread;
	struct calls *calls;

	if (!bpf_map_lookup_elem(&processes, &pid))
		return NULL;
	calls = bpf_task_storage_get(&running, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calls) {
		__sync_fetch_and_add(&threads_lost, 1);
		return NULL;
	}
	slot = slots_used < slot_count ? __sync_fetch_and_add(&slots_used, 1) + 1 : 0;
	if (slot >= slot_count)
		slot = 0;
	thread = bpf_map_lookup_elem(&threads, &slot);
	if (thread && slot) {
		thread->pid = pid;
		thread->tid = (__u32)bpf_get_current_pid_tgid();
	}
	calls->slot = slot;
	return calls;
}

/* Of threads that share cells the cell cannot tell whether a call is the outermost. */
static __always_inline bool is_outermost(struct calls *calls, const struct uprobe_cell *cell,
					 __u32 function)
{
	if (calls->slot)
		return cell->open == 0;
	for (__u32 i = 0; i < UPROBE_DEPTH && i < calls->depth; i++)
		if (frame_at(calls, i)->function == function)
			return false;
	return true;
}

/* Returns whether the return shall be seen, too. */
static __always_inline bool enter(struct calls *calls, struct uprobe_cell *cell,
				  const struct uprobe_setting *setting, __u32 function,
				  __u64 stack_pointer, bool has_exits)
{
	struct frame *frame;
	__u32 depth;

	drop_left(calls, stack_pointer);
	depth = calls->depth;
	/* The same call again: its loop leads back to the function's first instruction. */
	if (depth && depth <= UPROBE_DEPTH) {
		frame = frame_at(calls, depth - 1);
		if (frame->stack_pointer == stack_pointer && frame->function == function) {
			frame->probe_ns += setting->whole_ns;
			return false;
		}
	}
	add(calls, &cell->calls, 1);
	if (steps_open > 0)
		add(calls, &cell->step_calls, 1);
	if (setting->mode == UPROBE_COUNT || depth >= UPROBE_DEPTH) {
		if (setting->mode != UPROBE_COUNT)
			add(calls, &cell->deep, 1);
		if (depth)
			frame_at(calls, depth - 1)->probe_ns += setting->whole_ns;
		return false;
	}
	frame = frame_at(calls, depth);
	frame->is_outer = is_outermost(calls, cell, function);
	if (setting->mode == UPROBE_STEP && frame->is_outer)
		__sync_fetch_and_add(&steps_open, 1);
	add(calls, (__u64 *)&cell->open, 1);
	calls->depth = depth + 1;
	frame->has_exits = has_exits;
	frame->function = function;
	frame->stack_pointer = stack_pointer;
	frame->child_ns = 0;
	frame->probe_ns = 0;
	frame->start_ns = bpf_ktime_get_ns();
	return true;
}

/* Threads that share the cell may need several tries. */
static __always_inline void take_extremes(const struct calls *calls, struct uprobe_cell *cell,
					  __u64 duration_ns)
{
	/* The shortest is kept plus one, so that 0 means none. */
	__u64 shortest = duration_ns + 1;

	if (calls->slot) {
		if (!cell->min_ns || shortest < cell->min_ns)
			cell->min_ns = shortest;
		if (duration_ns > cell->max_ns)
			cell->max_ns = duration_ns;
		return;
	}
	for (int i = 0; i < 16; i++) {
		__u64 known = *(volatile __u64 *)&cell->min_ns;

		if ((known && known <= shortest) ||
		    __sync_val_compare_and_swap(&cell->min_ns, known, shortest) == known)
			break;
	}
	for (int i = 0; i < 16; i++) {
		__u64 known = *(volatile __u64 *)&cell->max_ns;

		if (known >= duration_ns ||
		    __sync_val_compare_and_swap(&cell->max_ns, known, duration_ns) == known)
			break;
	}
}

static __always_inline void take_histogram(__u32 function, __u64 duration_ns)
{
	__u32 key = function * histogram_shards + bpf_get_smp_processor_id() % histogram_shards;
	struct uprobe_histogram *histogram = bpf_map_lookup_elem(&histograms, &key);
	__u32 bucket = uprobe_bucket(duration_ns);

	if (histogram && bucket < UPROBE_BUCKETS)
		__sync_fetch_and_add(&histogram->counts[bucket], 1);
}

static __noinline int take_edge(__u32 caller, __u32 callee, __u64 duration_ns)
{
	struct uprobe_edge_key key = {caller, callee};
	struct uprobe_edge fresh = {0}, *edge = bpf_map_lookup_elem(&edges, &key);

	if (!edge) {
		bpf_map_update_elem(&edges, &key, &fresh, BPF_NOEXIST);
		edge = bpf_map_lookup_elem(&edges, &key);
	}
	if (!edge) {
		__sync_fetch_and_add(&edges_lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&edge->calls, 1);
	__sync_fetch_and_add(&edge->sum_ns, duration_ns);
	return 0;
}

static __noinline int tell_step(__u64 start_ns, __u64 end_ns, __u64 probe_ns, __u32 function)
{
	__u64 pid_tid = bpf_get_current_pid_tgid();
	struct uprobe_step step = {
		.start_ns = start_ns,
		.end_ns = end_ns,
		.probe_ns = probe_ns,
		.pid = pid_tid >> 32,
		.tid = (__u32)pid_tid,
		.function = function,
	};

	if (bpf_ringbuf_output(&steps, &step, sizeof(step), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&steps_lost, 1);
	return 0;
}

/* Finds the frame of a call that returns, the innermost after this; NULL when it began before its
 * thread did: in the parent of a forked process. */
static __always_inline struct frame *returning(struct calls *calls, __u32 function,
					       __u64 stack_pointer)
{
	struct frame *frame = NULL;

	/* The return has popped its address: 8 bytes. */
	for (int i = 0; i < UPROBE_DEPTH && calls->depth; i++) {
		frame = frame_at(calls, calls->depth - 1);
		if (frame->stack_pointer + 8 > stack_pointer)
			return NULL;
		if (frame->stack_pointer + 8 == stack_pointer && frame->function == function)
			return frame;
		drop(calls);
	}
	return NULL;
}

static __always_inline void leave(struct calls *calls, struct uprobe_cell *cell,
				  const struct uprobe_setting *setting, struct frame *frame,
				  __u64 end_ns, __u32 saved_ns)
{
	__u64 raw_ns = end_ns - frame->start_ns, probe_ns = frame->probe_ns + setting->inside_ns;
	__u64 duration_ns, self_ns;
	__u32 function = frame->function, depth = calls->depth - 1;

	if (probe_ns > raw_ns)
		probe_ns = raw_ns;
	duration_ns = raw_ns - probe_ns;
	self_ns = duration_ns > frame->child_ns ? duration_ns - frame->child_ns : 0;
	add(calls, &cell->returns, 1);
	add(calls, &cell->sum_ns, duration_ns);
	add(calls, &cell->self_ns, self_ns);
	add(calls, &cell->subtracted_ns, probe_ns);
	if (frame->is_outer)
		add(calls, &cell->outer_ns, duration_ns);
	take_extremes(calls, cell, duration_ns);
	take_histogram(function, duration_ns);
	end_call(calls, cell, setting, frame->is_outer);
	if (setting->mode == UPROBE_STEP && frame->is_outer)
		tell_step(frame->start_ns, end_ns, probe_ns, function);
	calls->depth = depth;
	if (depth) {
		struct frame *caller = frame_at(calls, depth - 1);

		caller->child_ns += duration_ns;
		caller->probe_ns += frame->probe_ns + setting->whole_ns - saved_ns;
		take_edge(caller->function, function, duration_ns);
	}
}

SEC("kprobe")
int on_call(struct pt_regs *registers)
{
	bool is_return = bpf_session_is_return();
	__u64 end_ns = is_return ? bpf_ktime_get_ns() : 0;
	__u32 function = (__u32)bpf_get_attach_cookie(registers);
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
		return !enter(calls, cell, setting, function, registers->sp, false);
	frame = returning(calls, function, registers->sp);
	if (frame)
		leave(calls, cell, setting, frame, end_ns, 0);
	return 0;
}

/* Says whether a jump is taken: Intel SDM volume 1, appendix B, "EFLAGS Condition Codes". */
static __always_inline bool is_taken(__u32 condition, __u64 flags)
{
	bool carry = flags & 0x001, parity = flags & 0x004, zero = flags & 0x040;
	bool sign = flags & 0x080, overflow = flags & 0x800, holds;

	switch (condition >> 1) {
	case 0:
		holds = overflow;
		break;
	case 1:
		holds = carry;
		break;
	case 2:
		holds = zero;
		break;
	case 3:
		holds = carry || zero;
		break;
	case 4:
		holds = sign;
		break;
	case 5:
		holds = parity;
		break;
	case 6:
		holds = sign != overflow;
		break;
	case 7:
		holds = zero || sign != overflow;
		break;
	default:
		return true;
	}
	return holds != (condition & 1);
}

/* Ends the innermost call, which an exception has left. */
static __noinline int end_thrown(struct calls *calls, __u64 end_ns)
{
	struct uprobe_setting *setting;
	struct uprobe_cell *cell;
	struct frame *frame;
	__u32 function;

	if (!calls || !calls->depth)
		return 0;
	frame = frame_at(calls, calls->depth - 1);
	function = frame->function;
	setting = bpf_map_lookup_elem(&settings, &function);
	cell = cell_of(calls, function);
	if (!setting || !cell)
		return drop(calls);
	add(calls, &cell->thrown, 1);
	leave(calls, cell, setting, frame, end_ns, 0);
	return 1;
}

/* An exception has been caught: what lies below the catching function's call has been left. */
static __noinline int take_catch(struct calls *calls, __u64 stack_pointer, __u64 end_ns)
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

/* Where no return probe may wait: at an entry, at an exit, and where an exception is caught. */
SEC("kprobe")
int on_edge(struct pt_regs *registers)
{
	__u64 end_ns = bpf_ktime_get_ns();
	__u32 cookie = (__u32)bpf_get_attach_cookie(registers), function;
	struct calls *calls = bpf_task_storage_get(&running, bpf_get_current_task_btf(), 0, 0);
	struct uprobe_setting *setting;
	struct uprobe_cell *cell;
	struct frame *frame;

	if (cookie == UPROBE_CATCH)
		return calls ? take_catch(calls, registers->sp, end_ns) : 0;
	if (cookie == UPROBE_THROW) {
		if (calls)
			calls->is_unwinding = 1;
		return 0;
	}
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
		enter(calls, cell, setting, function, registers->sp + setting->moved, true);
		return 0;
	}
	if (!is_taken(cookie >> 24 & 31, registers->flags))
		return 0;
	frame = returning(calls, function, registers->sp + 8);
	if (frame && frame->has_exits)
		leave(calls, cell, setting, frame, end_ns,
		      cookie & UPROBE_EXIT_EMULATED ? setting->step_ns : 0);
	return 0;
}

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
	struct xol_area *area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	struct pt_regs *registers = (struct pt_regs *)bpf_task_pt_regs(task);
	struct return_instance *instance;
	struct uprobe_stack *stack;
	__u64 pid_tid = bpf_get_current_pid_tgid();
	__u32 key = 0;

	(void)context;
	if (!utask)
		return 1;
	stack = bpf_map_lookup_elem(&sampled, &key);
	if (!stack)
		return 1;
	stack->time_ns = bpf_ktime_get_ns();
	stack->pid = pid_tid >> 32;
	stack->tid = (__u32)pid_tid;
	stack->instruction_pointer = registers->ip;
	stack->stack_pointer = registers->sp;
	stack->trampoline = area ? BPF_CORE_READ(area, vaddr) : 0;
	stack->count = 0;
	instance = BPF_CORE_READ(utask, return_instances);
	for (int i = 0; i < UPROBE_DEPTH && instance; i++) {
		stack->returns[i].slot = BPF_CORE_READ(instance, stack);
		stack->returns[i].address = BPF_CORE_READ(instance, orig_ret_vaddr);
		stack->count = i + 1;
		instance = BPF_CORE_READ(instance, next);
	}
	find_real_place(stack, utask);
	if ((stack->count || stack->real_instruction != stack->instruction_pointer) &&
	    bpf_ringbuf_output(&stacks, stack, sizeof(*stack), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&stacks_lost, 1);
	return 1;
}

/* A new process of a watched one is watched from its birth. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = parent->tgid, child_pid = child->tgid;
	__u8 yes = 1;

	if (pid != child_pid && bpf_map_lookup_elem(&processes, &pid))
		bpf_map_update_elem(&processes, &child_pid, &yes, BPF_ANY);
	return 0;
}
