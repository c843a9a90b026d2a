/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/off_cpu.c and bpf_kernel.c, on threads of our own. */
#include "collector/capture/off_cpu.h"
#include "collector/capture/bpf_kernel.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/requirements.h"

#define MILLISECOND 1000000ull

static struct error error;
static struct off_cpu *off_cpu;

/* What was told of one thread. */
struct seen {
	pid_t tid;
	uint64_t blocked_ns, run_queue_ns; /* sums of the amounts */
	uint64_t blocked_nowhere_ns;	   /* those without a stack */
	uint64_t last_stack_id;
	int stacks, stacks_with_kernel, stacks_with_memory;
	int times_count;
	struct event_times times;
};

static void see(void *context, const struct event *event)
{
	struct seen *seen = context;

	if (event->tid != seen->tid)
		return;
	if (event->kind == EVENT_STACK) {
		seen->stacks++;
		seen->stacks_with_kernel += event->sample.kernel_count > 2;
		seen->last_stack_id = event->stack_id;
		cr_expect_eq(event->sample.has_registers, EVENT_REGISTERS_64);
		seen->stacks_with_memory += event->sample.stack_bytes > 0;
	} else if (event->kind == EVENT_AMOUNT && event->amount.metric == &off_cpu_blocked) {
		seen->blocked_ns += event->amount.weight;
		if (!event->stack_id)
			seen->blocked_nowhere_ns += event->amount.weight;
	} else if (event->kind == EVENT_AMOUNT) {
		cr_expect_eq(event->amount.metric, &off_cpu_run_queue);
		seen->run_queue_ns += event->amount.weight;
	} else if (event->kind == EVENT_TIMES) {
		seen->times_count++;
		seen->times = event->times;
	}
}

/* Reads all there is to the end, for the thread @seen->tid. */
static void finish(struct seen *seen)
{
	struct source row = off_cpu_row(off_cpu);

	source_round(&row, 1, false, see, seen);
	row.kind->stop(row.self);
	source_round(&row, 1, true, see, seen);
	cr_expect_eq(seen->times_count, 1);
	cr_expect_eq(seen->blocked_ns, seen->times.off_cpu_ns,
		     "the amounts are the sums: %" PRIu64 " and %" PRIu64, seen->blocked_ns,
		     seen->times.off_cpu_ns);
	cr_expect_eq(seen->run_queue_ns, seen->times.run_queue_ns);
	cr_expect_leq(seen->times.off_cpu_ns + seen->times.run_queue_ns, seen->times.wall_ns);
}

static void open_and_watch_ourselves(void)
{
	pid_t pid = getpid();

	require("root");
	require("bpf");
	off_cpu = off_cpu_open(0, &error);
	cr_assert_not_null(off_cpu, "%s", error.text);
	cr_assert_eq(off_cpu_watch(off_cpu, &pid, 1, &error), 0, "%s", error.text);
}

static void close_it(void)
{
	off_cpu_close(off_cpu);
}

TestSuite(off_cpu, .fini = close_it);

static void sleep_ms(long milliseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static void *sleeper(void *tid)
{
	__atomic_store_n((pid_t *)tid, gettid(), __ATOMIC_SEQ_CST);
	sleep_ms(60);
	return NULL;
}

Test(off_cpu, books_the_sleep_of_a_thread_that_has_ended)
{
	struct seen seen = {0};
	pthread_t thread;

	open_and_watch_ourselves();
	pthread_create(&thread, NULL, sleeper, &seen.tid);
	pthread_join(thread, NULL);
	sleep_ms(5); /* the thread's last switch comes after the join */
	finish(&seen);
	cr_expect_geq(seen.times.off_cpu_ns, 60 * MILLISECOND);
	cr_expect_geq(seen.times.switches, 2);
	cr_expect_geq(seen.stacks_with_kernel, 1);
	cr_expect_lt(seen.blocked_nowhere_ns, seen.blocked_ns / 10);
}

/* A thread that waits until it is let go. */
struct waiter {
	pthread_t thread;
	pid_t tid;
	int gate[2];
};

static void *wait_at_the_gate(void *argument)
{
	struct waiter *waiter = argument;
	char byte;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_SEQ_CST);
	cr_expect_eq(read(waiter->gate[0], &byte, 1), 1);
	return NULL;
}

/* Source: proc(5), /proc/PID/stat. */
static bool is_asleep(pid_t tid)
{
	char path[64], state = '?';
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	stream = fopen(path, "re");
	cr_assert_not_null(stream);
	cr_assert_eq(fscanf(stream, "%*d (%*[^)]) %c", &state), 1);
	fclose(stream);
	return state == 'S';
}

static void waiter_start(struct waiter *waiter)
{
	cr_assert_eq(pipe(waiter->gate), 0);
	pthread_create(&waiter->thread, NULL, wait_at_the_gate, waiter);
	while (!__atomic_load_n(&waiter->tid, __ATOMIC_SEQ_CST) || !is_asleep(waiter->tid))
		sleep_ms(1);
}

static void waiter_end(struct waiter *waiter)
{
	cr_assert_eq(write(waiter->gate[1], "x", 1), 1);
	pthread_join(waiter->thread, NULL);
}

Test(off_cpu, takes_the_stack_of_a_thread_that_waits_already)
{
	struct waiter waiter = {0};
	struct seen seen = {0};

	waiter_start(&waiter);
	open_and_watch_ourselves();
	seen.tid = waiter.tid;
	finish(&seen);
	cr_expect_gt(seen.times.off_cpu_ns, 0);
	cr_expect_eq(seen.times.switches, 0);
	cr_expect_eq(seen.blocked_nowhere_ns, 0);
	cr_expect_eq(seen.stacks, 1);
	cr_expect_eq(seen.stacks_with_kernel, 1);
	cr_expect_eq(seen.stacks_with_memory, 1);
	waiter_end(&waiter);
}

Test(off_cpu, tells_the_wait_that_lasts_to_the_end)
{
	struct waiter waiter = {0};
	struct seen seen = {0};

	open_and_watch_ourselves();
	waiter_start(&waiter);
	seen.tid = waiter.tid;
	finish(&seen);
	cr_expect_gt(seen.times.off_cpu_ns, 4 * MILLISECOND);
	cr_expect_eq(seen.blocked_nowhere_ns, 0);
	waiter_end(&waiter);
}

Test(off_cpu, follows_a_launched_program_and_its_children_from_the_exec_on)
{
	struct seen seen = {0};
	int gate[2], status;
	char byte;

	require("root");
	require("bpf");
	cr_assert_eq(pipe(gate), 0);
	seen.tid = fork();
	if (seen.tid == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) == 0) /* the gate is closed when all is ready */
			execl("/bin/sh", "sh", "-c", "sleep 0.1 & wait", NULL);
		_exit(1);
	}
	off_cpu = off_cpu_open(seen.tid, &error);
	cr_assert_not_null(off_cpu, "%s", error.text);
	sleep_ms(20); /* waiting for us is none of its own time */
	close(gate[0]);
	close(gate[1]);
	waitpid(seen.tid, &status, 0);
	cr_assert_eq(status, 0);
	sleep_ms(5);
	finish(&seen);
	cr_expect_geq(seen.times.off_cpu_ns, 50 * MILLISECOND, "the shell waits for the sleep");
	cr_expect_gt(seen.times.cpu_ns, 0);
}

Test(bpf_kernel, names_the_remedy_where_bpf_is_refused)
{
	require("root");
	require("bpf");
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert_null(off_cpu_open(0, &error));
	cr_expect_eq(errno, EPERM);
	cr_expect_not_null(strstr(error.text, "run as root"), "%s", error.text);
}
