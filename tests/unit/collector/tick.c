/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/tick.c. */
#include "collector/capture/tick.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "tests/requirements.h"

static const struct tick model = {.entry_start = 0x1000, .entry_end = 0x1040};

static struct event_sample cut(const uint64_t *chain, size_t count)
{
	struct event_sample sample = {.kernel = chain, .kernel_count = count};

	tick_cut(&model, &sample);
	return sample;
}

Test(tick, interrupted_user_code_has_no_kernel_frames)
{
	uint64_t chain[] = {0x9000, 0x9100, 0x9200, 0x1010};

	cr_assert_eq(cut(chain, 4).kernel_count, 0);
}

Test(tick, interrupted_kernel_code_keeps_its_own_frames)
{
	uint64_t chain[] = {0x9000, 0x9100, 0x1040, 0x8000, 0x8100};
	struct event_sample sample = cut(chain, 5);

	cr_assert_eq(sample.kernel_count, 2);
	cr_assert_eq(sample.kernel[0], 0x8000);
}

Test(tick, only_the_first_entry_is_the_ticks_own)
{
	uint64_t chain[] = {0x9000, 0x1010, 0x8000, 0x1010, 0x7000};

	cr_assert_eq(cut(chain, 5).kernel_count, 3);
}

Test(tick, a_chain_without_the_entry_is_left_as_it_is)
{
	uint64_t chain[] = {0x9000, 0x9100, 0x0fff, 0x1041};

	cr_assert_eq(cut(chain, 4).kernel_count, 4);
	cr_assert_eq(cut(chain, 0).kernel_count, 0);
}

Test(tick, finds_and_proves_the_tick_of_this_kernel)
{
	struct tick tick;
	struct error error;

	require("root");
	cr_assert_eq(tick_find(&tick, &error), 0, "%s", error.text);
	cr_assert_gt(tick.handler, 0xffff800000000000u);
	cr_assert_lt(tick.entry_start, tick.entry_end);
	cr_assert_lt(tick.entry_end - tick.entry_start, 4096u);
	cr_assert(tick.period_ns >= 1000000 && tick.period_ns <= 10000000);
	cr_assert_eq(tick_prove(&tick, &error), 0, "%s", error.text);
	/* An event on another function never fires, and that is noticed. */
	tick.handler += 1;
	cr_assert_lt(tick_prove(&tick, &error), 0);
	cr_assert(strstr(error.text, "delivers no samples"), "%s", error.text);
}
