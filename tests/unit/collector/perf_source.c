/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/perf_source.c and perf_engine.c, on a real program. */
#include "collector/capture/perf_source.h"
#include "collector/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/requirements.h"

static struct error error;

Test(perf_engine, finds_each_row_by_its_name_and_no_other)
{
	for (int i = 0; i < PERF_ENGINES; i++)
		cr_assert_eq(perf_engine_find(perf_engines[i].name), &perf_engines[i]);
	cr_assert_null(perf_engine_find("cpu"));
	cr_assert_null(perf_engine_find(""));
}

Test(perf_engine, a_fixed_period_is_time_and_an_adapted_one_is_told_by_each_sample)
{
	cr_assert_eq(perf_engine_period(perf_engine_find("cpu-clock"), 999), 1001001);
	cr_assert_eq(perf_engine_period(perf_engine_find("cycles"), 999), 1);
}

Test(perf_engine, rows_with_a_limit_say_so)
{
	for (int i = 0; i < PERF_ENGINES; i++)
		cr_assert_eq(perf_engines[i].exclude_kernel || perf_engines[i].is_tick,
			     *perf_engines[i].note != '\0', "%s", perf_engines[i].name);
}

/* What a recording delivered. */
struct seen {
	int samples, mappings, names, forks, exits;
	int out_of_order;
	int samples_before_exec;
	int wrong_period;
	int samples_of_first;
	pid_t first; /* process */
	bool has_exec;
	uint64_t last_ns;
};

static void see(void *context, const struct event *event)
{
	struct seen *seen = context;

	seen->out_of_order += event->time_ns < seen->last_ns;
	seen->last_ns = event->time_ns;
	switch (event->kind) {
	case EVENT_SAMPLE:
		seen->samples++;
		seen->samples_of_first += event->pid == seen->first;
		seen->samples_before_exec += !seen->has_exec;
		seen->wrong_period += event->sample.weight != 200000;
		break;
	case EVENT_MAPPING:
		seen->mappings++;
		break;
	case EVENT_NAME:
		seen->names++;
		seen->has_exec |= event->name.is_exec;
		break;
	case EVENT_FORK:
		seen->forks++;
		break;
	case EVENT_EXIT:
		seen->exits++;
		break;
	default:
		cr_assert_fail("kind %d", event->kind);
	}
}

/* Runs a program under a source; the rounds go on while it runs. */
static struct seen record(const char *command, unsigned frequency_hz,
			  struct perf_source_losses *losses)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	struct target_signals signals = {0};
	struct target target;
	struct perf_source *source;
	struct seen seen = {0};

	sigaction(SIGPIPE, NULL, &signals.pipe);
	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	source = perf_source_open(
		&(struct perf_source_options){.frequency_hz = frequency_hz,
					      .engine = perf_engine_find("cpu-clock-user"),
					      .start = PERF_START_ON_EXEC,
					      .copy_bytes = PERF_SOURCE_COPY_BYTES},
		target.pid, &error);
	cr_assert_not_null(source, "%s", error.text);
	seen.first = target.pid;
	cr_assert_eq(target_release(&target, argv, &error), 0);
	while (!target_collect(&target)) {
		usleep(PERF_SOURCE_POLL_MS * 1000);
		perf_source_read(source, false, see, &seen);
	}
	perf_source_stop(source);
	perf_source_read(source, true, see, &seen);
	perf_source_count_losses(source, losses);
	perf_source_close(source);
	target_done(&target);
	return seen;
}

Test(perf_source, delivers_everything_in_order_from_the_first_instruction)
{
	struct perf_source_losses losses;
	struct seen seen;

	require("perf");
	seen = record("for i in 1 2 3 4 5 6 7 8; do ls -R /usr/share/doc/b* >/dev/null & done; "
		      "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; wait",
		      5000, &losses);
	cr_assert_gt(seen.samples, 50);
	cr_assert_eq(seen.out_of_order, 0);
	cr_assert_eq(seen.samples_before_exec, 0);
	cr_assert_eq(seen.wrong_period, 0);
	cr_assert_eq(seen.forks, 8);
	cr_assert_geq(seen.exits, 8);
	cr_assert_geq(seen.names, 9, "each program executed");
	cr_assert_geq(seen.mappings, 9 * 3, "each maps itself, the loader and libc");
	cr_assert_eq(losses.unreadable, 0);
	cr_assert_eq(losses.side, 0);
}

/* It computes for a part of a period between one child and the next, and no child for a whole one.
 * On one processor the kernel goes over from it to its child and back, again and again. */
Test(perf_source, a_parent_that_forks_again_and_again_keeps_its_samples)
{
	struct perf_source_losses losses;
	struct seen seen;
	cpu_set_t all, one;

	require("perf");
	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	seen = record("i=0; while [ $i -lt 200 ]; do (:); j=0; while [ $j -lt 600 ]; do "
		      "j=$((j+1)); done; i=$((i+1)); done",
		      500, &losses);
	cr_assert_eq(seen.forks, 200);
	cr_assert_gt(seen.samples, 5);
	cr_assert_gt(seen.samples_of_first, seen.samples / 2, "%d of %d", seen.samples_of_first,
		     seen.samples);
}

/* What came with the samples of a round. */
struct copies {
	int brief, whole;
	size_t largest_brief, largest_whole;
	int without_callers, with_callers;
};

static void look_at_copy(void *context, const struct event *event)
{
	const struct event_sample *sample = &event->sample;
	struct copies *copies = context;

	if (event->kind != EVENT_SAMPLE || sample->has_registers != EVENT_REGISTERS_64)
		return;
	cr_assert_eq(sample->brief_bytes, 1024);
	if (sample->is_brief && sample->stack_bytes > copies->largest_brief)
		copies->largest_brief = sample->stack_bytes;
	if (!sample->is_brief && sample->stack_bytes > copies->largest_whole)
		copies->largest_whole = sample->stack_bytes;
	copies->brief += sample->is_brief;
	copies->whole += !sample->is_brief;
	copies->with_callers += sample->caller_count > 1;
	copies->without_callers += sample->caller_count == 0;
}

/* Runs on for some samples. The clock is the thread's, so that it ends on any machine. */
static struct copies next_samples(struct perf_source *source)
{
	struct copies copies = {0}, before = {0};
	volatile char room[8192] = {0};
	clock_t end = clock() + CLOCKS_PER_SEC / 25;

	perf_source_read(source, false, look_at_copy, &before);
	while (clock() < end)
		for (int i = 0; i < 10000; i++)
			room[0]++;
	perf_source_read(source, false, look_at_copy, &copies);
	return copies;
}

Test(perf_source, takes_brief_copies_while_they_are_wanted)
{
	struct perf_source *source;
	struct copies copies;

	require("perf");
	source = perf_source_open(
		&(struct perf_source_options){.frequency_hz = 2000,
					      .engine = perf_engine_find("cpu-clock-user"),
					      .start = PERF_START_NOW,
					      .copy_bytes = PERF_SOURCE_COPY_BYTES,
					      .brief_bytes = 1024},
		getpid(), &error);
	cr_assert_not_null(source, "%s", error.text);
	for (int round = 0; round < 2; round++) {
		copies = next_samples(source);
		cr_expect_gt(copies.whole, 10);
		cr_expect_eq(copies.brief, 0);
		cr_expect_gt(copies.largest_whole, 8192);
		cr_expect_gt(copies.with_callers, 0);
		perf_source_set_brief(source, true);
		copies = next_samples(source);
		cr_expect_gt(copies.brief, 10);
		cr_expect_eq(copies.whole, 0);
		cr_expect_eq(copies.largest_brief, 1024);
		cr_expect_eq(copies.without_callers, copies.brief);
		perf_source_set_brief(source, false);
	}
	perf_source_close(source);
}

Test(perf_source, a_machine_without_the_event_says_so)
{
	require("perf");
	if (requirement_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES))
		cr_skip_test("this machine counts cycles");
	cr_assert_null(perf_source_open(
		&(struct perf_source_options){.frequency_hz = 999,
					      .engine = perf_engine_find("cycles-user"),
					      .start = PERF_START_NOW,
					      .copy_bytes = 8192},
		getpid(), &error));
	cr_assert(strstr(error.text, "-e cpu-clock"), "%s", error.text);
}
