/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/leak.h"

#include <criterion/criterion.h>
#include <math.h>

enum {
	LOOKS = 60,
	STEPS = 20, /* between two looks */
};

static unsigned long state = 1;

/* Between -1 and 1. */
static double noise(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double)(state >> 11) / (double)(1UL << 52) - 1;
}

/* Judges a level of 50 MB that is @shape of the share of the time that has passed, and noise of 200
 * KB. */
static struct leak judge(double (*shape)(double passed))
{
	double steps[LOOKS], levels[LOOKS];
	struct leak leak;

	for (int i = 0; i < LOOKS; i++) {
		steps[i] = (i + 1) * STEPS;
		levels[i] = 50e6 + shape((i + 1.0) / LOOKS) + 2e5 * noise();
	}
	leak_judge(&leak, steps, levels, LOOKS);
	return leak;
}

static double leak_of_10_kb_a_step(double passed)
{
	return passed * LOOKS * STEPS * 10e3;
}

static double flat(double passed)
{
	(void)passed;
	return 0;
}

static double filling_a_cache(double passed)
{
	return 40e6 * (1 - exp(-passed / 0.3));
}

static double logarithm(double passed)
{
	return 30e6 * log(1 + 20 * passed);
}

static double up_and_down(double passed)
{
	return 5e6 * sin(40 * passed);
}

Test(leak, ten_kilobytes_a_step_are_found_and_their_interval_covers_them)
{
	for (state = 1; state < 50; state++) {
		struct leak leak = judge(leak_of_10_kb_a_step);

		cr_assert_eq(leak.verdict, LEAK_FOUND);
		cr_assert(fabs(leak.per_step - 10e3) < 1e3);
		cr_assert(leak.low < 11e3 && leak.high > 9e3);
	}
}

Test(leak, a_flat_level_is_none)
{
	for (state = 1; state < 50; state++)
		cr_assert_eq(judge(flat).verdict, LEAK_NONE);
}

Test(leak, a_program_that_warms_up_is_not_called_a_leak)
{
	for (state = 1; state < 50; state++) {
		cr_assert_neq(judge(filling_a_cache).verdict, LEAK_FOUND);
		cr_assert_neq(judge(logarithm).verdict, LEAK_FOUND);
	}
	cr_assert(judge(logarithm).is_slowing);
}

/* How many of 100 are called leaks. */
static int count_found(double (*shape)(double passed))
{
	int found = 0;

	for (int trial = 0; trial < 100; trial++)
		found += judge(shape).verdict == LEAK_FOUND;
	return found;
}

static double small_logarithm(double passed)
{
	return 5e6 * log(3000 * passed);
}

Test(leak, noise_makes_no_leak_of_what_warms_up_and_hides_none)
{
	cr_expect_leq(count_found(small_logarithm), 2);
	cr_expect_geq(count_found(leak_of_10_kb_a_step), 95);
}

Test(leak, what_rises_and_falls_is_not_called_a_leak)
{
	for (state = 1; state < 50; state++)
		cr_assert_neq(judge(up_and_down).verdict, LEAK_FOUND);
}

/* Judges 1000 steps of a level of 300 MB, @shape more after a number of them, and noise of a page.
 */
static struct leak judge_large(double (*shape)(double step))
{
	double steps[LOOKS], levels[LOOKS];
	struct leak leak;

	for (int i = 0; i < LOOKS; i++) {
		steps[i] = (i + 1) * 1000.0 / LOOKS;
		levels[i] = 300e6 + shape(steps[i]) + 4096 * noise();
	}
	leak_judge(&leak, steps, levels, LOOKS);
	return leak;
}

static double two_pages_and_a_half(double step)
{
	return 10240 * step;
}

static double leak_in_bursts(double step)
{
	return 2e6 * floor(step / 200);
}

static double one_jump(double step)
{
	return step > 600 ? 5e6 : 0;
}

static double slow_cache(double step)
{
	return 10e6 * (1 - exp(-step / 500));
}

static double first_touches(double step)
{
	return 4096 * floor(step / 250);
}

Test(leak, what_grows_steadily_is_a_leak_however_large_the_level)
{
	for (state = 1; state < 50; state++) {
		struct leak leak = judge_large(two_pages_and_a_half);

		cr_assert_eq(leak.verdict, LEAK_FOUND);
		cr_assert(leak.low < 10240 && leak.high > 10240);
	}
}

Test(leak, what_grows_and_never_gives_back_is_not_called_none)
{
	for (state = 1; state < 50; state++) {
		cr_assert_eq(judge_large(leak_in_bursts).verdict, LEAK_CANNOT_TELL);
		cr_assert_eq(judge_large(one_jump).verdict, LEAK_CANNOT_TELL);
		cr_assert_eq(judge_large(slow_cache).verdict, LEAK_CANNOT_TELL);
	}
}

Test(leak, a_few_pages_more_are_none)
{
	for (state = 1; state < 50; state++)
		cr_assert_eq(judge_large(first_touches).verdict, LEAK_NONE);
}

Test(leak, growth_of_less_than_a_page_in_the_whole_run_is_none)
{
	double steps[LOOKS], levels[LOOKS];
	struct leak leak;

	for (int i = 0; i < LOOKS; i++) {
		steps[i] = i + 1;
		levels[i] = 300e6 + 40 * steps[i];
	}
	leak_judge(&leak, steps, levels, LOOKS);
	cr_assert_eq(leak.verdict, LEAK_NONE);
	for (int i = 0; i < LOOKS; i++)
		levels[i] = 300e6 + 80 * steps[i];
	leak_judge(&leak, steps, levels, LOOKS);
	cr_assert_eq(leak.verdict, LEAK_FOUND);
}

Test(leak, a_jump_by_as_much_as_the_kernel_counts_at_once_is_not_called_none)
{
	double steps[LOOKS], levels[LOOKS];
	struct leak leak;

	for (int i = 0; i < LOOKS; i++) {
		steps[i] = i + 1;
		levels[i] = 300e6 + (i > 40 ? LEAK_UNSEEN : 0);
	}
	leak_judge(&leak, steps, levels, LOOKS);
	cr_assert_eq(leak.verdict, LEAK_CANNOT_TELL);
}

Test(leak, few_looks_tell_nothing)
{
	double steps[] = {10, 20, 30, 40}, levels[] = {1e6, 2e6, 3e6, 4e6};
	struct leak leak;

	leak_judge(&leak, steps, levels, 4);
	cr_assert_eq(leak.verdict, LEAK_CANNOT_TELL);
	cr_assert_eq(leak.parts, 0);
	leak_judge(&leak, NULL, NULL, 0);
	cr_assert_eq(leak.verdict, LEAK_CANNOT_TELL);
}
