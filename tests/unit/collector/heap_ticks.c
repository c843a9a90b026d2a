/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/heap_ticks.c. */
#include "collector/capture/heap_ticks.h"

#include <criterion/criterion.h>
#include <math.h>

Test(heap_ticks, what_probes_took_is_added_up_over_processors_of_different_load)
{
	/* The second lost half of its ticks to the machine's owner, the third is offline. */
	const struct heap_cpu cpus[] = {{.ticks = 1000, .probe_ticks = 100},
					{.ticks = 500, .probe_ticks = 200},
					{.ticks = 0}};
	struct heap_share share = heap_ticks_share(cpus, 3);

	cr_expect_float_eq(share.processors, 0.1 + 0.4, 1e-9);
	cr_expect_eq(share.ticks, 300);
	cr_expect_float_eq(share.error, sqrt(0.1 * 0.9 / 1000 + 0.4 * 0.6 / 500 + 1e-6), 1e-9);
}

Test(heap_ticks, no_tick_is_no_knowledge_and_none_that_found_a_probe_is_little)
{
	const struct heap_cpu none = {0}, few = {.ticks = 100};

	cr_expect(isinf(heap_ticks_share(&none, 1).error));
	cr_expect_float_eq(heap_ticks_share(&few, 1).error, 0.01, 1e-9);
}
