/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stack_rest: copies what perf leaves of a deep stack, with each sample and at the same moment.
 *
 *     sp        sp + 65,000               end of the stack         addresses →
 *      [ perf's copy ][ ours, page by page ]
 *      [ perf's ]  ⌀  [ ours               ]     perf stops at a page that was never written, as
 *                                                there are in large arrays; it can be the first,
 *                                                which the interrupted instruction writes to
 *
 * Where the stack ends is known without a look at the mappings, whose lock cannot be waited for
 * here: that of the first thread at the program's arguments, that of any other where the C library
 * describes the thread (glibc and musl keep that above the stack, and the kernel has its address in
 * fsbase). A stack that ends at neither, a coroutine's say, is left to the user side. What is
 * copied is what stands there at this moment: where the end is mistaken it is too much, never
 * wrong.
 *
 * Of a stack that perf copies to the end nothing is done but to look whether it can: a word of each
 * page.
 *
 * perf copies nothing below the stack pointer, where functions that call none may keep what leads
 * out of them. Where the user side has asked for it that goes with each sample, brief ones too.
 *
 * Samples of the kernel's tick run no such program; there is one that runs at each tick of a thread
 * which has perf events, anybody's.
 *
 * perf has set the time of the sample before it asks the program (bpf_overflow_handler, from Linux
 * 6.3 on); an older kernel has no bpf_cast_to_kern_ctx, or other times, which never meet.
 * Source: bpf-helpers(7); kernel/events/core.c; Documentation/bpf/kfuncs.rst.
 */
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/numbers.h"
#include "collector/capture/bpf/stack_rest.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define CPUS	      1024 /* at most; the user side cuts the tables to those there are */
#define BYTES	      ((__u64)STACK_REST_PAGES * STACK_REST_PAGE)
#define WINDOW_NS     (1ull << STACK_REST_WINDOW_BITS)
#define COPY_PAGES    17 /* that a copy of 64 KB can lie in */
#define PAGE_OF(word) ((word) & ~(__u64)(STACK_REST_PAGE - 1))

char LICENSE[] SEC("license") = "GPL";

extern void *bpf_cast_to_kern_ctx(void *context) __ksym;

/* Set by the user side: copies that are no larger are brief by its own wish. */
const volatile __u32 brief_bytes;

/* Set before on_tick is attached: which timer's expiry is the tick, and what perf copies then. */
__u64 tick_handler;
__u32 tick_copy_bytes;

/* Set by the user side when it has met a function that keeps something there. */
__u32 wants_red_zones;

__u64 red_zones; /* samples of which only that was copied */
__u64 copied;	 /* samples whose stack was copied to its end */
__u64 limited;	 /* that would have taken more than the share of the processor's time */
__u64 ring_full; /* that found no room */

/* One ring for each processor: there records come in the order of perf's samples. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, STACK_REST_PAGE);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, CPUS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct spending {
	__u64 window;
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct spending);
} spendings SEC(".maps");

/* What else is to run with each sample (perf_source_set_program). */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

static bool can_read(__u64 address)
{
	__u64 word;

	return !bpf_probe_read_user(&word, sizeof(word), (const void *)address);
}

/* Returns where the stack ends that @sp points into, 0 when that is not known. */
static __u64 end_of_stack(struct task_struct *task, __u64 sp)
{
	__u64 end = BPF_CORE_READ(task, thread.fsbase);

	if (end > sp && end - sp <= BYTES)
		return end;
	end = BPF_CORE_READ(task, mm, start_stack) + sizeof(__u64);
	return end > sp && end - sp <= BYTES ? end : 0;
}

/* Returns the first page that perf does not copy to its end, or one at or beyond @end. */
static __u64 find_start(__u64 sp, __u64 copy_bytes, __u64 end)
{
	__u64 page = PAGE_OF(sp), last = PAGE_OF(sp + copy_bytes);

	for (int i = 0; i < COPY_PAGES; i++) {
		if (page >= last || page >= end || !can_read(page))
			break;
		page += STACK_REST_PAGE;
	}
	return page;
}

static struct spending *spending_at(__u64 now_ns)
{
	__u32 zero = 0;
	struct spending *spending = bpf_map_lookup_elem(&spendings, &zero);
	__u64 window = now_ns >> STACK_REST_WINDOW_BITS;

	if (spending && spending->window != window) {
		spending->window = window;
		spending->ns = 0;
	}
	return spending;
}

struct filling {
	struct bpf_dynptr memory; /* of the record and the pages */
	__u64 start;
	__u64 present[STACK_REST_PAGES / 64];
};

/* Copies one page. Returns 1 when that cannot go on. */
static long fill_page(__u32 i, void *context)
{
	struct filling *filling = context;
	__u64 offset = (__u64)i * STACK_REST_PAGE;
	void *page = bpf_dynptr_data(&filling->memory, sizeof(struct stack_rest_record) + offset,
				     STACK_REST_PAGE);

	if (!page || i >= STACK_REST_PAGES)
		return 1;
	if (!bpf_probe_read_user(page, STACK_REST_PAGE, (const void *)(filling->start + offset)))
		filling->present[i / 64] |= 1ull << i % 64;
	return 0;
}

static void send(struct stack_rest_record *record)
{
	__u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	__u32 bytes = sizeof(*record) + record->pages * STACK_REST_PAGE;
	struct filling filling = {.start = record->start};

	if (!ring) {
		__sync_fetch_and_add(&ring_full, 1);
		return;
	}
	if (!bpf_ringbuf_reserve_dynptr(ring, bytes, 0, &filling.memory)) {
		bpf_loop(record->pages, fill_page, &filling, 0);
		__builtin_memcpy(record->present, filling.present, sizeof(record->present));
		bpf_dynptr_write(&filling.memory, 0, record, sizeof(*record), 0);
		__sync_fetch_and_add(record->pages ? &copied : &red_zones, 1);
	} else {
		__sync_fetch_and_add(&ring_full, 1);
	}
	bpf_ringbuf_submit_dynptr(&filling.memory, BPF_RB_NO_WAKEUP);
}

/* Copies what perf leaves of the interrupted thread's stack. @copy_bytes  that perf copies;
 * @is_brief  and no more is wanted above them */
static void copy_rest(const struct pt_regs *registers, __u64 time_ns, __u64 copy_bytes,
		      bool is_brief)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct stack_rest_record record = {
		.sp = BPF_CORE_READ(registers, sp),
		.ip = BPF_CORE_READ(registers, ip),
		.time_ns = time_ns,
	};
	__u64 end, begun_ns;
	struct spending *spending;

	if (!task->mm)
		return;
	end = is_brief ? 0 : end_of_stack(task, record.sp);
	record.start = find_start(record.sp, copy_bytes, end);
	if (record.start < end)
		record.pages = (end - record.start + STACK_REST_PAGE - 1) / STACK_REST_PAGE;
	else if (!wants_red_zones)
		return;
	begun_ns = bpf_ktime_get_ns();
	spending = spending_at(begun_ns);
	if (!spending || spending->ns > WINDOW_NS * STACK_REST_PERCENT / 100) {
		__sync_fetch_and_add(&limited, 1);
		return;
	}
	record.tid = thread_number(task);
	if (wants_red_zones)
		record.has_red_zone =
			!bpf_probe_read_user(record.red_zone, sizeof(record.red_zone),
					     (const void *)(record.sp - sizeof(record.red_zone)));
	send(&record);
	spending->ns += bpf_ktime_get_ns() - begun_ns;
}

SEC("perf_event")
int on_sample(void *context)
{
	const struct bpf_perf_event_data_kern *event = bpf_cast_to_kern_ctx(context);
	const struct perf_sample_data *data = event->data;
	bool is_brief = data->stack_user_size <= brief_bytes;

	if (!is_brief || wants_red_zones)
		copy_rest(BPF_CORE_READ(data, regs_user.regs), data->time, data->stack_user_size,
			  is_brief);
	bpf_tail_call(context, &next, 0);
	return 1; /* perf keeps the sample */
}

/* Of timer:hrtimer_expire_entry, from its description in tracefs. */
struct expiry {
	__u64 common;
	void *hrtimer;
	__s64 now;
	void *function;
};

/* Programs of a tracepoint run just before perf takes its samples there. */
SEC("tracepoint/timer/hrtimer_expire_entry")
int on_tick(const struct expiry *expiry)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if ((__u64)expiry->function == tick_handler && task->perf_event_ctxp)
		copy_rest((const struct pt_regs *)bpf_task_pt_regs(task), bpf_ktime_get_ns(),
			  tick_copy_bytes, false);
	return 1; /* nor do others lose theirs */
}
