/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probed_calls FUNCTION CALLS: calls one function so often, and prints the CPU time that it took in
 * nanoseconds per call; what probes add is the difference between two runs.
 *
 * FUNCTION is one of libc or libsqlite3 (below), or two_microseconds, whose twin that nobody probes
 * is timed in the same run: "NS_PER_CALL NS_OF_THE_TWIN".
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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
			printf("%.1f", time_calls(functions[i].call, calls));
			if (functions[i].call == call_two)
				printf(" %.1f", time_calls(call_twin, calls));
			putchar('\n');
			return 0;
		}
	fputs("probed_calls: which function?\n", stderr);
	return 1;
}
