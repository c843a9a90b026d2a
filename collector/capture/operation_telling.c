/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operation_telling: see operation_telling.h. */
#include "collector/capture/operation_telling.h"

#include "collector/base/xalloc.h"

#include <stdatomic.h>
#include <string.h>

#define MOST_NS (((uint64_t)1 << 53) - 1) /* that readers of profiles take */

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

/* What was told of a row. */
struct told_subject {
	bool is_told;
	uint64_t taken;
};

struct told_operation {
	bool is_seen; /* it was there in a look before this one */
	uint64_t count, total_ns, amount, part_ns;
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

/* Returns what came to a sum, which never shrinks unless somebody wrote there; notes it as told. */
static uint64_t advance(uint64_t *told, uint64_t value)
{
	uint64_t more = value > *told ? value - *told : 0;

	*told += more;
	return more;
}

/* Sums up how often each lock was taken. To read rows that nobody wrote would take memory. */
static void sum_taken(struct operation_telling *telling)
{
	const struct probe_memory *memory = telling->memory;
	uint32_t limit = load(&memory->header->slot_limit);

	memset(telling->taken, 0, memory->subject_limit * sizeof(*telling->taken));
	telling->taken_elsewhere = 0;
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

void operation_telling_look(struct operation_telling *telling, bool is_last)
{
	const struct probe_memory *memory = telling->memory;

	telling->part = telling->row = 0;
	telling->is_last = is_last;
	if (!(memory->modes & WIRE_MODES_OPERATIONS))
		return;
	if (!telling->taken) {
		telling->taken = xcalloc(memory->subject_limit, sizeof(*telling->taken));
		telling->subjects = xcalloc(memory->subject_limit, sizeof(*telling->subjects));
		telling->operations =
			xcalloc(memory->operation_limit, sizeof(*telling->operations));
		telling->spreads = xcalloc(memory->spread_limit, sizeof(*telling->spreads));
	}
	sum_taken(telling);
}

static bool read_subject(const struct operation_telling *telling, uint32_t number,
			 struct event *event)
{
	const struct probe_memory *memory = telling->memory;
	const struct wire_subject *row = &memory->subjects[number];
	uint32_t text = row->text, bytes = row->text_bytes, kind = row->kind;

	if (!number || load(&row->state) != WIRE_ROW_VALID || !kind || kind >= WIRE_SUBJECT_KINDS)
		return false;
	if (!text || text >= memory->text_limit || bytes > memory->text_limit - text)
		text = bytes = 0;
	*event = (struct event){
		.kind = EVENT_SUBJECT,
		.pid = pid_of(memory, row->process),
		.subject =
			{
				.number = number,
				.kind = (uint8_t)kind,
				.identity = row->identity,
				.elf_address = row->elf_address,
				.text = memory->texts + text,
				.text_bytes = bytes,
				.node = row->node,
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
		.number = number,
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
	operation->amounts[0].metric = metrics[kind].time;
	operation->amounts[1].metric = metrics[kind].amount;
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
	uint64_t key = get(&row->key), count = within(get(&row->count), INT64_MAX);
	uint32_t subject = (uint32_t)(key >> 32), kind = key >> 16 & 0xffff, bucket = key & 0xffff;

	if (!key || count <= telling->spreads[number] || !kind || kind >= WIRE_OPERATION_KINDS ||
	    !bucket || bucket > WIRE_BUCKETS_MOST || subject >= telling->memory->subject_limit)
		return false;
	*event = (struct event){
		.kind = EVENT_SPREAD,
		.spread = {subject, (uint8_t)kind, (uint16_t)(bucket - 1), count},
	};
	return true;
}

/* ---- telling ------------------------------------------------------------------------------ */

/* Says whether a subject's name can be told by its number. Its row may be written in this moment,
 * or its memory's stack; the last look waits for nobody. */
static bool is_named(const struct operation_telling *telling, uint32_t subject)
{
	return telling->is_last || !subject || subject >= telling->memory->subject_limit ||
	       telling->subjects[subject].is_told;
}

static bool tell_subject(struct operation_telling *telling, uint32_t number, struct event *event)
{
	struct told_subject *told = &telling->subjects[number];

	if ((told->is_told && telling->taken[number] <= told->taken) ||
	    !read_subject(telling, number, event))
		return false;
	if (event->subject.node && !telling->is_node_told(telling->context, event->subject.node)) {
		if (!telling->is_last)
			return false;
		event->subject.node = 0;
	}
	told->is_told = true;
	event->subject.taken = advance(&told->taken, telling->taken[number]);
	return true;
}

/* An operation is told from the second look on: by then everybody has heard of its thread. */
static bool tell_operation(struct operation_telling *telling, uint32_t number, struct event *event)
{
	struct told_operation *told = &telling->operations[number];
	struct event_operation *operation = &event->operation;
	bool is_new = !told->is_seen;

	if (!read_operation(telling, number, event))
		return false;
	told->is_seen = true;
	if ((is_new && !telling->is_last) || !is_named(telling, operation->subject) ||
	    !telling->is_node_told(telling->context, operation->node))
		return false;
	if (operation->other && !telling->is_node_told(telling->context, operation->other))
		operation->other = 0;
	operation->count = advance(&told->count, operation->count);
	operation->total_ns = advance(&told->total_ns, operation->total_ns);
	operation->amount = advance(&told->amount, operation->amount);
	operation->part_ns = advance(&told->part_ns, operation->part_ns);
	operation->amounts[0].weight = operation->total_ns;
	operation->amounts[1].weight = operation->amount;
	return operation->count || operation->total_ns || operation->amount || operation->part_ns;
}

static bool tell_spread(struct operation_telling *telling, uint32_t number, struct event *event)
{
	if (!read_spread(telling, number, event) || !is_named(telling, event->spread.subject))
		return false;
	event->spread.count = advance(&telling->spreads[number], event->spread.count);
	return true;
}

bool operation_telling_next(struct operation_telling *telling, struct event *event)
{
	const struct probe_memory *memory = telling->memory;
	const struct {
		bool (*tell)(struct operation_telling *telling, uint32_t row, struct event *event);
		uint32_t limit;
	} parts[] = {
		{tell_subject, memory->subject_limit},
		{tell_operation, memory->operation_limit},
		{tell_spread, memory->spread_limit},
	};

	if (!telling->taken)
		return false;
	for (; telling->part < sizeof(parts) / sizeof(*parts); telling->part++, telling->row = 0)
		while (telling->row < parts[telling->part].limit)
			if (parts[telling->part].tell(telling, telling->row++, event))
				return true;
	return false;
}

/* Counts the threads that were in a wait when they, or the recording, came to their end. */
static void describe_open(const struct probe_memory *memory, struct profile *profile)
{
	uint32_t count = load(&memory->header->thread_count);
	int64_t locks = 0, awaits = 0;

	for (uint32_t i = 0; i < count && i < memory->thread_limit; i++) {
		locks += memory->threads[i].lock_waits != 0;
		awaits += memory->threads[i].awaits != 0;
	}
	if (locks)
		profile_set_number(profile, "operations.open_locks", locks);
	if (awaits)
		profile_set_number(profile, "operations.open_awaits", awaits);
}

void operation_telling_describe(const struct operation_telling *telling, struct profile *profile)
{
	static const char *const losses[] = {
		[WIRE_REFUSED_SLOT] = "operations.lost_slot",
		[WIRE_REFUSED_PROCESS] = "operations.lost_process",
		[WIRE_REFUSED_NODE] = "operations.lost_node",
		[WIRE_REFUSED_SUBJECT] = "operations.lost_subject",
		[WIRE_REFUSED_OPERATION] = "operations.lost_operation",
		[WIRE_REFUSED_SPREAD] = "operations.lost_spread",
		[WIRE_REFUSED_TEXT] = "operations.lost_text",
		[WIRE_REFUSED_THREAD] = "operations.lost_thread",
		[WIRE_REFUSED_CONFINED] = "operations.confined",
		[WIRE_REFUSED_ROOM_OPERATIONS] = "operations.no_room",
	};
	const struct wire_header *header = telling->memory->header;

	if (!(telling->memory->modes & WIRE_MODES_OPERATIONS))
		return;
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		if (losses[i] && header->refused[i])
			profile_set_number(profile, losses[i], (int64_t)header->refused[i]);
	if (telling->taken_elsewhere)
		profile_set_number(profile, "operations.taken_elsewhere",
				   (int64_t)telling->taken_elsewhere);
	describe_open(telling->memory, profile);
}

void operation_telling_done(struct operation_telling *telling)
{
	free(telling->taken);
	free(telling->subjects);
	free(telling->operations);
	free(telling->spreads);
	telling->taken = NULL;
}
