/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * event: what every source of samples delivers, and nothing of how it got it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* DWARF register numbers of x86-64; 16 is the instruction pointer. */
#define EVENT_REGISTERS 17

enum event_kind {
	EVENT_NONE, /* a record of no interest */
	EVENT_SAMPLE,
	EVENT_MAPPING,	/* executable memory was mapped */
	EVENT_FORK,	/* a process or thread was born */
	EVENT_EXIT,	/* a thread ended */
	EVENT_NAME,	/* a thread was renamed, perhaps because it executes another program */
	EVENT_LOST,	/* records were dropped because a ring was full */
	EVENT_THROTTLE, /* the kernel has stopped an event for a moment: it came too often */

	/* Where amounts are summed up before they are told, a stack comes by itself and has a
	 * number: the amounts of that number belong to the last stack that came under it. */
	EVENT_STACK,
	EVENT_AMOUNT,	 /* of a numbered stack; number 0: none was taken */
	EVENT_STACK_END, /* the number will not be used again */

	EVENT_TIMES, /* the exact times of a thread, at its end or that of the recording */

	/* Or the stack comes by parts, each a caller's stack and one more function. */
	EVENT_NODE,
	EVENT_NODE_AMOUNT, /* of a stack that came so */

	/* What threads did to locks, files and statements: sums, told once. The subject comes
	 * first. */
	EVENT_SUBJECT,
	EVENT_OPERATION, /* its stacks came by parts */
	EVENT_SPREAD,

	/* A handler that may have a stack of its own is about to interrupt what it comes with. It
	 * may be a thread of anybody's. */
	EVENT_INTERRUPTION,
	EVENT_INTERRUPTIONS_MISSED, /* of those told before nobody knows whether they last */
};

enum event_registers {
	EVENT_REGISTERS_NONE, /* no user code was running */
	EVENT_REGISTERS_32,   /* 32-bit code: registers are not delivered */
	EVENT_REGISTERS_64,
};

/* What a source's samples count: the row of profile.sql's table metrics. Two sources, two rows. */
struct event_metric {
	const char *name; /* "cpu" */
	const char *unit; /* "ns" */
	uint64_t period;  /* > 0: what a weight is divided by for the file */
	bool is_level;	  /* weights are changes, in two's complement; the period is 1 */
};

/* A return address that the kernel has replaced, because a probe waits for the return. */
struct event_return {
	uint64_t slot; /* where it stands on the stack */
	uint64_t address;
};

/* A piece of the stack that lies beyond the copy, taken at the same moment. */
struct event_stack_piece {
	const uint8_t *data;
	uint64_t start; /* run address */
	size_t bytes;
};

#define EVENT_STACK_PIECES 16 /* at most */

#define EVENT_RED_ZONE 128 /* bytes below the stack pointer (System V ABI AMD64, section 3.2.2) */

struct event_sample {
	const struct event_metric *metric; /* as in event_amount; not of EVENT_STACK */
	uint64_t weight;		   /* in the metric's unit; not of EVENT_STACK */
	const uint64_t *kernel;		   /* kernel call chain, innermost first; may be empty */
	size_t kernel_count;
	const uint64_t *callers; /* user code address and, by frame pointers, return addresses */
	size_t caller_count;	 /* what code without frame pointers makes of them is anything */
	enum event_registers has_registers;
	uint64_t registers[EVENT_REGISTERS];
	const uint8_t *stack; /* bytes from the stack pointer upward */
	size_t stack_bytes;
	const struct event_stack_piece
		*pieces; /* ascending; between them nothing was ever written */
	size_t piece_count;
	const uint8_t *red_zone; /* EVENT_RED_ZONE bytes up to the stack pointer; NULL: not taken */
	size_t brief_bytes;  /* that the source would copy, were it told that they do; 0: it can not
			      */
	bool is_brief;	     /* it was told, and they are all that was wanted */
	uint64_t trampoline; /* what replaced return addresses point to; 0: there are none */
	const struct event_return *returns; /* innermost first; of one slot the last counts */
	size_t return_count;
};

enum event_node_kind {
	EVENT_NODE_ROOT,   /* the empty stack of a process */
	EVENT_NODE_CALL,   /* its parent's stack and one more function */
	EVENT_NODE_ENDING, /* of its parent, a root: the stacks on it were cut there */
};

/* A call stack, as its caller's and one more part. Its stack_id, and its parent's, are small
 * numbers from 1 on; one source only tells of them. */
struct event_node {
	enum event_node_kind kind;
	uint32_t parent;  /* smaller, told before */
	uint64_t address; /* of EVENT_NODE_CALL: a return address */
	uint8_t ending;	  /* of EVENT_NODE_ENDING: enum profile_ending */
};

struct event_amount {
	const struct event_metric *metric; /* owned by the source, for as long as it is open */
	uint64_t weight;		   /* in the metric's unit */
};

/* What a thread did while it was watched; nanoseconds, measured from switch to switch. */
struct event_times {
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t booked_ns;    /* CPU time by the scheduler's own count, which rounds at each switch
				  and    leaves out what interrupts took */
	uint64_t run_queue_ns; /* runnable, but without a processor */
	uint64_t off_cpu_ns;   /* blocked */
	uint64_t switches;     /* times it left the processor */
};

/* Of all, the event's pid is that of the process it belongs to; 0: it is the same in all. */
struct event_subject {
	uint32_t number; /* small, from 1 */
	uint8_t kind;	 /* enum profile_subject_kind */
	uint64_t identity;
	uint64_t elf_address; /* where there is a path */
	const char *text;     /* name, or path of the object file that has the variable */
	size_t text_bytes;    /* 0: none */
	uint32_t node;	      /* stack that allocated it; 0: not known */
	uint64_t taken;	      /* more times it was there for the taking */
};

#define EVENT_OPERATION_METRICS 2

/* What came since it was last told; @longest_ns is that of all. */
struct event_operation {
	uint32_t number;
	uint32_t subject; /* 0: not known */
	uint8_t kind;	  /* enum profile_operation_kind */
	uint32_t node, other;
	uint64_t count, total_ns, longest_ns, amount, part_ns;
	struct event_amount amounts[EVENT_OPERATION_METRICS]; /* metric NULL: no more */
};

struct event_spread {
	uint32_t subject;
	uint8_t kind;
	uint16_t bucket;
	uint64_t count; /* that came since it was last told */
};

struct event_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t file_offset;
	uint64_t inode;
	uint64_t device; /* of the file system: major << 32 | minor; 0: not known */
	uint8_t build_id[20];
	uint8_t build_id_bytes; /* 0: not known */
	const char *path;
};

struct event_fork {
	pid_t parent_pid;
	pid_t parent_tid;
};

struct event_name {
	const char *name;
	bool is_exec;
};

/* Pointers borrow the source's memory and are valid during the callback only. */
struct event {
	enum event_kind kind;
	pid_t pid, tid;
	uint64_t time_ns;  /* CLOCK_MONOTONIC */
	uint64_t stack_id; /* of EVENT_STACK, _AMOUNT, _STACK_END; unique among all sources */
	union {
		struct event_sample sample; /* EVENT_SAMPLE, _STACK, _INTERRUPTION */
		struct event_amount amount;
		struct event_times times;
		struct event_mapping mapping;
		struct event_fork fork;
		struct event_name name;
		struct event_node node;
		struct event_subject subject;
		struct event_operation operation; /* pid 0: the thread is not known */
		struct event_spread spread;
		uint64_t lost; /* records */
	};
};
