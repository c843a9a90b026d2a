/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * estimates PROGRAM: calls functions in ways that make it hard to tell from a part of the time how
 * often, and the same each time: what a budget's estimates (timing_windows.h) are held against.
 *
 *     bursts       `called` in bursts of random length, with random pauses
 *     turns        `called` and `other` by turns, each for long
 *     threads      four threads that call at their own rates, and end at their own time
 *     uneven       `step`s of random length with random shares of `called`
 *     drift        `called` more and more often, up to ten times as often
 *     period       `called` in a half of each period of some milliseconds
 *     tree         `called` recursively, in trees of random size
 *     beat         every other `step` is long, and every seventh has much of `called`
 *     walk         `step`s with ever more or less of `called`, at random, and every tenth is longer
 *     overlap      `step`s of two threads at the same time
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FUNCTION __attribute__((noinline, noclone, noipa))
#define THREADS	 4

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* A nanosecond or so for each of @count. */
FUNCTION static uint64_t work(uint64_t value, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	return value;
}

/* What both keep over a call is pushed as they begin, on which a probe is cheap. */
FUNCTION static uint64_t called(uint64_t value)
{
	return work(value, 700) + work(value + 1, 700) + value;
}

FUNCTION static uint64_t other(uint64_t value)
{
	return work(value, 500) + work(value + 1, 500) + value;
}

static uint64_t call_often(uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += called(i);
	return sum;
}

static uint64_t run_bursts(void)
{
	uint64_t state = 1, sum = 0;

	for (int i = 0; i < 600; i++) {
		sum += call_often(next(&state) % 2000);
		for (uint64_t pause = next(&state) % 2000; pause; pause--)
			sum += work(pause, 1400);
	}
	return sum;
}

static uint64_t run_turns(void)
{
	uint64_t sum = 0;

	for (int turn = 0; turn < 12; turn++)
		for (uint64_t i = 0; i < 100000; i++)
			sum += turn % 3 ? other(i) : called(i);
	return sum;
}

static void *run_thread(void *argument)
{
	uint64_t number = (uint64_t)(uintptr_t)argument, sum = 0;

	for (uint64_t i = 0; i < 100000 * (number + 1); i++)
		sum += i % (number + 2) ? work(i, 1400) : called(i);
	return (void *)(uintptr_t)sum;
}

static uint64_t run_threads(void *(*run)(void *), int count)
{
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i))
			return 0;
	for (int i = 0; i < count; i++) {
		void *result;

		pthread_join(threads[i], &result);
		sum += (uint64_t)(uintptr_t)result;
	}
	return sum;
}

static uint64_t run_four(void)
{
	return run_threads(run_thread, THREADS);
}

FUNCTION static uint64_t step(uint64_t calls, uint64_t rest)
{
	uint64_t sum = call_often(calls);

	for (uint64_t i = 0; i < rest; i++)
		sum += work(i, 1400);
	return sum + calls;
}

static uint64_t run_uneven(void)
{
	uint64_t state = 1, sum = 0;

	for (int i = 0; i < 2000; i++)
		sum += step(next(&state) % 500, next(&state) % 1000);
	return sum;
}

static uint64_t run_drift(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 1400000; i++)
		sum += i * i % 1400000 < i * 9 / 10 + 140000 ? called(i) : work(i, 1400);
	return sum;
}

static uint64_t run_period(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 1400000; i++)
		sum += i % 6000 < 3000 ? called(i) : work(i, 1400);
	return sum;
}

FUNCTION static uint64_t tree(uint64_t *state, int depth)
{
	uint64_t sum = called((uint64_t)depth);

	for (uint64_t i = next(state) % 4; i && depth; i--)
		sum += tree(state, depth - 1);
	return sum;
}

static uint64_t run_tree(void)
{
	uint64_t state = 1, sum = 0;

	for (int i = 0; i < 6000; i++)
		sum += tree(&state, 9) + work(sum, 50000);
	return sum;
}

static uint64_t run_beat(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 3000; i++)
		sum += step(i % 7 ? 50 : 800, i % 2 ? 600 : 60);
	return sum;
}

static uint64_t run_walk(void)
{
	uint64_t state = 1, sum = 0, calls = 100;

	for (int i = 0; i < 2500; i++) {
		calls += next(&state) % 41;
		calls = calls > 20 ? calls - 20 : 0;
		calls = calls > 600 ? 600 : calls;
		sum += step(calls, i % 10 ? 300 : 2000);
	}
	return sum;
}

static void *run_steps(void *argument)
{
	uint64_t state = (uint64_t)(uintptr_t)argument, sum = 0;

	for (int i = 0; i < 1000; i++)
		sum += step(300, 300 + next(&state) % 200);
	return (void *)(uintptr_t)sum;
}

static uint64_t run_overlap(void)
{
	return run_threads(run_steps, 2);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t (*run)(void);
	} programs[] = {
		{"bursts", run_bursts},	  {"turns", run_turns}, {"threads", run_four},
		{"uneven", run_uneven},	  {"drift", run_drift}, {"period", run_period},
		{"tree", run_tree},	  {"beat", run_beat},	{"walk", run_walk},
		{"overlap", run_overlap},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(programs) / sizeof(*programs); i++)
		if (!strcmp(argv[1], programs[i].name)) {
			printf("%llu\n", (unsigned long long)programs[i].run());
			return 0;
		}
	fputs("usage: estimates PROGRAM, one of those in its source\n", stderr);
	return 2;
}
