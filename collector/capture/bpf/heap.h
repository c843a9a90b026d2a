/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap: what the kernel side (heap.bpf.c) and the user side (../heap.c) share.
 */
#pragma once

#include <linux/types.h>

#define HEAP_RING_BYTES	 (16 << 20)
#define HEAP_STACK_BYTES 32768
#define HEAP_REGISTERS	 17 /* DWARF numbers of x86-64; 16 is the instruction pointer */
#define HEAP_GAPS	 1025
#define HEAP_FUNCTIONS	 8
#define HEAP_PLACE_SHIFT 8 /* a cookie has the number of the function there */

/* Which argument of a probed function says how much is asked for; a part of its
 * cookie. */
enum heap_size {
	HEAP_FIRST,
	HEAP_SECOND,
	HEAP_THIRD,
	HEAP_PRODUCT, /* of the first and the second */
	HEAP_AGAIN,   /* the second; with a first of 0 it calls malloc, which is probed */
	HEAP_TRIAL,   /* nothing: to measure what a hit costs */
};

/* Counts of one CPU. */
struct heap_cpu {
	__s64 left;	   /* bytes until the next allocation is taken, */
	__u64 is_drawn;	   /* once that has been drawn */
	__u64 hits;	   /* of probes, by anybody */
	__u64 calls;	   /* while a window was open */
	__u64 bytes;	   /* asked for by them */
	__u64 base;	   /* where the file of the last hit would begin */
	__u64 ticks;	   /* while a window was open, */
	__u64 probe_ticks; /* and those that found a probe at work */
};

/* An allocation that was taken. */
struct heap_record {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 pid, tid;
	__u64 bytes;
	__u32 is_32_bit; /* then no registers */
	__u32 stack_bytes;
	__u64 registers[HEAP_REGISTERS];
	__u8 stack[HEAP_STACK_BYTES]; /* from the stack pointer upward */
};
