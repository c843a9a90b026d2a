/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/gate_write.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <math.h>
#include <unistd.h>

static struct gate_count *count(struct gate_counts *counts, const char *name, double value)
{
	struct gate_count *row = gate_counts_get(counts, name, "", "", "");

	if (!counts->processor)
		counts->processor = xstrdup("a machine");
	row->value = value;
	return row;
}

static char reason[100]; /* of the last one judged */

/* What becomes of @value in the baseline and @now. */
static enum gate_verdict judged(const char *name, double value, double now, bool steady,
				const char *machine)
{
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};
	enum gate_verdict verdict;

	count(&base, name, value);
	count(&fresh, now < 0 ? "something else" : name, now)->steady = steady;
	free(fresh.processor);
	fresh.processor = xstrdup(machine);
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	verdict = gate.verdict;
	cr_assert_eq(gate.items_count, 1);
	snprintf(reason, sizeof(reason), "%s", gate.items[0].reason);
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
	cr_assert_eq(judged("allocations", 0, 5, true, "a machine"), GATE_FAILED);
	cr_assert_str_eq(reason, "0 → 5, where there was none");
}

/* Verdicts on steps and allocations, "steps/allocations", of 100 and 1000 in the baseline. */
static const char *judged_steps(double steps, double allocations, bool steady)
{
	static char text[64];
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};

	count(&base, "steps", 100);
	count(&base, "allocations", 1000);
	count(&fresh, "steps", steps)->steady = steady;
	count(&fresh, "allocations", allocations);
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	snprintf(text, sizeof(text), "%s/%s", gate_verdict_names[gate.items[0].verdict],
		 gate_verdict_names[gate.items[1].verdict]);
	gate_done(&gate);
	gate_counts_done(&base);
	gate_counts_done(&fresh);
	return text;
}

Test(gate, more_steps_fail_as_steps_and_not_again_as_what_they_do)
{
	cr_expect_str_eq(judged_steps(200, 2000, true), "failed/passed");
	cr_expect_str_eq(judged_steps(200, 2100, true), "failed/failed");
	cr_expect_str_eq(judged_steps(100, 1030, true), "passed/failed");
	cr_expect_str_eq(judged_steps(200, 2000, false), "cannot tell/failed");
}

Test(gate, fewer_steps_do_not_hide_that_each_does_more)
{
	cr_expect_str_eq(judged_steps(50, 500, true), "passed/passed");
	cr_expect_str_eq(judged_steps(50, 1000, true), "passed/cannot tell");
	cr_expect_str_eq(judged_steps(50, 1100, true), "passed/failed");
}

Test(gate, nothing_in_a_baseline_reaches_terminals_and_xml_raw)
{
	static const char content[] =
		"{\"schema\": \"simprof/gate-baseline-v1\", \"machine\": \"a\\u001b[2Jb\","
		"\"counts\": [{\"count\": \"steps\\u0007\\n::error::x\", \"value\": 1},"
		"{\"count\": \"calls\", \"function\": \"f\\u0001\", \"module\": \"m\\u009b\","
		"\"file\": \"a.c\", \"value\": 1},"
		"{\"count\": \"rows\", \"statement\": \"S\\u001b]0;\", \"value\": 1, "
		"\"steady\": false}]}";
	char path[] = "/tmp/baselineXXXXXX";
	int file = mkstemp(path);
	struct gate_baseline baseline = {0};
	struct error error;
	json_t *json, *row;
	size_t i;

	cr_assert_eq(write(file, content, sizeof(content) - 1), (ssize_t)sizeof(content) - 1);
	close(file);
	cr_assert_eq(gate_baseline_read(&baseline, path, &error), 0, "%s", error.text);
	unlink(path);
	cr_expect_str_eq(baseline.counts.processor, "a?[2Jb");
	cr_assert_eq(baseline.counts.rows_count, 3);
	cr_expect_str_eq(baseline.counts.rows[0]->name, "steps? ::error::x");
	cr_expect_str_eq(baseline.counts.rows[1]->subject, "f?");
	cr_expect_str_eq(baseline.counts.rows[1]->module, "m??");
	cr_expect_str_eq(baseline.counts.rows[2]->subject, "S?]0;");
	cr_expect(baseline.counts.rows[0]->steady);
	cr_expect_not(baseline.counts.rows[2]->steady);
	json = gate_baseline_json(&baseline);
	cr_assert_eq(json_array_size(json_object_get(json, "counts")), 3);
	json_array_foreach (json_object_get(json, "counts"), i, row) {
		bool is_statement = json_object_get(row, "statement");

		cr_expect_eq(json_is_false(json_object_get(row, "steady")), is_statement);
	}
	json_decref(json);
	gate_baseline_done(&baseline);
}

Test(gate, what_the_baseline_lacks_is_told_and_no_pass)
{
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};

	count(&base, "allocations", 1000);
	count(&fresh, "allocations", 1000);
	gate_counts_get(&fresh, "allocations", "part", "[program]", "")->value = 900;
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	cr_expect_eq(gate.verdict, GATE_PASSED, "a part is in its whole");
	gate_done(&gate);
	gate = (struct gate){0};
	gate_counts_get(&fresh, "calls", "new", "[program]", "")->value = 1e9;
	gate_counts_get(&fresh, "calls", "other", "[program]", "")->value = 1;
	gate_counts_get(&fresh, "calls", "never", "[program]", "")->value = 0;
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	cr_expect_eq(gate.verdict, GATE_UNCLEAR);
	cr_assert_eq(gate.items_count, 2);
	cr_expect_str_eq(gate.items[1].reason, "calls of new (1000000000 now) and 1 more "
					       "are not in the baseline, and not judged");
	gate_done(&gate);
	/* One that is known to differ is neither judged nor lacking. */
	gate = (struct gate){0};
	gate_counts_get(&base, "calls", "new", "[program]", "")->steady = false;
	gate_counts_get(&base, "calls", "other", "[program]", "")->steady = false;
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	cr_expect_eq(gate.verdict, GATE_PASSED);
	cr_expect_eq(gate.unsteady, 2);
	gate_done(&gate);
	gate_counts_done(&base);
	gate_counts_done(&fresh);
}

Test(gate, nothing_that_was_judged_is_no_pass)
{
	struct gate gate = {0};

	gate_judge_nothing(&gate);
	cr_expect_eq(gate.verdict, GATE_UNCLEAR);
	cr_expect_eq(gate.verdicts[GATE_UNCLEAR], 1);
	gate_done(&gate);
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

Test(gate, a_part_that_is_gone_while_its_whole_was_counted_is_none_of_it)
{
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};

	count(&base, "allocations", 100);
	gate_counts_get(&base, "allocations", "step", "[program]", "")->value = 60;
	gate_counts_get(&base, "calls", "step", "[program]", "")->value = 7;
	count(&fresh, "allocations", 40);
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	cr_assert_eq(gate.verdicts[GATE_PASSED], 2);
	cr_assert_eq(gate.verdicts[GATE_UNCLEAR], 1);
	cr_assert(strstr(gate.items[1].reason, "60 → 0"));
	gate_done(&gate);
	gate_counts_done(&base);
	gate_counts_done(&fresh);
}

static int64_t memory_rate; /* of the runs that are made; 0: every allocation was counted */

/* A run that counted @allocations of @bytes in all, and @executions of one statement. */
static void worked_run(struct comparison_run *run, struct comparison_names *names,
		       uint64_t allocations, uint64_t bytes, uint64_t executions)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "main;step", 1), statement;
	uint16_t metrics[] = {profile_metric_add(profile, "allocations", "count", 1),
			      profile_metric_add(profile, "allocated", "bytes", 1)};
	uint64_t values[] = {allocations, bytes};
	struct report report;

	for (int i = 0; i < 2; i++)
		profile_sample_add(profile, &(struct profile_sample){.metric = metrics[i],
								     .value = values[i],
								     .stack = stack});
	if (memory_rate)
		profile_set_number(profile, "memory.rate", memory_rate);
	profile_set_text(profile, "sql", "counted");
	statement = profile_subject_add(
		profile, &(struct profile_subject){.kind = PROFILE_SUBJECT_STATEMENT,
						   .name = (char *)"INSERT INTO log VALUES (?)"});
	profile_operation_add(profile,
			      &(struct profile_operation){.subject = statement,
							  .stack = stack,
							  .kind = PROFILE_OPERATION_EXECUTE,
							  .count = executions,
							  .amount = 3 * executions});
	report_init(&report, profile);
	comparison_run_init(run, "some.prof", &report, names);
	report_done(&report);
}

static double value_of(const struct gate_counts *counts, const char *name, const char *subject)
{
	for (size_t i = 0; i < counts->rows_count; i++)
		if (!strcmp(counts->rows[i]->name, name) &&
		    !strcmp(counts->rows[i]->subject, subject))
			return counts->rows[i]->value;
	return -1;
}

Test(gate, allocations_bytes_and_sql_are_counted_of_the_run_and_of_what_did_them)
{
	const char *statement = "INSERT INTO log VALUES (?)";
	struct comparison_names names = {0};
	struct comparison_run run;
	const struct comparison_run *all[] = {&run};
	struct gate_counts counts = {0};

	worked_run(&run, &names, 1000, 64000, 20);
	gate_counts_take(&counts, &names, all, 1);
	cr_expect_eq(value_of(&counts, "allocations", ""), 1000);
	cr_expect_eq(value_of(&counts, "allocations", "step"), 1000);
	cr_expect_eq(value_of(&counts, "allocated bytes", ""), 64000);
	cr_expect_eq(value_of(&counts, "SQL executions", ""), 20);
	cr_expect_eq(value_of(&counts, "SQL executions", statement), 20);
	cr_expect_eq(value_of(&counts, "SQL rows", statement), 60);
	cr_expect_eq(value_of(&counts, "reads of files", ""), -1, "files were not recorded");
	gate_counts_done(&counts);
	comparison_run_done(&run);
	comparison_names_done(&names);
}

Test(gate, three_percent_more_of_any_kind_of_work_fails)
{
	for (int kind = 0; kind < 3; kind++) {
		struct comparison_names names = {0};
		struct comparison_run runs[2];
		const struct comparison_run *all[] = {&runs[0], &runs[1]};
		struct gate_counts base = {0}, fresh = {0};
		struct gate gate = {0};

		worked_run(&runs[0], &names, 100, 100, 100);
		worked_run(&runs[1], &names, 100 + 3 * (kind == 0), 100 + 3 * (kind == 1),
			   100 + 3 * (kind == 2));
		gate_counts_take(&base, &names, all, 1);
		gate_counts_take(&fresh, &names, all + 1, 1);
		gate_judge_counts(&gate, &base, &fresh, 0.005);
		cr_assert_eq(gate.verdict, GATE_FAILED);
		gate_done(&gate);
		gate_counts_done(&base);
		gate_counts_done(&fresh);
		for (int i = 0; i < 2; i++)
			comparison_run_done(&runs[i]);
		comparison_names_done(&names);
	}
}

Test(gate, estimates_are_no_counted_work)
{
	struct comparison_names names = {0};
	struct comparison_run run;
	const struct comparison_run *all[] = {&run};
	struct gate_counts base = {0}, fresh = {0};
	struct gate gate = {0};

	count(&base, "allocations", 97);
	count(&base, "SQL executions", 100);
	memory_rate = 512;
	worked_run(&run, &names, 100, 100, 100);
	memory_rate = 0;
	gate_counts_take(&fresh, &names, all, 1);
	gate_judge_counts(&gate, &base, &fresh, 0.005);
	cr_expect_eq(gate.items[0].verdict, GATE_UNCLEAR);
	cr_expect_eq(gate.items[1].verdict, GATE_PASSED);
	gate_done(&gate);
	gate_counts_done(&base);
	gate_counts_done(&fresh);
	comparison_run_done(&run);
	comparison_names_done(&names);
}

Test(gate, base_recordings_stand_for_what_the_baseline_lacks_when_they_agree)
{
	for (int runs_count = 1; runs_count <= 2; runs_count++) {
		struct comparison_names names = {0};
		struct comparison_run runs[2];
		const struct comparison_run *all[] = {&runs[0], &runs[1]};
		struct gate_counts base = {0}, recorded = {0};

		for (int i = 0; i < 2; i++)
			worked_run(&runs[i], &names, 100, 100, 100 + 10 * (uint64_t)i);
		count(&base, "allocations", 7);
		gate_counts_take(&recorded, &names, all, (size_t)runs_count);
		gate_counts_complete(&base, &recorded);
		cr_expect_eq(value_of(&base, "allocations", ""), 7);
		cr_expect_eq(value_of(&base, "allocated bytes", ""), 100);
		for (size_t i = 1; i < base.rows_count; i++)
			cr_expect_eq(base.rows[i]->steady,
				     runs_count == 2 &&
					     strcmp(base.rows[i]->name, "SQL executions") &&
					     strcmp(base.rows[i]->name, "SQL rows"),
				     "%s", base.rows[i]->name);
		gate_counts_done(&base);
		gate_counts_done(&recorded);
		for (int i = 0; i < 2; i++)
			comparison_run_done(&runs[i]);
		comparison_names_done(&names);
	}
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
		cr_assert_str_eq(counts.rows[0]->subject, "step");
		cr_assert_float_eq(counts.rows[0]->value, 500, 0);
		cr_assert_eq(counts.rows[0]->steady, !differ);
		gate_counts_done(&counts);
		for (int i = 0; i < 2; i++)
			comparison_run_done(&runs[i]);
		comparison_names_done(&names);
	}
}

Test(gate, counts_that_differ_by_less_than_one_in_a_thousand_are_steady_and_the_least_counts)
{
	struct gate_counts counts = {0};

	gate_counts_add_instructions(&counts, 1000500, "a machine");
	gate_counts_add_instructions(&counts, 1000000, "a machine");
	cr_assert(counts.rows[0]->steady);
	cr_assert_eq(counts.rows[0]->value, 1000000);
	cr_assert_eq(counts.rows[0]->runs, 2);
	gate_counts_add_instructions(&counts, 1002000, "a machine");
	cr_assert_not(counts.rows[0]->steady);
	gate_counts_done(&counts);
}

/* Counts as a build with debug information has them, or one without. */
static void count_calls(struct gate_counts *counts, bool with_debug)
{
	const char *file = with_debug ? "world.c" : "";

	count(counts, "allocations", 100);
	gate_counts_get(counts, "calls", "step", "[program]", file)->value = 7;
	gate_counts_get(counts, "allocations", "step", "[program]", file)->value =
		with_debug ? 10 : 100;
	if (with_debug)
		gate_counts_get(counts, "allocations", "inner", "[program]", file)->value = 90;
	gate_counts_get(counts, "allocations", "read", "libdata.so", "data.c")->value = 5;
}

Test(gate, counts_of_a_build_without_debug_information_pair_by_name_and_leave_parts_to_the_whole)
{
	for (int is_base = 0; is_base < 2; is_base++) {
		struct gate_counts base = {0}, fresh = {0};
		struct gate gate = {0};

		count_calls(&base, is_base);
		count_calls(&fresh, !is_base);
		gate_counts_pair(&base, &fresh);
		gate_judge_counts(&gate, &base, &fresh, 0.005);
		cr_expect_eq(gate.verdicts[GATE_PASSED], 3, "all, calls of step(), libdata.so");
		cr_expect_eq(gate.items_count, 3);
		cr_expect_eq(value_of(&base, "calls", "step"), 7);
		gate_done(&gate);
		gate_counts_done(&base);
		gate_counts_done(&fresh);
	}
}

/* ---- time and what is known of the machine ---- */

/* The verdict on runs whose total grew by @change with an interval of +-@half, on a machine that
 * has @calibration. */
static enum gate_verdict timed(double change, double half,
			       const struct gate_calibration *calibration)
{
	struct comparison_run run = {.unit = (char *)"ns", .metric = (char *)"cpu", .samples = 100};
	const struct comparison_run *runs[] = {&run, &run, &run, &run, &run, &run, &run, &run};
	struct comparison_names names = {0};
	struct comparison comparison = {
		.names = &names,
		.options = gate_comparison_options(0.01, 0.03),
		.base = runs,
		.fresh = runs,
		.base_count = 8,
		.fresh_count = 8,
		.replicated = true,
		.total = {.base = 100,
			  .fresh = 100 * exp(change),
			  .change = {.estimate = change,
				     .low = change - half,
				     .high = change + half,
				     .error = half / 3},
			  .margin = log1p(0.03),
			  .detectable = 0.1,
			  .verdict = COMPARISON_REGRESSED},
	};
	struct gate gate = {0};
	enum gate_verdict verdict;

	gate_judge_time(&gate, &comparison, calibration);
	verdict = gate.verdict;
	gate_done(&gate);
	return verdict;
}

Test(gate, a_regression_within_what_the_machine_does_to_one_build_does_not_fail)
{
	struct gate_calibration quiet = {.splits = 200, .alpha = 0.01, .spread = 0.001};
	struct gate_calibration loud = {.splits = 200, .alpha = 0.01, .spread = 0.1};
	struct gate_calibration wolf = {
		.splits = 200, .alpha = 0.01, .spread = 0.001, .false_alarms = 3};

	cr_expect_eq(timed(0.1, 0.02, NULL), GATE_FAILED);
	cr_expect_eq(timed(0.1, 0.02, &quiet), GATE_FAILED);
	cr_expect_eq(timed(0.1, 0.02, &loud), GATE_UNCLEAR);
	cr_expect_eq(timed(0.9, 0.02, &loud), GATE_FAILED);
	cr_expect_eq(timed(0.9, 0.02, &wolf), GATE_UNCLEAR);
}

Test(gate, more_runs_see_smaller_changes_of_a_calibrated_machine)
{
	struct gate_calibration calibration = {.spread = 0.03, .pairs_spread = 0.01};
	struct comparison_options options = gate_comparison_options(0.01, 0.03);
	double ten = gate_detectable(&calibration, &options, 10);

	cr_expect_gt(ten, 0.03);
	cr_expect_lt(gate_detectable(&calibration, &options, 40), ten);
	options.paired = true;
	cr_expect_lt(gate_detectable(&calibration, &options, 10), ten);
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
			       "100 %25%0A::warning::x\n");
	gate.items->name = (char *)"calls of ##[error]x";
	gate_write(&gate, stream);
	fflush(stream);
	cr_assert(strstr(text, "calls of # #[error]x: 100 %"));
	gate.items->name = (char *)"<b>";
	gate_write_junit(&gate, "2026-01-01T00:00:00", stream);
	fflush(stream);
	cr_assert(strstr(text, "&#60;b&#62;"));
	cr_assert_null(strstr(strstr(text, "<?xml"), "<b>"));
	fclose(stream);
	free(text);
}
