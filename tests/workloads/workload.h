/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload: what the programs with a known call structure share.
 *
 * Each takes the seconds of CPU time to run as its argument (1 by default) and prints a number, so
 * that nothing it computes can be optimised away. They are compiled with -O2 and without frame
 * pointers.
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A function that stays one: not inlined, not cloned, not merged with an equal one. */
#define FUNCTION __attribute__((noinline, noclone, no_icf))

/* Keeps the call before it from becoming a jump, which would take the caller off the stack. */
#define NOT_A_TAIL_CALL() __asm__ volatile("" ::: "memory")

static inline void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

/* Lets a thread of this process wait in a futex for so many milliseconds at least, however late it
 * comes there; for its coming a minute at most. Source: proc(5), /proc/pid/task/tid/syscall. */
static inline void workload_let_wait(int tid, long ms)
{
	char path[64], text[8];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	for (int i = 0, is_there = 0; i < 60000 && !is_there; i++) {
		FILE *stream = fopen(path, "re");
		char *line = stream ? fgets(text, sizeof(text), stream) : NULL;

		if (stream)
			fclose(stream);
		is_there = line && !strncmp(text, "202 ", 4); /* SYS_futex */
		pause_ms(is_there ? ms : 1);
	}
}

/* Some hundred microseconds of arithmetic. */
static inline __attribute__((always_inline)) uint64_t burn(uint64_t value)
{
	for (int i = 0; i < 100000; i++)
		value = value * 6364136223846793005 + 1442695040888963407;
	return value;
}

/* CPU time at which to end, by clock(). */
static inline clock_t workload_end(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;

	return clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
}
