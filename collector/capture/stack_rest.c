/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stack_rest: see stack_rest.h. */
#include "collector/capture/stack_rest.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf/stack_rest.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/bpf_ring.h"
#include "stack_rest.skel.h"

_Static_assert(STACK_REST_RED_ZONE == EVENT_RED_ZONE, "a sample has all of it");

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#define MOST_RING_BYTES	 (16u << 20) /* of one processor */
#define MOST_RING_MEMORY (64u << 20) /* of all */

/* Of a tick's sample the program has its own time, a moment before. Ticks are 1 ms apart or more.
 */
#define TICK_AHEAD_NS 500000

/* DWARF numbers of x86-64. */
#define SP 7
#define IP 16

struct stack_rest {
	struct source perf; /* whose samples are completed */
	struct stack_rest_bpf *programs;
	struct bpf_ring *rings; /* of each processor */
	int *ring_fds;
	size_t ring_count;
	bool is_mapped;		/* the rings are: not before the first deep stack */
	uint64_t ahead_ns;	/* that a record's time may be before its sample's */
	struct bpf_ring *given; /* of which the first record was delivered; or NULL */
	struct event_stack_piece pieces[EVENT_STACK_PIECES]; /* of the sample at hand */
	source_deliver *deliver;			     /* to which it is delivered */
	void *context;
};

void stack_rest_unload(struct stack_rest *rest)
{
	if (!rest)
		return;
	for (size_t i = 0; i < rest->ring_count; i++) {
		bpf_ring_unmap(&rest->rings[i]);
		if (rest->ring_fds[i] >= 0)
			close(rest->ring_fds[i]);
	}
	stack_rest_bpf__destroy(rest->programs);
	free(rest->rings);
	free(rest->ring_fds);
	free(rest);
}

static uint32_t ring_bytes(size_t cpus)
{
	uint32_t bytes = MOST_RING_BYTES;

	while (bytes * cpus > MOST_RING_MEMORY && bytes > STACK_REST_PAGE)
		bytes /= 2;
	return bytes;
}

/* Makes the rings and tells the programs of them all at once: each telling waits until no program
 * uses what stood there before. */
static int add_rings(struct stack_rest *rest, struct error *error)
{
	uint32_t *cpus = xcalloc(rest->ring_count, sizeof(*cpus));
	uint32_t count = (uint32_t)rest->ring_count, bytes = ring_bytes(rest->ring_count);
	int result = 0;

	for (uint32_t i = 0; i < rest->ring_count && !result; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "stack_rest", 0, 0, bytes, NULL);

		cpus[i] = i;
		rest->ring_fds[i] = fd;
		result = fd < 0 ? fd : 0;
	}
	if (!result)
		result = bpf_map_update_batch(bpf_map__fd(rest->programs->maps.rings), cpus,
					      rest->ring_fds, &count, NULL);
	free(cpus);
	return result ? bpf_kernel_fail(error, result, "make rings for deep stacks") : 0;
}

static int load(struct stack_rest *rest, bool may_be_tick, struct error *error)
{
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	rest->programs = stack_rest_bpf__open();
	if (!rest->programs)
		return bpf_kernel_fail(error, -errno, "load the program for deep stacks");
	rest->programs->rodata->numbers_namespace = bpf_kernel_namespace();
	rest->programs->rodata->brief_bytes = PERF_SOURCE_BRIEF_BYTES;
	bpf_program__set_autoload(rest->programs->progs.on_tick, may_be_tick);
	bpf_map__set_max_entries(rest->programs->maps.rings, (uint32_t)rest->ring_count);
	result = stack_rest_bpf__load(rest->programs);
	if (result)
		return bpf_kernel_fail(error, result, "load the program for deep stacks");
	return add_rings(rest, error);
}

struct stack_rest *stack_rest_load(bool may_be_tick, struct error *error)
{
	struct stack_rest *rest = xcalloc(1, sizeof(*rest));
	int result;

	rest->ring_count = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	rest->rings = xcalloc(rest->ring_count, sizeof(*rest->rings));
	rest->ring_fds = xcalloc(rest->ring_count, sizeof(*rest->ring_fds));
	for (size_t i = 0; i < rest->ring_count; i++)
		rest->ring_fds[i] = -1;
	result = load(rest, may_be_tick, error);
	if (!result)
		return rest;
	stack_rest_unload(rest);
	errno = -result;
	return NULL;
}

static int attach_to_tick(struct stack_rest *rest, const struct perf_source *perf,
			  struct error *error)
{
	struct stack_rest_bpf *programs = rest->programs;

	programs->bss->tick_handler = perf_source_tick(perf)->handler;
	programs->bss->tick_copy_bytes = perf_source_copy_bytes(perf);
	rest->ahead_ns = TICK_AHEAD_NS;
	programs->links.on_tick = bpf_program__attach(programs->progs.on_tick);
	return programs->links.on_tick
		       ? 0
		       : bpf_kernel_fail(error, -errno, "run a program with each tick");
}

int stack_rest_attach(struct stack_rest *rest, struct perf_source *perf, struct error *error)
{
	struct stack_rest_bpf *programs = rest->programs;
	int result;

	rest->perf = perf_source_row(perf);
	if (perf_source_tick(perf))
		return attach_to_tick(rest, perf, error);
	result = perf_source_set_program(perf, bpf_program__fd(programs->progs.on_sample), error);
	if (!result)
		perf_source_set_next(perf, bpf_map__fd(programs->maps.next));
	return result;
}

void stack_rest_want_red_zones(struct stack_rest *rest)
{
	__atomic_store_n(&rest->programs->bss->wants_red_zones, 1, __ATOMIC_RELAXED);
}

/* ---- putting samples together --------------------------------------------------------------- */

/* Maps the rings once there is something in them. Returns whether they are: what cannot be mapped
 * stays empty. */
static bool map_rings(struct stack_rest *rest)
{
	struct error refusal;

	const struct stack_rest_bpf__bss *seen = rest->programs->bss;

	if (rest->is_mapped || (!__atomic_load_n(&seen->copied, __ATOMIC_RELAXED) &&
				!__atomic_load_n(&seen->red_zones, __ATOMIC_RELAXED)))
		return rest->is_mapped;
	for (size_t i = 0; i < rest->ring_count; i++)
		bpf_ring_map(&rest->rings[i], rest->ring_fds[i], ring_bytes(rest->ring_count),
			     &refusal);
	rest->is_mapped = true;
	return true;
}

/* Gives back what was delivered with the sample before. */
static void take_back(struct stack_rest *rest)
{
	if (rest->given)
		bpf_ring_advance(rest->given);
	rest->given = NULL;
}

/* Returns the first record of a ring that can be of a sample of @time_ns or a later one, or NULL.
 * Those before have lost their samples. */
static const struct stack_rest_record *first_from(const struct stack_rest *rest,
						  struct bpf_ring *ring, uint64_t time_ns)
{
	const struct stack_rest_record *record;
	size_t bytes;

	if (!ring->tail)
		return NULL;
	bpf_ring_snapshot(ring);
	while ((record = bpf_ring_peek(ring, &bytes)) && record->time_ns + rest->ahead_ns < time_ns)
		bpf_ring_advance(ring);
	return record;
}

static bool is_page_present(const struct stack_rest_record *record, uint32_t page)
{
	return record->present[page / 64] >> page % 64 & 1;
}

/* Lists the pages that are there, joined where they lie in a row. Returns their number; what has
 * more pieces than there is room for ends before. */
static size_t list_pieces(const struct stack_rest_record *record, struct event_stack_piece *pieces)
{
	const uint8_t *data = (const uint8_t *)(record + 1);
	size_t count = 0;

	for (uint32_t page = 0; page < record->pages; page++) {
		size_t offset = (size_t)page * STACK_REST_PAGE;

		if (!is_page_present(record, page))
			continue;
		if (page && count && is_page_present(record, page - 1)) {
			pieces[count - 1].bytes += STACK_REST_PAGE;
			continue;
		}
		if (count == EVENT_STACK_PIECES)
			break;
		pieces[count++] = (struct event_stack_piece){
			.data = data + offset,
			.start = record->start + offset,
			.bytes = STACK_REST_PAGE,
		};
	}
	return count;
}

static bool is_of_sample(const struct stack_rest_record *record, const struct event *event)
{
	return record->time_ns <= event->time_ns && record->tid == (uint32_t)event->tid &&
	       record->sp == event->sample.registers[SP] &&
	       record->ip == event->sample.registers[IP];
}

/* Delivers an event of perf's, a sample with its rest. The program has run before perf wrote the
 * sample, so its rest is there. */
static void complete(void *context, const struct event *event)
{
	struct stack_rest *rest = context;
	struct event whole;

	if (event->kind != EVENT_SAMPLE || event->sample.has_registers != EVENT_REGISTERS_64 ||
	    !map_rings(rest)) {
		rest->deliver(rest->context, event);
		return;
	}
	take_back(rest);
	whole = *event;
	for (size_t i = 0; i < rest->ring_count && !rest->given; i++) {
		const struct stack_rest_record *record =
			first_from(rest, &rest->rings[i], event->time_ns);

		if (!record || !is_of_sample(record, event))
			continue;
		rest->given = &rest->rings[i];
		whole.sample.pieces = rest->pieces;
		whole.sample.piece_count = list_pieces(record, rest->pieces);
		whole.sample.red_zone = record->has_red_zone ? record->red_zone : NULL;
	}
	rest->deliver(rest->context, &whole);
}

/* ---- the row of source.h: perf's own, but for the samples ----------------------------------- */

static int row_poll_fd(void *self)
{
	const struct stack_rest *rest = self;

	return rest->perf.kind->poll_fd(rest->perf.self);
}

static void row_look(void *self)
{
	const struct stack_rest *rest = self;

	rest->perf.kind->look(rest->perf.self);
}

static uint64_t row_next(void *self)
{
	const struct stack_rest *rest = self;

	return rest->perf.kind->next(rest->perf.self);
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct stack_rest *rest = self;

	rest->deliver = deliver;
	rest->context = context;
	rest->perf.kind->take(rest->perf.self, complete, rest);
}

static void row_stop(void *self)
{
	const struct stack_rest *rest = self;

	rest->perf.kind->stop(rest->perf.self);
}

static void row_describe(void *self, struct profile *profile)
{
	const struct stack_rest *rest = self;

	rest->perf.kind->describe(rest->perf.self, profile);
	profile_set_number(profile, "stack_rest.copied", (int64_t)rest->programs->bss->copied);
	profile_set_number(profile, "stack_rest.limited", (int64_t)rest->programs->bss->limited);
	profile_set_number(profile, "stack_rest.ring_full",
			   (int64_t)rest->programs->bss->ring_full);
}

/* The events first: they run the program. */
static void row_close(void *self)
{
	struct stack_rest *rest = self;

	rest->perf.kind->close(rest->perf.self);
	stack_rest_unload(rest);
}

struct source stack_rest_row(struct stack_rest *rest)
{
	static const struct source_kind kind = SOURCE_KIND("perf");

	return (struct source){&kind, rest};
}
