/* SPDX-License-Identifier: MIT */
/* thread: see thread.h. Sources: pthread_key_create(3), thrd_create(3). */
#include "probe/thread.h"

#include "probe/clock.h"
#include "probe/memory.h"
#include "probe/operation.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/sampler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define THREADS 1024 /* at a time, of this process; slots beyond are not claimed */

__thread struct thread *thread_self __attribute__((tls_model("initial-exec")));

static struct thread threads[THREADS]; /* by slot */
static pthread_key_t end_key;
static bool has_end_key;

/*
 * The first thread's stack: the dynamic linker notes where it began; below that no other memory is
 * mapped for as long as the limit of its size, or for 128 MB, which the kernel keeps free at least.
 */
extern void *__libc_stack_end;
#define ARGUMENTS_BYTES 64
#define MAIN_STACK_MOST (128u << 20)
static uint64_t main_stack_bytes;
static size_t default_stack_bytes; /* of other threads */

REAL(pthread_create);
REAL(thrd_create);

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
	slot->born_ns = clock_now_ns();
	slot->ended_ns = 0;
	RAW_2(SYS_prctl, PR_GET_NAME, slot->name);
	slot->head = slot->tail = 0;
	for (int i = 0; i < WIRE_LOSSES; i++)
		slot->lost[i] = 0;
	atomic_store_explicit(&slot->state, WIRE_SLOT_ACTIVE, memory_order_release);
}

/* ---- beginning and end -------------------------------------------------------------------- */

static void end(void *argument)
{
	struct thread *thread = argument;
	uint32_t unseen = WIRE_SLOT_ACTIVE;
	struct wire_slot *slot;

	/* The key's value is inherited by a forked child, whose slot is another. */
	if (!thread_self || thread != thread_self)
		return;
	sampler_end(thread);
	thread_self = NULL;
	memory_end_thread(thread);
	operation_end_thread(thread);
	slot = thread->slot;
	if (slot->head == 0 &&
	    atomic_compare_exchange_strong(&slot->state, &unseen, WIRE_SLOT_FREE))
		return;
	slot->ended_ns = clock_now_ns();
	atomic_store_explicit(&slot->state, WIRE_SLOT_ENDED, memory_order_release);
}

static void begin(struct thread *thread, enum wire_birth birth, int parent_pid, int parent_tid)
{
	publish(thread, birth, parent_pid, parent_tid);
	thread_self = thread;
	if (has_end_key)
		pthread_setspecific(end_key, thread);
}

void thread_measure(void)
{
	if (thread_self && probe.wire->modes & WIRE_MODE_SAMPLE)
		sampler_begin(thread_self);
	if (!thread_self)
		return;
	memory_begin_thread(thread_self);
	operation_begin_thread(thread_self);
}

void thread_retire(void)
{
	if (!(probe.wire->modes & WIRE_MODE_SAMPLE))
		return;
	for (int i = 0; i < THREADS; i++)
		if (threads[i].slot)
			sampler_end(&threads[i]);
	sampler_retire();
}

void thread_prepare(void)
{
	struct rlimit limit = {MAIN_STACK_MOST, MAIN_STACK_MOST};

	pthread_attr_t usual;

	has_end_key = !pthread_key_create(&end_key, end);
	if (!pthread_attr_init(&usual)) {
		pthread_attr_getstacksize(&usual, &default_stack_bytes);
		pthread_attr_destroy(&usual);
	}
	getrlimit(RLIMIT_STACK, &limit);
	main_stack_bytes = limit.rlim_cur < MAIN_STACK_MOST ? limit.rlim_cur : MAIN_STACK_MOST;
}

void thread_adopt(enum wire_birth birth, int parent_pid, int parent_tid)
{
	const struct thread *forker = birth == WIRE_BIRTH_FORK ? thread_self : NULL;
	uint64_t start, stop;
	struct thread *thread;

	if (forker) {
		start = forker->stack_start;
		stop = forker->stack_end;
	} else {
		stop = (uint64_t)__libc_stack_end + ARGUMENTS_BYTES;
		start = stop - main_stack_bytes;
	}
	thread_self = NULL;
	thread = claim();
	if (!thread)
		return;
	thread->stack_start = start;
	thread->stack_end = stop;
	begin(thread, birth, parent_pid, parent_tid);
}

static inline void begin_new(struct thread *thread)
{
	/* The thread's own data lies at the upper end of its stack. */
	thread->stack_end = (uint64_t)pthread_self();
	thread->stack_start = thread->stack_end - thread->stack_start;
	begin(thread, WIRE_BIRTH_THREAD, probe.pid, thread->slot->parent_tid);
	thread_measure();
}

/* The first functions of a thread; the program's own replaces them on the stack. */
static void *run(void *argument)
{
	struct thread *thread = argument;
	void *(*function)(void *) = thread->function;
	void *function_argument = thread->argument;

	begin_new(thread);
	return function(function_argument);
}

static int run_c11(void *argument)
{
	struct thread *thread = argument;
	thrd_start_t function = thread->c11_function;
	void *function_argument = thread->argument;

	begin_new(thread);
	return function(function_argument);
}

/* Returns the size of the stack that a thread with these attributes gets. */
static uint64_t stack_bytes(const pthread_attr_t *attributes)
{
	size_t bytes = 0;

	if (attributes)
		pthread_attr_getstacksize(attributes, &bytes);
	else
		bytes = default_stack_bytes;
	return bytes;
}

/* Readies what a thread that is about to be made begins with; NULL: it shall not be known. */
static struct thread *expect(const pthread_attr_t *attributes, void *argument)
{
	struct thread *thread = probe_is_on() && wire_is_recording(probe.wire) ? claim() : NULL;

	memory_threads();
	if (!thread)
		return NULL;
	thread->argument = argument;
	thread->slot->parent_tid = raw_tid();
	thread->stack_start = stack_bytes(attributes);
	return thread;
}

EXPORT int pthread_create(pthread_t *identifier, const pthread_attr_t *attributes,
			  void *(*function)(void *argument), void *argument)
{
	struct thread *thread = expect(attributes, argument);
	int result;

	if (!thread)
		return REAL_NOW(pthread_create)(identifier, attributes, function, argument);
	thread->function = function;
	result = real_pthread_create(identifier, attributes, run, thread);
	if (result)
		release(thread);
	return result;
}

/* The library's own does not come by pthread_create. */
EXPORT int thrd_create(thrd_t *identifier, thrd_start_t function, void *argument)
{
	struct thread *thread = expect(NULL, argument);
	int result;

	if (!thread)
		return REAL_NOW(thrd_create)(identifier, function, argument);
	thread->c11_function = function;
	result = real_thrd_create(identifier, run_c11, thread);
	if (result != thrd_success)
		release(thread);
	return result;
}
