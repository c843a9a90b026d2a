/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/measured.c and measured_steps.c. */
#include "reports/scaling.h"
#include "tests/unit/reports/small_sweep.h"

enum {
	MS = 1000000,
	SAMPLES = 10, /* one a millisecond, in steps */
	AFTER = 5,    /* likewise, after them */
};

/* A program that takes steps for 10 ms and 5 ms to end, of which @marked steps of @step_ns each are
 * told of. */
static struct profile *stepping(int marked, int step_ns, bool is_partial)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "main;step", 0);
	uint32_t probe = profile_probe_add(profile, &(struct profile_probe){
							    .frame = profile->stacks[stack].frame,
							    .mode = PROFILE_PROBE_STEP,
							    .is_partial = is_partial,
						    });

	add_stack(profile, "main;step;work", SAMPLES);
	add_stack(profile, "main;finish", AFTER);
	for (int i = 0; i < marked; i++)
		profile_step_add(profile, &(struct profile_step){
						  .probe = probe,
						  .start_ns = (uint64_t)(i * step_ns),
						  .end_ns = (uint64_t)((i + 1) * step_ns),
					  });
	return profile;
}

/* Loads a sweep of one point with these runs, which are taken. */
static void load(struct scaling *scaling, struct profile **profiles, int count)
{
	json_t *points = json_pack("[{s:s}]", "n", "1");
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct error error;

	new_folder(folder);
	new_sweep(folder, "sweep", json_incref(points), count, 0);
	for (int i = 0; i < count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "p1r%d", i + 1);
		add_run(folder, &(struct small_run){"sweep", name, json_array_get(points, 0), 0.015,
						    0.015, profiles[i]});
	}
	json_decref(points);
	snprintf(path, sizeof(path), "%s/sweep", folder);
	cr_assert_eq(scaling_load(scaling, path, NULL, &error), 0, "%s", error.text);
	remove_folder(folder);
}

/* The run that lacks steps, or did. */
static const struct measured *partial_of(const struct scaling *scaling, double duration_ns)
{
	for (size_t i = 0; i < scaling->sweep.count; i++)
		if (scaling->runs[i]->steps_ns == duration_ns)
			return scaling->runs[i];
	cr_assert(false, "there is no such run");
	return NULL;
}

Test(measured, without_all_marks_costs_are_of_all_steps_and_those_of_a_step_like_the_marked_ones)
{
	struct profile *profile = stepping(4, MS, true);
	struct scaling scaling;

	load(&scaling, &profile, 1);
	cr_expect_eq(scaling_lacking_steps(&scaling), 1);
	cr_expect_eq(scaling.runs[0]->samples, SAMPLES);
	cr_expect_float_eq(scaling.runs[0]->steps, SAMPLES, 1e-9);
	cr_expect_float_eq(scaling.runs[0]->step_cpu_ns, MS, 1e-3);
	cr_expect_float_eq(scaling.runs[0]->step_ns, MS, 1e-3);
	cr_expect_float_eq(scaling.runs[0]->outside_share, AFTER / (double)(SAMPLES + AFTER), 1e-9);
	scaling_done(&scaling);
}

Test(measured, a_step_function_that_was_also_inlined_lacks_no_steps)
{
	struct profile *profile = stepping(SAMPLES, MS, false);
	struct scaling scaling;

	profile_set_text(profile, "inlined.0", "world.c:3 in main");
	load(&scaling, &profile, 1);
	cr_expect_eq(scaling_lacking_steps(&scaling), 0);
	cr_expect(scaling.runs[0]->has_inlined_steps);
	cr_expect_float_eq(scaling.runs[0]->steps, SAMPLES, 1e-9);
	scaling_done(&scaling);
}

Test(measured, the_number_of_steps_is_that_of_a_run_of_the_point_that_has_all_marks)
{
	struct profile *profiles[] = {stepping(4, MS, true), stepping(18, MS / 2, false)};
	struct scaling scaling;
	const struct measured *run;

	load(&scaling, profiles, 2);
	cr_expect_eq(scaling_lacking_steps(&scaling), 0);
	run = partial_of(&scaling, SAMPLES * MS);
	cr_expect_float_eq(run->steps, 18, 1e-9);
	cr_expect_float_eq(run->step_cpu_ns, SAMPLES * MS / 18.0, 1e-3);
	cr_expect_float_eq(run->step_ns, SAMPLES * MS / 18.0, 1e-3);
	scaling_done(&scaling);
}

Test(measured, after_the_marks_other_threads_are_in_a_step_while_the_one_that_takes_them_is)
{
	struct profile *profile = stepping(4, MS, true);
	struct scaling scaling;

	profile_thread_add(profile, 1, 2, "helper");
	for (size_t i = 0; i < profile->samples_count; i += 2)
		profile->samples[i].thread = (uint32_t)profile->threads_count - 1;
	load(&scaling, &profile, 1);
	/* Samples 0 to 9 are in steps, 10 is the helper's before the other was seen to end. */
	cr_expect_eq(scaling.runs[0]->samples, SAMPLES + 1);
	scaling_done(&scaling);
}

/* A step function of which the calls were counted when it could no longer be timed. */
static struct profile *counting(int marked, uint64_t step_calls, uint64_t calls)
{
	struct profile *profile = stepping(marked, MS, true);

	profile->probes[0].estimated_calls = calls;
	profile_timing_add(profile, &(struct profile_timing){
					    .probe = 0, .calls = calls, .step_calls = step_calls});
	return profile;
}

Test(measured, steps_that_were_only_counted_are_known_by_their_number)
{
	struct profile *profile = counting(4, 5, 20);
	struct scaling scaling;

	load(&scaling, &profile, 1);
	cr_expect_eq(scaling_lacking_steps(&scaling), 0);
	cr_expect_eq(scaling.runs[0]->samples, SAMPLES);
	cr_expect_float_eq(scaling.runs[0]->steps, 20, 1e-9);
	cr_expect_float_eq(scaling.runs[0]->step_cpu_ns, MS / 2.0, 1e-3);
	scaling_done(&scaling);
}

Test(measured, calls_of_a_step_function_that_calls_itself_are_no_number_of_steps)
{
	struct profile *profile = counting(4, 40, 200);
	struct scaling scaling;

	load(&scaling, &profile, 1);
	cr_expect_eq(scaling_lacking_steps(&scaling), 1);
	scaling_done(&scaling);
}

Test(measured, steps_that_could_not_be_told_are_taken_in_and_counted)
{
	struct profile *profile = stepping(4, MS, false);
	struct scaling scaling;

	profile_set_number(profile, "withheld.0", 16);
	load(&scaling, &profile, 1);
	cr_expect_eq(scaling_lacking_steps(&scaling), 0);
	cr_expect_eq(scaling.runs[0]->samples, SAMPLES);
	cr_expect_float_eq(scaling.runs[0]->steps, 20, 1e-9);
	scaling_done(&scaling);
}
