/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operation_telling: see operation_telling.h. */
#include "collector/capture/operation_telling.h"

#include "collector/base/xalloc.h"

#include <stdatomic.h>

#define MOST_NS (((uint64_t)1 << 53) - 1) /* that readers of profiles take */

enum {
	SUBJECTS,
	OPERATIONS,
	SPREADS,
	PARTS
};

static const struct event_metric lock_wait = {"lock-wait", "ns", 1, false};
static const struct event_metric await = {"await", "ns", 1, false};
static const struct event_metric io_time = {"io-time", "ns", 1, false};
static const struct event_metric io_bytes = {"io-bytes", "bytes", 1, false};
static const struct event_metric sql_time = {"sql-time", "ns", 1, false};

/* Kinds are the same numbers on both sides. */
_Static_assert((int)WIRE_SUBJECT_KINDS == (int)PROFILE_SUBJECT_KINDS &&
		       (int)WIRE_SUBJECT_DATABASE == (int)PROFILE_SUBJECT_DATABASE,
	       "kinds of subjects");
_Static_assert((int)WIRE_OPERATION_KINDS == (int)PROFILE_OPERATION_KINDS &&
		       (int)WIRE_OPERATION_TRANSACTION == (int)PROFILE_OPERATION_TRANSACTION,
	       "kinds of operations");

/* What is counted as amounts of which metrics. A transaction is made of statements. */
static const struct {
	const struct event_metric *time, *amount;
} metrics[WIRE_OPERATION_KINDS] = {
	[WIRE_OPERATION_LOCK] = {&lock_wait, NULL},
	[WIRE_OPERATION_SHARE] = {&lock_wait, NULL},
	[WIRE_OPERATION_AWAIT] = {&await, NULL},
	[WIRE_OPERATION_OPEN] = {&io_time, NULL},
	[WIRE_OPERATION_CLOSE] = {&io_time, NULL},
	[WIRE_OPERATION_READ] = {&io_time, &io_bytes},
	[WIRE_OPERATION_WRITE] = {&io_time, &io_bytes},
	[WIRE_OPERATION_SYNC] = {&io_time, NULL},
	[WIRE_OPERATION_COPY] = {&io_time, &io_bytes},
	[WIRE_OPERATION_STREAM_READ] = {&io_time, &io_bytes},
	[WIRE_OPERATION_STREAM_WRITE] = {&io_time, &io_bytes},
	[WIRE_OPERATION_PREPARE] = {&sql_time, NULL},
	[WIRE_OPERATION_EXECUTE] = {&sql_time, NULL},
};

static uint32_t load(const _Atomic uint32_t *number)
{
	return atomic_load_explicit(number, memory_order_acquire);
}

static uint64_t get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static pid_t pid_of(const struct probe_memory *memory, uint32_t process)
{
	pid_t pid = process && process <= memory->process_limit ? memory->processes[process - 1].pid
								: 0;

	return pid > 0 ? pid : 0;
}

/* Sums up how often each lock was taken. To read rows that nobody wrote would take memory. */
static void sum_taken(struct operation_telling *telling)
{
	const struct probe_memory *memory = telling->memory;
	uint32_t limit = load(&memory->header->slot_limit);

	telling->taken = xcalloc(memory->subject_limit, sizeof(*telling->taken));
	for (uint32_t slot = 0; slot <= memory->slot_count; slot++) {
		const struct wire_count *row = &memory->counts[(size_t)slot * WIRE_COUNTS_MOST];

		if (slot >= limit && slot < memory->slot_count)
			continue;
		for (uint32_t i = 0; i < WIRE_COUNTS_MOST; i++) {
			uint32_t subject = row[i].subject;

			if (subject && subject < memory->subject_limit)
				telling->taken[subject] += row[i].count;
			else
				telling->taken_elsewhere += row[i].count;
		}
	}
}

static bool read_subject(struct operation_telling *telling, uint32_t number, struct event *event)
{
	const struct probe_memory *memory = telling->memory;
	const struct wire_subject *row = &memory->subjects[number];
	uint32_t text = row->text, bytes = row->text_bytes;

	if (!number || load(&row->state) != WIRE_ROW_VALID || !row->kind ||
	    row->kind >= WIRE_SUBJECT_KINDS)
		return false;
	if (!text || text >= memory->text_limit || bytes > memory->text_limit - text)
		text = bytes = 0;
	*event = (struct event){
		.kind = EVENT_SUBJECT,
		.pid = pid_of(memory, row->process),
		.subject =
			{
				.number = number,
				.kind = (uint8_t)row->kind,
				.identity = row->identity,
				.elf_address = row->elf_address,
				.text = memory->texts + text,
				.text_bytes = bytes,
				.node = row->node,
				.taken = telling->taken[number],
			},
	};
	return true;
}

/* What a value can be at most: a target may have written anything. */
static uint64_t within(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static bool read_operation(const struct operation_telling *telling, uint32_t number,
			   struct event *event)
{
	const struct probe_memory *memory = telling->memory;
	const struct wire_operation *row = &memory->operations[number];
	uint32_t kind = row->kind, thread = row->thread, subject = row->subject;
	struct event_operation *operation = &event->operation;

	if (load(&row->state) != WIRE_ROW_VALID || !kind || kind >= WIRE_OPERATION_KINDS)
		return false;
	*event = (struct event){.kind = EVENT_OPERATION};
	*operation = (struct event_operation){
		.subject = subject < memory->subject_limit ? subject : 0,
		.kind = (uint8_t)kind,
		.node = row->node,
		.other = row->other,
		.count = within(get(&row->count), INT64_MAX),
		.total_ns = within(get(&row->total_ns), MOST_NS),
		.amount = within(get(&row->amount), INT64_MAX),
	};
	operation->longest_ns = within(get(&row->longest_ns), MOST_NS);
	operation->part_ns = within(get(&row->part_ns), operation->total_ns);
	operation->amounts[0] = (struct event_amount){metrics[kind].time, operation->total_ns};
	operation->amounts[1] = (struct event_amount){metrics[kind].amount, operation->amount};
	if (thread && thread <= memory->thread_limit) {
		const struct wire_thread *who = &memory->threads[thread - 1];

		event->pid = pid_of(memory, load(&who->process));
		event->tid = who->tid;
	}
	return true;
}

static bool read_spread(const struct operation_telling *telling, uint32_t number,
			struct event *event)
{
	const struct wire_spread *row = &telling->memory->spreads[number];
	uint64_t key = get(&row->key), count = get(&row->count);
	uint32_t subject = (uint32_t)(key >> 32), kind = key >> 16 & 0xffff, bucket = key & 0xffff;

	if (!key || !count || !kind || kind >= WIRE_OPERATION_KINDS || !bucket ||
	    bucket > WIRE_BUCKETS_MOST || subject >= telling->memory->subject_limit)
		return false;
	*event = (struct event){
		.kind = EVENT_SPREAD,
		.spread = {subject, (uint8_t)kind, (uint16_t)(bucket - 1),
			   within(count, INT64_MAX)},
	};
	return true;
}

/* Moves on to the next row; returns false behind the last one. */
static bool move_on(struct operation_telling *telling, uint32_t *part, uint32_t *row)
{
	const uint32_t limits[PARTS] = {
		[SUBJECTS] = telling->memory->subject_limit,
		[OPERATIONS] = telling->memory->operation_limit,
		[SPREADS] = telling->memory->spread_limit,
	};

	while (telling->part < PARTS && telling->row >= limits[telling->part]) {
		telling->part++;
		telling->row = 0;
	}
	*part = telling->part;
	*row = telling->row++;
	return telling->part < PARTS;
}

bool operation_telling_next(struct operation_telling *telling,
			    bool (*is_told)(const void *context, uint32_t node),
			    const void *context, struct event *event)
{
	uint32_t part, row;

	if (!telling->memory || !(telling->memory->modes & WIRE_MODES_OPERATIONS))
		return false;
	if (!telling->taken)
		sum_taken(telling);
	while (move_on(telling, &part, &row)) {
		switch (part) {
		case SUBJECTS:
			if (!read_subject(telling, row, event))
				continue;
			if (event->subject.node && !is_told(context, event->subject.node))
				event->subject.node = 0;
			return true;
		case OPERATIONS:
			if (!read_operation(telling, row, event) ||
			    !is_told(context, event->operation.node))
				continue;
			if (event->operation.other && !is_told(context, event->operation.other))
				event->operation.other = 0;
			return true;
		default:
			if (read_spread(telling, row, event))
				return true;
		}
	}
	return false;
}

void operation_telling_describe(const struct operation_telling *telling, struct profile *profile)
{
	static const struct {
		uint32_t mode;
		const char *key;
	} modes[] = {{WIRE_MODE_LOCKS, "locks"}, {WIRE_MODE_IO, "io"}, {WIRE_MODE_SQL, "sql"}};
	static const char *const losses[] = {
		[WIRE_REFUSED_SLOT] = "operations.lost_slot",
		[WIRE_REFUSED_PROCESS] = "operations.lost_process",
		[WIRE_REFUSED_NODE] = "operations.lost_node",
		[WIRE_REFUSED_SUBJECT] = "operations.lost_subject",
		[WIRE_REFUSED_OPERATION] = "operations.lost_operation",
		[WIRE_REFUSED_SPREAD] = "operations.lost_spread",
		[WIRE_REFUSED_TEXT] = "operations.lost_text",
		[WIRE_REFUSED_THREAD] = "operations.lost_thread",
	};
	const struct wire_header *header = telling->memory->header;

	if (!(telling->memory->modes & WIRE_MODES_OPERATIONS))
		return;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (telling->memory->modes & modes[i].mode)
			profile_set_number(profile, modes[i].key, 1);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		if (losses[i] && header->refused[i])
			profile_set_number(profile, losses[i], (int64_t)header->refused[i]);
	if (telling->taken_elsewhere)
		profile_set_number(profile, "operations.taken_elsewhere",
				   (int64_t)telling->taken_elsewhere);
}

void operation_telling_done(struct operation_telling *telling)
{
	free(telling->taken);
	telling->taken = NULL;
}
