/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_maps: what the programs of uprobe.bpf.c keep: the stack of each thread's timed calls,
 * settings, counters and rings.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"
#include "collector/capture/bpf/probe_limit.h"
#include "collector/capture/bpf/uprobe.h"
#include "collector/capture/bpf/trusted.h"

#include <bpf/bpf_helpers.h>

struct frame {
	__u64 start_ns;
	__u64 stack_pointer;
	__u64 child_ns;
	__u64 probe_ns;
	__u32 function;
	__u8 is_outer;
	__u8 has_exits;	  /* it ends at one of its exits; no return probe waits for it */
	__u16 generation; /* of the probes that told of it; the last 16 bits */
};

/* A thread's calls; ends with the thread. */
struct calls {
	__u32 slot;
	__u16 depth;
	__u8 is_unwinding;	     /* an exception is on its way */
	__u8 is_trusted;	     /* return addresses may be replaced, */
	__u64 totals[UPROBE_TOTALS]; /* of the process as the outermost step began; */
	__u32 totals_depth;	     /* with which depth is this; 0: there are none */
	__u32 trust_seen;	     /* as of so many changes of that, and one */
	struct frame frames[UPROBE_DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calls);
} running SEC(".maps");

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
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); /* number of the process */
	__type(value, struct uprobe_totals_place);
} totals_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} steps SEC(".maps");

const volatile __u32 function_count = 1;
const volatile __u32 slot_count = 1;
const volatile __u32 histogram_shards = 1;
const volatile bool
	returns_wait_everywhere; /* the probes are such that nothing can withhold them */

__u32 slots_used; /* besides slot 0, which is for those that come too late */
__s32 steps_open;
struct uprobe_window window;
__u64 steps_lost;
__u64 edges_lost;
__u64 threads_lost; /* got no storage: their calls are not seen */
