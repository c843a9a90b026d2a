/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/perf_cost.c. */
#include "collector/capture/perf_cost.h"

#include <criterion/criterion.h>

#include "tests/requirements.h"

Test(perf_cost, is_more_than_an_empty_system_call_and_less_than_a_tick)
{
	struct perf_source_options options = {
		.engine = perf_engine_find("cpu-clock-user"),
		.copy_bytes = PERF_SOURCE_COPY_BYTES,
	};
	uint64_t cost_ns;

	require("perf");
	cost_ns = perf_cost_ns(&options);
	cr_assert_gt(cost_ns, 100);
	cr_assert_lt(cost_ns, 4000000);
}

Test(perf_cost, is_unknown_where_there_are_no_events)
{
	struct perf_engine none = *perf_engine_find("cpu-clock-user");
	struct perf_source_options options = {.engine = &none};

	none.type = 12345;
	cr_assert_eq(perf_cost_ns(&options), 0);
}
