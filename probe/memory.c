/* SPDX-License-Identifier: MIT */
/* memory: see memory.h. Sources: malloc(3), posix_memalign(3), malloc_hook(3). */
#include "probe/memory.h"

#include "probe/live.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/rules.h"
#include "probe/stacks.h"
#include "probe/tally.h"
#include "probe/walk.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#define THREADS	    1024 /* as many as are known: thread.c */
#define EARLY_BYTES 4096

/* What a thread needs to count. */
struct memory_thread {
	struct tally_book book;
	uint64_t last; /* address of the block that it allocated last */
	volatile uint32_t is_busy;
	struct walk walk;
};

static bool is_on;
static uint32_t process_row;		       /* from 1 */
static struct memory_thread *threads[THREADS]; /* by slot; kept for the slot's next thread */
static struct memory_thread spare;	       /* for what has none, or whose own is busy */

REAL(malloc);
REAL(calloc);
REAL(realloc);
REAL(reallocarray);
REAL(aligned_alloc);
REAL(posix_memalign);
REAL(memalign);
REAL(valloc);
REAL(pvalloc);
REAL(free);

/* ---- beginning ---------------------------------------------------------------------------- */

/* Whether the real malloc is the C library's, and not one of another library's behind us. */
static bool is_libc(void)
{
	Dl_info allocator, library;

	return dladdr((void *)real_malloc, &allocator) && dladdr((void *)&abort, &library) &&
	       allocator.dli_fbase == library.dli_fbase;
}

static void begin_process(bool is_fork)
{
	process_row = tally_begin_process(is_fork);
	stacks_begin(process_row);
	spare.is_busy = 0; /* another thread of the parent's may have had it */
	is_on = process_row && stacks_root;
}

void memory_prepare(void)
{
	if (!(probe.wire->modes & WIRE_MODE_MEMORY) || !real_malloc || !real_free ||
	    !stacks_prepare() || !tally_prepare())
		return;
	rules_prepare();
	live_prepare(is_libc());
	tally_open(&spare.book, UINT32_MAX);
	begin_process(false);
}

void memory_adopt(void)
{
	if (is_on)
		begin_process(true);
}

void memory_begin_thread(struct thread *thread)
{
	uint32_t slot = (uint32_t)(thread->slot - probe.slots);
	struct memory_thread *memory = threads[slot];

	if (!is_on)
		return;
	if (!memory) {
		memory = raw_map(sizeof(*memory), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		if (raw_failed(memory))
			return;
		threads[slot] = memory;
	}
	tally_open(&memory->book, slot);
	memory->last = 0;
	memory->is_busy = 0;
	walk_reset(&memory->walk, thread->stack_start, thread->stack_end);
	thread->memory = memory;
}

void memory_end_thread(struct thread *thread)
{
	if (thread->memory)
		tally_close(&thread->memory->book);
}

void memory_threads(void)
{
	tally_threads();
}

void memory_forget_code(void)
{
	if (!is_on)
		return;
	rules_forget();
	stacks_begin(process_row);
}

/* ---- counting ----------------------------------------------------------------------------- */

static inline bool counts(void)
{
	if (__builtin_expect(!is_on, 0)) {
		if (!probe.is_started)
			probe_start_early();
		return is_on;
	}
	return probe_is_on() && wire_is_recording(probe.wire);
}

/* Takes what the calling thread counts with; NULL: only everybody's tallies are left. */
static inline struct memory_thread *take(void)
{
	struct thread *thread = thread_self;
	struct memory_thread *memory = thread ? thread->memory : NULL;

	if (__builtin_expect(memory && !memory->is_busy, 1)) {
		memory->is_busy = 1;
		atomic_signal_fence(memory_order_seq_cst);
		return memory;
	}
	return __atomic_exchange_n(&spare.is_busy, 1, __ATOMIC_ACQUIRE) ? NULL : &spare;
}

static inline void give_back(struct memory_thread *memory)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (memory)
		__atomic_store_n(&memory->is_busy, 0, __ATOMIC_RELEASE);
}

static void count_free(struct memory_thread *memory, const struct live_block *block, void *address)
{
	bool is_temporary = memory && memory != &spare && memory->last == (uint64_t)address;

	tally_free(memory ? &memory->book : &spare.book, block->node, block->bytes, is_temporary);
}

static void count_allocation(void *address, uint64_t bytes, const struct walk_start *start)
{
	struct memory_thread *memory = take();
	struct live_block unseen;
	uint32_t node;

	node = memory ? walk_stack(&memory->walk, start)
		      : stacks_node(stacks_root, WIRE_ENDING_NOT_TAKEN);
	tally_allocation(memory ? &memory->book : &spare.book, node, bytes);
	unseen = live_put((uint64_t)address, node, bytes);
	if (__builtin_expect(unseen.node, 0)) {
		atomic_fetch_add(&tally_process->unseen_frees, 1);
		tally_free(memory ? &memory->book : &spare.book, unseen.node, unseen.bytes, false);
	}
	if (memory)
		memory->last = (uint64_t)address;
	give_back(memory);
}

/* Counts that a block is about to be freed. */
static void count_end(void *address)
{
	struct live_block block = live_take((uint64_t)address);
	struct memory_thread *memory;

	if (__builtin_expect(!block.node, 0)) {
		atomic_fetch_add(&tally_process->unknown_frees, 1);
		return;
	}
	memory = take();
	count_free(memory, &block, address);
	give_back(memory);
}

/* ---- before the real functions are known -------------------------------------------------- */

/* The look-up of the real functions may allocate itself. */
static _Alignas(16) uint8_t early[EARLY_BYTES];
static size_t early_used;
static bool is_looking;

static void *early_allocate(size_t bytes)
{
	void *block = early + early_used;

	if (bytes > sizeof(early) - early_used)
		return NULL;
	early_used += (bytes + 15) & ~(size_t)15;
	if (early_used > sizeof(early))
		early_used = sizeof(early);
	return block;
}

static bool is_early(const void *block)
{
	return (uint64_t)block - (uint64_t)early < sizeof(early);
}

/* Returns whether the real functions are known, looking them up at the first call. */
static bool is_ready(void)
{
	if (__builtin_expect(real_malloc != NULL, 1))
		return true;
	if (is_looking)
		return false;
	is_looking = true;
	real_find_all();
	is_looking = false;
	return real_malloc;
}

/* ---- in the place of the allocator's functions -------------------------------------------- */

EXPORT void *malloc(size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block;

	if (!is_ready())
		return early_allocate(bytes);
	block = real_malloc(bytes);
	if (block && counts())
		count_allocation(block, bytes, &start);
	return block;
}

EXPORT void *calloc(size_t count, size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block;

	if (!is_ready())
		return early_allocate(count * bytes);
	block = real_calloc(count, bytes);
	if (block && counts())
		count_allocation(block, count * bytes, &start);
	return block;
}

/* A realloc counts as a free and an allocation. */
static void *reallocate(void *old, size_t bytes, const struct walk_start *start)
{
	struct live_block block = {0};
	bool is_counted = counts();
	void *new;

	/* Taken before: from then on another thread may be given the address. */
	if (is_counted && old)
		block = live_take((uint64_t)old);
	new = real_realloc(old, bytes);
	if (!is_counted)
		return new;
	if (!new &&bytes) { /* it failed, and the old block stands */
		if (block.node)
			live_put((uint64_t)old, block.node, block.bytes);
		return new;
	}
	if (block.node) {
		struct memory_thread *memory = take();

		count_free(memory, &block, NULL);
		give_back(memory);
	} else if (old) {
		atomic_fetch_add(&tally_process->unknown_frees, 1);
	}
	if (new)
		count_allocation(new, bytes, start);
	return new;
}

EXPORT void *realloc(void *old, size_t bytes)
{
	struct walk_start start = WALK_START();

	if (!is_ready() || is_early(old)) {
		uint64_t most =
			is_early(old) ? sizeof(early) - ((uint64_t)old - (uint64_t)early) : 0;
		void *new = is_ready() ? real_malloc(bytes) : early_allocate(bytes);

		if (new)
			raw_copy(new, old, most < bytes ? most : bytes);
		return new;
	}
	return reallocate(old, bytes, &start);
}

EXPORT void *reallocarray(void *old, size_t count, size_t bytes)
{
	struct walk_start start = WALK_START();

	if (!is_ready() || is_early(old) || __builtin_mul_overflow(count, bytes, &bytes))
		return REAL_NOW(reallocarray)(old, count, bytes); /* sets errno as it should be */
	return reallocate(old, bytes, &start);
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block = REAL_NOW(aligned_alloc)(alignment, bytes);

	if (block && counts())
		count_allocation(block, bytes, &start);
	return block;
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	struct walk_start start = WALK_START();
	int result = REAL_NOW(posix_memalign)(block, alignment, bytes);

	if (!result && *block && counts())
		count_allocation(*block, bytes, &start);
	return result;
}

EXPORT void *memalign(size_t alignment, size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block = REAL_NOW(memalign)(alignment, bytes);

	if (block && counts())
		count_allocation(block, bytes, &start);
	return block;
}

EXPORT void *valloc(size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block = REAL_NOW(valloc)(bytes);

	if (block && counts())
		count_allocation(block, bytes, &start);
	return block;
}

EXPORT void *pvalloc(size_t bytes)
{
	struct walk_start start = WALK_START();
	void *block = REAL_NOW(pvalloc)(bytes);

	if (block && counts())
		count_allocation(block, bytes, &start);
	return block;
}

EXPORT void free(void *block)
{
	if (!block || is_early(block) || !is_ready())
		return;
	if (counts())
		count_end(block);
	real_free(block);
}
