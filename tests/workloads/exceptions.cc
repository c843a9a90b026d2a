/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exceptions: C++ functions that are called, and left by exceptions, a known number of times.
 *
 *     exceptions throw N     `thrower` throws every third time, through `middle`, whose local
 * object has a destructor, to `catcher` exceptions rethrow N   `relay` catches what `thrower`
 * throws, and throws it on to `outer` exceptions deep N      `dive` throws after five calls of
 * itself; `top` catches exceptions threads N   the first in 8 threads, N times in all exceptions
 * tail N      `front` ends in a jump through a table of functions, to `back` exceptions maybe N
 * `maybe` ends in a jump to `odd`, for odd numbers exceptions switch N    `choose` has a jump table
 *     exceptions cancel N    N threads are cancelled in `waiter`
 *     exceptions longjmp N   `jumper` leaves itself by longjmp
 *     exceptions sort N      what qsort compares with throws, through libc, to the caller of `sorter`
 *     exceptions late N      `late` throws after some tenth of a millisecond; "late_ns" is how long
 * all that took by the program's own clock exceptions fork N      three children do the first,
 * within `forker`
 *
 * Prints "FUNCTION CALLS THROWN" for each, and last a number that all calls take part in.
 */
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

#define FUNCTION	  __attribute__((noinline, noclone, no_icf))
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

extern "C" {

static volatile uint64_t sum;

struct guarded {
	FUNCTION ~guarded();
};

guarded::~guarded()
{
	sum = sum + 1;
}

FUNCTION static uint64_t thrower(uint64_t value)
{
	if (value % 3 == 0)
		throw std::runtime_error("third");
	NOT_A_TAIL_CALL();
	return value + sum;
}

FUNCTION static uint64_t middle(uint64_t value)
{
	guarded object;

	return thrower(value) + 1;
}

FUNCTION static uint64_t catcher(uint64_t value)
{
	try {
		return middle(value);
	} catch (const std::exception &) {
		return 7;
	}
}

static uint64_t thirds(uint64_t count)
{
	return (count + 2) / 3;
}

static void run_throw(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + catcher(i);
	printf("thrower %lu %lu\nmiddle %lu %lu\ncatcher %lu 0\nguarded::~guarded %lu 0\n", count,
	       thirds(count), count, thirds(count), count, count);
}

FUNCTION static uint64_t relay(uint64_t value)
{
	try {
		return thrower(value) + 1;
	} catch (...) {
		sum = sum + 2;
		throw;
	}
}

FUNCTION static uint64_t outer(uint64_t value)
{
	try {
		return relay(value);
	} catch (const std::exception &) {
		return 9;
	}
}

static void run_rethrow(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + outer(i);
	printf("thrower %lu %lu\nrelay %lu %lu\nouter %lu 0\n", count, thirds(count), count,
	       thirds(count), count);
}

FUNCTION static uint64_t dive(uint64_t levels)
{
	if (levels == 0)
		throw 5;
	levels = dive(levels - 1) + 1;
	NOT_A_TAIL_CALL();
	return levels;
}

FUNCTION static uint64_t top(uint64_t value)
{
	try {
		return dive(4) + value;
	} catch (int number) {
		return (uint64_t)number;
	}
}

static void run_deep(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + top(i);
	printf("dive %lu %lu\ntop %lu 0\n", 5 * count, 5 * count, count);
}

static void *call_catcher(void *count)
{
	for (uint64_t i = 0; i < *(uint64_t *)count; i++)
		catcher(i);
	return NULL;
}

static void run_threads(uint64_t count)
{
	uint64_t share = count / 8;
	pthread_t threads[8];

	for (pthread_t &thread : threads)
		pthread_create(&thread, NULL, call_catcher, &share);
	for (pthread_t &thread : threads)
		pthread_join(thread, NULL);
	printf("thrower %lu %lu\ncatcher %lu 0\n", 8 * share, 8 * thirds(share), 8 * share);
	sum = 0; /* threads add to it as it comes */
}

FUNCTION static uint64_t back(uint64_t value)
{
	return value * 3 + sum;
}

static uint64_t (*const volatile table[])(uint64_t) = {back, back};

FUNCTION static uint64_t front(uint64_t value)
{
	return table[value & 1](value + 1);
}

static void run_tail(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + front(i);
	printf("front %lu 0\nback %lu 0\n", count, count);
}

FUNCTION static uint64_t odd(uint64_t value)
{
	return value * 5 + sum;
}

FUNCTION static uint64_t maybe(uint64_t value)
{
	if (value & 1)
		return odd(value);
	return value;
}

static void run_maybe(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + maybe(i);
	printf("maybe %lu 0\nodd %lu 0\n", count, count / 2);
}

FUNCTION static uint64_t choose(uint64_t value)
{
	switch (value % 7) {
	case 0:
		sum = sum ^ 11;
		return value;
	case 1:
		return sum * 3;
	case 2:
		sum = sum + value;
		break;
	case 3:
		sum = sum - 5;
		return 2;
	case 4:
		return value << 2;
	case 5:
		sum = sum * 9;
		break;
	default:
		return 1;
	}
	return sum;
}

static void run_switch(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sum = sum + choose(i);
	printf("choose %lu 0\n", count);
}

FUNCTION static void *waiter(void *)
{
	guarded object;

	for (;;)
		pause();
}

static void run_cancel(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, waiter, NULL);
		usleep(2000);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	printf("waiter %lu 0\n", count);
}

static jmp_buf start;

FUNCTION static void jumper(uint64_t value)
{
	if (value % 2)
		longjmp(start, 1);
	sum = sum + value;
}

static void run_longjmp(uint64_t count)
{
	for (volatile uint64_t i = 0; i < count; i = i + 1)
		if (!setjmp(start))
			jumper(i);
	printf("jumper %lu 0\n", count);
}

FUNCTION static void late(uint64_t value)
{
	for (int i = 0; i < 100000; i++)
		value = value * 6364136223846793005 + 1442695040888963407;
	throw value;
}

static int compare(const void *left, const void *right)
{
	static uint64_t calls;

	if (++calls % 5 == 0)
		throw std::runtime_error("fifth");
	return *(const int *)left - *(const int *)right;
}

FUNCTION static void sorter(void)
{
	int numbers[] = {3, 2, 1, 5, 8, 6, 7, 4};
	guarded object;

	qsort(numbers, 8, sizeof(*numbers), compare);
}

static void run_sort(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		try {
			sorter();
		} catch (const std::exception &) {
			sum = sum + 3;
		}
	printf("sorter %lu %lu\nqsort %lu 0\n", count, count, count);
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void run_late(uint64_t count)
{
	uint64_t spent_ns = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t start_ns = now_ns();

		try {
			late(i);
		} catch (uint64_t value) {
			spent_ns += now_ns() - start_ns;
			sum = sum + value;
		}
	}
	printf("late %lu %lu\nlate_ns %lu 0\n", count, count, spent_ns);
}

FUNCTION static int forker(uint64_t count)
{
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			call_catcher(&count);
			return 1;
		}
	while (wait(NULL) > 0)
		;
	return 0;
}

static void run_fork(uint64_t count)
{
	if (forker(count))
		_exit(0);
	printf("thrower %lu %lu\ncatcher %lu 0\nforker 1 0\n", 3 * count, 3 * thirds(count),
	       3 * count);
}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(uint64_t count);
	} kinds[] = {
		{"throw", run_throw},	  {"rethrow", run_rethrow}, {"deep", run_deep},
		{"threads", run_threads}, {"tail", run_tail},	    {"maybe", run_maybe},
		{"switch", run_switch},	  {"cancel", run_cancel},   {"longjmp", run_longjmp},
		{"late", run_late},	  {"fork", run_fork},	    {"sort", run_sort},
	};
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;

	for (const auto &kind : kinds)
		if (argc > 1 && !strcmp(argv[1], kind.name)) {
			kind.run(count);
			printf("sum %lu\n", (uint64_t)sum);
			return 0;
		}
	fputs("exceptions: no such kind\n", stderr);
	return 1;
}
