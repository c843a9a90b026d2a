/* SPDX-License-Identifier: GPL-3.0-or-later */
/* off_cpu: see off_cpu.h. */
#include "collector/capture/off_cpu.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf/off_cpu.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/bpf_ring.h"
#include "off_cpu.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_NS 500000000u

const struct event_metric off_cpu_blocked = {"off-cpu", "ns", 1, false};
const struct event_metric off_cpu_run_queue = {"run-queue", "ns", 1, false};

struct off_cpu {
	struct off_cpu_bpf *programs;
	struct bpf_ring ring;
	const struct off_cpu_record *next; /* peeked record, or NULL */
	struct event *waiting;		   /* made by sweeps, to be taken */
	size_t waiting_count, waiting_capacity, waiting_taken;
	uint64_t sweep_ns; /* the last one */
	bool is_stopped;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int load(struct off_cpu *off_cpu, pid_t launched, struct error *error)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	off_cpu->programs = off_cpu_bpf__open();
	if (!off_cpu->programs)
		return bpf_kernel_fail(error, -errno, "read the off-CPU programs");
	off_cpu->programs->rodata->numbers_namespace = bpf_kernel_namespace();
	off_cpu->programs->rodata->launched_pid = (uint32_t)launched;
	bpf_map__set_max_entries(off_cpu->programs->maps.scratch, cpus + 1);
	result = off_cpu_bpf__load(off_cpu->programs);
	if (result)
		return bpf_kernel_fail(error, result, "load the off-CPU programs");
	result = off_cpu_bpf__attach(off_cpu->programs);
	if (result)
		return bpf_kernel_fail(error, result, "attach the off-CPU programs");
	return bpf_ring_map(&off_cpu->ring, bpf_map__fd(off_cpu->programs->maps.ring),
			    OFF_CPU_RING_BYTES, error);
}

struct off_cpu *off_cpu_open(pid_t launched, struct error *error)
{
	struct off_cpu *off_cpu = xcalloc(1, sizeof(*off_cpu));
	int result = load(off_cpu, launched, error);

	off_cpu->sweep_ns = now_ns();
	if (result) {
		off_cpu_close(off_cpu);
		errno = -result;
		return NULL;
	}
	return off_cpu;
}

void off_cpu_close(struct off_cpu *off_cpu)
{
	if (!off_cpu)
		return;
	bpf_ring_unmap(&off_cpu->ring);
	off_cpu_bpf__destroy(off_cpu->programs);
	free(off_cpu->waiting);
	free(off_cpu);
}

/* Lets the kernel show the program all tasks there are. */
static int look_around(struct off_cpu *off_cpu, struct error *error)
{
	struct bpf_link *link = off_cpu->programs->links.on_each_task;
	int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	ssize_t bytes;

	if (fd < 0)
		return bpf_kernel_fail(error, fd, "look at the threads that wait already");
	do
		bytes = read(fd, nothing, sizeof(nothing));
	while (bytes > 0 || (bytes < 0 && (errno == EAGAIN || errno == EINTR)));
	close(fd);
	return bytes < 0 ? fail(error, -errno, "cannot look at the threads that wait already: %m")
			 : 0;
}

int off_cpu_watch(struct off_cpu *off_cpu, const pid_t *pids, size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t pid = (uint32_t)pids[i];
		uint8_t yes = 1;
		int result = bpf_map__update_elem(off_cpu->programs->maps.processes, &pid,
						  sizeof(pid), &yes, sizeof(yes), BPF_ANY);

		if (result)
			return bpf_kernel_fail(error, result, "watch a process");
	}
	return look_around(off_cpu, error);
}

void off_cpu_count(const struct off_cpu *off_cpu, struct off_cpu_counts *counts)
{
	*counts = (struct off_cpu_counts){
		.switches = off_cpu->programs->bss->switches,
		.stacks = off_cpu->programs->bss->stacks,
		.stacks_lost = off_cpu->programs->bss->stacks_lost,
		.threads_lost = off_cpu->programs->bss->threads_lost,
		.places_lost = off_cpu->programs->bss->places_lost,
	};
}

/* ---- sweeping: what the maps hold becomes events ------------------------------------------- */

static struct event *wait_event(struct off_cpu *off_cpu, enum event_kind kind, uint64_t pid,
				uint64_t tid)
{
	struct event *event;

	xgrow(off_cpu->waiting, off_cpu->waiting_count, off_cpu->waiting_capacity);
	event = &off_cpu->waiting[off_cpu->waiting_count++];
	*event = (struct event){
		.kind = kind,
		.pid = (pid_t)pid,
		.tid = (pid_t)tid,
		.time_ns = off_cpu->sweep_ns,
	};
	return event;
}

static void wait_amount(struct off_cpu *off_cpu, const struct off_cpu_thread *thread,
			const struct event_metric *metric, uint64_t weight, uint64_t place)
{
	struct event *event;

	if (!weight)
		return;
	event = wait_event(off_cpu, EVENT_AMOUNT, thread->pid, thread->tid);
	event->stack_id = place;
	event->amount = (struct event_amount){metric, weight};
}

/* Returns the CPU time of a running thread as the scheduler last booked it; 0: it is gone. */
static uint64_t booked_cpu_ns(const struct off_cpu_thread *thread)
{
	char path[64];
	unsigned long long cpu_ns = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/schedstat", thread->pid, thread->tid);
	stream = fopen(path, "re");
	if (!stream)
		return 0;
	if (fscanf(stream, "%llu", &cpu_ns) != 1)
		cpu_ns = 0;
	fclose(stream);
	return cpu_ns;
}

/* Brings a thread up to the time of the sweep: the state it is in has lasted until now. */
static void complete(const struct off_cpu *off_cpu, struct off_cpu_thread *thread)
{
	uint64_t cpu_ns, spent_ns = 0;

	if (thread->state == OFF_CPU_ENDED)
		return;
	cpu_ns = booked_cpu_ns(thread);
	if (!cpu_ns) /* its number went over to another thread in an execve */
		return;
	if (off_cpu->sweep_ns > thread->since_ns)
		spent_ns = off_cpu->sweep_ns - thread->since_ns;
	thread->since_ns += spent_ns;
	if (thread->state == OFF_CPU_RUNNING) {
		thread->running_ns += spent_ns;
		thread->cpu_ns = cpu_ns;
	}
	if (thread->state == OFF_CPU_RUNNABLE)
		thread->runnable_ns += spent_ns;
	if (thread->state == OFF_CPU_BLOCKED) {
		thread->blocked_ns += spent_ns;
		thread->wait_blocked_ns += spent_ns;
	}
}

/* Tells the sums of a thread, and the wait it is in. */
static void tell_thread(struct off_cpu *off_cpu, const struct off_cpu_thread *before)
{
	struct off_cpu_thread thread = *before;
	struct off_cpu_place place;
	uint64_t id = 0;

	complete(off_cpu, &thread);
	if (!bpf_map__lookup_elem(off_cpu->programs->maps.places, &thread.place,
				  sizeof(thread.place), &place, sizeof(place), 0))
		id = place.id;
	wait_amount(off_cpu, &thread, &off_cpu_blocked, thread.wait_blocked_ns, id);
	wait_amount(off_cpu, &thread, &off_cpu_run_queue, thread.runnable_ns - before->runnable_ns,
		    id);
	wait_amount(off_cpu, &thread, &off_cpu_blocked, thread.nowhere_blocked_ns, 0);
	wait_amount(off_cpu, &thread, &off_cpu_run_queue, thread.nowhere_runnable_ns, 0);
	wait_event(off_cpu, EVENT_TIMES, thread.pid, thread.tid)->times = (struct event_times){
		.wall_ns = thread.since_ns - thread.first_ns,
		.cpu_ns = thread.running_ns,
		.booked_ns = thread.cpu_ns - thread.cpu_first_ns,
		.run_queue_ns = thread.runnable_ns,
		.off_cpu_ns = thread.blocked_ns,
		.switches = thread.switches,
	};
}

/* A thread that was told. */
struct told {
	struct off_cpu_key key;
	uint32_t pid, tid;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct off_cpu_key));
}

/* Tells what is left in the places of the given threads, sorted, and forgets them. */
static void tell_places(struct off_cpu *off_cpu, const struct told *threads, size_t count)
{
	const struct bpf_map *map = off_cpu->programs->maps.places;
	struct off_cpu_place_key key, *previous = NULL, *ended = NULL;
	size_t ended_count = 0, ended_capacity = 0;
	struct off_cpu_place place;

	while (!bpf_map__get_next_key(map, previous, &key, sizeof(key))) {
		const struct told *told =
			bsearch(&key.thread, threads, count, sizeof(*threads), compare);
		struct off_cpu_thread thread = {0};

		previous = &key;
		if (!told || bpf_map__lookup_elem(map, &key, sizeof(key), &place, sizeof(place), 0))
			continue;
		thread.pid = told->pid;
		thread.tid = told->tid;
		wait_amount(off_cpu, &thread, &off_cpu_blocked, place.blocked_ns, place.id);
		wait_amount(off_cpu, &thread, &off_cpu_run_queue, place.runnable_ns, place.id);
		wait_event(off_cpu, EVENT_STACK_END, told->pid, told->tid)->stack_id = place.id;
		xgrow(ended, ended_count, ended_capacity);
		ended[ended_count++] = key;
	}
	for (size_t i = 0; i < ended_count; i++)
		bpf_map__delete_elem(map, &ended[i], sizeof(*ended), 0);
	free(ended);
}

/* Tells and forgets the threads that have ended; all of them when the programs are detached. */
static void sweep(struct off_cpu *off_cpu)
{
	const struct bpf_map *map = off_cpu->programs->maps.threads;
	struct off_cpu_key key, *previous = NULL;
	struct off_cpu_thread thread;
	struct told *told = NULL;
	size_t count = 0, capacity = 0;

	if (off_cpu->waiting_taken == off_cpu->waiting_count)
		off_cpu->waiting_count = off_cpu->waiting_taken = 0;
	off_cpu->sweep_ns = now_ns();
	while (!bpf_map__get_next_key(map, previous, &key, sizeof(key))) {
		previous = &key;
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &thread, sizeof(thread), 0) ||
		    (thread.state != OFF_CPU_ENDED && !off_cpu->is_stopped))
			continue;
		tell_thread(off_cpu, &thread);
		xgrow(told, count, capacity);
		told[count++] = (struct told){key, thread.pid, thread.tid};
	}
	if (count) {
		qsort(told, count, sizeof(*told), compare);
		tell_places(off_cpu, told, count);
	}
	for (size_t i = 0; i < count; i++)
		bpf_map__delete_elem(map, &told[i].key, sizeof(told[i].key), 0);
	free(told);
}

/* ---- records of the ring -------------------------------------------------------------------- */

static void peek(struct off_cpu *off_cpu)
{
	size_t bytes;

	off_cpu->next = bpf_ring_peek(&off_cpu->ring, &bytes);
}

static void deliver_amounts(const struct off_cpu_amount *amount, struct event *event,
			    source_deliver *deliver, void *context)
{
	event->kind = EVENT_AMOUNT;
	event->amount.metric = &off_cpu_blocked;
	event->amount.weight = amount->blocked_ns;
	if (amount->blocked_ns)
		deliver(context, event);
	event->amount.metric = &off_cpu_run_queue;
	event->amount.weight = amount->runnable_ns;
	if (amount->runnable_ns)
		deliver(context, event);
}

static void deliver_stack(const struct off_cpu_stack *stack, struct event *event,
			  source_deliver *deliver, void *context)
{
	uint32_t first = stack->kernel_first < stack->kernel_count ? stack->kernel_first : 0;
	struct event_return returns[REPLACED_RETURNS];
	size_t count =
		stack->return_count < REPLACED_RETURNS ? stack->return_count : REPLACED_RETURNS;

	event->kind = EVENT_STACK;
	event->sample = (struct event_sample){
		.kernel = (const uint64_t *)stack->kernel + first,
		.kernel_count = stack->kernel_count - first,
		.has_registers = stack->is_32_bit ? EVENT_REGISTERS_32 : EVENT_REGISTERS_64,
		.stack = stack->stack,
		.stack_bytes = stack->stack_bytes,
		.trampoline = stack->trampoline,
		.returns = returns,
		.return_count = count,
	};
	for (size_t i = 0; i < count; i++)
		returns[i] =
			(struct event_return){stack->returns[i].slot, stack->returns[i].address};
	memcpy(event->sample.registers, stack->registers, sizeof(stack->registers));
	deliver(context, event);
}

/* ---- the row of source.h -------------------------------------------------------------------- */

static int row_poll_fd(void *self)
{
	const struct off_cpu *off_cpu = self;

	return bpf_map__fd(off_cpu->programs->maps.ring);
}

static void row_look(void *self)
{
	struct off_cpu *off_cpu = self;

	if (!off_cpu->is_stopped && now_ns() - off_cpu->sweep_ns >= SWEEP_NS)
		sweep(off_cpu);
	bpf_ring_snapshot(&off_cpu->ring);
	if (!off_cpu->next)
		peek(off_cpu);
}

/* Records of the ring lie before the sweep that followed them. */
static uint64_t row_next(void *self)
{
	const struct off_cpu *off_cpu = self;
	uint64_t waiting_ns = off_cpu->waiting_taken < off_cpu->waiting_count ? off_cpu->sweep_ns
									      : SOURCE_NOTHING;

	return off_cpu->next && off_cpu->next->time_ns < waiting_ns ? off_cpu->next->time_ns
								    : waiting_ns;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct off_cpu *off_cpu = self;
	const struct off_cpu_record *record = off_cpu->next;
	struct event event;

	if (!record || record->time_ns != row_next(self)) {
		deliver(context, &off_cpu->waiting[off_cpu->waiting_taken++]);
		return;
	}
	event = (struct event){
		.pid = (pid_t)record->pid,
		.tid = (pid_t)record->tid,
		.time_ns = record->time_ns,
		.stack_id = record->place,
	};
	if (record->kind == OFF_CPU_RECORD_STACK)
		deliver_stack((const struct off_cpu_stack *)record, &event, deliver, context);
	else
		deliver_amounts((const struct off_cpu_amount *)record, &event, deliver, context);
	bpf_ring_advance(&off_cpu->ring);
	peek(off_cpu);
}

static void row_stop(void *self)
{
	struct off_cpu *off_cpu = self;

	if (off_cpu->is_stopped)
		return;
	off_cpu_bpf__detach(off_cpu->programs);
	/* A program may still be running on another CPU; this waits until it is not (RCU). */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	off_cpu->is_stopped = true;
	sweep(off_cpu);
}

static void row_describe(void *self, struct profile *profile)
{
	struct off_cpu_counts counts;

	off_cpu_count(self, &counts);
	profile_set_number(profile, "off_cpu.switches", (int64_t)counts.switches);
	profile_set_number(profile, "off_cpu.stacks", (int64_t)counts.stacks);
	profile_set_number(profile, "off_cpu.lost_stacks", (int64_t)counts.stacks_lost);
	profile_set_number(profile, "off_cpu.lost_threads", (int64_t)counts.threads_lost);
	profile_set_number(profile, "off_cpu.lost_places", (int64_t)counts.places_lost);
}

static void row_close(void *self)
{
	off_cpu_close(self);
}

struct source off_cpu_row(struct off_cpu *off_cpu)
{
	static const struct source_kind kind = SOURCE_KIND("off-cpu");

	return (struct source){&kind, off_cpu};
}
