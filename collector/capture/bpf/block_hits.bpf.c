/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * block_hits: counts executions of basic blocks, at probes on some of them.
 *
 * A thread counts a function's blocks from an entry of the function on that finds its window open,
 * until one that finds it shut. So it never begins or ends between two calls of other functions,
 * which would take a hit from one block and not from the next.
 */
#include "collector/capture/bpf/block_hits.h"
#include "collector/capture/bpf/jump_condition.h"
#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/probe_limit.h"
#include "collector/capture/bpf/sampled_stacks.h"
#include "collector/capture/bpf/watched.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* Which functions' blocks a thread counts, by their numbers; ends with the thread. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} counting SEC(".maps");

/* The size is set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct block_hits_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BLOCK_HITS_FUNCTIONS);
	__type(key, __u32);
	__type(value, struct block_hits_function);
} functions SEC(".maps");

const volatile __u32 shards = 1;
const volatile __u32 uncounted; /* in place of a probe's number, for hits outside a window */

__u32 costs_ns[2];  /* of a hit: of an emulated, and of a stepped instruction */
__u64 threads_lost; /* got no storage: their hits are not seen */

/* Makes the mask of a thread at its first hit; NULL when its process is none of the target's. */
static __noinline __u64 *begin_thread(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *mask;

	if (!is_watched(process_number(task)))
		return NULL;
	mask = bpf_task_storage_get(&counting, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mask)
		__sync_fetch_and_add(&threads_lost, 1);
	return mask;
}

static __always_inline void enter(__u64 *mask, __u32 number, __u64 bit)
{
	struct block_hits_function *function = bpf_map_lookup_elem(&functions, &number);

	__u32 window;

	if (!function)
		return;
	/* Looked at once, so that each call is either counted with its blocks or not. */
	window = *(volatile __u32 *)&function->window;
	if (window != BLOCK_HITS_IDLE)
		__sync_fetch_and_add(&function->entries, 1);
	*mask = window == BLOCK_HITS_OPEN ? *mask | bit : *mask & ~bit;
}

SEC("kprobe")
int on_block(struct pt_regs *registers)
{
	__u64 cookie = bpf_get_attach_cookie(registers);
	__u64 *mask = bpf_task_storage_get(&counting, bpf_get_current_task_btf(), 0, 0), bit;
	struct block_hits_count *count;
	__u32 key;

	if (!mask && cookie & BLOCK_HITS_ENTRY)
		mask = begin_thread();
	if (!mask)
		return 0;
	probe_limit_spend(costs_ns[cookie & BLOCK_HITS_STEPPED ? 1 : 0]);
	bit = 1ull << BLOCK_HITS_FUNCTION(cookie);
	if (cookie & BLOCK_HITS_ENTRY)
		enter(mask, BLOCK_HITS_FUNCTION(cookie), bit);
	key = *mask & bit ? BLOCK_HITS_PROBE(cookie) : uncounted;
	key = key * shards + bpf_get_smp_processor_id() % shards;
	count = bpf_map_lookup_elem(&counts, &key);
	if (!count)
		return 0;
	__sync_fetch_and_add(&count->hits, 1);
	if (is_taken(BLOCK_HITS_CONDITION(cookie), registers->flags))
		__sync_fetch_and_add(&count->taken, 1);
	return 0;
}
