/* SPDX-License-Identifier: MIT */
/* tally: see tally.h. */
#include "probe/tally.h"

#include "probe/raw.h"
#include "probe/thinning.h"
#include "probe/totals.h"

struct wire_process *tally_process;

static struct wire_process *processes;
static uint32_t process_limit;
static _Atomic uint32_t *rows;
static uint32_t row_count;
static struct wire_tally *tallies;
static struct wire_shape *shapes;
static uint64_t rate;		     /* 0: every allocation is counted */
static int count_shift, bytes_shift; /* of what is counted: wire_tally */
static uint32_t temporary_within;
static uint32_t segment_limit;
static bool has_threads;

bool tally_prepare(void)
{
	uint64_t process_bytes, row_bytes, shape_bytes, tally_bytes;

	processes = probe_region(WIRE_PROCESSES, &process_bytes);
	rows = probe_region(WIRE_TALLY_ROWS, &row_bytes);
	shapes = probe_region(WIRE_SHAPES, &shape_bytes);
	tallies = probe_region(WIRE_TALLIES, &tally_bytes);
	if (!processes || !rows || !shapes || !tallies)
		return false;
	process_limit = (uint32_t)(process_bytes / sizeof(*processes));
	row_count = (uint32_t)(row_bytes / (WIRE_ROW_SEGMENTS * sizeof(*rows)));
	segment_limit = (uint32_t)(tally_bytes / (WIRE_SEGMENT_TALLIES * sizeof(*tallies)));
	rate = probe.wire->memory_rate;
	count_shift = rate ? WIRE_COUNT_SHIFT : 0;
	bytes_shift = rate ? WIRE_BYTES_SHIFT : 0;
	temporary_within = probe.wire->temporary_within;
	return process_limit && row_count && segment_limit &&
	       shape_bytes / sizeof(*shapes) >= row_count;
}

uint32_t tally_begin_process(bool is_fork)
{
	uint32_t number = atomic_fetch_add(&probe.wire->process_count, 1);

	if (number >= process_limit) {
		probe_refuse(WIRE_REFUSED_PROCESS);
		return 0;
	}
	tally_process = &processes[number];
	tally_process->pid = probe.pid;
	tally_process->is_fork = is_fork;
	totals_begin(tally_process);
	has_threads = false;
	return number + 1;
}

void tally_threads(void)
{
	has_threads = true;
	if (tally_process)
		tally_process->has_threads = 1;
}

static inline uint64_t get(_Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static inline void set(_Atomic uint64_t *number, uint64_t value)
{
	atomic_store_explicit(number, value, memory_order_relaxed);
}

void tally_open(struct tally_book *book, uint32_t slot)
{
	*book = (struct tally_book){.is_shared = slot >= row_count - 1};
	if (!book->is_shared) {
		book->slot = &probe.slots[slot];
		set(&book->slot->allocations, 0);
		set(&book->slot->allocated, 0);
	}
	slot = book->is_shared ? row_count - 1 : slot;
	book->row = &rows[slot * (uint64_t)WIRE_ROW_SEGMENTS];
	book->shape = &shapes[slot];
}

/* Gives a row another segment; several threads may do so with everybody's. */
static uint32_t add_segment(_Atomic uint32_t *place)
{
	_Atomic uint32_t *count = &probe.wire->segment_count;
	uint32_t number = segment_limit, none = 0;

	if (atomic_load_explicit(count, memory_order_relaxed) < segment_limit)
		number = atomic_fetch_add(count, 1);
	if (number >= segment_limit)
		return 0;
	return atomic_compare_exchange_strong(place, &none, number + 1) ? number + 1 : none;
}

static inline struct wire_tally *find(const struct tally_book *book, uint32_t node)
{
	_Atomic uint32_t *place = &book->row[node / WIRE_SEGMENT_TALLIES];
	uint32_t segment = atomic_load_explicit(place, memory_order_relaxed);

	if (__builtin_expect(!segment, 0))
		segment = add_segment(place);
	if (__builtin_expect(!segment || segment > segment_limit, 0)) {
		probe_refuse(WIRE_REFUSED_TALLY);
		return NULL;
	}
	return &tallies[(segment - 1) * (uint64_t)WIRE_SEGMENT_TALLIES +
			node % WIRE_SEGMENT_TALLIES];
}

static inline void add(const struct tally_book *book, _Atomic uint64_t *number, uint64_t value)
{
	if (__builtin_expect(book->is_shared, 0))
		atomic_fetch_add_explicit(number, value, memory_order_relaxed);
	else
		set(number, get(number) + value);
}

/* Keeps what the tally stands at when it is about to change for the first time in an epoch. */
static inline void keep(struct wire_tally *tally)
{
	uint32_t epoch = (uint32_t)get(&tally_process->epoch);

	if (atomic_load_explicit(&tally->epoch, memory_order_relaxed) == epoch)
		return;
	atomic_store_explicit(
		&tally->peak_blocks,
		(uint32_t)((get(&tally->allocations) - get(&tally->frees)) >> count_shift),
		memory_order_relaxed);
	set(&tally->peak_bytes, get(&tally->bytes) - get(&tally->freed_bytes));
	atomic_store_explicit(&tally->epoch, epoch, memory_order_relaxed);
}

static void tell_live(int64_t bytes)
{
	struct wire_process *process = tally_process;
	uint64_t live, peak;

	live = atomic_fetch_add(&process->live, (uint64_t)bytes) + (uint64_t)bytes;
	peak = get(&process->peak);
	while ((int64_t)live > (int64_t)peak)
		if (atomic_compare_exchange_weak(&process->peak, &peak, live)) {
			atomic_fetch_add(&process->epoch, 1);
			break;
		}
}

/* A thread among others tells the process of its bytes in larger steps. */
static void change_live_together(struct tally_book *book, int64_t bytes)
{
	if (book->is_shared) {
		tell_live(bytes);
		return;
	}
	book->behind += bytes;
	if (book->behind < WIRE_PEAK_STEP && book->behind > -WIRE_PEAK_STEP)
		return;
	tell_live(book->behind);
	book->behind = 0;
}

static inline void change_totals(struct tally_book *book, struct thinning_weight weight)
{
	struct wire_slot *slot = book->slot;

	if (__builtin_expect(!slot, 0)) {
		totals_add(WIRE_TOTAL_ALLOCATIONS, weight.count);
		totals_add(WIRE_TOTAL_ALLOCATED, weight.bytes);
		return;
	}
	set(&slot->allocations, get(&slot->allocations) + weight.count);
	set(&slot->allocated, get(&slot->allocated) + weight.bytes);
}

static void close_totals(struct wire_slot *slot)
{
	uint64_t allocations = get(&slot->allocations), allocated = get(&slot->allocated);

	set(&slot->allocations, 0);
	set(&slot->allocated, 0);
	totals_add(WIRE_TOTAL_ALLOCATIONS, allocations);
	totals_add(WIRE_TOTAL_ALLOCATED, allocated);
}

void tally_close(struct tally_book *book)
{
	if (book->slot)
		close_totals(book->slot);
	if (book->behind)
		tell_live(book->behind);
	book->behind = 0;
}

/* Threads that nobody saw begin count in what is everybody's. */
static void look_for_threads(void)
{
	if (raw_tid() != probe.pid)
		tally_threads();
}

static inline void change_live(struct tally_book *book, int64_t bytes)
{
	struct wire_process *process = tally_process;
	uint64_t live;

	if (has_threads || book->is_shared) {
		if (__builtin_expect(!has_threads, 0))
			look_for_threads();
		change_live_together(book, bytes);
		return;
	}
	live = get(&process->live) + (uint64_t)bytes;
	set(&process->live, live);
	if ((int64_t)live > (int64_t)get(&process->peak)) {
		set(&process->peak, live);
		set(&process->epoch, get(&process->epoch) + 1);
	}
}

/* What one allocation stands for. */
static inline struct thinning_weight weigh(uint64_t bytes)
{
	if (__builtin_expect(rate != 0, 0))
		return thinning_weight(bytes, rate);
	return (struct thinning_weight){1, bytes};
}

void tally_allocation(struct tally_book *book, uint32_t node, uint64_t bytes)
{
	struct wire_tally *tally = find(book, node);
	struct thinning_weight weight = weigh(bytes);

	if (!tally)
		return;
	keep(tally);
	add(book, &tally->allocations, weight.count);
	add(book, &tally->bytes, weight.bytes);
	add(book, &book->shape->sizes[wire_shape_bucket(bytes, WIRE_SIZES)], weight.count);
	change_totals(book, weight);
	change_live(book, (int64_t)weight.bytes);
}

void tally_free(struct tally_book *book, uint32_t node, uint64_t bytes, uint32_t lifetime,
		uint32_t age)
{
	struct wire_tally *tally = find(book, node);
	struct thinning_weight weight = weigh(bytes);

	if (!tally)
		return;
	keep(tally);
	add(book, &tally->frees, weight.count);
	add(book, &tally->freed_bytes, weight.bytes);
	if (age < temporary_within)
		add(book, &tally->temporaries, weight.count);
	if (age < WIRE_AGES)
		add(book, &book->shape->ages[age], weight.count);
	if (lifetime) {
		add(book, &tally->lifetime, (weight.count >> count_shift) * lifetime);
		add(book, &book->shape->lifetimes[wire_shape_bucket(lifetime, WIRE_LIFETIMES)],
		    weight.count);
	}
	change_live(book, -(int64_t)weight.bytes);
}

void tally_mapped(struct tally_book *book, uint32_t node, uint64_t bytes)
{
	struct wire_tally *tally = find(book, node);

	if (!tally)
		return;
	add(book, &tally->allocations, UINT64_C(1) << count_shift);
	add(book, &tally->bytes, bytes << bytes_shift);
}

void tally_unmapped(struct tally_book *book, uint32_t node, uint64_t bytes, bool is_all)
{
	struct wire_tally *tally = find(book, node);

	if (!tally)
		return;
	add(book, &tally->frees, (uint64_t)is_all << count_shift);
	add(book, &tally->freed_bytes, bytes << bytes_shift);
}

void tally_name_allocator(const char *path)
{
	char *name = tally_process->allocator;
	const char *base = path;

	for (const char *at = path; *at; at++)
		if (*at == '/')
			base = at + 1;
	for (uint32_t i = 0; i < sizeof(tally_process->allocator) - 1 && base[i]; i++)
		name[i] = base[i];
}
