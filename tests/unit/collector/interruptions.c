/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/interruptions.c. */
#include "collector/capture/interruptions.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "tests/requirements.h"

/* More than a ring holds, each with a copy of 16 KB. */
#define TOO_MANY_FOR_A_RING 400

static struct interruptions *interruptions;
static struct source row;
static char room[65536];
static uint64_t handler_stack;

/* What a round has delivered. */
static struct {
	unsigned ours, missed;
	uint64_t stack_pointer, place;
	size_t stack_bytes;
} seen;

static void deliver(void *context, const struct event *event)
{
	(void)context;
	seen.missed += event->kind == EVENT_INTERRUPTIONS_MISSED;
	if (event->kind != EVENT_INTERRUPTION || event->tid != gettid())
		return;
	cr_expect_eq(event->pid, getpid());
	cr_expect_eq(event->sample.has_registers, EVENT_REGISTERS_64);
	seen.ours++;
	seen.stack_pointer = event->sample.registers[7];
	seen.stack_bytes = event->sample.stack_bytes;
}

static void read_round(void)
{
	memset(&seen, 0, sizeof(seen));
	source_round(&row, 1, false, deliver, NULL);
}

/* The context lies on the handler's stack. */
static void handle(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)information;
	handler_stack = (uint64_t)(uintptr_t)context;
}

static void raise_some(int count)
{
	while (count--)
		raise(SIGUSR1);
}

/* Raises until one is told: other programs' can fill the ring meanwhile. */
static void raise_and_read(void)
{
	for (int i = 0; i < 1000 && (!i || !seen.ours); i++) {
		raise_some(1);
		read_round();
	}
	cr_expect_eq(seen.ours, 1);
}

static void begin(uint64_t most)
{
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction usual = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
	cpu_set_t first;

	require("root");
	require("perf");
	CPU_ZERO(&first);
	CPU_SET(sched_getcpu(), &first);
	sched_setaffinity(0, sizeof(first), &first);
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &usual, NULL);
	interruptions = interruptions_new(most);
	row = interruptions_row(interruptions);
}

static void done(void)
{
	if (interruptions)
		row.kind->close(interruptions);
}

TestSuite(interruptions, .fini = done);

Test(interruptions, are_told_from_the_beginning_on_with_the_stack_that_is_interrupted)
{
	begin(UINT64_MAX);
	raise_some(1);
	read_round();
	cr_expect_eq(seen.ours, 0);

	interruptions_begin(interruptions);
	raise_and_read();
	cr_expect_gt(seen.stack_bytes, 0);
	cr_expect(handler_stack >= (uint64_t)(uintptr_t)room &&
		  handler_stack < (uint64_t)(uintptr_t)room + sizeof(room));
	cr_expect(seen.stack_pointer < (uint64_t)(uintptr_t)room ||
		  seen.stack_pointer > (uint64_t)(uintptr_t)room + sizeof(room));

	raise(SIGUSR2);
	read_round();
	cr_expect_eq(seen.ours, 0, "a handler on the stack that it interrupts");
}

Test(interruptions, that_found_no_room_take_back_those_before)
{
	begin(UINT64_MAX);
	interruptions_begin(interruptions);
	raise_some(TOO_MANY_FOR_A_RING);
	read_round();
	cr_expect_eq(seen.missed, 1);
	cr_expect_eq(seen.ours, 0, "one of them may have been followed by one that is missing");
	raise_and_read();
}

Test(interruptions, are_given_up_where_they_are_too_many)
{
	struct profile *profile = profile_new();

	begin(10);
	interruptions_begin(interruptions);
	raise_some(40);
	read_round();
	cr_expect_geq(seen.missed, 1);
	raise_some(1);
	read_round();
	cr_expect_eq(seen.ours, 0);
	row.kind->describe(interruptions, profile);
	cr_expect_eq(profile_number(profile, "interruptions.too_many", 0), 1);
	profile_free(profile);
}
