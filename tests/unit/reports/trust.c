/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/trust.h"

#include "reports/tick_amounts.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static const struct trust_item *item_with(const struct trust *trust, const char *text)
{
	for (int i = 0; i < trust->count; i++)
		if (strstr(trust->items[i].text, text))
			return &trust->items[i];
	return NULL;
}

static struct profile *good_profile(void)
{
	struct profile *good = new_profile();

	add_stack(good, "main;step", 1000);
	profile_set_text(good, "engine", "cpu-clock");
	profile_set_text(good, "engine_note", "no kernel");
	profile_set_number(good, "frequency_hz", 999);
	profile_set_number(good, "target_cpu_ns", 1001000000);
	profile_set_number(good, "collector_cpu_ns", 20020000);
	profile_set_number(good, "lost.ring_full", 0);
	return good;
}

/* Of each test: a good one, if it does not replace it. */
static struct profile *profile;
static struct trust trust;

static void setup(void)
{
	profile = good_profile();
}

static void teardown(void)
{
	profile_free(profile);
}

static void replace_profile(struct profile *other)
{
	profile_free(profile);
	profile = other;
}

TestSuite(trust, .init = setup, .fini = teardown);

Test(trust, a_good_profile_has_no_bad_item)
{
	char line[1024];

	trust_measure(&trust, profile, 0);
	cr_assert_not(trust.bad);
	cr_assert_str_eq(trust_line(&trust, line, sizeof(line)),
			 "cpu-clock (no kernel) · 1000 samples · 999 Hz of CPU time (999 asked) · "
			 "0 lost · 100.0 % complete stacks · 0 % without symbol · "
			 "collector used 2 % of the target's CPU time");
}

Test(trust, imported_text_has_lines_that_were_not_understood_and_no_completeness)
{
	profile_set_number(profile, "import.lines", 1000);
	profile_set_number(profile, "import.skipped", 10);
	trust_measure(&trust, profile, 0);
	cr_assert(trust.imported);
	cr_assert_null(item_with(&trust, "complete stacks"));
	cr_assert(item_with(&trust, "completeness of stacks not known (imported)"));
	cr_assert_eq(trust.lost, 0);
	cr_assert_not(item_with(&trust, "10 of 1000 lines were not understood")->bad);
	profile_metric_add(profile, "page-faults", "count", 1);
	profile_set_number(profile, "import.skipped", 11);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "11 of 1000 lines were not understood")->bad);
	cr_assert(item_with(&trust, "not shown: 0 samples of page-faults"));
}

Test(trust, files_without_their_split_debug_information_are_said)
{
	profile_set_number(profile, "split_problems", 1);
	profile_set_text(profile, "split_problem", "the .dwo files of a are not there");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "missing in 1 file without their split debug information: the "
				    ".dwo files of a are not there"));
}

Test(trust, what_was_booked_before_threads_ran_is_not_missing)
{
	uint32_t thread = profile_thread_add(profile, 10, 10, "woken");

	profile_set_number(profile, "unsampled_cpu_ns", 400400000);
	profile_thread_times_add(
		profile,
		&(struct profile_thread_times){.thread = thread, .cpu_ns = 600, .booked_ns = 600});
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "40 % of the CPU time was not sampled")->bad);
	cr_assert_null(item_with(&trust, "booked"));
	profile->thread_times[0].booked_ns += 350350000;
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "35 % of the CPU time was booked before threads ran")->bad);
	cr_assert_not(item_with(&trust, "5 % of the CPU time was not sampled")->bad);
}

Test(trust, debug_files_of_another_build_are_said)
{
	profile_set_number(profile, "foreign_problems", 1);
	profile_set_text(profile, "foreign_problem", "that of a is of another build, or cut (/d)");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "the debug file of 1 file was not used: that of a is of "
				    "another build, or cut (/d)"));
	cr_assert_not(trust.bad);
}

Test(trust, ticks_that_are_no_measure_of_time_are_said)
{
	profile_set_text(profile, "engine", "tick");
	profile_set_number(profile, "frequency_hz", 1000);
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "turns"));
	profile_set_number(profile, "frequency_hz", 800);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "999 Hz of CPU time (800 asked): turns on shared")->bad);
	cr_assert_null(item_with(&trust, "scaled"));
	profile_set_number(profile, "frequency_hz", 1250);
	tick_amounts_scale(profile);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "amounts scaled by +25 % to the CPU time that the kernel "
				    "counted"));
}

Test(trust, threads_that_attaching_did_not_reach_are_said)
{
	profile_set_number(profile, "attach_outrun", 1);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "threads were born faster than they could be watched")->bad);
}

Test(trust, the_rate_is_that_of_the_time_that_was_sampled)
{
	profile_set_number(profile, "target_cpu_ns", 2002000000);
	profile_set_number(profile, "unsampled_cpu_ns", 1001000000);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "999 Hz of CPU time (999 asked)")->bad);
	cr_assert(item_with(&trust, "50 % of the CPU time was not sampled")->bad);
}

/* As of a program that is a hundred children, each of them shorter than a period. */
Test(trust, a_rate_is_bad_when_few_samples_came_where_many_were_due)
{
	replace_profile(new_profile());
	add_stack(profile, "main;step", 7);
	profile_set_text(profile, "engine", "cpu-clock");
	profile_set_number(profile, "frequency_hz", 999);
	profile_set_number(profile, "target_cpu_ns", 171000000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "41 Hz of CPU time (999 asked)")->bad);
	cr_assert_null(item_with(&trust, "period of its own"), "so few processes cannot be why");
	for (int i = 1; i <= 200; i++)
		profile_thread_add(profile, i, i, "brief");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust,
			    "41 Hz of CPU time (999 asked): every process and thread begins "
			    "a period of its own, so that those which end within it have "
			    "no sample; a higher -F has more of them")
			  ->bad);
	profile_set_number(profile, "target_cpu_ns", 30000000);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "233 Hz of CPU time (999 asked)")->bad);
	add_stack(profile, "main;step", 105);
	profile_set_number(profile, "target_cpu_ns", 130000000);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "862 Hz of CPU time (999 asked): every process")->bad,
		      "told, but it does not spoil the picture");
	profile_set_number(profile, "target_cpu_ns", 115000000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "974 Hz of CPU time (999 asked)"));
	cr_assert_null(item_with(&trust, "period of its own"));
}

Test(trust, a_rate_that_the_kernel_does_not_allow_is_said)
{
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "stopped sampling"));
	profile_set_number(profile, "throttles", 188);
	profile_set_number(profile, "most_hz", 1000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "188 times (kernel.perf_event_max_sample_rate is 1000)"));
}

Test(trust, deep_stacks_that_were_left_out_are_told_by_reason)
{
	profile_set_number(profile, "stack_rest.limited", 0);
	profile_set_number(profile, "stack_rest.ring_full", 0);
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "deep stacks"));
	profile_set_number(profile, "stack_rest.limited", 17);
	profile_set_number(profile, "stack_rest.ring_full", 4);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "left out 17 times to keep its cost low, and 4 times because"));
}

Test(trust, why_deep_stacks_were_read_later_is_told_where_some_are_cut)
{
	profile_set_text(profile, "stack_rest.refused", "no BPF here");
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "no BPF here"), "all are whole");
	profile->samples[0].ending = PROFILE_ENDING_TRUNCATED;
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "not copied with the sample: no BPF here"));
}

Test(trust, time_that_no_sample_stands_for_is_said_and_bad_from_a_tenth_on)
{
	profile_set_number(profile, "unsampled_cpu_ns", 10000000);
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "was not sampled"), "the last tick of every thread");
	profile_set_number(profile, "unsampled_cpu_ns", 50050000);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "5 % of the CPU time was not sampled")->bad);
	profile_set_number(profile, "unsampled_cpu_ns", 200200000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "20 % of the CPU time was not sampled")->bad);
}

Test(trust, what_samples_took_of_the_target_is_said_and_bad_from_a_twentieth_on)
{
	profile_set_number(profile, "sample_cost_ns", 20020);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "sampling took at least 2 % of the CPU time")->bad);
	profile_set_number(profile, "sample_cost_ns", 100100);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "sampling took at least 10 % of the CPU time")->bad);
}

Test(trust, losses_are_named_by_reason_and_bad_from_one_percent_on)
{
	profile_set_number(profile, "lost.ring_full", 5);
	trust_measure(&trust, profile, 0);
	cr_assert_not(trust.bad);
	profile_set_number(profile, "lost.unreadable", 15);
	trust_measure(&trust, profile, 0);
	cr_assert_eq(trust.lost, 20);
	cr_assert(item_with(&trust,
			    "20 lost (2 %: the ring was full 5, the record was unreadable 15)")
			  ->bad);
}

Test(trust, files_that_could_not_be_used_are_said_with_the_reason)
{
	profile_set_number(profile, "file_problems", 0);
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "without rules and names"));
	profile_set_number(profile, "file_problems", 2);
	profile_set_text(profile, "file_problem", "/bin/x was replaced since");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "2 files without rules and names: /bin/x was replaced since"));
}

Test(trust, endings_are_counted_and_shares_near_100_are_not_rounded_up)
{
	profile->samples[0].ending = PROFILE_ENDING_TRUNCATED;
	profile->samples[1].ending = PROFILE_ENDING_FINISHED_LIVE;
	trust_measure(&trust, profile, 0);
	cr_assert_eq(trust.complete, 999);
	cr_assert(item_with(&trust, "99.9 % complete stacks"));
	cr_assert(item_with(&trust, "0.1 %: the copied stack ended too early (1)"));
	cr_assert_not(trust.bad);
	for (int i = 0; i < 60; i++)
		profile->samples[i].ending = PROFILE_ENDING_NO_RULE;
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "94.0 % complete stacks")->bad);
}

Test(trust, gaps_that_together_outweigh_the_heaviest_function_are_bad)
{
	char name[16];

	replace_profile(new_profile());
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "function_%d", i);
		add_stack(profile, name, 20);
	}
	profile_set_number(profile, "lost.ring_full", 0);
	trust_measure(&trust, profile, 0);
	cr_assert_not(trust.bad);
	for (int i = 0; i < 10; i++)
		profile->samples[i].ending = PROFILE_ENDING_NO_RULE;
	profile_set_number(profile, "lost.ring_full", 10);
	trust_measure(&trust, profile, 0);
	cr_assert_not(trust.bad, "20 missing may not outweigh 20");
	for (int i = 10; i < 20; i++)
		profile->samples[i].ending = PROFILE_ENDING_NO_RULE;
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "lost, cut or without symbol: 3 % together, more than the "
				    "heaviest function's 2 %")
			  ->bad);
}

Test(trust, a_recording_that_did_not_end_is_bad)
{
	profile_set_text(profile, "state", "recording");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "incomplete recording")->bad);
	profile_set_text(profile, "state", "stopped: the disk is full");
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "incomplete recording: the disk is full")->bad);
}

Test(trust, few_samples_and_slow_sampling_are_bad)
{
	replace_profile(new_profile());
	add_stack(profile, "main", 99);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "99 samples: too few to tell shares")->bad);
	replace_profile(good_profile());
	profile_set_number(profile, "target_cpu_ns", 2000000000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "500 Hz of CPU time (999 asked)")->bad);
}

Test(trust, samples_without_symbol_are_those_whose_innermost_function_has_no_name)
{
	uint32_t bare = profile_frame(profile, 1, 0x77777);

	for (int i = 0; i < 300; i++)
		profile->samples[i].stack = profile_stack(profile, 0, bare);
	trust_measure(&trust, profile, 0);
	cr_assert_eq(trust.unnamed, 300);
	cr_assert(item_with(&trust, "30 % without symbol")->bad);
}

Test(trust, says_nothing_of_what_the_file_does_not_know)
{
	replace_profile(new_profile());
	add_stack(profile, "main", 200);
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "Hz"));
	cr_assert_null(item_with(&trust, "collector used"));
	cr_assert_null(item_with(&trust, "0 lost"));
	cr_assert(item_with(&trust, "no loss recorded"));
}

Test(trust, a_full_disk_and_reasons_we_do_not_know_are_named)
{
	profile_set_number(profile, "lost.write_failed", 7);
	profile_set_number(profile, "lost.side_ring_full", 2);
	profile_set_number(profile, "lost.moon_phase", 3);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust,
			    "12 lost (1.2 %: they could not be written 7, the ring of mappings was "
			    "full 2, moon_phase 3)"));
	profile_set_number(profile, "lost.moon_phase", INT64_MAX);
	trust_measure(&trust, profile, 0);
	cr_assert_eq(trust.lost, INT64_MAX);
}

Test(trust, fast_sampling_is_bad_from_a_tenth_on)
{
	profile_set_number(profile, "target_cpu_ns", 920000000);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "1087 Hz of CPU time (999 asked)")->bad);
	profile_set_number(profile, "target_cpu_ns", 900000000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "1111 Hz of CPU time (999 asked)")->bad);
}

Test(trust, processes_that_still_ran_are_counted)
{
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "still ran"));
	profile_set_number(profile, "still_running", 1);
	trust_measure(&trust, profile, 0);
	cr_assert_not(item_with(&trust, "1 process still ran when the recording ended")->bad);
	profile_set_number(profile, "still_running", 3);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "3 processes still ran when the recording ended"));
}

Test(trust, a_recording_that_broke_off_claims_no_absence_of_losses)
{
	profile_set_text(profile, "state", "stopped: the disk is full");
	trust_measure(&trust, profile, 0);
	cr_assert_null(item_with(&trust, "lost"));
	cr_assert_null(item_with(&trust, "loss"));
	profile_set_number(profile, "lost.write_failed", 4);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "4 lost"));
	replace_profile(profile_new());
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "does not say whether its recording ended")->bad);
	cr_assert_null(item_with(&trust, "loss"));
}

Test(trust, what_naming_took_after_the_recording_is_told_apart)
{
	profile_set_number(profile, "naming_cpu_ns", 150150000);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "collector used 2 % of the target's CPU time, and 15 % after "
				    "the recording to name what was seen"));
	cr_assert_not(trust.bad, "it disturbed nothing");
}

Test(trust, tiny_shares_have_no_exponent)
{
	profile_set_number(profile, "collector_cpu_ns", 1);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "collector used under 0.001 % of"));
}

Test(trust, guessed_stacks_say_how)
{
	profile->samples[0].ending = PROFILE_ENDING_GUESSED;
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "0.1 %: passed code without full call frame information by "
				    "frame pointer, epilogue or unchanged register (1)"));
}

/* The good profile and one wait of a second whose stack was copied, one of a tenth without. */
static void add_waits(void)
{
	uint16_t off_cpu = (uint16_t)profile_metric_add(profile, "off-cpu", "ns", 1);
	struct profile_sample wait = profile->samples[profile->samples_count - 1];

	wait.metric = off_cpu;
	wait.time_ns++;
	wait.value = 1000000000;
	profile_sample_add(profile, &wait);
	wait.time_ns++;
	wait.value = 100000000;
	wait.ending = PROFILE_ENDING_NOT_TAKEN;
	profile_sample_add(profile, &wait);
	profile_set_number(profile, "off_cpu.switches", 500);
	profile_set_number(profile, "off_cpu.stacks", 20);
}

Test(trust, series_that_were_left_out_are_said)
{
	profile_set_number(profile, "series.no_cores", 1);
	profile_set_number(profile, "series.no_switches", 256);
	trust_measure(&trust, profile, 0);
	cr_assert(item_with(&trust, "no series of cores: there were too many threads to ask"));
	cr_assert(item_with(&trust,
			    "context switches were not looked up while there were more than "
			    "256 threads"));
	cr_assert_not(trust.bad);
}

Test(trust, waits_are_exact_and_their_stacks_count_by_their_time)
{
	add_waits();
	trust_measure(&trust, profile, 1);
	cr_assert_eq(trust.samples, 2);
	cr_assert(item_with(&trust, "waiting times are exact"));
	cr_assert(item_with(&trust, "20 stacks copied at 500 switches"));
	cr_assert(item_with(&trust, "90.9 % complete stacks")->bad);
	cr_assert_null(item_with(&trust, "too few"));
	cr_assert_null(item_with(&trust, "Hz"));
	profile_set_number(profile, "off_cpu.lost_threads", 1);
	profile_set_number(profile, "off_cpu.stacks", 1);
	profile_set_number(profile, "off_cpu.switches", 1);
	trust_measure(&trust, profile, 1);
	cr_assert(item_with(&trust, "1 stack copied at 1 switch"));
	cr_assert_null(item_with(&trust, "switches"));
	cr_assert(item_with(&trust, "the table of threads was full")->bad);
	cr_assert_null(item_with(&trust, "table of places"));
	profile_set_number(profile, "off_cpu.lost_places", 3);
	trust_measure(&trust, profile, 1);
	cr_assert(
		item_with(&trust, "3 waits without a stack because the table of places was full"));
}

Test(trust, of_wall_speaks_of_the_samples_and_of_the_waits)
{
	struct trust of_cpu;
	uint16_t wall;

	add_waits();
	wall = (uint16_t)profile_metric_add(profile, "wall", "ns", 1);
	trust_measure(&of_cpu, profile, 0);
	trust_measure(&trust, profile, wall);
	cr_assert_eq(trust.samples, of_cpu.samples + 2);
	cr_assert_eq(trust.sampled, of_cpu.samples);
	cr_assert(item_with(&trust, "waiting times are exact"));
	cr_assert(item_with(&trust, "Hz of CPU time"));
	cr_assert_null(item_with(&of_cpu, "waiting times"));
}
