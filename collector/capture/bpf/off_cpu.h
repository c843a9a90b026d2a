/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: what the kernel side (off_cpu.bpf.c) and the user side (../off_cpu.c) share.
 *
 * Times are CLOCK_MONOTONIC in nanoseconds.
 */
#pragma once

#include "collector/capture/bpf/replaced_return.h"

#define OFF_CPU_PROCESSES    4096
#define OFF_CPU_THREADS	     16384 /* that live or have ended since the last look */
#define OFF_CPU_PLACES	     32768 /* of all of them */
#define OFF_CPU_OWN_PLACES   256   /* of one thread, before the rest is thrown together */
#define OFF_CPU_RING_BYTES   (8 << 20)
#define OFF_CPU_STACK_BYTES  32768
#define OFF_CPU_KERNEL_DEPTH 64
#define OFF_CPU_REGISTERS    17 /* DWARF numbers of x86-64; 16 is the instruction pointer */

/* A stack is copied once in this time for each place, and so often at most on each CPU. */
#define OFF_CPU_COPY_NS 10000000u
#define OFF_CPU_COPIES	1000 /* a second */
/* Waits of a place are told together, once in this time. */
#define OFF_CPU_TELL_NS 10000000u

/* The machine's numbers of threads come again; together with the time of birth they do not. */
struct off_cpu_key {
	__u32 tid;
	__u32 unused;
	__u64 born_ns;
};

enum off_cpu_state {
	OFF_CPU_RUNNING,
	OFF_CPU_RUNNABLE, /* waits for a processor */
	OFF_CPU_BLOCKED,  /* waits for anything else */
	OFF_CPU_ENDED,
};

enum off_cpu_kind {
	OFF_CPU_NOWHERE,   /* no stack of it was taken */
	OFF_CPU_CALL,	   /* entered the kernel here and blocked */
	OFF_CPU_PREEMPTED, /* lost the processor, wherever it was */
	OFF_CPU_ELSEWHERE, /* the thread has more places than it may have */
};

/* Where a thread waits: two waits of one thread with the same instruction and stack pointer are
 * taken to have the same callers. */
struct off_cpu_place_key {
	struct off_cpu_key thread;
	__u64 kind;
	__u64 ip; /* 0 unless OFF_CPU_CALL */
	__u64 sp;
};

/* What was waited there since it was last told. */
struct off_cpu_place {
	__u64 id; /* from 1 */
	__u64 blocked_ns;
	__u64 runnable_ns;
	__u64 told_ns;	 /* when */
	__u64 copied_ns; /* when the stack was; 0: never */
};

struct off_cpu_thread {
	__u32 pid, tid; /* as the user side knows them */
	__u32 state;
	__u32 unused;
	__u64 first_ns; /* watched from here */
	__u64 since_ns; /* in its state */
	__u64 running_ns;
	__u64 runnable_ns;
	__u64 blocked_ns;
	__u64 cpu_first_ns; /* the scheduler's own count of CPU time: when first watched */
	__u64 cpu_ns;	    /* when it last left the processor */
	__u64 switches;	    /* times it did */
	__u64 places;
	struct off_cpu_place_key place; /* where it waits, or has waited last */
	__u64 wait_blocked_ns;		/* of the wait at hand, before it was woken */
	__u64 nowhere_blocked_ns;	/* in no place */
	__u64 nowhere_runnable_ns;
};

/* Records of the ring. All begin alike. */
enum off_cpu_record_kind {
	OFF_CPU_RECORD_STACK,
	OFF_CPU_RECORD_AMOUNT,
};

struct off_cpu_record {
	__u32 kind;
	__u32 pid;
	__u32 tid;
	__u32 unused;
	__u64 time_ns;
	__u64 place;
};

/* The waits of a place, from the stack told before on. */
struct off_cpu_amount {
	struct off_cpu_record head;
	__u64 blocked_ns;
	__u64 runnable_ns;
};

/* The stack of a place, for the waits told from now on. */
struct off_cpu_stack {
	struct off_cpu_record head;
	__u32 is_32_bit;    /* then no registers */
	__u32 kernel_first; /* frames before this are those of tracing itself */
	__u32 kernel_count; /* with those */
	__u32 stack_bytes;
	__u64 registers[OFF_CPU_REGISTERS];
	__u64 kernel[OFF_CPU_KERNEL_DEPTH]; /* innermost first */
	__u64 trampoline;		    /* what replaced return addresses point to */
	__u64 return_count;
	struct replaced_return returns[REPLACED_RETURNS];
	__u8 stack[OFF_CPU_STACK_BYTES]; /* from the stack pointer upward; the rest is not sent */
};
