/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gaps SECONDS STACK_KB PROCESSOR: the share of the time, in percent, in which a loop that does
 * nothing but read the processor's clock stands still.
 *
 * On a processor of its own that is what interrupts take of a program, samples among them: a finer
 * measure than CPU times, which on a shared machine vary by more than sampling costs. Standing
 * still for longer than an interrupt takes means that somebody else ran, and does not count. Beside
 * it stands the median of the gaps that a timer's interrupt may be, in microseconds: what one
 * sample takes, where there are many, whoever else is about.
 *
 * The loop is at the bottom of a recursion, on a stack of which STACK_KB are in memory.
 */
#include <alloca.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define FRAMES	       10
#define LEAST_NS       300
#define LONGEST_NS     200000
#define LEAST_TIMER_NS 5000
#define MOST_GAPS      100000

static double cycles_per_ns;
static uint64_t gaps[MOST_GAPS];
static size_t gap_count;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void calibrate(void)
{
	uint64_t start_ns = now_ns(), start = __rdtsc(), end_ns;

	do
		end_ns = now_ns();
	while (end_ns - start_ns < 50000000);
	cycles_per_ns = (double)(__rdtsc() - start) / (double)(end_ns - start_ns);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median_us(void)
{
	size_t middle = gap_count / 2;

	qsort(gaps, gap_count, sizeof(*gaps), compare);
	return gap_count ? (double)gaps[middle] / cycles_per_ns / 1000 : 0;
}

static void keep(uint64_t gap)
{
	if (gap_count < MOST_GAPS && (double)gap > LEAST_TIMER_NS * cycles_per_ns)
		gaps[gap_count++] = gap;
}

/* Returns the share of the loop's own time. */
static double look(double seconds)
{
	uint64_t least = (uint64_t)(LEAST_NS * cycles_per_ns);
	uint64_t longest = (uint64_t)(LONGEST_NS * cycles_per_ns);
	uint64_t start = __rdtsc(), end = start + (uint64_t)(seconds * 1e9 * cycles_per_ns);
	uint64_t before = start, now, taken = 0, away = 0;

	do {
		now = __rdtsc();
		if (now - before > longest) {
			away += now - before;
		} else if (now - before > least) {
			taken += now - before;
			keep(now - before);
		}
		before = now;
	} while (now < end);
	return (double)taken / (double)(now - start - away);
}

static __attribute__((noinline)) double descend(int frames, size_t bytes, double seconds)
{
	volatile char *room = alloca(bytes / FRAMES + 1);
	double share;

	memset((char *)room, 1, bytes / FRAMES + 1);
	share = frames ? descend(frames - 1, bytes, seconds) : look(seconds);
	return share + room[0] - 1;
}

int main(int argc, char **argv)
{
	cpu_set_t processor;

	if (argc < 4)
		return 1;
	CPU_ZERO(&processor);
	CPU_SET(atoi(argv[3]), &processor);
	sched_setaffinity(0, sizeof(processor), &processor);
	calibrate();
	printf("%.3f",
	       100 * descend(FRAMES, strtoul(argv[2], NULL, 10) * 1024, strtod(argv[1], NULL)));
	printf(" %.2f\n", median_us());
	return 0;
}
