/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/stack_rest.c and its program in the kernel, on threads of our own. */
#include "collector/capture/stack_rest.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/requirements.h"

#define WORDS	40000 /* of a large frame: 320 KB, five times what perf copies */
#define SP	7
#define WORD(i) ((uint64_t)(i)*0x9e3779b97f4a7c15 + 1)
#define EDGE	1000 /* words that are written at each end of a frame with a hole */
#define PAGE	4096
#define LEAST	5 /* samples, of some sixty */
#define TEST_HZ 999

static struct error error;
static struct source row;
static const char *engine = "cpu-clock";
static uint64_t burn_ns = 60000000;

/* A frame whose contents are known, and when. */
static struct {
	uint64_t start; /* address of its first word */
	uint64_t first_ns, last_ns;
	bool has_hole;
} frame;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void burn(void)
{
	uint64_t end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + burn_ns;

	frame.first_ns = now_ns(CLOCK_MONOTONIC);
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		;
	frame.last_ns = now_ns(CLOCK_MONOTONIC);
}

static bool is_written(size_t word)
{
	return !frame.has_hole || word < EDGE || word >= WORDS - EDGE;
}

__attribute__((noinline)) static void *burn_deep(void *unused)
{
	volatile uint64_t room[WORDS];

	(void)unused;
	for (size_t i = 0; i < WORDS; i++)
		if (is_written(i))
			room[i] = WORD(i);
	frame.start = (uint64_t)(uintptr_t)room;
	burn();
	return (void *)(uintptr_t)room[WORDS - 1];
}

struct seen {
	int samples;	 /* in the frame */
	int whole;	 /* of which all of it was copied */
	int with_end;	 /* or its last word */
	int with_pieces; /* or anything beyond perf's copy */
};

/* Checks the words of the frame that lie in a piece. Returns their number. */
static size_t check_piece(const struct event_stack_piece *piece, bool *has_end)
{
	size_t count = 0;

	cr_assert_eq(piece->start % PAGE, 0);
	for (size_t i = 0; i < WORDS; i++) {
		uint64_t offset = frame.start + 8 * i - piece->start, word;

		if (offset >= piece->bytes)
			continue;
		memcpy(&word, piece->data + offset, sizeof(word));
		if (is_written(i))
			cr_assert_eq(word, WORD(i), "word %zu", i);
		*has_end |= i == WORDS - 1;
		count++;
	}
	return count;
}

static bool is_in_frame(const struct event *event, uint64_t sp)
{
	return sp <= frame.start && frame.start - sp <= PAGE && event->time_ns >= frame.first_ns &&
	       event->time_ns <= frame.last_ns;
}

static void see(void *context, const struct event *event)
{
	struct seen *seen = context;
	const struct event_sample *sample = &event->sample;
	uint64_t sp, words;
	bool has_end = false;

	if (event->kind != EVENT_SAMPLE || sample->has_registers != EVENT_REGISTERS_64)
		return;
	sp = sample->registers[SP];
	if (!is_in_frame(event, sp))
		return;
	words = (sp + sample->stack_bytes - frame.start) / 8;
	for (size_t i = 0; i < sample->piece_count; i++)
		words += check_piece(&sample->pieces[i], &has_end);
	seen->samples++;
	seen->with_pieces += sample->piece_count > 0;
	seen->with_end += has_end;
	seen->whole += words >= WORDS;
}

/* Samples a function in a thread, or in this one. */
static struct seen record(void *(*function)(void *), bool in_thread)
{
	struct perf_source *perf;
	struct stack_rest *rest;
	struct seen seen = {0};
	pthread_t thread;

	require("root");
	require("perf");
	require("bpf");
	perf = perf_source_open(&(struct perf_source_options){.frequency_hz = TEST_HZ,
							      .engine = perf_engine_find(engine),
							      .start = PERF_START_NOW,
							      .copy_bytes = PERF_SOURCE_COPY_BYTES},
				getpid(), &error);
	cr_assert_not_null(perf, "%s", error.text);
	rest = stack_rest_load(true, &error);
	cr_assert_not_null(rest, "%s", error.text);
	cr_assert_eq(stack_rest_attach(rest, perf, &error), 0, "%s", error.text);
	row = stack_rest_row(rest);
	if (in_thread) {
		cr_assert_eq(pthread_create(&thread, NULL, function, NULL), 0);
		pthread_join(thread, NULL);
	} else {
		function(NULL);
	}
	row.kind->stop(row.self);
	source_round(&row, 1, true, see, &seen);
	row.kind->close(row.self);
	cr_assert_gt(seen.samples, LEAST);
	return seen;
}

Test(stack_rest, the_first_threads_stack_is_there_to_its_end_as_it_stood)
{
	cr_expect_gt(record(burn_deep, false).whole, LEAST);
}

Test(stack_rest, so_is_any_other_threads)
{
	cr_expect_gt(record(burn_deep, true).whole, LEAST);
}

Test(stack_rest, comes_with_samples_of_the_kernels_tick_too)
{
	engine = "tick";
	burn_ns = 200000000;
	cr_expect_gt(record(burn_deep, true).whole, LEAST);
}

Test(stack_rest, pages_that_were_never_written_end_nothing)
{
	frame.has_hole = true;
	cr_expect_gt(record(burn_deep, true).with_end, LEAST);
}

static void *burn_shallow(void *unused)
{
	frame.start = (uint64_t)(uintptr_t)__builtin_frame_address(0);
	burn();
	return unused;
}

Test(stack_rest, a_stack_that_perf_copies_whole_is_left_to_it)
{
	cr_expect_eq(record(burn_shallow, true).with_pieces, 0);
}
