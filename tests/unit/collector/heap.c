/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/heap.c, on a process of our own. */
#include "collector/capture/heap.h"
#include "collector/allocator.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/requirements.h"

#define BLOCKS	    50
#define BLOCK_BYTES 1000000u

struct seen {
	uint64_t allocations, allocated, stacks;
};

static void see(void *context, const struct event *event)
{
	struct seen *seen = context;

	seen->stacks += event->kind == EVENT_STACK;
	if (event->kind != EVENT_AMOUNT)
		return;
	if (!strcmp(event->amount.metric->name, "allocations"))
		seen->allocations += event->amount.weight;
	else
		seen->allocated += event->amount.weight;
}

/* The process waits for most of its time; what it uses of a processor does not matter without a
 * budget. */
static uint64_t elapsed_ns(const void *unused)
{
	struct timespec time;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Allocates when a byte comes, and ends when the pipe does. */
static void allocate(int begin, int done)
{
	char byte;

	if (read(begin, &byte, 1) == 1)
		for (int i = 0; i < BLOCKS; i++) {
			void *volatile block = malloc(BLOCK_BYTES);

			free(block);
		}
	if (write(done, "", 1) == 1 && read(begin, &byte, 1) == 0)
		_exit(0);
	_exit(1);
}

Test(heap, blocks_larger_than_the_rate_are_all_seen_with_their_stacks)
{
	struct heap_options options = {.rate = 1024, .cpu_ns = elapsed_ns};
	struct seen seen = {0};
	struct heap_file file;
	struct error error;
	struct source row;
	struct heap *heap;
	int begin[2], done[2], status;
	char byte;
	pid_t pid;

	require("bpf");
	cr_assert(!pipe(begin) && !pipe(done));
	pid = fork();
	if (!pid) {
		close(begin[1]);
		allocate(begin[0], done[1]);
	}
	cr_assert_eq(allocator_find(pid, &file, &error), 0, "%s", error.text);
	heap = heap_open(&options, &pid, 1, &file, &error);
	cr_assert_not_null(heap, "%s", error.text);
	row = heap_row(heap);
	cr_assert_eq(write(begin[1], "", 1), 1);
	cr_assert_eq(read(done[0], &byte, 1), 1);
	source_round(&row, 1, false, see, &seen);
	row.kind->stop(row.self);
	source_round(&row, 1, true, see, &seen);
	close(begin[1]);
	cr_assert(waitpid(pid, &status, 0) == pid && !status);
	cr_expect_eq(seen.stacks, BLOCKS);
	cr_expect_geq(seen.allocations, BLOCKS);
	/* Whatever they stand for beside themselves, each is of this size. */
	cr_expect_float_eq((double)seen.allocated / (double)seen.allocations, BLOCK_BYTES,
			   0.05 * BLOCK_BYTES);
	row.kind->close(row.self);
}
