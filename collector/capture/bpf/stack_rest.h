/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stack_rest: what the kernel side (stack_rest.bpf.c) and the user side (../stack_rest.c) share.
 */
#pragma once

#ifdef __bpf__
#include <linux/bpf.h>
#else
#include <linux/types.h>
#endif

#define STACK_REST_PAGE	 4096
#define STACK_REST_PAGES 512 /* 2 MB: no deeper stack is copied */

/* A processor spends at most this share of a window of 2^24 ns, 17 ms, on copies. */
#define STACK_REST_PERCENT     5
#define STACK_REST_WINDOW_BITS 24

/* Bytes below the stack pointer that are a function's own: System V ABI AMD64, section 3.2.2. */
#define STACK_REST_RED_ZONE 128

/* A record; STACK_REST_PAGE bytes follow for each page. */
struct stack_rest_record {
	__u64 time_ns; /* of perf's sample, and its registers: by these they are put together */
	__u64 ip, sp;
	__u64 start; /* run address of the first page */
	__u32 tid;
	__u32 pages;
	__u64 present[STACK_REST_PAGES / 64]; /* a bit for each page; absent: never written */
	__u64 has_red_zone;
	__u8 red_zone[STACK_REST_RED_ZONE];
};
