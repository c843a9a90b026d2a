/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probed_calls FUNCTION CALLS: calls one function so often, and prints the CPU time that it took in
 * nanoseconds per call; what probes add is the difference between two runs.
 *
 * FUNCTION is one of libc or libsqlite3 (below), or two_microseconds, whose twin that nobody probes
 * is called in turn with it: "NS_PER_CALL NS_OF_THE_TWIN", by the clock on the wall, which is what
 * durations of calls are by.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TURN 100 /* calls */

#define FUNCTION __attribute__((noinline, noclone, noipa))

static volatile uint64_t sink;

#define TWO_MICROSECONDS(name)                                                                     \
	FUNCTION static uint64_t name(uint64_t value)                                              \
	{                                                                                          \
		for (int i = 0; i < 1300; i++)                                                     \
			value = value * 6364136223846793005 + 1442695040888963407;                 \
		return value;                                                                      \
	}
TWO_MICROSECONDS(two_microseconds)
TWO_MICROSECONDS(twin)

static void call_rand(void)
{
	sink += (uint64_t)rand(); /* NOLINT(cert-msc30-c,cert-msc50-cpp): any cheap function */
}

static void call_strtol(void)
{
	sink += (uint64_t)strtol("7", NULL, 10);
}

static void call_getenv(void)
{
	sink += (uintptr_t)getenv("_");
}

static void call_complete(void)
{
	sink += (uint64_t)sqlite3_complete(";");
}

static void call_compare(void)
{
	sink += (uint64_t)sqlite3_strnicmp("ab", "AC", 2);
}

static void call_threadsafe(void)
{
	sink += (uint64_t)sqlite3_threadsafe();
}

static void call_two(void)
{
	sink = two_microseconds(sink);
}

static void call_twin(void)
{
	sink = twin(sink);
}

static double cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static double time_calls(void (*call)(void), long calls)
{
	double start_ns = cpu_ns();

	for (long i = 0; i < calls; i++)
		call();
	return (cpu_ns() - start_ns) / (double)calls;
}

static double wall_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* In short turns, so that whatever else the machine does meets both. */
static void time_twins(long calls)
{
	double two_ns = 0, twin_ns = 0;

	for (long turn = 0; turn < calls / TURN; turn++) {
		double start_ns = wall_ns(), middle_ns;

		for (int i = 0; i < TURN; i++)
			call_two();
		middle_ns = wall_ns();
		for (int i = 0; i < TURN; i++)
			call_twin();
		two_ns += middle_ns - start_ns;
		twin_ns += wall_ns() - middle_ns;
	}
	printf("%.1f %.1f\n", two_ns / (double)calls, twin_ns / (double)calls);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*call)(void);
	} functions[] = {
		{"rand", call_rand},
		{"strtol", call_strtol},
		{"getenv", call_getenv},
		{"sqlite3_complete", call_complete},
		{"sqlite3_strnicmp", call_compare},
		{"sqlite3_threadsafe", call_threadsafe},
		{"two_microseconds", call_two},
	};
	long calls = argc > 2 ? atol(argv[2]) : 100000;

	for (size_t i = 0; argc > 1 && i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(argv[1], functions[i].name)) {
			if (functions[i].call == call_two)
				time_twins(calls);
			else
				printf("%.1f\n", time_calls(functions[i].call, calls));
			return 0;
		}
	fputs("probed_calls: which function?\n", stderr);
	return 1;
}
