/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_source: see memory_source.h. */
#include "collector/capture/memory_source.h"

#include "collector/base/xalloc.h"
#include "collector/capture/memory_amounts.h"
#include "collector/capture/node_order.h"
#include "collector/capture/operation_telling.h"
#include "collector/capture/slot_keeper.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define MOST_BYTES ((uint64_t)1 << 53) /* that readers of profiles take */

/* How often it is looked: never oftener than LEAST_NS, so that a recording has at most some hundred
 * looks however long it is, all of them together take little of a processor, and of the file no
 * more than samples of a few busy threads. */
#define LEAST_NS   100000000u
#define LOOKS	   100 /* in the time from the beginning until now */
#define COST_SHARE 20  /* one part in so many of the time is spent with looks */
#define CHANGE_NS  50000u

/* A node that was told, by its number. */
struct told {
	uint32_t process;    /* row of its process, from 1; 0: not told */
	uint32_t regions_of; /* the node whose mappings it counts; 0: it is a stack itself */
	pid_t pid;
};

struct memory_source {
	struct probe_memory own;
	const struct probe_memory *memory;
	struct slot_keeper slots; /* when the memory is our own */
	struct told *told;
	size_t told_count, told_capacity;
	struct node_order nodes;
	bool is_stopped;
	struct memory_amounts amounts;
	uint64_t begun_ns;
	uint64_t looked_ns; /* when the rounds last came by here */
	uint64_t due_ns;    /* when the amounts are looked at again */
	bool is_looking;    /* some changes of the look at hand are not told yet */
	bool is_last;	    /* it was begun when the targets had stopped */
	bool is_done;
	uint64_t look_ns, look_changes;
	uint64_t gap_ns;		     /* the longest from one look to the next */
	struct operation_telling operations; /* told after the changes of each look */
	struct event operation;		     /* told next, when has_operation says so */
	bool has_operation;
	uint64_t untold; /* nodes whose parent or process is not known */
	struct memory_execs execs;
	bool is_stale; /* something came to them since the look at hand began */
};

static uint64_t now_ns(void)
{
	struct timespec time = {0};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool was_told(const struct memory_source *source, uint32_t number)
{
	return number < source->told_count && source->told[number].process;
}

static bool is_node_told(const void *context, uint32_t node)
{
	return was_told(context, node);
}

struct memory_source *memory_source_open(const struct probe_memory *shared,
					 const struct probe_memory_options *options,
					 struct error *error)
{
	struct memory_source *source = xcalloc(1, sizeof(*source));
	struct probe_memory_options own = *options;
	int result = 0;

	source->begun_ns = now_ns();
	source->due_ns = source->begun_ns + LEAST_NS / 2; /* before the first commit */
	source->memory = shared;
	if (!shared) {
		own.period_ns = 1;
		result = probe_memory_make(&source->own, &own, error);
		source->memory = &source->own;
	}
	node_order_init(&source->nodes, source->memory);
	source->operations = (struct operation_telling){
		.memory = source->memory, .is_node_told = is_node_told, .context = source};
	if (result) {
		free(source);
		errno = -result;
		return NULL;
	}
	return source;
}

const struct probe_memory *memory_source_memory(const struct memory_source *source)
{
	return source->memory;
}

void memory_source_take_exec(struct memory_source *source, pid_t pid, uint64_t time_ns)
{
	if (!memory_execs_take(&source->execs, source->memory->processes, pid, time_ns))
		return;
	source->is_stale = true; /* and where all had been told, one more look is due */
	source->is_done = false;
}

static int row_poll_fd(void *self)
{
	(void)self;
	return -1;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static uint64_t address_of(const struct memory_source *source, uint32_t number)
{
	return atomic_load_explicit(&source->memory->nodes[number].address, memory_order_acquire);
}

static void tell(struct memory_source *source, uint32_t number, const struct told *told)
{
	while (source->told_count <= number) {
		xgrow(source->told, source->told_count, source->told_capacity);
		source->told[source->told_count++] = (struct told){0};
	}
	source->told[number] = *told;
}

static enum profile_ending ending_of(uint64_t address)
{
	switch (address) {
	case WIRE_ENDING_NO_RULE:
		return PROFILE_ENDING_NO_RULE;
	case WIRE_ENDING_TOO_DEEP:
		return PROFILE_ENDING_TOO_DEEP;
	case WIRE_ENDING_OUTSIDE:
	case WIRE_ENDING_NOT_TAKEN:
		return PROFILE_ENDING_TRUNCATED;
	default:
		return PROFILE_ENDING_BAD;
	}
}

/* Makes the event of a node; returns false when its parent or process is not known. */
static bool read_node(const struct memory_source *source, uint32_t number, struct event *event,
		      struct told *told)
{
	const struct wire_node *node = &source->memory->nodes[number];
	uint64_t address = address_of(source, number);
	uint32_t parent = node->parent;

	*event = (struct event){
		.kind = EVENT_NODE,
		.time_ns = node->time_ns,
		.stack_id = number,
		.node = {.parent = parent, .address = address},
	};
	if (!address || parent >= number)
		return false;
	if (!parent) {
		if (address > source->memory->process_limit)
			return false;
		event->node.kind = EVENT_NODE_ROOT;
		*told = (struct told){
			.process = (uint32_t)address,
			.pid = source->memory->processes[address - 1].pid,
		};
	} else {
		if (!was_told(source, parent))
			return false;
		*told = source->told[parent];
		told->regions_of = address == WIRE_REGIONS_OF ? parent : 0;
		event->node.kind = address < WIRE_ENDINGS ? EVENT_NODE_ENDING : EVENT_NODE_CALL;
		event->node.ending = (uint8_t)ending_of(address);
	}
	event->pid = event->tid = told->pid;
	return told->pid > 0;
}

static void take_node(struct memory_source *source, source_deliver *deliver, void *context)
{
	uint32_t number = node_order_next(&source->nodes)->number;
	struct event event;
	struct told told;

	node_order_take(&source->nodes);
	if (!read_node(source, number, &event, &told)) {
		source->untold++;
		return;
	}
	tell(source, number, &told);
	if (event.node.kind == EVENT_NODE_ROOT)
		memory_execs_begin(&source->execs, told.process - 1, event.time_ns);
	if (!told.regions_of)
		deliver(context, &event);
}

/* ---- amounts and operations
 * ------------------------------------------------------------------------------ */

/* Returns the epoch of a process's peak; one that no tally is in when it is at the peak now. */
static uint64_t epoch_of(const struct wire_process *process)
{
	return process->live < process->peak ? (uint32_t)process->epoch : UINT64_MAX;
}

static bool counts_allocations(const struct memory_source *source)
{
	return source->memory->modes & WIRE_MODE_MEMORY;
}

static uint32_t process_count(const struct probe_memory *memory)
{
	uint32_t count = atomic_load(&memory->header->process_count);

	return count < memory->process_limit ? count : memory->process_limit;
}

static void look_at_allocations(struct memory_source *source)
{
	const struct probe_memory *memory = source->memory;
	uint32_t count = (uint32_t)source->told_count, processes = process_count(memory);
	uint64_t *epochs = xcalloc(count + 1u, sizeof(*epochs));
	struct memory_image *images = xcalloc(count + 1u, sizeof(*images));
	struct memory_image *by_process =
		memory_images_find(memory->processes, processes, &source->execs);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t process = source->told[i].process;

		if (process)
			epochs[i] = epoch_of(&memory->processes[process - 1]);
		if (process && process <= processes)
			images[i] = by_process[process - 1];
	}
	memory_amounts_look(&source->amounts, memory, epochs, images, count);
	free(by_process);
	free(images);
	free(epochs);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void begin_look(struct memory_source *source)
{
	uint64_t now = now_ns();

	source->gap_ns =
		most(source->gap_ns, now - (source->look_ns ? source->look_ns : source->begun_ns));
	source->look_ns = now;
	source->look_changes = 0;
	source->is_looking = true;
	source->is_last = source->is_stopped;
	source->is_stale = false;
	if (counts_allocations(source))
		look_at_allocations(source);
	operation_telling_look(&source->operations, source->is_last);
}

/* All is told: says when to look again. */
static void end_look(struct memory_source *source)
{
	uint64_t now = now_ns(), wait_ns = LEAST_NS;

	wait_ns = most(wait_ns, (now - source->begun_ns) / LOOKS);
	wait_ns = most(wait_ns, (now - source->look_ns) * COST_SHARE);
	wait_ns = most(wait_ns, source->look_changes * CHANGE_NS);
	source->due_ns = now + wait_ns;
	source->is_looking = false;
	source->is_done = source->is_last && !source->is_stale;
}

/* Says whether a change is of a metric that its node has. */
static bool is_meant(const struct memory_source *source, const struct memory_change *change)
{
	return was_told(source, change->node) &&
	       (change->metric >= MEMORY_METRIC_MAPPINGS) ==
		       (source->told[change->node].regions_of != 0);
}

static bool find_change(struct memory_source *source, struct memory_change *change)
{
	while (memory_amounts_find(&source->amounts, change)) {
		if (is_meant(source, change))
			return true;
		memory_amounts_take(&source->amounts, change);
	}
	return false;
}

static bool find_operation(struct memory_source *source)
{
	if (!source->has_operation)
		source->has_operation =
			operation_telling_next(&source->operations, &source->operation);
	return source->has_operation;
}

/* Says whether a change is to be told, or an operation; begins a look when it is time for one, and
 * one more when the targets record no longer. */
static bool has_found(struct memory_source *source)
{
	struct memory_change change;

	while (!source->is_done) {
		if (!source->is_looking && !source->is_stopped &&
		    source->looked_ns < source->due_ns)
			return false;
		if (!source->is_looking)
			begin_look(source);
		if (find_change(source, &change) || find_operation(source))
			return true;
		end_look(source);
	}
	return false;
}

static void take_change(struct memory_source *source, const struct memory_change *change,
			source_deliver *deliver, void *context)
{
	const struct told *told = &source->told[change->node];
	struct event event = {
		.kind = EVENT_NODE_AMOUNT,
		.pid = told->pid,
		.tid = told->pid,
		.time_ns = source->look_ns,
		.stack_id = told->regions_of ? told->regions_of : change->node,
		.amount = {&memory_metrics[change->metric], change->weight},
	};

	memory_amounts_take(&source->amounts, change);
	source->look_changes++;
	deliver(context, &event);
}

static void take_operation(struct memory_source *source, source_deliver *deliver, void *context)
{
	source->has_operation = false;
	source->look_changes++;
	source->operation.time_ns = source->look_ns;
	deliver(context, &source->operation);
}

/* ---- the source --------------------------------------------------------------------------- */

static void row_look(void *self)
{
	struct memory_source *source = self;

	source->looked_ns = now_ns();
	if (source->memory == &source->own)
		slot_keeper_look(&source->slots, &source->own, source->looked_ns);
	node_order_look(&source->nodes, source->looked_ns, source->is_stopped);
}

static uint64_t row_next(void *self)
{
	struct memory_source *source = self;
	const struct node_dated *node = node_order_next(&source->nodes);

	if (node)
		return node->time_ns;
	if (node_order_is_waiting(&source->nodes))
		return SOURCE_NOTHING;
	return has_found(source) ? source->look_ns : SOURCE_NOTHING;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct memory_source *source = self;
	struct memory_change change;

	if (node_order_next(&source->nodes))
		take_node(source, deliver, context);
	else if (find_change(source, &change))
		take_change(source, &change, deliver, context);
	else if (find_operation(source))
		take_operation(source, deliver, context);
}

static void row_stop(void *self)
{
	struct memory_source *source = self;

	source->is_stopped = true;
	if (source->memory == &source->own)
		probe_memory_stop(&source->own);
}

static void describe_processes(const struct memory_source *source, struct profile *profile)
{
	const struct probe_memory *memory = source->memory;
	uint32_t count = process_count(memory);
	struct memory_image *images = memory_images_find(memory->processes, count, &source->execs);
	uint64_t unknown = 0, unseen = 0, forks = 0, inexact = 0, replaced = 0, followed = 0;
	uint64_t added = 0, resident = 0, highest = 0;
	char allocator[sizeof(memory->processes->allocator) + 1] = "";

	for (uint32_t i = 0; i < count; i++) {
		const struct wire_process *process = &memory->processes[i];

		replaced += images[i].is_replaced;
		followed += images[i].is_followed;
		unknown += process->is_fork ? 0 : process->unknown_frees;
		unseen += process->unseen_frees;
		forks += process->is_fork != 0;
		inexact += process->has_threads != 0;
		if (process->probe_bytes < process->resident_bytes) {
			added += process->probe_bytes;
			resident += process->resident_bytes;
			highest += most(process->highest_bytes, process->resident_bytes);
		}
		if (*process->allocator)
			snprintf(allocator, sizeof(allocator), "%.*s",
				 (int)sizeof(process->allocator), process->allocator);
	}
	if (added > 0 && highest < MOST_BYTES) {
		profile_set_number(profile, "memory.highest_bytes", (int64_t)highest);
		profile_set_number(profile, "memory.probe_bytes", (int64_t)added);
		profile_set_number(profile, "memory.resident_bytes", (int64_t)resident);
	}
	if (*allocator)
		profile_set_text(profile, "memory.allocator", allocator);
	free(images);
	profile_set_number(profile, "memory.processes", count - (int64_t)followed);
	if (replaced)
		profile_set_number(profile, "memory.replaced", (int64_t)replaced);
	profile_set_number(profile, "memory.forked", (int64_t)forks);
	profile_set_number(profile, "memory.threaded", (int64_t)inexact);
	profile_set_number(profile, "memory.unknown_frees", (int64_t)unknown);
	profile_set_number(profile, "memory.unseen_frees", (int64_t)unseen);
}

/* Adds what one bucket of a shape holds; @start is the least value in it. */
static void add_spread(struct profile *profile, enum profile_spread_kind kind, uint64_t start,
		       uint64_t count)
{
	if (count)
		profile_spread_add(profile, &(struct profile_spread){
						    .bucket = profile_bucket_of(start),
						    .kind = (uint8_t)kind,
						    .count = count,
					    });
}

/* Some ages share a bucket: they are one row, as all rows of a profile file differ in their key. */
static void add_ages(struct profile *profile, const struct wire_shape *shape)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < WIRE_AGES; i++) {
		count += shape->ages[i];
		if (profile_bucket_of(i) == profile_bucket_of(i + 1))
			continue;
		add_spread(profile, PROFILE_SPREAD_AGE, i, count);
		count = 0;
	}
}

static void describe_shape(const struct memory_source *source, struct profile *profile)
{
	struct wire_shape shape = {0};

	memory_sum_shape(source->memory, &shape);
	for (uint32_t i = 0; i < WIRE_SIZES; i++)
		add_spread(profile, PROFILE_SPREAD_SIZE, wire_shape_start(i), shape.sizes[i]);
	for (uint32_t i = 0; i < WIRE_LIFETIMES; i++)
		add_spread(profile, PROFILE_SPREAD_LIFETIME, wire_shape_start(i) * WIRE_CLOCK_NS,
			   shape.lifetimes[i]);
	add_ages(profile, &shape);
	if (source->gap_ns)
		profile_set_number(profile, "memory.look_gap_ns", (int64_t)source->gap_ns);
	profile_set_number(profile, "memory.temporary_within",
			   source->memory->header->temporary_within);
	if (source->memory->memory_rate)
		profile_set_number(profile, "memory.rate", (int64_t)source->memory->memory_rate);
}

static void describe_allocations(const struct memory_source *source, struct profile *profile)
{
	static const char *const losses[] = {
		[WIRE_REFUSED_SLOT] = "memory.lost_slot",
		[WIRE_REFUSED_PROCESS] = "memory.lost_process",
		[WIRE_REFUSED_NODE] = "memory.lost_node",
		[WIRE_REFUSED_TALLY] = "memory.lost_tally",
		[WIRE_REFUSED_LIVE] = "memory.lost_live",
		[WIRE_REFUSED_REGION] = "memory.lost_region",
		[WIRE_REFUSED_CONFINED] = "memory.confined",
		[WIRE_REFUSED_ROOM_MEMORY] = "memory.no_room",
	};
	const struct wire_header *header = source->memory->header;
	uint64_t unwritten = source->nodes.unwritten + source->untold;

	describe_processes(source, profile);
	describe_shape(source, profile);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		if (losses[i] && header->refused[i])
			profile_set_number(profile, losses[i], (int64_t)header->refused[i]);
	if (unwritten)
		profile_set_number(profile, "memory.lost_unwritten", (int64_t)unwritten);
	if (header->walks_checked) {
		profile_set_number(profile, "memory.walks_checked", (int64_t)header->walks_checked);
		profile_set_number(profile, "memory.walks_wrong", (int64_t)header->walks_wrong);
	}
}

static void row_describe(void *self, struct profile *profile)
{
	const struct memory_source *source = self;

	if (counts_allocations(source))
		describe_allocations(source, profile);
	operation_telling_describe(&source->operations, profile);
}

static void row_close(void *self)
{
	struct memory_source *source = self;

	if (source->memory == &source->own)
		probe_memory_done(&source->own);
	operation_telling_done(&source->operations);
	node_order_done(&source->nodes);
	memory_execs_done(&source->execs);
	free(source->told);
	memory_amounts_done(&source->amounts);
	free(source);
}

struct source memory_source_row(struct memory_source *source)
{
	static const struct source_kind kind = SOURCE_KIND("memory");

	return (struct source){&kind, source};
}
