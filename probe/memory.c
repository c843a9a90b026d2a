/* SPDX-License-Identifier: MIT */
/* memory: see memory.h. Sources: malloc(3), posix_memalign(3), malloc_hook(3). */
#include "probe/memory.h"

#include "probe/clock.h"
#include "probe/confine.h"
#include "probe/early.h"
#include "probe/footprint.h"
#include "probe/live.h"
#include "probe/objects.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/regions.h"
#include "probe/rules.h"
#include "probe/stacks.h"
#include "probe/tally.h"
#include "probe/thinning.h"
#include "probe/walk.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#define THREADS	    1024 /* as many as are known: thread.c */
#define RANDOM_STEP 0x9e3779b97f4a7c15u

/* What a thread needs to count. */
struct memory_thread {
	struct tally_book book;
	volatile uint32_t is_busy;
	uint32_t counted; /* allocations; where they are sampled, those that were taken */
	/* The last ones counted, by their number: addresses, and where allocations are sampled
	 * the thread's allocations until each. */
	uint64_t recent[LIVE_RECENT];
	uint32_t recent_made[LIVE_RECENT];
	uint64_t deleted; /* block that an operator has counted as freed and now frees */
	/* where allocations are sampled: */
	int64_t left; /* bytes until the next one is taken */
	uint32_t made;
	uint64_t random;
	struct walk walk;
};

uint64_t memory_allocator_start, memory_allocator_end;

static bool is_on;
static bool is_over;  /* nobody wants it counted any more: only the real functions are left */
static uint64_t rate; /* bytes between samples; 0: all are counted */
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

/* Finds where the allocator is; returns whether it is the C library itself, and not another one
 * behind us. */
static bool find_allocator(void)
{
	Dl_info allocator, library;
	uint64_t start, end;

	if (!dladdr((void *)real_malloc, &allocator) || !dladdr((void *)&abort, &library))
		return false;
	if (allocator.dli_fbase == library.dli_fbase)
		return true;
	tally_name_allocator(allocator.dli_fname);
	if (objects_extent((uint64_t)real_malloc, &start, &end)) {
		memory_allocator_start = start;
		memory_allocator_end = end;
	}
	return false;
}

static void begin_process(bool is_fork)
{
	process_row = tally_begin_process(is_fork);
	stacks_begin(process_row);
	spare.is_busy = 0; /* another thread of the parent's may have had it */
	is_on = process_row && stacks_root;
}

/* Another thread counts with this. */
static void begin_sampling(struct memory_thread *memory, uint32_t slot)
{
	memory->random = clock_now_ns() * 2 + 1 + ((uint64_t)slot << 40);
	memory->left = rate ? thinning_gap(&memory->random, rate) : 0;
}

void memory_prepare(void)
{
	if (!(probe.wire->modes & WIRE_MODE_MEMORY) || !real_malloc || !real_free)
		return;
	if (!stacks_prepare() || !tally_prepare()) {
		probe_refuse_room(probe.wire, WIRE_MODE_MEMORY);
		return;
	}
	rate = probe.wire->memory_rate;
	rules_prepare();
	tally_open(&spare.book, UINT32_MAX);
	begin_sampling(&spare, 0);
	begin_process(false);
	live_prepare(find_allocator());
}

void memory_adopt(void)
{
	if (!is_on)
		return;
	begin_process(true);
	regions_adopt();
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
	for (uint32_t i = 0; i < LIVE_RECENT; i++)
		memory->recent[i] = 0;
	memory->is_busy = 0;
	begin_sampling(memory, slot);
	walk_reset(&memory->walk, thread->stack_start, thread->stack_end);
	thread->memory = memory;
}

void memory_end_thread(struct thread *thread)
{
	if (thread->memory)
		tally_close(&thread->memory->book);
}

void memory_end_process(void)
{
	struct footprint footprint;
	uint64_t bytes = 0;

	if (!is_on || !probe_is_on() || !wire_is_recording(probe.wire) || !confine_lets_measure())
		return;
	for (int i = 0; i < THREADS; i++)
		if (threads[i])
			bytes += footprint_of(threads[i], sizeof(*threads[i]));
	footprint = footprint_look();
	tally_process->resident_bytes = footprint.private;
	tally_process->highest_bytes = footprint.highest;
	tally_process->probe_bytes = bytes + live_resident();
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

/* The collector's clock, as blocks keep it. */
static inline uint32_t now(void)
{
	return atomic_load_explicit(&probe.wire->clock, memory_order_relaxed) &
	       ((1u << LIVE_BORN_BITS) - 1);
}

static bool is_looking; /* for the real functions, which allocates: not the program's */

static inline bool counts(void)
{
	if (__builtin_expect(!is_on, 0)) {
		if (!probe.is_started && !is_looking)
			probe_start_early();
		return is_on;
	}
	if (!probe_is_on())
		return false;
	if (__builtin_expect(wire_is_recording(probe.wire), 1))
		return true;
	is_over = true;
	return false;
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

/* Allocations of the thread since it allocated the block; TALLY_AGE_UNKNOWN: many, or it did not.
 */
static inline uint32_t age_of(const struct memory_thread *memory, const struct live_block *block,
			      uint64_t address)
{
	if (memory == &spare || memory->recent[block->recent] != address)
		return TALLY_AGE_UNKNOWN;
	if (rate)
		return memory->made - memory->recent_made[block->recent];
	return (memory->counted - 1 - block->recent) % LIVE_RECENT;
}

/* @address  of the block; 0 when it goes on as another one */
static void count_free(struct memory_thread *memory, const struct live_block *block,
		       uint64_t address)
{
	uint32_t age = memory ? age_of(memory, block, address) : TALLY_AGE_UNKNOWN;
	uint32_t lifetime = (now() - block->born) % (1u << LIVE_BORN_BITS);

	tally_free(memory ? &memory->book : &spare.book, block->node, block->bytes, lifetime, age);
}

/* The block at this address was freed unseen, and its memory came back in another. */
static void count_unseen(struct memory_thread *memory, const struct live_block *block)
{
	atomic_fetch_add(&tally_process->unseen_frees, 1);
	tally_free(memory ? &memory->book : &spare.book, block->node, block->bytes, 0,
		   TALLY_AGE_UNKNOWN);
}

/* Several threads may draw with `spare` at the same time. Who makes what is left negative draws the
 * next gap, and what others subtract until that is written is lost: so their bytes are drawn for by
 * themselves, as nothing of the distance to a hit is remembered. */
static bool take_sample(struct memory_thread *memory, int64_t bytes)
{
	int64_t left = __atomic_fetch_sub(&memory->left, bytes, __ATOMIC_RELAXED);
	uint64_t random;
	int64_t gap;

	if (left >= bytes)
		return false;
	random = __atomic_fetch_add(&memory->random, RANDOM_STEP, __ATOMIC_RELAXED) | 1;
	gap = thinning_gap(&random, rate);
	if (left < 0)
		return gap < bytes;
	__atomic_store_n(&memory->left, gap, __ATOMIC_RELAXED);
	return true;
}

/* Says whether an allocation is counted at all. */
static inline bool is_taken(uint64_t bytes)
{
	struct thread *thread = thread_self;
	struct memory_thread *memory = thread ? thread->memory : NULL;
	int64_t sampled = (int64_t)(bytes + !bytes);

	if (__builtin_expect(!rate, 1))
		return true;
	if (__builtin_expect(!memory, 0))
		return take_sample(&spare, sampled);
	memory->made++;
	memory->left -= sampled;
	if (__builtin_expect(memory->left >= 0, 1))
		return false;
	memory->left = thinning_gap(&memory->random, rate);
	return true;
}

static void count_allocation(void *block, uint64_t bytes, const struct walk_start *start)
{
	uint64_t address = (uint64_t)block;
	struct memory_thread *memory;
	struct live_block unseen;
	uint32_t node, recent = 0;

	if (!is_taken(bytes))
		return;
	live_fetch(address);
	memory = take();
	node = memory ? walk_stack(&memory->walk, start)
		      : stacks_node(stacks_root, WIRE_ENDING_NOT_TAKEN);
	tally_allocation(memory ? &memory->book : &spare.book, node, bytes);
	if (memory) {
		recent = memory->counted++ % LIVE_RECENT;
		memory->recent[recent] = address;
		memory->recent_made[recent] = memory->made;
	}
	unseen = live_put(address, (struct live_block){.bytes = bytes,
						       .node = node,
						       .recent = recent & (LIVE_RECENT - 1),
						       .born = now()});
	if (__builtin_expect(unseen.node, 0))
		count_unseen(memory, &unseen);
	if (rate && !unseen.node)
		thinning_remember(address);
	give_back(memory);
}

/* Takes a block out that is about to be freed; node 0: it was not counted. */
static inline struct live_block forget(void *address)
{
	struct live_block block;

	if (rate && !thinning_may_know((uint64_t)address))
		return (struct live_block){0};
	block = live_take((uint64_t)address);
	if (rate && block.node)
		thinning_forget((uint64_t)address);
	return block;
}

static void put_back(uint64_t address, struct live_block block)
{
	live_put(address, block);
	if (rate)
		thinning_remember(address);
}

static void count_unknown(uint64_t address)
{
	struct memory_thread *memory = thread_self ? thread_self->memory : NULL;

	/* An operator delete that calls free. */
	if (memory && memory->deleted == address)
		memory->deleted = 0;
	else if (!rate)
		atomic_fetch_add(&tally_process->unknown_frees, 1);
}

/* Counts that a block is about to be freed. */
static void count_end(void *address)
{
	struct live_block block = forget(address);
	struct memory_thread *memory;

	if (__builtin_expect(!block.node, 0)) {
		count_unknown((uint64_t)address);
		return;
	}
	memory = take();
	count_free(memory, &block, (uint64_t)address);
	give_back(memory);
}

/* ---- for what stands in the places of other functions -----------------------------------------
 */

bool memory_is_counting(void)
{
	return counts();
}

/* Allocations of the calling thread that passed by here. */
static uint32_t seen(void)
{
	const struct memory_thread *memory = thread_self ? thread_self->memory : &spare;

	return !memory ? 0 : rate ? memory->made : memory->counted;
}

uint32_t memory_begin_new(void)
{
	return counts() ? seen() : 0;
}

void memory_end_new(uint32_t begun, void *block, uint64_t bytes, struct walk_start start)
{
	if (block && counts() && seen() == begun)
		count_allocation(block, bytes, &start);
}

void memory_count_delete(void *block)
{
	if (!counts())
		return;
	if (thread_self && thread_self->memory)
		thread_self->memory->deleted = (uint64_t)block;
	count_end(block);
}

uint32_t memory_count_mapped(const struct walk_start *start, uint64_t bytes)
{
	struct memory_thread *memory = take();
	uint32_t node;

	if (!memory)
		return 0;
	node = stacks_node(walk_stack(&memory->walk, start), WIRE_REGIONS_OF);
	tally_mapped(&memory->book, node, bytes);
	give_back(memory);
	return node;
}

void memory_count_unmapped(uint32_t node, uint64_t bytes, bool is_all)
{
	struct memory_thread *memory = take();

	tally_unmapped(memory ? &memory->book : &spare.book, node, bytes, is_all);
	give_back(memory);
}

/* ---- before the real functions are known -------------------------------------------------- */

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

	if (__builtin_expect(is_over, 0))
		return real_malloc(bytes);
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

	if (__builtin_expect(is_over, 0))
		return real_calloc(count, bytes);
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
		block = forget(old);
	new = real_realloc(old, bytes);
	if (!is_counted)
		return new;
	if (!new &&bytes) { /* it failed, and the old block stands */
		if (block.node)
			put_back((uint64_t)old, block);
		return new;
	}
	if (block.node) {
		struct memory_thread *memory = take();

		count_free(memory, &block, 0);
		give_back(memory);
	} else if (old) {
		count_unknown((uint64_t)old);
	}
	if (new)
		count_allocation(new, bytes, start);
	return new;
}

EXPORT void *realloc(void *old, size_t bytes)
{
	struct walk_start start = WALK_START();

	if (!is_ready() || is_early(old)) {
		size_t most = early_bytes(old);
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
	/* The allocator is about to read what stands before the block: it is fetched meanwhile. */
	__builtin_prefetch((const char *)block - 16);
	if (!is_over && counts())
		count_end(block);
	real_free(block);
}
