/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/gate_write.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static struct gate_count *count(struct gate_counts *counts, const char *name, double value)
{
	xgrow(counts->rows, counts->rows_count, counts->rows_capacity);
	if (!counts->machine)
		counts->machine = xstrdup("a machine");
	counts->rows[counts->rows_count] = (struct gate_count){
		.name = xstrdup(name),
		.function = xstrdup(""),
		.module = xstrdup(""),
		.file = xstrdup(""),
		.value = value,
		.steady = true,
	};
	return &counts->rows[counts->rows_count++];
}

/* What becomes of @value in the baseline and @now. */
static enum gate_verdict judged(const char *name, double value, double now, bool steady,
				const char *machine)
{
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};
	enum gate_verdict verdict;

	count(&base, name, value);
	count(&fresh, now < 0 ? "something else" : name, now)->steady = steady;
	free(fresh.machine);
	fresh.machine = xstrdup(machine);
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	verdict = gate.verdict;
	cr_assert_eq(gate.items_count, 1);
	gate_done(&gate);
	gate_counts_done(&base);
	gate_counts_done(&fresh);
	return verdict;
}

Test(gate, three_percent_more_counted_work_always_fails)
{
	for (uint64_t value = 100; value < 1000000000000; value *= 7)
		cr_assert_eq(
			judged("steps", (double)value, (double)value * 1.03, true, "a machine"),
			GATE_FAILED);
}

Test(gate, counted_work_within_the_margin_or_less_passes)
{
	cr_assert_eq(judged("steps", 1000, 1000, true, "a machine"), GATE_PASSED);
	cr_assert_eq(judged("steps", 1000, 1005, true, "a machine"), GATE_PASSED);
	cr_assert_eq(judged("steps", 1000, 1006, true, "a machine"), GATE_FAILED);
	cr_assert_eq(judged("steps", 1000, 10, true, "a machine"), GATE_PASSED);
	cr_assert_eq(judged("steps", 0, 0, true, "a machine"), GATE_PASSED);
	cr_assert_eq(judged("steps", 0, 1, true, "a machine"), GATE_FAILED);
}

Test(gate, counts_that_are_missing_or_unsteady_cannot_be_told)
{
	cr_assert_eq(judged("steps", 1000, -1, true, "a machine"), GATE_UNCLEAR);
	cr_assert_eq(judged("steps", 1000, 2000, false, "a machine"), GATE_UNCLEAR);
}

Test(gate, instructions_of_another_machine_cannot_be_told_but_calls_can)
{
	cr_assert_eq(judged("instructions", 1000, 2000, true, "another"), GATE_UNCLEAR);
	cr_assert_eq(judged("instructions", 1000, 2000, true, "a machine"), GATE_FAILED);
	cr_assert_eq(judged("calls", 1000, 2000, true, "another"), GATE_FAILED);
}

/* A run whose one probe counted @calls. */
static void counted_run(struct comparison_run *run, struct comparison_names *names, uint64_t calls)
{
	struct profile *profile = new_profile();
	struct report report;

	add_stack(profile, "main;step", 100);
	/* The frame of step(): the second that add_stack made. */
	profile_probe_add(profile,
			  &(struct profile_probe){.frame = 2, .mode = PROFILE_PROBE_COUNT});
	profile_timing_add(profile, &(struct profile_timing){.calls = calls});
	report_init(&report, profile);
	comparison_run_init(run, "some.prof", &report, names);
	report_done(&report);
}

Test(gate, calls_that_differ_between_recordings_are_not_steady)
{
	for (int differ = 0; differ < 2; differ++) {
		struct comparison_names names = {0};
		struct comparison_run runs[2];
		const struct comparison_run *all[] = {&runs[0], &runs[1]};
		struct gate_counts counts = {0};

		counted_run(&runs[0], &names, 500);
		counted_run(&runs[1], &names, 500 + differ);
		gate_counts_take(&counts, &names, all, 2);
		cr_assert_eq(counts.rows_count, 1);
		cr_assert_str_eq(counts.rows[0].function, "step");
		cr_assert_float_eq(counts.rows[0].value, 500, 0);
		cr_assert_eq(counts.rows[0].steady, !differ);
		gate_counts_done(&counts);
		for (int i = 0; i < 2; i++)
			comparison_run_done(&runs[i]);
		comparison_names_done(&names);
	}
}

Test(gate, machines_read_no_names_as_commands)
{
	struct gate gate = {0};
	struct comparison_function function = {.file = (char *)"a,b:c.c", .line = 7};
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	gate.items = &(struct gate_item){.name = (char *)"<b>::error\n",
					 .class = "time",
					 .reason = (char *)"100 %\n::warning::x",
					 .verdict = GATE_FAILED,
					 .function = &function};
	gate.items_count = gate.verdicts[GATE_FAILED] = 1;
	gate_write_annotations(&gate, stream);
	fflush(stream);
	cr_assert_str_eq(text, "::error title=<b>%3A%3Aerror%0A,file=a%2Cb%3Ac.c,line=7::"
			       "100 %25%0A%3A%3Awarning%3A%3Ax\n");
	gate_write_junit(&gate, "2026-01-01T00:00:00", stream);
	fflush(stream);
	cr_assert(strstr(text, "&#60;b&#62;"));
	cr_assert_null(strstr(strstr(text, "<?xml"), "<b>"));
	fclose(stream);
	free(text);
}
