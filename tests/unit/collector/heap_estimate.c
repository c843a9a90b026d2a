/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/heap_estimate.c, on programs whose amounts are known. */
#include "collector/capture/heap_estimate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define WINDOW_NS 1e7
#define RATE	  4096u
#define EACH	  500.0 /* bytes of an allocation */

/* A program that computes for so long between two allocations, each of which pays so much. */
struct program {
	double between_ns, paid_ns;
	double spread; /* of between_ns from window to window */
};

static double evenly(void)
{
	return (double)random() / RAND_MAX;
}

/* Windows of a program that is busy all the time, of which they are a part in 20; returns the bytes
 * of all of it. */
static double run(const struct program *program, int count, struct heap_windows *windows,
		  struct heap_span *whole)
{
	double rates = 0;

	*windows = (struct heap_windows){0};
	for (int i = 0; i < count; i++) {
		double between = program->between_ns * (1 + program->spread * (2 * evenly() - 1));
		double hits = WINDOW_NS / (between + program->paid_ns);

		rates += EACH / between;
		heap_windows_add(windows,
				 &(struct heap_span){WINDOW_NS, WINDOW_NS, hits, hits * EACH});
	}
	*whole = windows->sum;
	whole->ns = whole->cpu_ns = windows->sum.ns + 19 * WINDOW_NS * count;
	return rates / count * (whole->cpu_ns - windows->sum.ns) + windows->sum.bytes;
}

/* What a tick would find of a cost: all but what comes after it. */
static struct heap_cost found(double paid_ns, double error)
{
	return (struct heap_cost){paid_ns / 1.15, error * paid_ns};
}

Test(heap_estimate, intervals_hold_the_truth_of_programs_of_every_kind)
{
	static const struct program programs[] = {
		{5000, 1400, 0.1}, {2000, 1400, 0.3}, {1500, 2000, 0.5}, {900, 700, 0.1}};
	int inside = 0, told = 0;

	srandom(1);
	for (int i = 0; i < 400; i++) {
		const struct program *program = &programs[i % 4];
		struct heap_cost cost = found(program->paid_ns * (0.92 + 0.16 * evenly()), 0.05);
		struct heap_windows windows;
		struct heap_span whole;
		double truth = run(program, 12, &windows, &whole);
		struct heap_estimate estimate = heap_estimate_make(&windows, &whole, &cost, RATE);

		if (estimate.half_width >= 0) {
			told++;
			inside += fabs(estimate.stretch * windows.sum.bytes - truth) <=
				  estimate.half_width;
		}
		heap_windows_done(&windows);
	}
	cr_expect_geq(told, 380);
	cr_expect_geq(inside, told * 95 / 100, "%d of %d", inside, told);
}

Test(heap_estimate, a_cost_that_is_known_badly_makes_the_interval_wide)
{
	const struct program program = {5000, 1400, 0.1};
	struct heap_cost well = found(1400, 0.02), badly = found(1400, 0.5);
	struct heap_windows windows;
	struct heap_span whole;

	run(&program, 12, &windows, &whole);
	cr_expect_geq(heap_estimate_make(&windows, &whole, &badly, RATE).half_width,
		      2 * heap_estimate_make(&windows, &whole, &well, RATE).half_width);
	heap_windows_done(&windows);
}

Test(heap_estimate, a_program_that_does_nothing_but_allocate_has_at_least_what_is_told)
{
	const struct program program = {50, 1400, 0.1};
	struct heap_cost cost = found(1400, 0.05);
	struct heap_cost unknown = {0, INFINITY};
	struct heap_windows windows;
	struct heap_span whole;
	double truth = run(&program, 12, &windows, &whole);
	struct heap_estimate estimate = heap_estimate_make(&windows, &whole, &cost, RATE);

	cr_expect(estimate.is_drowned);
	cr_expect_eq(estimate.half_width, -1);
	cr_expect_leq(estimate.stretch * windows.sum.bytes, truth);
	cr_expect_geq(estimate.stretch, 15);
	estimate = heap_estimate_make(&windows, &whole, &unknown, RATE);
	cr_expect(estimate.is_drowned);
	cr_expect_leq(estimate.stretch, 20);
	cr_expect_geq(estimate.stretch, 15);
	heap_windows_done(&windows);
}

Test(heap_estimate, the_least_that_is_told_is_less_where_windows_differ)
{
	struct heap_cost cost = {1000, 20};
	double stretches[2];

	for (int differ = 0; differ < 2; differ++) {
		struct heap_windows windows = {0};
		struct heap_span whole;

		for (int i = 0; i < 10; i++) {
			double hits = 9000 + (differ ? i % 2 ? 800 : -800 : 0);

			heap_windows_add(&windows, &(struct heap_span){WINDOW_NS, WINDOW_NS, hits,
								       hits * EACH});
		}
		whole = windows.sum;
		whole.ns = whole.cpu_ns *= 20;
		stretches[differ] = heap_estimate_make(&windows, &whole, &cost, RATE).stretch;
		heap_windows_done(&windows);
	}
	cr_expect_lt(stretches[1], 0.9 * stretches[0]);
	cr_expect_geq(stretches[1], 1);
}

Test(heap_estimate, windows_in_which_nothing_ran_are_no_looks)
{
	const struct program program = {5000, 1400, 0};
	struct heap_cost cost = found(1400, 0.02);
	struct heap_windows windows;
	struct heap_span whole;

	run(&program, 3, &windows, &whole);
	for (int i = 0; i < 40; i++)
		heap_windows_add(&windows, &(struct heap_span){WINDOW_NS, 0, 0, 0});
	whole.ns += 40 * WINDOW_NS;
	cr_expect_eq(heap_estimate_make(&windows, &whole, &cost, RATE).half_width, -1);
	heap_windows_done(&windows);
}

Test(heap_estimate, a_program_that_sleeps_between_its_work_goes_by_time)
{
	struct heap_cost cost = found(1400, 0.02);
	struct heap_windows windows = {0};
	struct heap_span whole;
	struct heap_estimate estimate;

	/* The same work in every window, which takes it now less and now more of a processor. */
	for (int i = 0; i < 20; i++)
		heap_windows_add(&windows, &(struct heap_span){WINDOW_NS, 3e5 + (i % 2 ? 1e5 : 2e5),
							       200, 200 * EACH});
	whole = windows.sum;
	whole.ns *= 20;
	whole.cpu_ns += 19 * (windows.sum.cpu_ns - 200 * 20 * 1400);
	estimate = heap_estimate_make(&windows, &whole, &cost, RATE);
	cr_expect(estimate.is_by_time);
	cr_expect_float_eq(estimate.stretch, 20, 1e-6);
	heap_windows_done(&windows);
}
