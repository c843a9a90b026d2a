/* SPDX-License-Identifier: MIT */
/* operation: see operation.h. */
#include "probe/operation.h"

#include "probe/io.h"
#include "probe/locks.h"
#include "probe/raw.h"
#include "probe/rules.h"
#include "probe/sql.h"
#include "probe/stacks.h"
#include "probe/tally.h"
#include "probe/totals.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define THREADS	      1024 /* as many as are known: thread.c */
#define LONGEST_PROBE 64   /* rows looked at: no search in full tables is without end */

uint32_t operation_modes;
uint32_t operation_process;

static struct wire_thread *rows;
static uint32_t row_limit;
static struct wire_subject *subjects;
static uint32_t subject_mask;
static struct wire_operation *operations;
static uint32_t operation_mask;
static struct wire_spread *spreads;
static uint32_t spread_mask;
static char *texts;
static uint32_t text_limit;
static struct wire_count *counts;
static uint32_t count_rows;
static bool has_own_process; /* no other mode looks after process and stacks */

static struct operation_thread *threads[THREADS]; /* by slot; kept for the slot's next thread */
static struct operation_thread spare;		  /* for what has none */

/* ---- beginning ---------------------------------------------------------------------------- */

/* Finds a region that is a hash table; returns its mask, 0 when it is not all here. */
static uint32_t find_table(enum wire_region_kind kind, uint64_t row_bytes, void **table)
{
	uint64_t bytes = 0;
	uint32_t count;

	*table = probe_region(kind, &bytes);
	if (!*table || bytes != probe.wire->regions[kind].bytes)
		return 0;
	count = (uint32_t)(bytes / row_bytes);
	return count & (count - 1) ? 0 : count - 1;
}

static bool find_regions(void)
{
	uint64_t row_bytes = 0, text_bytes = 0, count_bytes = 0;

	rows = probe_region(WIRE_THREADS, &row_bytes);
	texts = probe_region(WIRE_TEXTS, &text_bytes);
	counts = probe_region(WIRE_COUNTS, &count_bytes);
	row_limit = (uint32_t)(row_bytes / sizeof(*rows));
	text_limit = (uint32_t)text_bytes;
	count_rows = (uint32_t)(count_bytes / (WIRE_COUNTS_MOST * sizeof(*counts)));
	subject_mask = find_table(WIRE_SUBJECTS, sizeof(*subjects), (void **)&subjects);
	operation_mask = find_table(WIRE_OPERATIONS, sizeof(*operations), (void **)&operations);
	spread_mask = find_table(WIRE_SPREADS, sizeof(*spreads), (void **)&spreads);
	return rows && texts && count_rows && subject_mask && operation_mask && spread_mask;
}

/* Claims a row for the process, where counting allocations has not done so. */
static uint32_t claim_process(void)
{
	uint64_t bytes;
	struct wire_process *processes = probe_region(WIRE_PROCESSES, &bytes);
	uint32_t number;

	if (!processes)
		return 0;
	if (!has_own_process)
		return (uint32_t)(tally_process - processes) + 1;
	number = atomic_fetch_add(&probe.wire->process_count, 1);
	if (number >= bytes / sizeof(*processes)) {
		probe_refuse(WIRE_REFUSED_PROCESS);
		return 0;
	}
	processes[number].pid = probe.pid;
	totals_begin(&processes[number]);
	return number + 1;
}

static void begin_process(void)
{
	operation_process = claim_process();
	if (has_own_process)
		stacks_begin(operation_process);
	spare.is_busy = 0; /* another thread of the parent's may have had it */
	if (!operation_process || !stacks_root)
		operation_modes = 0;
}

void operation_prepare(void)
{
	uint32_t wanted = probe.wire->modes & WIRE_MODES_OPERATIONS;

	if (!wanted)
		return;
	has_own_process = !stacks_root;
	if (!find_regions() || (has_own_process && !stacks_prepare())) {
		probe_refuse_room(probe.wire, wanted);
		return;
	}
	if (has_own_process)
		rules_prepare();
	spare.is_shared = true;
	spare.counts = &counts[(count_rows - 1) * (uint64_t)WIRE_COUNTS_MOST];
	locks_prepare();
	operation_modes = wanted;
	begin_process();
}

void operation_adopt(void)
{
	if (!operation_modes)
		return;
	begin_process();
	locks_adopt();
	io_adopt();
}

static uint32_t claim_row(void)
{
	uint32_t number = row_limit;
	struct wire_thread *row;

	if (atomic_load_explicit(&probe.wire->thread_count, memory_order_relaxed) < row_limit)
		number = atomic_fetch_add(&probe.wire->thread_count, 1);
	if (number >= row_limit) {
		probe_refuse(WIRE_REFUSED_THREAD);
		return 0;
	}
	row = &rows[number];
	row->pid = probe.pid;
	row->tid = raw_tid();
	RAW_2(SYS_prctl, PR_GET_NAME, row->name);
	atomic_store_explicit(&row->process, operation_process, memory_order_release);
	return number + 1;
}

void operation_begin_thread(struct thread *thread)
{
	uint32_t slot = (uint32_t)(thread->slot - probe.slots);
	struct operation_thread *mine = threads[slot];

	if (!operation_modes)
		return;
	if (!mine) {
		mine = raw_map(sizeof(*mine), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
		if (raw_failed(mine))
			return;
		threads[slot] = mine;
	}
	mine->row = claim_row();
	mine->counts =
		slot + 1 < count_rows ? &counts[slot * (uint64_t)WIRE_COUNTS_MOST] : spare.counts;
	mine->is_shared = mine->counts == spare.counts;
	mine->is_busy = 0;
	walk_reset(&mine->walk, thread->stack_start, thread->stack_end);
	thread->operations = mine;
}

void operation_end_thread(struct thread *thread)
{
	struct operation_thread *mine = thread->operations;

	if (!mine || !mine->row)
		return;
	atomic_store_explicit(&rows[mine->row - 1].lock_waits, 0, memory_order_relaxed);
	atomic_store_explicit(&rows[mine->row - 1].awaits, 0, memory_order_relaxed);
}

void operation_wait(bool is_lock, int change)
{
	uint32_t row = operation_mine()->row;

	if (row)
		atomic_fetch_add_explicit(is_lock ? &rows[row - 1].lock_waits
						  : &rows[row - 1].awaits,
					  (uint16_t)change, memory_order_relaxed);
}

void operation_forget_code(void)
{
	if (!operation_modes)
		return;
	sql_forget_code();
	if (!has_own_process)
		return;
	rules_forget();
	stacks_begin(operation_process);
}

/* ---- stacks ------------------------------------------------------------------------------- */

struct operation_thread *operation_mine(void)
{
	struct thread *thread = thread_self;

	return thread && thread->operations ? thread->operations : &spare;
}

uint32_t operation_stack(const struct walk_start *start)
{
	struct operation_thread *mine = operation_mine();
	uint32_t node;

	if (__atomic_exchange_n(&mine->is_busy, 1, __ATOMIC_ACQUIRE))
		return stacks_node(stacks_root, WIRE_ENDING_NOT_TAKEN);
	node = walk_stack(&mine->walk, start);
	__atomic_store_n(&mine->is_busy, 0, __ATOMIC_RELEASE);
	return node;
}

/* ---- tables ------------------------------------------------------------------------------- */

static inline uint32_t mix(uint64_t a, uint64_t b)
{
	return (uint32_t)(((a ^ b * 0xff51afd7ed558ccdu) * 0x9e3779b97f4a7c15u) >> 32);
}

/* Takes possession of a free row; returns false when somebody else has. */
static inline bool claim(_Atomic uint32_t *state)
{
	uint32_t free = WIRE_ROW_FREE;

	return atomic_compare_exchange_strong(state, &free, WIRE_ROW_CLAIMED);
}

/* Copies a name; returns where it begins, 0 when there is no room. */
static uint32_t keep_text(const char *name, uint32_t bytes)
{
	_Atomic uint32_t *used = &probe.wire->text_bytes;
	uint32_t place = text_limit;

	if (atomic_load_explicit(used, memory_order_relaxed) < text_limit)
		place = atomic_fetch_add(used, bytes);
	if (place >= text_limit || bytes > text_limit - place) {
		probe_refuse(WIRE_REFUSED_TEXT);
		return 0;
	}
	raw_copy(texts + place, name, bytes);
	return place;
}

/* Memory that was given back and allocated elsewhere is another subject. */
static inline bool is_same_subject(const struct wire_subject *row, const struct wire_subject *model)
{
	return row->identity == model->identity && row->kind == model->kind &&
	       row->process == model->process && row->node == model->node;
}

uint32_t operation_subject(const struct wire_subject *model, const char *name)
{
	uint32_t at = mix(model->identity, (uint64_t)model->kind << 32 | model->process);

	for (uint32_t i = 0; i < LONGEST_PROBE; i++, at++) {
		uint32_t number = at & subject_mask;
		struct wire_subject *row = &subjects[number];
		uint32_t state = atomic_load_explicit(&row->state, memory_order_acquire);

		if (!number)
			continue;
		if (state == WIRE_ROW_VALID && is_same_subject(row, model))
			return number;
		if (state != WIRE_ROW_FREE || !claim(&row->state))
			continue;
		row->kind = model->kind;
		row->identity = model->identity;
		row->process = model->process;
		row->node = model->node;
		row->elf_address = model->elf_address;
		row->text = name ? keep_text(name, model->text_bytes) : 0;
		row->text_bytes = row->text ? model->text_bytes : 0;
		atomic_store_explicit(&row->state, WIRE_ROW_VALID, memory_order_release);
		return number;
	}
	probe_refuse(WIRE_REFUSED_SUBJECT);
	return 0;
}

static inline bool is_same_operation(const struct wire_operation *row,
				     const struct operation *operation, uint32_t thread)
{
	return row->node == operation->node && row->subject == operation->subject &&
	       row->thread == thread && row->other == operation->other &&
	       row->kind == (uint32_t)operation->kind;
}

/* Returns the row of an operation, added when it is new; NULL when there is no room. */
static struct wire_operation *find_row(const struct operation *operation, uint32_t thread)
{
	uint32_t at =
		mix((uint64_t)operation->node << 32 | operation->subject,
		    (uint64_t)operation->other << 32 | (thread ^ (uint32_t)operation->kind << 24));

	for (uint32_t i = 0; i < LONGEST_PROBE; i++, at++) {
		struct wire_operation *row = &operations[at & operation_mask];
		uint32_t state = atomic_load_explicit(&row->state, memory_order_acquire);

		if (state == WIRE_ROW_VALID && is_same_operation(row, operation, thread))
			return row;
		if (state != WIRE_ROW_FREE || !claim(&row->state))
			continue;
		row->kind = operation->kind;
		row->subject = operation->subject;
		row->thread = thread;
		row->node = operation->node;
		row->other = operation->other;
		atomic_store_explicit(&row->state, WIRE_ROW_VALID, memory_order_release);
		return row;
	}
	probe_refuse(WIRE_REFUSED_OPERATION);
	return NULL;
}

static inline void add(_Atomic uint64_t *number, uint64_t value)
{
	if (value)
		atomic_fetch_add_explicit(number, value, memory_order_relaxed);
}

/* A transaction is made of statements. */
static void add_totals(const struct operation *operation)
{
	switch (operation->kind) {
	case WIRE_OPERATION_LOCK:
	case WIRE_OPERATION_SHARE:
		totals_add(WIRE_TOTAL_LOCK_WAIT, operation->total_ns);
		break;
	case WIRE_OPERATION_AWAIT:
		totals_add(WIRE_TOTAL_AWAIT, operation->total_ns);
		break;
	case WIRE_OPERATION_EXECUTE:
		totals_add(WIRE_TOTAL_EXECUTIONS, operation->count);
		totals_add(WIRE_TOTAL_SQL_TIME, operation->total_ns);
		break;
	case WIRE_OPERATION_PREPARE:
		totals_add(WIRE_TOTAL_SQL_TIME, operation->total_ns);
		break;
	case WIRE_OPERATION_TRANSACTION:
		break;
	default:
		totals_add(WIRE_TOTAL_IO_TIME, operation->total_ns);
		totals_add(WIRE_TOTAL_IO_BYTES, operation->amount);
	}
}

void operation_book(const struct operation *operation)
{
	struct wire_operation *row = find_row(operation, operation_mine()->row);
	uint64_t whole_ns = operation->whole_ns ? operation->whole_ns : operation->total_ns;
	uint64_t longest;

	add_totals(operation);
	if (!row)
		return;
	add(&row->count, operation->count);
	add(&row->total_ns, operation->total_ns);
	add(&row->amount, operation->amount);
	add(&row->part_ns, operation->part_ns);
	longest = atomic_load_explicit(&row->longest_ns, memory_order_relaxed);
	while (whole_ns > longest &&
	       !atomic_compare_exchange_weak(&row->longest_ns, &longest, whole_ns))
		;
}

static uint32_t bucket_of(uint64_t ns)
{
	uint32_t exponent, bucket;

	if (ns < 32)
		return (uint32_t)ns;
	exponent = 58 - (uint32_t)__builtin_clzll(ns);
	bucket = 32 * (exponent + 1) + (uint32_t)(ns >> exponent) - 32;
	return bucket < WIRE_BUCKETS_MOST ? bucket : WIRE_BUCKETS_MOST - 1;
}

void operation_spread(uint32_t subject, enum wire_operation_kind kind, uint64_t ns)
{
	uint64_t key = (uint64_t)subject << 32 | (uint64_t)kind << 16 | (bucket_of(ns) + 1);
	uint32_t at = mix(key, 0);

	for (uint32_t i = 0; i < LONGEST_PROBE; i++, at++) {
		struct wire_spread *row = &spreads[at & spread_mask];
		uint64_t found = atomic_load_explicit(&row->key, memory_order_relaxed);

		if (found == key ||
		    (!found &&
		     (atomic_compare_exchange_strong(&row->key, &found, key) || found == key))) {
			add(&row->count, 1);
			return;
		}
	}
	probe_refuse(WIRE_REFUSED_SPREAD);
}
