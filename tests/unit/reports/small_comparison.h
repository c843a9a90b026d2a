/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * small_comparison: comparisons of runs that are spelt as folded stacks.
 */
#pragma once

#include "reports/comparison.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

enum {
	RUNS = 48
};

/* Runs made of folded stacks, and the two groups that are compared. */
struct bench {
	struct comparison_names names;
	struct comparison_run runs[RUNS];
	const struct comparison_run *base[RUNS], *fresh[RUNS];
	size_t count, base_count, fresh_count;
	int steps; /* that the next run takes */
	struct comparison comparison;
};

struct stack {
	const char *folded;
	uint32_t samples;
};

static inline void add_run(struct bench *bench, bool fresh, const struct stack *stacks,
			   size_t count)
{
	struct profile *profile = new_profile();
	struct comparison_run *run = &bench->runs[bench->count++];
	struct report report;

	profile_set_number(profile, "start_clock_ns", (int64_t)bench->count);
	for (size_t i = 0; i < count; i++)
		if (stacks[i].samples)
			add_stack(profile, stacks[i].folded, stacks[i].samples);
	for (int i = 0; i < bench->steps; i++)
		profile_step_add(profile, &(struct profile_step){.start_ns = i, .end_ns = i + 1});
	report_init(&report, profile);
	comparison_run_init(run, "some.prof", &report, &bench->names);
	report_done(&report);
	if (fresh)
		bench->fresh[bench->fresh_count++] = run;
	else
		bench->base[bench->base_count++] = run;
}

static inline void compare(struct bench *bench, const struct comparison_options *options)
{
	comparison_make(&bench->comparison, options, &bench->names, bench->base, bench->base_count,
			bench->fresh, bench->fresh_count);
}

static inline const struct comparison_row *row_of(const struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->comparison.rows_count; i++) {
		const struct comparison_row *row = &bench->comparison.rows[i];

		if (row->function && !strcmp(row->function->name, name))
			return row;
	}
	cr_assert_fail("no row %s", name);
	return NULL;
}

static inline void done(struct bench *bench)
{
	comparison_done(&bench->comparison);
	for (size_t i = 0; i < bench->count; i++)
		comparison_run_done(&bench->runs[i]);
	comparison_names_done(&bench->names);
}

/* Noise that is the same every time: up to 1 percent either way, differently for each function. */
static inline uint32_t noisy(int samples, int run, int function)
{
	return samples + samples * ((run * 7 + function * 3) % 5 - 2) / 200;
}
