/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/recorder.c: stacks of thousands of frames. */
#include "collector/recorder.h"
#include "tests/unit/collector/made_stack.h"

#include <criterion/criterion.h>
#include <unistd.h>

#define FRAMES 1025

static const struct event_metric cpu = {"cpu", "ns", 1, false};
static struct profile_sample last;

TestSuite(recorder_deep, .init = caught_stack_setup, .fini = caught_stack_teardown);

static int keep(void *context, const struct profile_sample *sample, struct error *error)
{
	(void)context;
	(void)error;
	last = *sample;
	return 0;
}

/* Takes a sample of a made stack. Returns its number of rows. */
static size_t take_made(struct recorder *recorder, uint64_t count)
{
	struct event event = {.kind = EVENT_SAMPLE, .pid = getpid(), .tid = getpid()};
	size_t rows = 0;

	make_frame_pointers(count);
	event.sample = (struct event_sample){.metric = &cpu,
					     .weight = 1,
					     .has_registers = EVENT_REGISTERS_64,
					     .stack = made.sample.stack,
					     .stack_bytes = made.sample.stack_bytes};
	memcpy(event.sample.registers, made.sample.registers, sizeof(event.sample.registers));
	recorder_take(recorder, &event);
	for (uint32_t stack = last.stack; stack; stack = profile->stacks[stack].parent)
		rows++;
	return rows;
}

Test(recorder_deep, deep_stacks_are_cut_when_the_profile_has_very_many_rows)
{
	struct recorder *recorder =
		recorder_new(profile, modules, (struct recorder_sink){.append = keep}, 0);
	uint32_t stack = 0;

	recorder_take(recorder, &(struct event){.kind = EVENT_MAPPING,
						.pid = getpid(),
						.tid = getpid(),
						.mapping = {.start = CODE,
							    .end = CODE + CODE_BYTES,
							    .path = "//anon"}});
	cr_expect_eq(take_made(recorder, FRAMES), FRAMES);
	cr_expect_eq(last.ending, PROFILE_ENDING_GUESSED);
	while (profile->stacks_count < RECORDER_WHOLE_ROWS)
		stack = profile_stack(profile, stack, 1);
	cr_expect_eq(take_made(recorder, FRAMES), 128 + 1);
	cr_expect_eq(last.ending, PROFILE_ENDING_TOO_DEEP);
	cr_expect_eq(take_made(recorder, FRAMES - 1), FRAMES - 1, "as before");
	cr_expect_eq(last.ending, PROFILE_ENDING_GUESSED);
	recorder_free(recorder);
}
