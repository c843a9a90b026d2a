/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap: takes a sample by bytes of the allocations of processes, at probes on the functions of
 * their allocator, which they alone meet. The sampling is that of probe/thinning.h, of the bytes on
 * each CPU.
 */
#include "collector/capture/bpf/heap.h"
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/numbers.h"
#include "collector/capture/bpf/user_stack.h"

#include <bpf/bpf_helpers.h>

#define GAP_SHIFT   20 /* gaps are in parts of 1 << 20 of the rate */
#define MOST_DRAWS  8  /* each but the first with a chance of one in 1024 */
#define PLACE_BYTES 16 /* the longest instruction, and where one goes on after it */

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 rate = 1;
/* -ln(i / 1024); [0] is unused. */
const volatile __u32 gaps[HEAP_GAPS];
/* Where the probed functions are in their file; the rest as the first. */
const volatile __u64 places[HEAP_FUNCTIONS];

__u32 is_open; /* the window */
__u64 samples_lost;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heap_cpu);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HEAP_RING_BYTES);
} ring SEC(".maps");

/* An exponential number, in parts of the rate: by the table, between whose rows it is drawn evenly;
 * below the first row the rest is distributed as the whole. */
static __u64 draw(void)
{
	__u64 sum = 0;

	for (int i = 0; i < MOST_DRAWS; i++) {
		__u32 random = bpf_get_prandom_u32();
		__u32 row = random >> 22, part = random & 0x3fffff;
		__u32 high, low;

		if (!row) {
			sum += gaps[1];
			continue;
		}
		if (row >= HEAP_GAPS - 1)
			break;
		high = gaps[row];
		low = gaps[row + 1];
		sum += high - (((__u64)(high - low) * part) >> 22);
		break;
	}
	return sum;
}

/* The bytes until the next hit. */
static __s64 draw_gap(void)
{
	return (__s64)((draw() * (rate >> 10)) >> (GAP_SHIFT - 10));
}

static __u64 size_of(const struct pt_regs *registers, __u64 cookie)
{
	__u64 first = registers->di, second = registers->si, third = registers->dx;

	/* Else the compiler reads one of them through a pointer that it reckons, which the verifier
	 * does not allow. */
	asm volatile("" : "+r"(first), "+r"(second), "+r"(third));
	switch (cookie) {
	case HEAP_FIRST:
		return first;
	case HEAP_SECOND:
		return second;
	case HEAP_THIRD:
		return third;
	case HEAP_PRODUCT:
		return first * second;
	default:
		return second;
	}
}

static void take(const struct pt_regs *registers, __u64 bytes)
{
	struct heap_record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	struct task_struct *task = bpf_get_current_task_btf();

	if (!record) {
		__sync_fetch_and_add(&samples_lost, 1);
		return;
	}
	record->time_ns = bpf_ktime_get_ns();
	record->pid = process_number(task);
	record->tid = thread_number(task);
	record->bytes = bytes;
	record->is_32_bit = user_stack_registers(record->registers, registers);
	record->stack_bytes =
		record->is_32_bit ? 0 : user_stack_copy(record->stack, registers->sp, NULL);
	bpf_ringbuf_submit(record, 0);
}

SEC("kprobe")
int on_allocation(struct pt_regs *registers)
{
	__u64 cookie = bpf_get_attach_cookie(registers), bytes;
	__u32 zero = 0;
	struct heap_cpu *cpu = bpf_map_lookup_elem(&counts, &zero);
	__s64 sampled;

	if (!cpu)
		return 0;
	cpu->hits++;
	if (cookie == HEAP_TRIAL)
		return 0;
	cpu->base = registers->ip - places[(cookie >> HEAP_PLACE_SHIFT) % HEAP_FUNCTIONS];
	cookie &= (1 << HEAP_PLACE_SHIFT) - 1;
	if (!is_open)
		return 0;
	if (cookie == HEAP_AGAIN && !registers->di)
		return 0;
	bytes = size_of(registers, cookie);
	if (bytes >> 40) /* it will fail */
		return 0;
	cpu->calls++;
	cpu->bytes += bytes;
	sampled = bytes ? bytes : 1;
	if (!cpu->is_drawn) { /* else its first allocation would be taken, whatever it is */
		cpu->is_drawn = 1;
		cpu->left = draw_gap();
	}
	cpu->left -= sampled;
	if (cpu->left >= 0)
		return 0;
	cpu->left = draw_gap();
	take(registers, bytes);
	return 0;
}

/* Whether a thread is in the kernel for a probe, or has just come back. */
static bool is_at_probe(struct task_struct *task, const struct heap_cpu *cpu)
{
	const struct pt_regs *registers = (const struct pt_regs *)bpf_task_pt_regs(task);
	struct uprobe_task *utask = BPF_CORE_READ(task, utask);
	__u64 place;

	if (!utask)
		return false;
	/* Its first instruction may be executed elsewhere. */
	place = (BPF_CORE_READ(utask, active_uprobe) ? BPF_CORE_READ(utask, vaddr)
						     : registers->ip) -
		cpu->base;
	for (int i = 0; i < HEAP_FUNCTIONS; i++)
		if (place - places[i] < PLACE_BYTES)
			return true;
	return false;
}

SEC("perf_event")
int on_tick(void *unused)
{
	__u32 zero = 0;
	struct heap_cpu *cpu = bpf_map_lookup_elem(&counts, &zero);

	(void)unused;
	if (!cpu || !is_open)
		return 0;
	cpu->ticks++;
	cpu->probe_ticks += is_at_probe(bpf_get_current_task_btf(), cpu);
	return 0;
}
