/* SPDX-License-Identifier: MIT */
/* thread: see thread.h. Source: pthread_key_create(3). */
#include "probe/thread.h"

#include "probe/raw.h"
#include "probe/real.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 1024 /* at a time, of this process; slots beyond are not claimed */

__thread struct thread *thread_self __attribute__((tls_model("initial-exec")));

static struct thread threads[THREADS]; /* by slot */
static pthread_key_t end_key;
static bool has_end_key;

REAL(pthread_create);

/* ---- slots -------------------------------------------------------------------------------- */

static void raise_limit(uint32_t limit)
{
	_Atomic uint32_t *at = &probe.wire->slot_limit;
	uint32_t old = atomic_load(at);

	while (old < limit && !atomic_compare_exchange_weak(at, &old, limit))
		;
}

/* Claims the first free slot; returns NULL and counts when there is none. */
static struct thread *claim(void)
{
	uint32_t count = probe.slot_count < THREADS ? probe.slot_count : THREADS;

	for (uint32_t i = 0; i < count; i++) {
		struct wire_slot *slot = &probe.slots[i];
		uint32_t free = WIRE_SLOT_FREE;

		if (atomic_load_explicit(&slot->state, memory_order_relaxed) != free ||
		    !atomic_compare_exchange_strong(&slot->state, &free, WIRE_SLOT_CLAIMED))
			continue;
		raise_limit(i + 1);
		threads[i] = (struct thread){
			.slot = slot,
			.ring = probe.rings + i * probe.wire->ring_bytes,
			.timer = -1,
		};
		return &threads[i];
	}
	probe_refuse(WIRE_REFUSED_SLOT);
	return NULL;
}

static void release(struct thread *thread)
{
	atomic_store_explicit(&thread->slot->state, WIRE_SLOT_FREE, memory_order_release);
}

/* Fills a claimed slot in and shows it to the collector. */
static void publish(struct thread *thread, enum wire_birth birth, int parent_pid, int parent_tid)
{
	struct wire_slot *slot = thread->slot;

	slot->birth = birth;
	slot->pid = probe.pid;
	slot->tid = raw_tid();
	slot->parent_pid = parent_pid;
	slot->parent_tid = parent_tid;
	slot->born_ns = raw_now_ns();
	slot->ended_ns = 0;
	slot->head = slot->tail = 0;
	for (int i = 0; i < WIRE_LOSSES; i++)
		slot->lost[i] = 0;
	atomic_store_explicit(&slot->state, WIRE_SLOT_ACTIVE, memory_order_release);
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void end(void *argument)
{
	struct thread *thread = argument;

	/* The key's value is inherited by a forked child, whose slot is another. */
	if (!thread_self || thread != thread_self)
		return;
	thread_self = NULL;
	thread->slot->ended_ns = raw_now_ns();
	atomic_store_explicit(&thread->slot->state, WIRE_SLOT_ENDED, memory_order_release);
}

static void begin(struct thread *thread, enum wire_birth birth, int parent_pid, int parent_tid)
{
	publish(thread, birth, parent_pid, parent_tid);
	thread_self = thread;
	if (has_end_key)
		pthread_setspecific(end_key, thread);
}

void thread_prepare(void)
{
	has_end_key = !pthread_key_create(&end_key, end);
}

void thread_adopt(enum wire_birth birth, int parent_pid, int parent_tid)
{
	struct thread *thread = claim();

	if (thread)
		begin(thread, birth, parent_pid, parent_tid);
}

/* The first function of a thread; the program's own replaces it on the stack. */
static void *run(void *argument)
{
	struct thread *thread = argument;
	void *(*function)(void *) = thread->function;
	void *function_argument = thread->argument;

	begin(thread, WIRE_BIRTH_THREAD, probe.pid, thread->slot->parent_tid);
	return function(function_argument);
}

EXPORT int pthread_create(pthread_t *identifier, const pthread_attr_t *attributes,
			  void *(*function)(void *argument), void *argument)
{
	struct thread *thread = probe_is_on() ? claim() : NULL;
	int result;

	if (!thread)
		return REAL_NOW(pthread_create)(identifier, attributes, function, argument);
	thread->function = function;
	thread->argument = argument;
	thread->slot->parent_tid = raw_tid();
	result = real_pthread_create(identifier, attributes, run, thread);
	if (result)
		release(thread);
	return result;
}
