/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_limit: what a program's probes have cost, and a word to the user side (../probe_limit.h)
 * when that is more than it may be.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} limits SEC(".maps");

__u64 spent_ns; /* that probes have cost, while there is a limit */
__u64 limit_ns; /* 0: none */

__noinline int probe_limit_tell(void)
{
	__u8 nothing = 0;

	bpf_ringbuf_output(&limits, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Adds what a hit costs, and tells once when all together pass the limit. */
static __always_inline void probe_limit_spend(__u64 cost_ns)
{
	__u64 before;

	if (!limit_ns)
		return;
	before = __sync_fetch_and_add(&spent_ns, cost_ns);
	if (before < limit_ns && before + cost_ns >= limit_ns)
		probe_limit_tell();
}
