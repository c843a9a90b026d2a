/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: what the kernel side (off_cpu.bpf.c) and the user side (../off_cpu.c) share.
 *
 * Included by both, so only types that both know.
 */
#pragma once

#include <linux/types.h>

#define OFF_CPU_THREADS	  16384 /* that live or have ended since the last look */
#define OFF_CPU_PROCESSES 4096

/* Numbers of threads come again; together with the time of birth they do not. */
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

/* The times of one thread, exact; CLOCK_MONOTONIC nanoseconds. */
struct off_cpu_thread {
	__u32 pid;
	__u32 state;
	__u64 first_ns; /* watched from here */
	__u64 since_ns; /* in its state */
	__u64 running_ns;
	__u64 runnable_ns;
	__u64 blocked_ns;
	__u64 switches; /* times it left the processor */
};
