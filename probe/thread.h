/* SPDX-License-Identifier: MIT */
/*
 * thread: the threads of this process, each with its slot in the shared memory.
 *
 * A thread is known from its first instruction: pthread_create or thrd_create claims the slot and
 * starts it in our function, which becomes the program's by a jump, so that no frame of ours stays
 * on its stack. Its end is told by the destructor of a thread-specific key. Threads made by clone
 * alone, or by the C library for itself (SIGEV_THREAD), are not known; the collector can see that.
 *
 * Thread-local storage is one pointer, so that the smallest stacks stay usable.
 */
#pragma once

#include "probe/probe.h"

#include <threads.h>

struct thread {
	struct wire_slot *slot;
	uint8_t *ring;
	uint64_t stack_start, stack_end;     /* all between them and mapped below is its stack */
	uint64_t new_head;		     /* of the ring, when the record at hand is committed */
	int timer;			     /* of the kernel; -1: none */
	struct memory_thread *memory;	     /* NULL: none */
	struct operation_thread *operations; /* NULL: none */
	/* Set while a record is written: a signal handler that finds it set writes none. */
	volatile uint32_t is_writing;
	void *(*function)(void *argument); /* of a thread that is being created, */
	thrd_start_t c11_function;	   /* or this */
	void *argument;
};

/* The calling thread, NULL when it is not known. */
extern __thread struct thread *thread_self __attribute__((tls_model("initial-exec")));

/* Prepares for threads, once a process. */
void thread_prepare(void);

/*
 * Makes the calling thread known, which is the only one of its process.
 *
 * @parent_pid, @parent_tid  who forked it; 0 when that does not matter
 */
void thread_adopt(enum wire_birth birth, int parent_pid, int parent_tid);

/* No thread of the process is sampled any more. */
void thread_retire(void);

/* Begins what the collector wants measured of the calling thread, if it is known. */
void thread_measure(void);
