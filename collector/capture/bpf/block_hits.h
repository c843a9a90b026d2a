/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block_hits: what the kernel side (block_hits.bpf.c) and the user side (../block_hits.c) share. */
#pragma once

#include <linux/types.h>

#define BLOCK_HITS_FUNCTIONS 64 /* bits of a thread's mask */
#define BLOCK_HITS_PROBES    65536

/* The cookie of a probe. */
#define BLOCK_HITS_PROBE(cookie)     ((cookie)&0xffffff)
#define BLOCK_HITS_CONDITION(cookie) ((cookie) >> 24 & 31) /* of the jump under it; or ALWAYS */
#define BLOCK_HITS_ALWAYS	     16
#define BLOCK_HITS_FUNCTION(cookie)  ((cookie) >> 32 & (BLOCK_HITS_FUNCTIONS - 1))
#define BLOCK_HITS_STEPPED	     (1ull << 30) /* the kernel does not emulate the instruction */
#define BLOCK_HITS_ENTRY	     (1ull << 31) /* calls of the function begin here */

/* Of one probe, and one of the shards that processors share. */
struct block_hits_count {
	__u64 hits;
	__u64 taken; /* of them, times the jump was taken */
};

/* What becomes of calls that begin now. */
enum block_hits_window {
	BLOCK_HITS_IDLE, /* they do not exist: before the first window, and after the last */
	BLOCK_HITS_OPEN, /* their blocks are counted */
	BLOCK_HITS_SHUT	 /* they are counted, but not their blocks */
};

struct block_hits_function {
	__u64 entries; /* hits of its entry, but for idle times */
	__u32 window;  /* enum block_hits_window */
	__u32 unused;
};
