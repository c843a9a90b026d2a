/* SPDX-License-Identifier: MIT */
/*
 * wire: the memory that libprobe.so, inside the profiled processes, shares with the collector.
 *
 *     0                header    set up by the collector; counters of the targets
 *     WIRE_SLOTS       one struct wire_slot for each thread that lives
 *     WIRE_RINGS       one ring of records for each slot
 *     WIRE_PROCESSES   with WIRE_MODE_MEMORY: one struct wire_process for each process or program
 *     WIRE_NODES       the prefix tree of all call stacks that allocated, append-only
 *     WIRE_BUCKETS     its hash table
 *     WIRE_TALLY_ROWS  which tallies a slot has
 *     WIRE_TALLIES     what each stack allocated, by slot
 *                      an offset of 0 says that there is no such region
 *
 * The collector makes one memory file for a recording, sparse, so that what nobody touches costs
 * nothing. Its path, below /proc/COLLECTOR/fd, comes in the environment variable WIRE_VARIABLE.
 * Each process that starts a program maps it once and keeps no descriptor; a forked child has the
 * mapping already. When the collector is gone the path is too, and a program starts unprobed.
 *
 * Nobody waits for anybody. A slot is claimed by compare-and-swap, then written by its thread
 * alone; the collector frees it, when it is sure that the thread can write no more. (A thread that
 * ended before the collector saw it, and wrote nothing, frees its slot itself: thousands of short
 * threads need no more slots than live at a time.) A ring
 * has one writer and one reader: the thread advances `head`, the collector `tail`; what does not
 * fit is dropped and counted. The memory outlives its writers, so that what a process had written
 * can be read after SIGKILL.
 *
 * For the collector all of it is untrusted: the target may have written anything anywhere.
 *
 * Fixed widths, x86-64, little endian. A change that an older side would misread raises
 * WIRE_VERSION; sides of different versions do not talk.
 */
#pragma once

#include <stdint.h>

#define WIRE_VARIABLE "SIMPROF_PROBE"
#define WIRE_MAGIC    0x45424f5250464d53ull /* "SMFPROBE" */
#define WIRE_VERSION  1

/* Parts of the memory. */
enum wire_region_kind {
	WIRE_SLOTS,
	WIRE_RINGS,
	WIRE_PROCESSES,
	WIRE_NODES,
	WIRE_BUCKETS,
	WIRE_TALLY_ROWS,
	WIRE_TALLIES,
	WIRE_REGIONS = 16, /* room in the header */
};

struct wire_region {
	uint64_t offset; /* a multiple of the page; 0: there is none */
	uint64_t bytes;
};

/* What the probe does in the target; a set of bits. */
enum wire_mode {
	WIRE_MODE_SAMPLE = 1 << 0, /* CPU timers */
	WIRE_MODE_MEMORY = 1 << 1, /* every allocation with its stack */
};

/* What could not be done, counted in wire_header.refused. */
enum wire_refusal {
	WIRE_REFUSED_SLOT,    /* a thread or process found no free slot */
	WIRE_REFUSED_TIMER,   /* the kernel gave no timer: see `ulimit -i` */
	WIRE_REFUSED_PROCESS, /* no row: its allocations are not counted */
	WIRE_REFUSED_NODE,    /* the tree is full: the stack was cut at its leaf */
	WIRE_REFUSED_TALLY,   /* no room: an allocation or free was not counted */
	WIRE_REFUSED_LIVE,    /* no memory to remember a block by: its free will not be counted */
	WIRE_REFUSALS = 16,
};

/* What was dropped, counted in wire_slot.lost. */
enum wire_loss {
	WIRE_LOST_FULL, /* samples: the ring was full */
	WIRE_LOST_SIDE, /* other records: the ring was full */
	WIRE_LOST_BUSY, /* samples: the signal came while the thread wrote another record */
	WIRE_LOSSES = 8,
};

struct wire_header {
	uint64_t magic;
	uint32_t version;
	uint32_t modes;
	uint64_t bytes;	     /* of the whole memory */
	uint64_t period_ns;  /* of the CPU timers */
	uint32_t copy_bytes; /* of stack that a sample may hold */
	uint32_t slot_count;
	uint64_t ring_bytes; /* of one ring; a power of two */
	struct wire_region regions[WIRE_REGIONS];
	_Atomic uint32_t is_stopped; /* set by the collector: record nothing any more */
	_Atomic uint32_t slot_limit; /* slots from here on were never used */
	_Atomic uint64_t refused[WIRE_REFUSALS];
	_Atomic uint32_t
		process_count;	     /* rows ever claimed; may pass the region's end, as the next */
	_Atomic uint32_t node_count; /* with number 0, which is none */
	_Atomic uint32_t segment_count; /* of tallies */
	uint32_t unused;
	_Atomic uint64_t walks_checked; /* by the test build: reused walks done again in full, */
	_Atomic uint64_t walks_wrong;	/* and those that differed */
};

enum wire_slot_state {
	WIRE_SLOT_FREE,
	WIRE_SLOT_CLAIMED, /* being filled in: not to be read yet */
	WIRE_SLOT_ACTIVE,
	WIRE_SLOT_SEEN,	 /* active, and the collector has taken it up: it alone frees the slot */
	WIRE_SLOT_ENDED, /* the thread writes no more */
};

enum wire_birth {
	WIRE_BIRTH_EXEC,   /* the first thread of a program; whatever the process was is gone */
	WIRE_BIRTH_FORK,   /* the only thread of a forked child */
	WIRE_BIRTH_THREAD, /* created by another thread of the same process */
};

/* One thread. Head and tail have cache lines of their own: each is written by one side. */
struct wire_slot {
	_Atomic uint32_t state;
	uint32_t birth;
	int32_t pid, tid;
	int32_t parent_pid, parent_tid;
	uint64_t born_ns; /* CLOCK_MONOTONIC, as all times here */
	_Atomic uint64_t ended_ns;
	char name[16]; /* of the thread at its birth, as the kernel has it */
	uint8_t unused[8];
	_Atomic uint64_t lost[WIRE_LOSSES];
	_Alignas(64) _Atomic uint64_t head; /* bytes ever written */
	_Alignas(64) _Atomic uint64_t tail; /* bytes ever read */
};

_Static_assert(sizeof(struct wire_slot) == 256, "as both sides know it");

enum wire_record_kind {
	WIRE_PAD = 1, /* the rest of the ring, before it begins anew: a record is never split */
	WIRE_SAMPLE,
	WIRE_MAPPING,
	WIRE_FORGET, /* the mappings told before are void; the valid ones follow */
};

/* The head of every record. All records are multiples of 16 bytes. */
struct wire_record {
	uint32_t bytes; /* with this head */
	uint32_t kind;	/* enum wire_record_kind */
	uint64_t time_ns;
};

#define WIRE_REGISTERS 17 /* by DWARF number; the last is the instruction pointer */

struct wire_sample {
	struct wire_record record;
	uint64_t periods; /* of CPU time since the sample before: 1 + missed expirations */
	uint64_t registers[WIRE_REGISTERS];
	uint64_t stack_bytes; /* from the stack pointer upward */
	uint64_t unused;
	uint8_t stack[];
};

/* Executable memory of a file. */
struct wire_mapping {
	struct wire_record record;
	uint64_t start, end;
	uint64_t file_offset;
	uint8_t build_id[20];
	uint8_t build_id_bytes; /* 0: none */
	uint8_t unused[3];
	char path[]; /* ended by a zero */
};

/* ---- memory ------------------------------------------------------------------------------- */

/*
 * A process, from its exec or fork on. The probe alone writes it. Bytes are those asked for.
 */
struct wire_process {
	_Atomic uint32_t root; /* number of its first node; 0: not to be read yet */
	int32_t pid;
	uint32_t is_fork;	/* a copy: what it inherited is not counted */
	uint32_t has_threads;	/* had another thread: the peak is exact to WIRE_PEAK_STEP each */
	_Atomic uint64_t live;	/* bytes */
	_Atomic uint64_t peak;	/* the highest value of live */
	_Atomic uint64_t epoch; /* grows with the peak */
	_Atomic uint64_t unknown_frees; /* of blocks from before the probe's start or the fork */
	_Atomic uint64_t unseen_frees;	/* the address was handed out again without a free */
	uint64_t unused[9];
};

_Static_assert(sizeof(struct wire_process) == 128, "as both sides know it");

#define WIRE_PEAK_STEP 4096 /* bytes that a thread may be behind, once there are several */

/*
 * A stack is its caller's stack plus one return address. Parents have smaller numbers.
 *
 * A node without a parent is a root; its address is that of no code but the number of the row of
 * its process, from 1. Below a root, an address under WIRE_ENDINGS says how a walk ended early.
 */
struct wire_node {
	_Atomic uint64_t address; /* 0: not yet written */
	uint64_t time_ns;
	uint32_t parent;
	uint32_t next; /* in the bucket */
};

enum wire_ending {
	WIRE_ENDING_NO_RULE = 1, /* code without call frame information */
	WIRE_ENDING_BAD,	 /* the rules led backwards */
	WIRE_ENDING_OUTSIDE,	 /* memory that cannot be read */
	WIRE_ENDING_TOO_DEEP,
	WIRE_ENDING_NOT_TAKEN, /* in a signal handler, or a thread's last moments, at a bad moment
				*/
	WIRE_ENDINGS = 4096,
};

/*
 * What one stack allocated, as counted in one slot: its thread alone writes it, the collector sums
 * over all slots. Tallies are never cleared: the next thread of the slot goes on counting. A free
 * is counted to the stack that allocated, in the slot of the thread that frees; so single
 * differences can be below zero, their sum over the slots cannot.
 */
struct wire_tally {
	_Atomic uint64_t allocations, bytes;
	_Atomic uint64_t frees, freed_bytes;
	_Atomic uint64_t temporaries; /* freed before its thread allocated again */
	_Atomic uint64_t epoch;	      /* of the process at the last change; */
	/* what was live as that epoch began, that is, at the peak: */
	_Atomic uint64_t peak_blocks, peak_bytes;
};

_Static_assert(sizeof(struct wire_tally) == 64, "one line of the cache");

/*
 * The tally of a node in a slot: row = rows + slot * WIRE_ROW_SEGMENTS; number = row[node /
 * WIRE_SEGMENT_TALLIES], 0: none; segment `number - 1` of the tallies holds it. The row behind
 * those of the slots is everybody's who has no slot, changed by atomic additions.
 */
#define WIRE_SEGMENT_TALLIES 256u
#define WIRE_ROW_SEGMENTS    4096u
#define WIRE_NODES_MOST	     (WIRE_SEGMENT_TALLIES * WIRE_ROW_SEGMENTS)
