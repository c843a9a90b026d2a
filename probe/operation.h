/* SPDX-License-Identifier: MIT */
/*
 * operation: what threads do to locks, files and statements, summed up in shared memory by subject,
 * thread and stack (struct wire_operation). What is summed up is there when the process is killed,
 * and there is no stream of events that could be too fast.
 *
 * For what takes at least a hundred nanoseconds by itself: a booking costs some 100 ns and a walk
 * of the stack. Async-signal-safe: nothing is locked, and where a signal handler interrupts a walk
 * its own operation is counted without a stack.
 */
#pragma once

#include "probe/thread.h"
#include "probe/walk.h"

struct operation_thread {
	uint32_t row; /* of the thread in WIRE_THREADS, from 1; 0: not known */
	volatile uint32_t is_busy;
	bool is_shared;		   /* everybody's who has no other */
	struct wire_count *counts; /* NULL: there are none */
	uint64_t sync_ns;	   /* ever spent in fsync */
	uint64_t inner_ns;	   /* for sql.c: time in calls inside of the one at hand, */
	uint64_t inner_sync_ns;	   /* and of it in fsync */
	uint64_t statements;	   /* ever prepared or stepped, also in vain */
	struct walk walk;
};

struct operation {
	uint32_t subject;
	enum wire_operation_kind kind;
	uint32_t node, other;
	uint64_t count;
	uint64_t total_ns;
	uint64_t whole_ns; /* where total_ns is a part of it only, of which others are elsewhere */
	uint64_t amount, part_ns;
};

/* Begins, once a process, where the collector wants it; after memory_prepare. */
void operation_prepare(void);

/* The calling process is a forked child: a process of its own. After memory_adopt. */
void operation_adopt(void);

/* The calling thread begins. */
void operation_begin_thread(struct thread *thread);

/* The calling thread has told its end: it waits for nothing any more. */
void operation_end_thread(struct thread *thread);

/* The calling thread begins (1) or leaves (-1) a wait for a lock, or for something else. */
void operation_wait(bool is_lock, int change);

/* Code is about to be unloaded, or was. */
void operation_forget_code(void);

/* Modes of WIRE_MODES_OPERATIONS that are on in this process. */
extern uint32_t operation_modes __attribute__((visibility("hidden")));

/* Row of the process, from 1. */
extern uint32_t operation_process __attribute__((visibility("hidden")));

/* Says whether operations of one of the modes in @mode are to be counted now. Cost: four loads. */
static inline bool operation_is_on(uint32_t mode)
{
	return __builtin_expect(operation_modes & mode, 1) && probe_is_on() &&
	       wire_is_recording(probe.wire);
}

/* What the calling thread counts with, or everybody's. */
struct operation_thread *operation_mine(void);

/* Returns the number of the calling thread's stack; never 0. */
uint32_t operation_stack(const struct walk_start *start);

/*
 * Returns the number of a subject, added when it is new; 0 when there is no room, which is counted.
 *
 * @model  kind, identity, process and node tell it from others; the rest is taken when it is new
 * @name   of @model->text_bytes; NULL: none
 */
uint32_t operation_subject(const struct wire_subject *model, const char *name);

/* Counts. */
void operation_book(const struct operation *operation);

/* Counts one operation's duration into the subject's histogram. */
void operation_spread(uint32_t subject, enum wire_operation_kind kind, uint64_t ns);
