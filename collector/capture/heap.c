/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap: see heap.h. */
#include "collector/capture/heap.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/bpf_ring.h"
#include "collector/capture/heap_estimate.h"
#include "collector/capture/heap_ticks.h"
#include "collector/capture/heap_trial.h"
#include "collector/capture/uprobe_link.h"
#include "heap.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define OWN_STACK_IDS ((uint64_t)1 << 62) /* apart from those of other sources */
#define WINDOW_NS     10000000u
#define LEAST_TICKS   20 /* that tell better than the trial what a hit costs */

enum {
	SP = 7, /* registers by DWARF number */
	IP = 16
};

static const struct event_metric allocations = {"allocations", "count", 1, false};
static const struct event_metric allocated = {"allocated", "bytes", 1, false};

/* What has been counted until some moment. */
struct moment {
	uint64_t time_ns, cpu_ns, hits, bytes;
};

/* A sample that was told as what it stands for within the windows. */
struct told {
	uint64_t stack_id;
	pid_t pid, tid;
	double weights[2]; /* allocations, bytes */
};

struct heap {
	struct heap_bpf *programs;
	struct bpf_ring ring;
	const struct heap_record *next; /* peeked record, or NULL */
	struct heap_options options;
	struct heap_file file;
	pid_t *pids;
	int *links; /* of each process; -1: no probes */
	size_t pid_count;
	bool is_on;    /* any of them has */
	double hit_ns; /* what a hit costs, for the budget */
	struct heap_ticks ticks;
	struct heap_cost learnt; /* the same, as ticks in all windows tell */
	struct moment begun, ended;
	uint64_t trial_hits;
	struct moment opened; /* the window */
	struct moment looked; /* the last look at an open one, or its closing */
	double random;	      /* for rounding */
	uint64_t stack_ids;
	struct heap_windows windows; /* a row for each look at one */
	uint64_t due_ns;	     /* the next look at them */
	int timer_fd, poll_fd;	     /* for that; for it and the ring */
	struct told *told;
	size_t told_count, told_capacity;
	size_t stretched; /* of them, told as what they stand for outside, too */
	bool is_stopped;
	struct heap_estimate estimate; /* once it is */
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Counts of each CPU, as many as the kernel knows; for free. */
static struct heap_cpu *read_counts(const struct heap *heap, size_t *count)
{
	struct heap_cpu *values;
	uint32_t zero = 0;

	*count = (size_t)libbpf_num_possible_cpus();
	values = xcalloc(*count, sizeof(*values));
	bpf_map_lookup_elem(bpf_map__fd(heap->programs->maps.counts), &zero, values);
	return values;
}

static struct heap_cpu sum(const struct heap *heap)
{
	size_t count;
	struct heap_cpu *values = read_counts(heap, &count), all = {0};

	for (size_t i = 0; i < count; i++) {
		all.hits += values[i].hits;
		all.calls += values[i].calls;
		all.bytes += values[i].bytes;
	}
	all.hits -= heap->trial_hits;
	free(values);
	return all;
}

/* The next of a sequence that is spread evenly, from 0 to 1. */
static double next_random(struct heap *heap)
{
	heap->random += 0.6180339887498949;
	heap->random -= floor(heap->random);
	return heap->random;
}

/* Rounds to one of the two whole numbers beside, so that the mean is right. */
static uint64_t round_fairly(struct heap *heap, double value)
{
	return (uint64_t)(value + next_random(heap));
}

/* ---- windows --------------------------------------------------------------------------------- */

static struct moment moment_now(const struct heap *heap)
{
	struct heap_cpu counts = sum(heap);

	return (struct moment){
		.time_ns = now_ns(),
		.cpu_ns = heap->options.cpu_ns(heap->options.context),
		.hits = counts.hits,
		.bytes = counts.bytes,
	};
}

/* What there was from one moment to another. */
static struct heap_span span(const struct moment *from, const struct moment *to)
{
	return (struct heap_span){
		.ns = (double)(to->time_ns - from->time_ns),
		.cpu_ns = (double)(to->cpu_ns - from->cpu_ns),
		.hits = (double)(to->hits - from->hits),
		.bytes = (double)(to->bytes - from->bytes),
	};
}

static void take_off(struct heap *heap)
{
	for (size_t i = 0; i < heap->pid_count; i++)
		if (heap->links[i] >= 0)
			close(heap->links[i]);
	for (size_t i = 0; i < heap->pid_count; i++)
		heap->links[i] = -1;
	heap->is_on = false;
}

/* Puts the probes into each process that still is; fails when there is none. */
static int open_window(struct heap *heap, struct error *error)
{
	int result = fail(error, -ESRCH, "the processes have ended");

	for (size_t i = 0; i < heap->pid_count; i++) {
		heap->links[i] = uprobe_link(bpf_program__fd(heap->programs->progs.on_allocation),
					     UPROBE_LINK_ENTRY, heap->pids[i], heap->file.fd,
					     heap->file.offsets, heap->file.cookies,
					     heap->file.count, error);
		if (heap->links[i] >= 0)
			heap->is_on = true;
		else
			result = heap->links[i];
	}
	if (!heap->is_on)
		return result;
	heap_ticks_switch(&heap->ticks, true);
	heap->opened = moment_now(heap);
	heap->programs->bss->is_open = 1;
	return 0;
}

/* Learns from the ticks what a hit costs, as soon as they know better than the trial. */
static void learn_cost(struct heap *heap)
{
	size_t count;
	struct heap_cpu *values = read_counts(heap, &count);
	struct heap_share share = heap_ticks_share(values, count);
	double each_ns = heap->windows.sum.ns / fmax(heap->windows.sum.hits, 1);

	free(values);
	heap->learnt = (struct heap_cost){share.processors * each_ns, share.error * each_ns};
	if (share.ticks >= LEAST_TICKS)
		heap->hit_ns = heap->learnt.hit_ns;
}

static void account(struct heap *heap, const struct moment *now)
{
	struct heap_span window = span(
		heap->opened.time_ns <= heap->looked.time_ns ? &heap->looked : &heap->opened, now);

	window.bytes = (double)(now->bytes - heap->looked.bytes); /* from its first moment on */
	heap_windows_add(&heap->windows, &window);
	heap->looked = *now;
	learn_cost(heap);
}

/* Ends a window: what comes after this moment is not counted in it. */
static void close_window(struct heap *heap)
{
	struct moment now;

	heap->programs->bss->is_open = 0;
	now = moment_now(heap);
	heap_ticks_switch(&heap->ticks, false);
	take_off(heap);
	account(heap, &now);
}

/* Settles when the windows are looked at next. While there is none, not quite evenly: the program
 * may have a beat of its own. */
static void set_due(struct heap *heap)
{
	uint64_t after_ns =
		heap->is_on ? WINDOW_NS : WINDOW_NS / 2 + (uint64_t)(next_random(heap) * WINDOW_NS);
	struct itimerspec due = {0};

	heap->due_ns = now_ns() + after_ns;
	due.it_value.tv_sec = (time_t)(heap->due_ns / 1000000000u);
	due.it_value.tv_nsec = (long)(heap->due_ns % 1000000000u);
	timerfd_settime(heap->timer_fd, TFD_TIMER_ABSTIME, &due, NULL);
}

/* Windows begin and end at moments that were settled before, whatever was seen in them: one that
 * ended when it had cost enough would have more than its share of what costs. */
static void look_at_window(struct heap *heap)
{
	double cost_ns, allowed_ns;
	struct moment now;
	struct error error;

	if (now_ns() < heap->due_ns && !heap->is_stopped)
		return;
	now = moment_now(heap);
	cost_ns = (double)now.hits * heap->hit_ns;
	allowed_ns =
		heap->options.budget > 0 ? heap->options.budget * (double)now.cpu_ns : INFINITY;
	if (heap->is_on && (cost_ns > allowed_ns || heap->is_stopped))
		close_window(heap);
	else if (heap->is_on)
		account(heap, &now);
	else if (cost_ns <= allowed_ns && !heap->is_stopped)
		open_window(heap, &error);
	set_due(heap);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int load(struct heap *heap, struct error *error)
{
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	heap->programs = heap_bpf__open();
	if (!heap->programs)
		return bpf_kernel_fail(error, -errno, "read the allocation programs");
	bpf_program__set_expected_attach_type(heap->programs->progs.on_allocation,
					      (enum bpf_attach_type)UPROBE_LINK_ENTRY);
	bpf_program__set_autoattach(heap->programs->progs.on_allocation, false);
	bpf_program__set_autoattach(heap->programs->progs.on_tick, false);
	heap->programs->rodata->numbers_namespace = bpf_kernel_namespace();
	heap->programs->rodata->rate = heap->options.rate;
	for (int i = 1; i < HEAP_GAPS; i++)
		heap->programs->rodata->gaps[i] =
			(uint32_t)lround(-log((double)i / (HEAP_GAPS - 1)) * (1 << 20));
	for (size_t i = 0; i < HEAP_FUNCTIONS; i++)
		heap->programs->rodata->places[i] =
			heap->file.offsets[i < heap->file.count ? i : 0];
	result = heap_bpf__load(heap->programs);
	if (result)
		return bpf_kernel_fail(error, result, "load the allocation programs");
	result = heap_bpf__attach(heap->programs);
	if (result)
		return bpf_kernel_fail(error, result, "attach the allocation programs");
	return bpf_ring_map(&heap->ring, bpf_map__fd(heap->programs->maps.ring), HEAP_RING_BYTES,
			    error);
}

static void row_close(void *self)
{
	struct heap *heap = self;

	take_off(heap);
	heap_ticks_close(&heap->ticks);
	bpf_ring_unmap(&heap->ring);
	heap_bpf__destroy(heap->programs);
	if (heap->file.fd >= 0)
		close(heap->file.fd);
	if (heap->timer_fd >= 0)
		close(heap->timer_fd);
	if (heap->poll_fd >= 0)
		close(heap->poll_fd);
	heap_windows_done(&heap->windows);
	free(heap->told);
	free(heap->pids);
	free(heap->links);
	free(heap);
}

static int open_poll(struct heap *heap, struct error *error)
{
	struct epoll_event interest = {.events = EPOLLIN};

	heap->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	heap->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(heap->poll_fd, EPOLL_CTL_ADD, heap->timer_fd, &interest) ||
	    epoll_ctl(heap->poll_fd, EPOLL_CTL_ADD, bpf_map__fd(heap->programs->maps.ring),
		      &interest))
		return fail(error, -errno, "cannot wait for allocations: %m");
	return 0;
}

struct heap *heap_open(const struct heap_options *options, const pid_t *pids, size_t count,
		       const struct heap_file *file, struct error *error)
{
	struct heap *heap = xcalloc(1, sizeof(*heap));
	int result;

	heap->timer_fd = heap->poll_fd = -1;
	heap->options = *options;
	heap->options.rate = options->rate ? options->rate : HEAP_RATE;
	heap->file = *file;
	heap->pid_count = count;
	heap->pids = xcalloc(count + 1, sizeof(*heap->pids));
	heap->links = xcalloc(count + 1, sizeof(*heap->links));
	for (size_t i = 0; i < count; i++) {
		heap->pids[i] = pids[i];
		heap->links[i] = -1;
	}
	result = load(heap, error);
	if (!result)
		result = heap_trial(bpf_program__fd(heap->programs->progs.on_allocation),
				    &heap->file, &heap->hit_ns, error);
	heap->trial_hits = result ? 0 : sum(heap).hits;
	for (size_t i = 0; i < heap->file.count; i++)
		heap->file.cookies[i] |= i << HEAP_PLACE_SHIFT;
	if (!result)
		result = heap_ticks_open(&heap->ticks,
					 bpf_program__fd(heap->programs->progs.on_tick), error);
	if (!result)
		result = open_poll(heap, error);
	if (!result)
		result = open_window(heap, error);
	if (result) {
		row_close(heap);
		errno = -result;
		return NULL;
	}
	heap->begun = heap->looked = heap->opened;
	set_due(heap);
	return heap;
}

/* ---- the row of source.h --------------------------------------------------------------------- */

static int row_poll_fd(void *self)
{
	const struct heap *heap = self;

	return heap->poll_fd;
}

static void row_look(void *self)
{
	struct heap *heap = self;

	look_at_window(heap);
	bpf_ring_snapshot(&heap->ring);
	if (!heap->next) {
		size_t bytes;

		heap->next = bpf_ring_peek(&heap->ring, &bytes);
	}
}

static uint64_t row_next(void *self)
{
	const struct heap *heap = self;

	if (heap->next)
		return heap->next->time_ns;
	return heap->is_stopped && heap->stretched < heap->told_count ? heap->ended.time_ns
								      : SOURCE_NOTHING;
}

static void deliver_amount(struct event *event, const struct event_metric *metric, uint64_t weight,
			   source_deliver *deliver, void *context)
{
	event->kind = EVENT_AMOUNT;
	event->amount = (struct event_amount){metric, weight};
	if (weight)
		deliver(context, event);
}

static void deliver_amounts(struct heap *heap, struct event *event, const struct told *told,
			    double factor, source_deliver *deliver, void *context)
{
	deliver_amount(event, &allocations, round_fairly(heap, factor * told->weights[0]), deliver,
		       context);
	deliver_amount(event, &allocated, round_fairly(heap, factor * told->weights[1]), deliver,
		       context);
}

/* A probe is at the entry of a function: makes the sample that of the call in its caller. */
static void leave_allocator(struct event_sample *sample)
{
	uint64_t back;

	if (sample->stack_bytes < sizeof(back))
		return;
	memcpy(&back, sample->stack, sizeof(back));
	sample->registers[IP] = back - 1;
	sample->registers[SP] += sizeof(back);
	sample->stack += sizeof(back);
	sample->stack_bytes -= sizeof(back);
}

static void take_record(struct heap *heap, source_deliver *deliver, void *context)
{
	const struct heap_record *record = heap->next;
	double bytes = record->bytes ? (double)record->bytes : 1;
	double weight = 1 / -expm1(-bytes / (double)heap->options.rate);
	struct told told = {.stack_id = OWN_STACK_IDS + ++heap->stack_ids,
			    .pid = (pid_t)record->pid,
			    .tid = (pid_t)record->tid,
			    .weights = {weight, weight * (double)record->bytes}};
	struct event event = {
		.kind = EVENT_STACK,
		.pid = told.pid,
		.tid = told.tid,
		.time_ns = record->time_ns,
		.stack_id = told.stack_id,
		.sample = {.has_registers =
				   record->is_32_bit ? EVENT_REGISTERS_32 : EVENT_REGISTERS_64,
			   .stack = record->stack,
			   .stack_bytes = record->stack_bytes},
	};
	size_t size;

	memcpy(event.sample.registers, record->registers, sizeof(record->registers));
	leave_allocator(&event.sample);
	deliver(context, &event);
	deliver_amounts(heap, &event, &told, 1, deliver, context);
	xgrow(heap->told, heap->told_count, heap->told_capacity);
	heap->told[heap->told_count++] = told;
	bpf_ring_advance(&heap->ring);
	heap->next = bpf_ring_peek(&heap->ring, &size);
}

/* All are known: tells what a sample stands for outside of the windows. */
static void take_stretch(struct heap *heap, source_deliver *deliver, void *context)
{
	const struct told *told = &heap->told[heap->stretched++];
	struct event event = {
		.pid = told->pid,
		.tid = told->tid,
		.time_ns = heap->ended.time_ns,
		.stack_id = told->stack_id,
	};

	deliver_amounts(heap, &event, told, heap->estimate.stretch - 1, deliver, context);
	event.kind = EVENT_STACK_END;
	deliver(context, &event);
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct heap *heap = self;

	if (heap->next)
		take_record(heap, deliver, context);
	else
		take_stretch(heap, deliver, context);
}

static void row_stop(void *self)
{
	struct heap *heap = self;
	struct heap_span whole;

	if (heap->is_stopped)
		return;
	heap->is_stopped = true;
	look_at_window(heap);
	heap->ended = moment_now(heap);
	whole = span(&heap->begun, &heap->ended);
	heap->estimate =
		heap_estimate_make(&heap->windows, &whole, &heap->learnt, heap->options.rate);
}

static void row_describe(void *self, struct profile *profile)
{
	const struct heap *heap = self;

	profile_set_number(profile, "memory.attached", 1);
	profile_set_number(profile, "memory.rate", (int64_t)heap->options.rate);
	profile_set_number(profile, "memory.watched_ns",
			   (int64_t)(heap->ended.time_ns - heap->begun.time_ns));
	profile_set_number(profile, "memory.window_ns", (int64_t)heap->windows.sum.ns);
	profile_set_number(profile, "memory.windows", lround(heap->estimate.looks));
	profile_set_number(profile, "memory.samples", (int64_t)heap->told_count);
	profile_set_number(profile, "memory.stretch_permille",
			   (int64_t)(1000 * heap->estimate.stretch));
	profile_set_number(profile, "memory.drowned", heap->estimate.is_drowned);
	profile_set_number(profile, "memory.hit_ns", (int64_t)heap->learnt.hit_ns);
	profile_set_number(profile, "memory.hit_error_ns",
			   (int64_t)fmin(heap->learnt.error_ns, 0x1p52));
	profile_set_number(profile, "memory.hits", (int64_t)heap->ended.hits);
	profile_set_number(profile, "memory.half_width",
			   (int64_t)fmin(heap->estimate.half_width, 0x1p52));
	if (heap->programs->bss->samples_lost)
		profile_set_number(profile, "memory.lost_samples",
				   (int64_t)heap->programs->bss->samples_lost);
	if (!heap->file.is_libc)
		profile_set_text(profile, "memory.allocator", heap->file.name);
}

struct source heap_row(struct heap *heap)
{
	static const struct source_kind kind = SOURCE_KIND("heap");

	return (struct source){&kind, heap};
}
