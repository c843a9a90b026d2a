/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/memory_path.c. */
#include "reports/memory_path.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static struct profile *profile;
static struct memory memory;
static uint32_t calls, live;

static void setup(void)
{
	profile = profile_new();
	calls = profile_metric_add(profile, "allocations", "count", 1);
	live = profile_metric_add(profile, "live", "bytes", 1);
}

static void teardown(void)
{
	memory_done(&memory);
	profile_free(profile);
}

TestSuite(memory_path, .init = setup, .fini = teardown);

static void sample(const char *folded, uint32_t metric, uint64_t value)
{
	uint32_t stack = add_stack(profile, folded, 0);

	profile_sample_add(profile, &(struct profile_sample){.stack = stack,
							     .metric = (uint16_t)metric,
							     .value = value});
}

/* Returns the paths to the first site, each as "caller<caller=amount", with spaces between. */
static const char *paths_of_first(enum memory_amount amount, bool branches, uint32_t callers)
{
	static char text[1000];
	struct memory_path_index *index;
	struct memory_paths paths;
	size_t length = 0;

	cr_assert(memory_measure(&memory, profile));
	memory_sort(&memory, amount);
	index = memory_path_index_new(&memory, profile);
	memory_paths_measure(&paths, index, 0, amount, branches, callers);
	for (size_t i = 0; i < paths.count; i++) {
		for (uint32_t at = 0; at < paths.rows[i].caller_count; at++)
			length += (size_t)snprintf(
				text + length, sizeof(text) - length, "%s%s", at ? "<" : "",
				profile->functions[paths.rows[i].callers[at].symbol].name);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "=%lu%s",
					   (unsigned long)paths.rows[i].amounts[amount],
					   i + 1 < paths.count ? " " : "");
	}
	memory_paths_done(&paths);
	memory_path_index_free(index);
	return text;
}

Test(memory_path, tells_a_wrapper_apart_by_its_callers_the_heaviest_first)
{
	sample("main;leak;my_alloc;malloc", live, 10);
	sample("main;keep;my_alloc", live, 30);
	sample("main;leak;my_alloc;malloc", live, 5);
	sample("main;other", live, 20);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, false, 12), "keep<main=30 leak<main=15");
}

Test(memory_path, leaves_out_what_has_nothing_of_the_amount)
{
	sample("main;leak;my_alloc", live, 10);
	sample("main;use;my_alloc", calls, 1000);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, false, 12), "leak<main=10");
}

Test(memory_path, begins_where_ways_part_and_ends_after_so_many_callers)
{
	sample("main;a;get;pool;my_alloc", live, 3);
	sample("main;b;get;pool;my_alloc", live, 2);
	sample("start;b;get;pool;my_alloc", live, 2);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, true, 1), "b=4 a=3");
	memory_done(&memory);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, false, 2), "pool<get=7");
}

Test(memory_path, one_way_ends_where_the_other_goes_on)
{
	sample("get;my_alloc", live, 3);
	sample("main;get;my_alloc", live, 2);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, true, 5), "=3 main=2");
}

Test(memory_path, the_only_way_to_a_site_is_told_from_the_site_on)
{
	sample("main;get;my_alloc", live, 3);
	cr_expect_str_eq(paths_of_first(MEMORY_LIVE, true, 5), "get<main=3");
}
