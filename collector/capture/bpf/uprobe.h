/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe: what the kernel side (uprobe.bpf.c) and the user side (../uprobe.c) share.
 *
 * Included by both, so only types that both know.
 */
#pragma once

#include "collector/capture/bpf/replaced_return.h"

#define UPROBE_DEPTH   REPLACED_RETURNS
#define UPROBE_BUCKETS 1152
#define UPROBE_EDGES   65536

/* What a hit does. */
enum uprobe_mode {
	UPROBE_TIME,
	UPROBE_COUNT,
	UPROBE_STEP, /* like UPROBE_TIME, and each call is told as a step */
};

/* A probed function, set by the user side; read at each hit. */
struct uprobe_setting {
	__u32 mode;
	__u32 inside_ns; /* what the probe itself adds to a measured duration */
	__u32 whole_ns;	 /* what it adds to the caller's */
	__u32 moved;   /* bytes from the stack pointer at the probe to that of the entry; only where
			  exits are probed */
	__u32 step_ns; /* what is not spent at an exit that the kernel emulates */
	__u32 generation; /* of the probes that count; older ones are being taken off */
	__u32 in_windows; /* 1: nothing is counted but in an open window of steps */
	__u32 unused;	  /* the kernel aligns rows at 8 bytes */
};

/* A window of whole steps: it opens as a step begins, and closes as another one does. How many are
 * between is set before: one that closed when it had seen enough would show more than there is. */
struct uprobe_window {
	__u64 steps;  /* that have begun so far, */
	__u64 begun;  /* as it opened, */
	__u64 ended;  /* and as it closed */
	__u64 length; /* in steps */
	__u64 due;    /* the step from which on its probes may be put in place */
	__u64 thread; /* that has begun the last step */
	__u32 state;
	__u32 steps_ended; /* 1: no more will be told, and no call is within one */
	__u32 overlap;	   /* 1: a step has begun within another thread's */
};

enum uprobe_window_state {
	UPROBE_NO_WINDOW,
	UPROBE_WINDOW_SKIPS,
	UPROBE_WINDOW_DUE,
	UPROBE_WINDOW_WAITS,
	UPROBE_WINDOW_OPEN,
	UPROBE_WINDOW_CLOSED,
};

/*
 * The cookie of a probe is the function's number, and above that its generation.
 * Where no return probe goes with it the number has these at the function's exits
 * (../../resolve/exits.h); UPROBE_THROW where an exception begins to leave calls, UPROBE_CATCH
 * where it is caught, UPROBE_TOLD where a process tells of its sums, UPROBE_LOADS where its loader
 * begins to load something and where it has, UPROBE_STARTS where a known program starts.
 */
#define UPROBE_GENERATION(cookie) ((__u32)((cookie) >> 32))
#define UPROBE_EXIT		  (1u << 31)
#define UPROBE_EXIT_EMULATED	  (1u << 30)
#define UPROBE_EXIT_TAIL_CALL	  (1u << 29)
#define UPROBE_CONDITION(bits)	  ((bits) << 24) /* of a jump that leaves, as its opcode has it */
#define UPROBE_ALWAYS		  16u
#define UPROBE_FUNCTION		  0xffffffu
#define UPROBE_CATCH		  0xffffffffu
#define UPROBE_THROW		  0xfffffffeu
#define UPROBE_TOLD		  0xfffffffdu
#define UPROBE_LOADS		  0xfffffffcu
#define UPROBE_STARTS		  0xfffffffbu
#define UPROBE_DISTRUSTED	  (1u << 31) /* of the number of a process's state */

/*
 * What one thread did in one function. A thread is the only writer of its cells, so plain additions
 * are exact; the cells of slot 0, which threads share when there are too many, are added to
 * atomically.
 */
struct uprobe_cell {
	__u64 calls;
	__u64 step_calls; /* of them, while a step was running */
	__u64 returns;	  /* calls whose end was seen */
	__u64 sum_ns;	  /* of their durations, without the probes' own cost */
	__u64 outer_ns;	  /* of those that were not called from the function itself */
	__u64 self_ns;	  /* of durations without timed callees */
	__u64 min_ns, max_ns;
	__u64 subtracted_ns; /* what was taken off durations for the probes' own cost */
	__u64 deep;	     /* calls below UPROBE_DEPTH timed ones: counted, not timed */
	__s64 open;	     /* calls that have not ended */
	__u64 thrown;	     /* of the returns, calls that an exception left */
	__u64 withheld;	     /* calls where no return probe may wait: counted, not timed */
	__u64 ended;	     /* calls that their thread left as it ended, by itself */
	__u64 tail_calls;    /* calls that ended as another function took their place, at an exit */
	__u64 handled, handling_ns; /* returns whose handling was not interrupted, and its time */
};

/* The thread of a slot. */
struct uprobe_thread {
	__u32 pid, tid;
};

struct uprobe_edge_key {
	__u32 caller, callee;
};

struct uprobe_edge {
	__u64 calls;
	__u64 sum_ns;
};

struct uprobe_histogram {
	__u64 counts[UPROBE_BUCKETS];
};

#define UPROBE_TOTALS 8

/* One finished step, as it is told. CLOCK_MONOTONIC. */
struct uprobe_step {
	__u64 start_ns, end_ns;
	__u64 probe_ns; /* of that time, the probes' own cost */
	__u32 pid, tid;
	__u32 function;
	__u32 has_totals;	     /* 1: it is known */
	__u64 totals[UPROBE_TOTALS]; /* what its process did meanwhile, by its own sums */
};

/* Where a process has such sums. */
struct uprobe_totals_place {
	__u64 pid_address; /* of 32 bits that hold its number: where they do not, it has none any
			      more */
	__u64 address;
	__u64 slots; /* of all threads, */
	__u64 limit; /* address of 32 bits: how many of them may be in use */
	__u32 pid;   /* what stands at pid_address */
	__u32 unused;
};

/* Parts of a slot: those of struct wire_slot. */
#define UPROBE_SLOT_BYTES 256
#define UPROBE_SLOT_PID	  8
#define UPROBE_SLOT_SUMS  136 /* two: the first of UPROBE_TOTALS have to be added to */
#define UPROBE_SLOTS_MOST 256 /* where more are in use nothing is known */

/* What return probes have changed of a stack at the moment of a sample. */
struct uprobe_stack {
	__u64 time_ns;
	__u32 pid, tid;
	__u64 instruction_pointer, stack_pointer; /* as the sample has them */
	__u64 real_instruction, real_stack;	  /* as they would be without probes */
	__u64 trampoline;
	__u32 count;
	__u32 unused;
	struct replaced_return returns[REPLACED_RETURNS];
};

/*
 * Returns the histogram's bucket of a duration: below 32 ns one bucket a nanosecond, above it 32
 * buckets for each power of two, so that a bucket's middle is within 1.6 % of what is in it. The
 * last bucket takes all from 2^40 ns (18 minutes) on.
 */
static inline __attribute__((always_inline)) __u32 uprobe_bucket(__u64 duration_ns)
{
	__u64 rest = duration_ns;
	__u32 exponent = 0;

	if (duration_ns < 32)
		return (__u32)duration_ns;
	if (duration_ns >> 40)
		return UPROBE_BUCKETS - 1;
	if (rest >> 32) {
		exponent = 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		exponent += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		exponent += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		exponent += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		exponent += 2;
		rest >>= 2;
	}
	exponent += (__u32)(rest >> 1) - 5;
	return (exponent + 1) * 32 + ((duration_ns >> exponent) & 31);
}
