/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/comparison_run.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static struct comparison_run reduce(struct profile *profile, struct comparison_names *names)
{
	struct comparison_run run;
	struct report report;

	report_init(&report, profile);
	comparison_run_init(&run, "some.prof", &report, names);
	report_done(&report);
	return run;
}

static struct comparison_cost cost_of(const struct comparison_run *run,
				      const struct comparison_names *names, const char *name)
{
	for (uint32_t i = 0; i < names->rows_count; i++)
		if (!strcmp(names->rows[i]->name, name))
			return comparison_run_cost(run, i);
	cr_assert_fail("no function %s", name);
	return (struct comparison_cost){0};
}

Test(comparison_run, clone_suffixes_are_taken_off)
{
	static const char *const names[][2] = {
		{"step", "step"},
		{"step.isra.0", "step"},
		{"step.constprop.12.isra.3", "step"},
		{"step.part.0.cold", "step"},
		{"step.cold", "step"},
		{"step(int) [clone .isra.0] [clone .cold]", "step(int)"},
		{"step.12", "step.12"},
		{"step.island", "step.island"},
		{".cold", ".cold"},
		{"step.llvm.9271634", "step"},
		{"pow@@GLIBC_2.29", "pow"},
		{"pow@GLIBC_2.2.5", "pow"},
		{"pow@plt", "pow@plt"},
		{"arc4random@GLIBC_PRIVATE", "arc4random"},
		{"draw@App.js:10", "draw@App.js:10"}, /* as browsers name functions */
		{"@Cached", "@Cached"},
		{"world::step::h0123456789abcdef", "world::step"},
		{"world::step::h0123456789abcde", "world::step::h0123456789abcde"},
		{"world::hash", "world::hash"},
		{"::h0123456789abcdef", "::h0123456789abcdef"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *base = comparison_base_name(names[i][0]);

		cr_assert_str_eq(base, names[i][1]);
		free(base);
	}
}

Test(comparison_run, costs_are_in_units_and_recursion_counts_once)
{
	struct comparison_names names = {0};
	struct profile *profile = new_profile();
	struct comparison_run run;

	add_stack(profile, "main;walk;walk.isra.0;leaf", 30);
	add_stack(profile, "main;walk", 10);
	run = reduce(profile, &names);
	cr_assert_eq(names.rows_count, 3);
	cr_assert_float_eq(cost_of(&run, &names, "walk").total, 40e6, 1);
	cr_assert_float_eq(cost_of(&run, &names, "walk").self, 10e6, 1);
	cr_assert_eq(cost_of(&run, &names, "leaf").self_samples, 30);
	cr_assert_float_eq(run.total, 40e6, 1);
	cr_assert_eq(run.nodes_count, 5, "the program; main; walk, also below itself; leaf");
	cr_assert_eq(run.nodes[0].function, UINT32_MAX);
	for (size_t i = 1; i < run.nodes_count; i++) {
		const struct comparison_node *node = &run.nodes[i];
		const char *name = names.rows[node->function]->name;

		cr_assert_lt(node->parent, i);
		cr_assert_float_eq(node->self,
				   !strcmp(name, "leaf")		   ? 30e6
				   : run.nodes[node->parent].function == 0 ? 10e6
									   : 0,
				   1);
	}
	comparison_run_done(&run);
	comparison_names_done(&names);
}

Test(comparison_run, the_program_may_be_called_differently)
{
	struct comparison_names names = {0};
	struct profile *profiles[2];
	struct comparison_run runs[2];

	for (int i = 0; i < 2; i++) {
		const char *path = i ? "/new/build/sim-next" : "/old/sim";
		struct profile *profile = profiles[i] = new_profile();
		uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, path, NULL);
		uint32_t file = profile_file_name(profile, i ? "/b/sim/world.c" : "/a/sim/world.c");
		uint32_t frame = profile_frame(profile, module, 64);
		uint32_t function =
			profile_function(profile, "step", NULL, module, file, 7 + i, true);

		profile_frame_set_lines(profile, frame,
					&(struct profile_line){.function = function}, 1);
		profile_set_text(profile, "program", i ? "sim-next" : "sim");
		profile_sample_add(profile, &(struct profile_sample){
						    .time_ns = 1,
						    .value = 1,
						    .stack = profile_stack(profile, 0, frame)});
		runs[i] = reduce(profile, &names);
	}
	cr_assert_eq(names.rows_count, 1);
	cr_assert_str_eq(names.rows[0]->file, "/b/sim/world.c");
	cr_assert_eq(names.rows[0]->line, 8);
	for (int i = 0; i < 2; i++)
		comparison_run_done(&runs[i]);
	comparison_names_done(&names);
}

Test(comparison_run, addresses_without_symbols_are_one_function)
{
	struct comparison_names names = {0};
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	struct comparison_run run;

	for (int i = 0; i < 3; i++)
		profile_sample_add(
			profile,
			&(struct profile_sample){
				.time_ns = i + 1,
				.value = 2,
				.stack = profile_stack(profile, 0,
						       profile_frame(profile, module, 64 * i))});
	run = reduce(profile, &names);
	cr_assert_eq(names.rows_count, 1);
	cr_assert_float_eq(cost_of(&run, &names, "[no symbol]").self, 6e6, 1);
	comparison_run_done(&run);
	comparison_names_done(&names);
}

Test(comparison_run, a_failed_run_says_so)
{
	struct comparison_names names = {0};
	struct profile *profile = new_profile();
	struct comparison_run run;

	add_stack(profile, "main", 5);
	profile_set_number(profile, "exit_status", 139);
	run = reduce(profile, &names);
	cr_assert_str_eq(run.state, "the program ended with status 139");
	comparison_run_done(&run);
	profile = new_profile();
	profile_set_text(profile, "state", "recording");
	run = reduce(profile, &names);
	cr_assert_str_eq(run.state, "the recording did not reach its end");
	comparison_run_done(&run);
	comparison_names_done(&names);
}

/* Of a profile with three marked steps, whose step function's probe was not there to the end, and
 * counted so many calls. */
static uint32_t steps_with(uint64_t counted)
{
	struct profile *profile = new_profile();
	struct comparison_names names = {0};
	struct comparison_run run;
	uint32_t stack = add_stack(profile, "main;step", 10), steps;

	profile_probe_add(profile, &(struct profile_probe){.frame = profile->stacks[stack].frame,
							   .mode = PROFILE_PROBE_STEP,
							   .is_partial = true,
							   .estimated_calls = counted});
	for (uint64_t i = 0; i < 3; i++)
		profile_step_add(profile,
				 &(struct profile_step){.start_ns = 10 * i, .end_ns = 10 * i + 5});
	run = reduce(profile, &names);
	steps = run.steps;
	comparison_run_done(&run);
	comparison_names_done(&names);
	return steps;
}

Test(comparison_run, steps_that_were_not_all_marked_are_no_number_to_divide_by)
{
	cr_assert_eq(steps_with(0), 0);
	cr_assert_eq(steps_with(12), 12);
}
