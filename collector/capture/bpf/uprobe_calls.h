/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_calls: a thread's stack of timed calls, from begin_thread at its first hit: calls that
 * begin (enter), that return (returning, leave), and that were left otherwise (drop).
 *
 * A call that is left without a return (longjmp, exception) stays there until the next probe of the
 * thread, where its stack pointer tells: nothing that lives lies below the current one. Two calls
 * with the same stack pointer are a tail call, or one left and one new: then the return address
 * tells, which the kernel has replaced for the former. Where exits are probed it is always the
 * latter, because the jump of a tail call is one of them.
 *
 * So does a call whose probes were taken off: nothing tells when it ends. It is dropped as the next
 * one begins, which would else be taken for its callee long after it has returned.
 *
 * The probes' own cost is taken off here, call by call, so that nested calls come out right.
 */
#pragma once

#include "collector/capture/bpf/uprobe_maps.h"

#include <bpf/bpf_core_read.h>

#define LONGEST_HANDLING_NS 5000

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

/* The innermost call with what belongs to its function. */
struct innermost {
	struct frame *frame;
	struct uprobe_cell *cell;
	struct uprobe_setting *setting;
};

/* Returns whether there is one. */
static __always_inline bool find_innermost(struct calls *calls, struct innermost *innermost)
{
	__u32 function;

	if (!calls || !calls->depth)
		return false;
	innermost->frame = frame_at(calls, calls->depth - 1);
	function = innermost->frame->function;
	innermost->setting = bpf_map_lookup_elem(&settings, &function);
	innermost->cell = cell_of(calls, function);
	return true;
}

/* Drops the innermost call, which was left without a return. */
__noinline int drop(struct calls *calls)
{
	struct innermost innermost;

	if (!find_innermost(calls, &innermost))
		return 0;
	if (innermost.setting && innermost.cell)
		end_call(calls, innermost.cell, innermost.setting, innermost.frame->is_outer);
	calls->depth--;
	return 1;
}

/* Says whether nothing tells of this call's end any more: its probes were taken off meanwhile. */
static __always_inline bool is_taken_off(const struct frame *frame,
					 const struct uprobe_setting *setting)
{
	return frame->generation != (__u16)setting->generation ||
	       (frame->has_exits && setting->mode == UPROBE_COUNT);
}

/* Drops the innermost call if it has no probes any more, and says whether it had none. Whether it
 * lives is not known, so it calls nothing from now on; what it did is within its caller's time. */
static __noinline int drop_taken_off(struct calls *calls)
{
	struct innermost innermost;
	struct frame *frame, *caller;

	if (!find_innermost(calls, &innermost) || !innermost.setting ||
	    !is_taken_off(innermost.frame, innermost.setting))
		return 0;
	frame = innermost.frame;
	if (calls->depth > 1) {
		caller = frame_at(calls, calls->depth - 2);
		caller->child_ns += frame->child_ns;
		caller->probe_ns += frame->probe_ns + innermost.setting->whole_ns;
	}
	return drop(calls);
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

__noinline int end_thrown(struct calls *calls, __u64 end_ns);

/* Drops calls that have been left, those below @stack_pointer, and innermost ones without probes.
 */
__noinline int drop_left(struct calls *calls, __u64 stack_pointer)
{
	if (!calls)
		return 0;
	for (int i = 0; i < UPROBE_DEPTH && calls->depth; i++) {
		struct frame *innermost = frame_at(calls, calls->depth - 1);

		if (drop_taken_off(calls))
			continue;
		if (innermost->stack_pointer > stack_pointer ||
		    (innermost->stack_pointer == stack_pointer && !innermost->has_exits &&
		     is_tail_call(stack_pointer)))
			break;
		if (calls->is_unwinding)
			end_thrown(calls, bpf_ktime_get_ns());
		else
			drop(calls);
	}
	return 0;
}

/* Makes the storage of a thread at its first hit; NULL when its process is none of the target's. */
static __noinline struct calls *begin_thread(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 pid = process_number(task), slot;
	struct uprobe_thread *thread;
	struct calls *calls;

	if (!is_watched(pid))
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
		thread->tid = thread_number(task);
	}
	calls->slot = slot;
	return calls;
}

/* Of threads that share cells the cell cannot tell whether a call is the outermost. */
__noinline int runs_already(struct calls *calls, __u32 function)
{
	if (!calls)
		return 0;
	for (__u32 i = 0; i < UPROBE_DEPTH && i < calls->depth; i++)
		if (frame_at(calls, i)->function == function)
			return 1;
	return 0;
}

static __always_inline bool read_user(void *to, __u32 bytes, __u64 address)
{
	return !bpf_probe_read_user(to, bytes, (void *)address);
}

struct adding {
	__u64 slot; /* address of the next */
	__u64 sums[2];
	__u32 pid;
	__u32 failed;
};

static long add_slot(__u32 index, struct adding *adding)
{
	__u64 slot = adding->slot, sums[2];
	__u32 owner = 0;

	(void)index;
	adding->slot = slot + UPROBE_SLOT_BYTES;
	if (!read_user(&owner, sizeof(owner), slot + UPROBE_SLOT_PID) || owner != adding->pid)
		return 0;
	if (!read_user(sums, sizeof(sums), slot + UPROBE_SLOT_SUMS)) {
		adding->failed = 1;
		return 1;
	}
	adding->sums[0] += sums[0];
	adding->sums[1] += sums[1];
	return 0;
}

/* Adds what the living threads of the process have. */
static __noinline bool add_slots(const struct uprobe_totals_place *place, __u32 pid, __u64 *totals)
{
	struct adding adding = {.pid = pid};
	__u32 count = 0;

	if (!place || !totals || !read_user(&count, sizeof(count), place->limit) ||
	    count > UPROBE_SLOTS_MOST)
		return false;
	adding.slot = place->slots;
	bpf_loop(count, add_slot, &adding, 0);
	totals[0] += adding.sums[0];
	totals[1] += adding.sums[1];
	return !adding.failed;
}

/* Reads the sums of the process, where it has told of them. Its number is its own: in its own
 * namespace. */
static __noinline bool read_totals(__u64 *totals)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, written = 0;
	struct uprobe_totals_place *place = bpf_map_lookup_elem(&totals_places, &pid);

	return totals && place && read_user(&written, sizeof(written), place->pid_address) &&
	       written == place->pid &&
	       read_user(totals, UPROBE_TOTALS * sizeof(*totals), place->address) &&
	       add_slots(place, written, totals);
}

/* A step begins at this depth. What was kept for one that was left without an end is void. */
static __always_inline void begin_totals(struct calls *calls, __u32 depth)
{
	if (calls->totals_depth && calls->totals_depth < depth)
		return; /* within another step */
	calls->totals_depth = read_totals(calls->totals) ? depth : 0;
}

/* An outermost step begins, and a window may. Threads that begin steps at the same moment may turn
 * it twice, which moves its edge by a step. Step functions that call each other are of one thread.
 */
static __always_inline void begin_step(struct calls *calls, __u32 depth)
{
	__u64 begun = __sync_fetch_and_add(&window.steps, 1) + 1;
	__u64 thread = bpf_get_current_pid_tgid();

	if (__sync_fetch_and_add(&steps_open, 1) > 0 && window.thread != thread)
		window.overlap = 1;
	window.thread = thread;
	begin_totals(calls, depth);
	if (window.state == UPROBE_WINDOW_SKIPS && begun >= window.due) {
		window.state = UPROBE_WINDOW_DUE;
		probe_limit_tell();
	} else if (window.state == UPROBE_WINDOW_WAITS) {
		window.begun = begun;
		window.state = UPROBE_WINDOW_OPEN;
	} else if (window.state == UPROBE_WINDOW_OPEN && begun - window.begun >= window.length) {
		window.ended = begun;
		window.state = UPROBE_WINDOW_CLOSED;
		probe_limit_tell();
	}
}

__noinline int look_at_trust(struct calls *calls)
{
	if (!calls)
		return 0;
	calls->trust_seen = *(volatile __u32 *)&trust_changes + 1;
	calls->is_trusted = is_trusted(process_number(bpf_get_current_task_btf()));
	return 0;
}

/* Says whether a return probe may wait for a call's end. */
static __always_inline bool may_wait(struct calls *calls)
{
	if (returns_wait_everywhere)
		return true;
	if (calls->trust_seen != *(volatile __u32 *)&trust_changes + 1)
		look_at_trust(calls);
	return calls->is_trusted;
}

/* Returns whether the return shall be seen, too. */
static __always_inline bool enter(struct calls *calls, struct uprobe_cell *cell,
				  const struct uprobe_setting *setting, __u64 cookie,
				  __u64 stack_pointer, bool has_exits)
{
	__u32 depth, function = cookie & UPROBE_FUNCTION;
	bool is_seen = !setting->in_windows || window.state == UPROBE_WINDOW_OPEN;
	struct frame *frame;
	bool can_end;

	probe_limit_spend(setting->whole_ns);
	if (UPROBE_GENERATION(cookie) != setting->generation)
		return false;
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
	if (is_seen)
		add(calls, &cell->calls, 1);
	if (is_seen && (setting->mode == UPROBE_STEP || (steps_open > 0 && !window.steps_ended)))
		add(calls, &cell->step_calls, 1);
	can_end = has_exits || may_wait(calls);
	if (!is_seen || setting->mode == UPROBE_COUNT || depth >= UPROBE_DEPTH || !can_end) {
		if (is_seen && setting->mode != UPROBE_COUNT)
			add(calls, can_end ? &cell->deep : &cell->withheld, 1);
		if (depth)
			frame_at(calls, depth - 1)->probe_ns += setting->whole_ns;
		return false;
	}
	frame = frame_at(calls, depth);
	frame->is_outer = calls->slot ? cell->open == 0 : !runs_already(calls, function);
	if (setting->mode == UPROBE_STEP && frame->is_outer)
		begin_step(calls, depth + 1);
	add(calls, (__u64 *)&cell->open, 1);
	calls->depth = depth + 1;
	frame->has_exits = has_exits;
	frame->generation = (__u16)setting->generation;
	frame->function = function;
	frame->stack_pointer = stack_pointer;
	frame->child_ns = 0;
	frame->probe_ns = 0;
	frame->start_ns = bpf_ktime_get_ns();
	return true;
}

/* Threads that share the cell may need several tries. */
__noinline int take_shared_extremes(struct uprobe_cell *cell, __u64 shortest, __u64 longest)
{
	if (!cell)
		return 0;
	for (int i = 0; i < 16; i++) {
		__u64 known = *(volatile __u64 *)&cell->min_ns;

		if ((known && known <= shortest) ||
		    __sync_val_compare_and_swap(&cell->min_ns, known, shortest) == known)
			break;
	}
	for (int i = 0; i < 16; i++) {
		__u64 known = *(volatile __u64 *)&cell->max_ns;

		if (known >= longest ||
		    __sync_val_compare_and_swap(&cell->max_ns, known, longest) == known)
			break;
	}
	return 0;
}

static __always_inline void take_extremes(const struct calls *calls, struct uprobe_cell *cell,
					  __u64 duration_ns)
{
	/* The shortest is kept plus one, so that 0 means none. */
	__u64 shortest = duration_ns + 1;

	if (!calls->slot) {
		take_shared_extremes(cell, shortest, duration_ns);
		return;
	}
	if (!cell->min_ns || shortest < cell->min_ns)
		cell->min_ns = shortest;
	if (duration_ns > cell->max_ns)
		cell->max_ns = duration_ns;
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

/* Takes the difference of the sums since the step at this depth began. */
static __noinline bool end_totals(struct calls *calls, __u32 depth, struct uprobe_step *step)
{
	if (!calls || !step || calls->totals_depth != depth || !read_totals(step->totals))
		return false;
	calls->totals_depth = 0;
	for (int i = 0; i < UPROBE_TOTALS; i++)
		step->totals[i] -= calls->totals[i];
	return true;
}

static __noinline int tell_step(struct calls *calls, struct frame *frame, __u64 end_ns,
				__u64 probe_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct uprobe_step step = {
		.end_ns = end_ns,
		.probe_ns = probe_ns,
		.pid = process_number(task),
		.tid = thread_number(task),
	};

	if (!calls || !frame)
		return 0;
	step.start_ns = frame->start_ns;
	step.function = frame->function;
	step.has_totals = end_totals(calls, calls->depth, &step);
	if (bpf_ringbuf_output(&steps, &step, sizeof(step), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&steps_lost, 1);
	return 0;
}

/* Drops what was left below a call that returns, and says whether that is the innermost then: not
 * when it began before its thread did, in the parent of a forked process. */
__noinline int is_returning(struct calls *calls, __u32 function, __u64 stack_pointer)
{
	if (!calls)
		return 0;
	/* The return has popped its address: 8 bytes. */
	for (int i = 0; i < UPROBE_DEPTH && calls->depth; i++) {
		struct frame *frame = frame_at(calls, calls->depth - 1);

		if (frame->stack_pointer + 8 > stack_pointer)
			return 0;
		if (frame->stack_pointer + 8 == stack_pointer && frame->function == function)
			return 1;
		drop(calls);
	}
	return 0;
}

static __always_inline struct frame *returning(struct calls *calls, __u32 function,
					       __u64 stack_pointer)
{
	return is_returning(calls, function, stack_pointer) ? frame_at(calls, calls->depth - 1)
							    : NULL;
}

/* Ends the innermost call. Returns how long telling it has taken, when it was a step. */
static __always_inline __u64 leave(struct calls *calls, struct uprobe_cell *cell,
				   const struct uprobe_setting *setting, struct frame *frame,
				   __u64 end_ns, __u32 saved_ns)
{
	__u64 telling_ns = 0;
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
	if (setting->mode == UPROBE_STEP && frame->is_outer) {
		__u64 begin_ns = bpf_ktime_get_ns();

		tell_step(calls, frame, end_ns, probe_ns);
		telling_ns = bpf_ktime_get_ns() - begin_ns;
	}
	calls->depth = depth;
	if (depth) {
		struct frame *caller = frame_at(calls, depth - 1);

		caller->child_ns += duration_ns;
		caller->probe_ns += frame->probe_ns + setting->whole_ns - saved_ns;
		take_edge(caller->function, function, duration_ns);
	}
	return telling_ns;
}

/* Adds up how long the handling of a return has taken, which tells how dear probes are at the
 * moment. What was interrupted tells nothing; nor does what a step alone has, which those do not
 * that costs were measured with. */
static __always_inline void take_handling(const struct calls *calls, struct uprobe_cell *cell,
					  __u64 begin_ns)
{
	__u64 handling_ns = bpf_ktime_get_ns() - begin_ns;

	if (handling_ns >= LONGEST_HANDLING_NS)
		return;
	add(calls, &cell->handled, 1);
	add(calls, &cell->handling_ns, handling_ns);
}

/* Ends the innermost call, which an exception has left. */
__noinline int end_thrown(struct calls *calls, __u64 end_ns)
{
	struct innermost innermost;

	if (!find_innermost(calls, &innermost))
		return 0;
	if (!innermost.setting || !innermost.cell ||
	    is_taken_off(innermost.frame, innermost.setting))
		return drop(calls);
	add(calls, &innermost.cell->thrown, 1);
	leave(calls, innermost.cell, innermost.setting, innermost.frame, end_ns, 0);
	return 1;
}
