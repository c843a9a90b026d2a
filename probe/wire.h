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
 *     WIRE_SHAPES      how large and how old the blocks of each slot were
 *     WIRE_TALLIES     what each stack allocated, by slot
 *     WIRE_THREADS     with WIRE_MODES_OPERATIONS: one struct wire_thread for each thread ever
 *     WIRE_SUBJECTS    what operations are done to: locks, files, statements; a hash table
 *     WIRE_OPERATIONS  what was done to them, by thread and stack; a hash table
 *     WIRE_SPREADS     how long it took, by subject; a hash table
 *     WIRE_TEXTS       names, append-only
 *     WIRE_COUNTS      how often each slot's thread took which lock without waiting
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

#include <stdatomic.h>
#include <stdint.h>

#define WIRE_VARIABLE "SIMPROF_PROBE"
#define WIRE_MAGIC    0x45424f5250464d53ull /* "SMFPROBE" */
#define WIRE_VERSION  6

/* A program maps no more than this part of what memory it is limited to (ulimit -v). */
#define WIRE_LIMIT_PARTS 8

/* Parts of the memory. */
enum wire_region_kind {
	WIRE_SLOTS,
	WIRE_RINGS,
	WIRE_PROCESSES,
	WIRE_NODES,
	WIRE_BUCKETS,
	WIRE_TALLY_ROWS,
	WIRE_TALLIES,
	WIRE_THREADS,
	WIRE_SUBJECTS,
	WIRE_OPERATIONS,
	WIRE_SPREADS,
	WIRE_TEXTS,
	WIRE_COUNTS,
	WIRE_SHAPES,
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
	WIRE_MODE_LOCKS = 1 << 8,  /* what threads wait for */
	WIRE_MODE_IO = 1 << 9,	   /* what files are read and written */
	WIRE_MODE_SQL = 1 << 10,   /* what statements are executed */
};

#define WIRE_MODES_OPERATIONS ((uint32_t)(WIRE_MODE_LOCKS | WIRE_MODE_IO | WIRE_MODE_SQL))
#define WIRE_MODES_STACKS     (WIRE_MODES_OPERATIONS | WIRE_MODE_MEMORY) /* that need the tree */

/* What could not be done, counted in wire_header.refused. */
enum wire_refusal {
	WIRE_REFUSED_SLOT,	/* a thread or process found no free slot */
	WIRE_REFUSED_TIMER,	/* the kernel gave no timer: see `ulimit -i` */
	WIRE_REFUSED_PROCESS,	/* no row: its allocations are not counted */
	WIRE_REFUSED_NODE,	/* the tree is full: the stack was cut at its leaf */
	WIRE_REFUSED_TALLY,	/* no room: an allocation or free was not counted */
	WIRE_REFUSED_LIVE,	/* no memory to remember a block by: its free will not be counted */
	WIRE_REFUSED_SUBJECT,	/* no room: an operation was counted to the others of its kind */
	WIRE_REFUSED_OPERATION, /* no room: an operation was not counted */
	WIRE_REFUSED_SPREAD,	/* no room: its duration is not in the histogram */
	WIRE_REFUSED_TEXT,	/* no room: a subject has no name */
	WIRE_REFUSED_REGION,	/* no room, or no time: a mapping is told wrong */
	WIRE_REFUSED_THREAD,	/* no room: a thread's operations are told without it */
	WIRE_REFUSED_CONFINED,	/* a process would die of our calls: it is counted no more */
	/* Programs whose limited memory (ulimit -v) has no room for what these modes need: */
	WIRE_REFUSED_ROOM_SAMPLE,
	WIRE_REFUSED_ROOM_MEMORY,
	WIRE_REFUSED_ROOM_OPERATIONS,
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
	/* A robust futex: the number of the collector's thread for as long as it records. However
	 * that dies, the kernel clears the number: see wire_is_recording. */
	_Atomic uint32_t recorder;
	_Atomic uint32_t slot_limit; /* slots from here on were never used */
	_Atomic uint64_t refused[WIRE_REFUSALS];
	_Atomic uint32_t
		process_count;	     /* rows ever claimed; may pass the region's end, as the next */
	_Atomic uint32_t node_count; /* with number 0, which is none */
	_Atomic uint32_t segment_count; /* of tallies */
	_Atomic uint64_t walks_checked; /* by the test build: reused walks done again in full, */
	_Atomic uint64_t walks_wrong;	/* and those that differed */
	_Atomic uint32_t thread_count;	/* rows ever claimed; may pass the region's end */
	_Atomic uint32_t text_bytes;	/* the same of texts; the first byte is no name's */
	uint64_t memory_rate;	   /* bytes from one sampled allocation to the next; 0: count all */
	uint32_t temporary_within; /* from 1: see wire_tally */
	_Atomic uint32_t clock;	   /* the collector's, in steps of WIRE_CLOCK_NS; it may wrap */
};

#define WIRE_CLOCK_NS	4000000u
#define WIRE_CLOCK_BITS 23 /* of the clock that are kept of a block's birth */

/* Says whether the collector still wants records. Source: <linux/futex.h>, FUTEX_TID_MASK; kernel
 * documentation, "The robust futex ABI". */
static inline int wire_is_recording(const struct wire_header *header)
{
	return (atomic_load_explicit(&header->recorder, memory_order_relaxed) & 0x3fffffff) != 0;
}

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
	/* What the thread has allocated, which its process's totals do not have yet; scaled as in
	 * wire_tally. */
	_Atomic uint64_t allocations, allocated;
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

#define WIRE_RED_ZONE 128 /* bytes below the stack pointer (System V ABI AMD64, section 3.2.2) */

struct wire_sample {
	struct wire_record record;
	uint64_t periods; /* of CPU time since the sample before: 1 + missed expirations */
	uint64_t registers[WIRE_REGISTERS];
	uint64_t stack_bytes; /* from the stack pointer upward */
	uint64_t has_red_zone;
	uint8_t red_zone[WIRE_RED_ZONE]; /* up to the stack pointer */
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

/* What a process has done since its beginning, in sums. Where steps are marked they are read as
 * each begins and ends, in the process itself: probe/totals.h. */
enum wire_total {
	WIRE_TOTAL_ALLOCATIONS, /* scaled as in wire_tally; without those that live threads have, */
	WIRE_TOTAL_ALLOCATED,	/* and this: wire_slot */
	WIRE_TOTAL_LOCK_WAIT,	/* nanoseconds */
	WIRE_TOTAL_AWAIT,
	WIRE_TOTAL_IO_TIME,
	WIRE_TOTAL_IO_BYTES,
	WIRE_TOTAL_SQL_TIME,
	WIRE_TOTAL_EXECUTIONS, /* of SQL statements */
	WIRE_TOTALS
};

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
	_Atomic uint64_t unknown_frees; /* of blocks from before the probe or the fork, or unseen */
	_Atomic uint64_t unseen_frees;	/* the address was handed out again without a free */
	/* Name of the file that has the allocator, if that is not the C library; ended by a zero.
	 */
	char allocator[48];
	/* At its exit; 0 when that was not seen. Of this process alone, without what is shared: */
	uint64_t probe_bytes;	 /* resident for remembering blocks and stacks; it was never more */
	uint64_t resident_bytes; /* with all else */
	uint64_t highest_bytes;	 /* the same when it was most; 0: not known */
	_Atomic uint64_t totals[WIRE_TOTALS];
};

_Static_assert(sizeof(struct wire_process) == 192, "as both sides know it");

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

/* Below any node but a root, the node of this address has the regions of memory that its stack got
 * from the kernel itself; in its tally allocations are mappings. */
#define WIRE_REGIONS_OF 16u

/*
 * What one stack allocated, as counted in one slot: its thread alone writes it, the collector sums
 * over all slots. Tallies are never cleared: the next thread of the slot goes on counting. A free
 * is counted to the stack that allocated, in the slot of the thread that frees; so single
 * differences can be below zero, their sum over the slots cannot.
 *
 * Where allocations are sampled (memory_rate), each counts for as many as it stands for: numbers of
 * blocks are in parts of 1 << WIRE_COUNT_SHIFT, but for peak_blocks and lifetime; bytes in parts of
 * 1 << WIRE_BYTES_SHIFT, those of the process too.
 */
struct wire_tally {
	_Atomic uint64_t allocations, bytes;
	_Atomic uint64_t frees, freed_bytes;
	/* Freed by its thread when that had allocated less than temporary_within times since. */
	_Atomic uint64_t temporaries;
	_Atomic uint64_t lifetime; /* of blocks freed, in steps of the clock */
	_Atomic uint32_t epoch;	   /* of the process at the last change, its lower half; */
	/* what was live as that epoch began, that is, at the peak, modulo its width: */
	_Atomic uint32_t peak_blocks;
	_Atomic uint64_t peak_bytes;
};

_Static_assert(sizeof(struct wire_tally) == 64, "one line of the cache");

#define WIRE_COUNT_SHIFT 16
#define WIRE_BYTES_SHIFT 10

/*
 * The blocks counted in one slot, over all stacks and processes; written as tallies are. The
 * buckets of sizes (bytes) and lifetimes (steps of the clock): 0 to 3 are that many; above, bucket
 * 4 * (e + 1) + m begins at (4 + m) << e and is 1 << e wide; the last one takes all that is more. A
 * lifetime below one step is not counted.
 */
#define WIRE_SIZES     160u
#define WIRE_LIFETIMES 96u
#define WIRE_AGES      128u

struct wire_shape {
	_Atomic uint64_t sizes[WIRE_SIZES];
	_Atomic uint64_t lifetimes[WIRE_LIFETIMES];
	/* Of blocks freed by the thread that allocated them, by its allocations in between. */
	_Atomic uint64_t ages[WIRE_AGES];
};

_Static_assert(sizeof(struct wire_shape) == 3072, "as both sides know it");

static inline uint64_t wire_shape_start(uint32_t bucket)
{
	return bucket < 4 ? bucket : (uint64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

static inline uint32_t wire_shape_bucket(uint64_t value, uint32_t count)
{
	uint32_t exponent, bucket;

	if (value < 4)
		return (uint32_t)value;
	exponent = 61 - (uint32_t)__builtin_clzll(value);
	bucket = 4 * exponent + (uint32_t)(value >> exponent);
	return bucket < count ? bucket : count - 1;
}

/*
 * The tally of a node in a slot: row = rows + slot * WIRE_ROW_SEGMENTS; number = row[node /
 * WIRE_SEGMENT_TALLIES], 0: none; segment `number - 1` of the tallies holds it. The row behind
 * those of the slots is everybody's who has no slot, changed by atomic additions.
 */
#define WIRE_SEGMENT_TALLIES 256u
#define WIRE_ROW_SEGMENTS    4096u
#define WIRE_NODES_MOST	     (WIRE_SEGMENT_TALLIES * WIRE_ROW_SEGMENTS)

/* ---- operations --------------------------------------------------------------------------- */

/*
 * A thread that lived while operations were counted. Rows are never used again.
 */
struct wire_thread {
	_Atomic uint32_t process; /* row of its process, from 1; 0: not to be read yet */
	int32_t pid, tid;
	_Atomic uint16_t lock_waits,
		awaits; /* that it is in; of one that ended: that it never left */
	char name[16];	/* at its birth */
};

_Static_assert(sizeof(struct wire_thread) == 32, "as both sides know it");

enum wire_subject_kind {
	WIRE_SUBJECT_MUTEX = 1,
	WIRE_SUBJECT_RWLOCK,
	WIRE_SUBJECT_SPIN,
	WIRE_SUBJECT_CONDITION,
	WIRE_SUBJECT_SEMAPHORE,
	WIRE_SUBJECT_BARRIER,
	WIRE_SUBJECT_THREAD, /* that is waited for */
	WIRE_SUBJECT_FILE,
	WIRE_SUBJECT_STATEMENT, /* SQL, with its literals taken out */
	WIRE_SUBJECT_DATABASE,
	WIRE_SUBJECT_KINDS
};

/* Rows of subjects and operations are written once, then only counted up. */
enum wire_row_state {
	WIRE_ROW_FREE,
	WIRE_ROW_CLAIMED, /* being filled in: not to be read yet, perhaps never */
	WIRE_ROW_VALID,
};

/*
 * What operations are done to. Two threads may make two rows of one subject at worst, which the
 * collector takes for the same. Row 0 is used by none.
 */
struct wire_subject {
	_Atomic uint32_t state;
	uint32_t kind;
	uint64_t identity;    /* address, or a hash of the name */
	uint32_t process;     /* row of its process, from 1; 0: the same in all */
	uint32_t text;	      /* where its name begins, or the path of the object file that has the
				 variable; 0: none */
	uint32_t text_bytes;  /* without a zero */
	uint32_t node;	      /* stack that allocated its memory; 0: not known */
	uint64_t elf_address; /* of the variable, in the object file */
	uint64_t unused[3];
};

_Static_assert(sizeof(struct wire_subject) == 64, "one line of the cache");

enum wire_operation_kind {
	WIRE_OPERATION_LOCK = 1, /* waiting until a lock was free */
	WIRE_OPERATION_SHARE,	 /* the same, to read only */
	WIRE_OPERATION_AWAIT,	 /* waiting for what another thread does: a signal, a post, its end
				  */
	WIRE_OPERATION_OPEN,
	WIRE_OPERATION_CLOSE,
	WIRE_OPERATION_READ, /* amounts of these are bytes */
	WIRE_OPERATION_WRITE,
	WIRE_OPERATION_SYNC,
	WIRE_OPERATION_COPY,	     /* from file to file */
	WIRE_OPERATION_STREAM_READ,  /* by stdio, which mostly has it in memory already */
	WIRE_OPERATION_STREAM_WRITE, /* the same */
	WIRE_OPERATION_PREPARE,
	WIRE_OPERATION_EXECUTE,	    /* amount: rows, part_ns: in fsync */
	WIRE_OPERATION_TRANSACTION, /* amount: rows changed, part_ns: in fsync */
	WIRE_OPERATION_KINDS
};

/*
 * What a thread did to a subject from one place. Everything is counted by atomic additions, which
 * signal handlers may interrupt.
 */
struct wire_operation {
	_Atomic uint32_t state;
	uint32_t kind;
	uint32_t subject; /* number of its row */
	uint32_t thread;  /* row, from 1; 0: not known */
	uint32_t node;	  /* stack that did it */
	uint32_t other;	  /* stack that it was waiting for, or that woke it; 0: not known */
	_Atomic uint64_t count;
	_Atomic uint64_t total_ns;
	_Atomic uint64_t longest_ns;
	_Atomic uint64_t amount;  /* bytes, rows */
	_Atomic uint64_t part_ns; /* of total_ns */
};

_Static_assert(sizeof(struct wire_operation) == 64, "one line of the cache");

/* How many operations of a kind on a subject took how long. */
struct wire_spread {
	_Atomic uint64_t key;	/* subject << 32 | kind << 16 | bucket + 1; 0: free */
	_Atomic uint64_t count; /* buckets are those of profile.sql's timing_buckets */
};

#define WIRE_BUCKETS_MOST 1152u

/*
 * How often a thread took a lock without waiting; in rows of WIRE_COUNTS_MOST for each slot, hashed
 * by address, and one for everybody who has no slot. Written as tallies are; never cleared, since
 * the key has the process. The last one of a row is for locks that found no place.
 */
struct wire_count {
	_Atomic uint64_t key; /* address | kind | process row << 48; 0: free */
	uint64_t count;
	uint32_t kind; /* enum wire_subject_kind */
	uint32_t subject;
	uint64_t unused;
};

_Static_assert(sizeof(struct wire_count) == 32, "as both sides know it");

#define WIRE_COUNTS_MOST 1024u
