/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/collector/import_text.h"

#include <unistd.h>

static void read_text(const char *text)
{
	FILE *stream = import_text_open(text, strlen(text));

	cr_assert_eq(import_perf(&import, stream, NULL), 0);
	fclose(stream);
}

TestSuite(import_perf, .fini = import_text_done);

#define HEAD "my sim 1234/1235 [000] 12345.678901:     500250 cpu-clock:u: \n"

Test(import_perf, a_chain_is_read_from_the_innermost_frame)
{
	read_text(HEAD "\t    55d0c0ffee10 observe(int, char*)+0x10 (/opt/sim dir/sim)\n"
		       "\t    55d0c0ffee20 main+0x1 (/opt/sim dir/sim)\n\n");
	cr_assert_eq(import.samples, 1);
	cr_assert_eq(taken[0].value, 500250);
	cr_assert_str_eq(stack_text(taken[0].stack), "main;observe(int, char*)");
	cr_assert_str_eq(import.profile->threads[taken[0].thread].name, "my sim");
	cr_assert_eq(import.profile->threads[taken[0].thread].pid, 1234);
	cr_assert_eq(import.profile->threads[taken[0].thread].tid, 1235);
	cr_assert_str_eq(import.profile->metrics[taken[0].metric].unit, "ns");
}

Test(import_perf, the_file_of_a_frame_may_be_deleted)
{
	read_text(HEAD "\t 55d0c0ffee10 [unknown] (/tmp/lp (deleted))\n"
		       "\t 55d0c0ffee20 main(int, char*)+0x1 (/tmp/lp (deleted))\n\n");
	cr_assert_str_eq(stack_text(taken[0].stack), "main(int, char*);[unknown]");
	cr_assert_eq(import.profile->modules_count, 2);
	cr_assert_str_eq(import.profile->modules[1].path, "/tmp/lp");
}

Test(import_perf, comments_do_not_hide_what_the_text_is)
{
	enum import_format format;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	for (int i = 0; i < 60; i++)
		fputs("# cmdline : /usr/bin/perf record\n", stream);
	fputs(HEAD "\t 55d0c0ffee10 observe+0x10 (/opt/sim)\n\n", stream);
	fclose(stream);
	stream = import_guess(import_text_open(text, bytes), &format);
	cr_assert_eq(format, IMPORT_PERF);
	fclose(stream);
	free(text);
}

/* What import_guess read before is there again, though a pipe has no way back. */
Test(import_perf, a_pipe_is_known_by_its_first_lines_and_read_from_them_on)
{
	enum import_format format;
	FILE *stream;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	stream = fdopen(ends[1], "w");
	for (int i = 0; i < 15; i++)
		fputs(HEAD "\t 55d0c0ffee10 observe+0x10 (/opt/sim)\n\n", stream);
	fclose(stream);
	taken_count = 0;
	import_init(&import, profile_new(), take, NULL);
	stream = import_guess(fdopen(ends[0], "r"), &format);
	cr_assert_eq(format, IMPORT_PERF);
	cr_assert_eq(import_perf(&import, stream, NULL), 0);
	cr_assert_eq(import.samples, 15);
	cr_assert_eq(import.lines, 45);
	cr_assert_eq(fclose(stream), 0);
}

Test(import_perf, a_sample_that_is_cut_off_at_its_chain_counts)
{
	read_text(HEAD "\t    55d0c0ffee10 observe+0x10 (/opt/sim)");
	cr_assert_eq(import.samples, 1);
	cr_assert_str_eq(stack_text(taken[0].stack), "observe");
}

Test(import_perf, events_are_metrics_of_their_own)
{
	read_text(HEAD "\t 1 a (/x)\n\n"
		       "sim 7 [001] 1.000001: 3 cycles: \n\t 1 a (/x)\n\n");
	cr_assert_eq(import.samples, 2);
	cr_assert_neq(taken[0].metric, taken[1].metric);
	cr_assert_str_eq(import.profile->metrics[taken[1].metric].unit, "cycles");
	cr_assert_eq(taken[1].value, 3);
}

Test(import_perf, frames_whose_line_perf_does_not_know_are_understood)
{
	read_text(HEAD "\t 1060 [unknown] (/opt/sim)\n  sim[1060]\n"
		       "\t ffffffff822010c9 entry+0x9 ([kernel.kallsyms])\n"
		       "  [kernel.kallsyms][ffffffff822010c9]\n"
		       "\t 1080 observe+0x10 (/opt/sim)\n  observe+16\n\n"
		       "  sim[1060]\n");
	cr_assert_eq(import.samples, 1);
	cr_assert_eq(import.skipped, 1, "the last belongs to no frame");
	cr_assert_str_eq(stack_text(taken[0].stack), "observe;entry;[unknown]");
}

Test(import_perf, paths_and_names_may_have_parentheses)
{
	read_text(HEAD "\t 1 hot+0x2b (/tmp/my dir (x86)/w)\n"
		       "\t 2 (anonymous namespace)::f(int (*)(int))+0x1 (/opt/a(1) (deleted))\n"
		       "\t 3 operator() (inlined)\n\t 4 main+0x1 ([kernel.kallsyms])\n\n");
	cr_assert_str_eq(stack_text(taken[0].stack),
			 "operator();(anonymous namespace)::f(int (*)(int));hot");
	cr_assert_str_eq(import.profile->modules[1].path, "[kernel]");
	cr_assert_str_eq(import.profile->modules[2].path, "/opt/a(1)");
	cr_assert_str_eq(import.profile->modules[3].path, "/tmp/my dir (x86)/w");
}

Test(import_perf, other_records_are_no_samples_and_say_what_is_lost)
{
	read_text("sim 7 [001] 1.000001: PERF_RECORD_MMAP2 7/7: [0x1(0x2) @ 0 08:01 1 0]: r-xp /x\n"
		  "sim 7 [001] 1.000002: PERF_RECORD_LOST lost 12\n" HEAD "\t 1 a (/x)\n\n"
		  "sim 7 [001] 1.000003: PERF_RECORD_EXIT(7:7):(1:1)\n");
	cr_assert_eq(import.samples, 1);
	cr_assert_eq(import.skipped, 0);
	cr_assert_eq(import.lost, 12);
}

Test(import_perf, an_event_is_the_same_however_exact_it_was_asked_to_be)
{
	read_text("sim 7 [001] 1.000001: 3 cycles:ppp: \n\t 1 a (/x)\n\n"
		  "sim 7 [001] 1.000002: 3 cycles: \n\t 1 a (/x)\n\n"
		  "sim 7 [001] 1.000003: 3 cycles:upp: \n\t 1 a (/x)\n\n");
	cr_assert_eq(taken[0].metric, taken[1].metric);
	cr_assert_str_eq(import.profile->metrics[taken[2].metric].name, "cycles:u");
}

Test(import_perf, without_periods_samples_are_counted_and_a_period_that_is_no_number_is_skipped)
{
	read_text("sim 7 [001] 1.000001: cpu-clock: \n\t 1 a (/x)\n\n" HEAD "\t 1 a (/x)\n\n"
		  "sim 7 [001] 1.000003: 99999999999999999999 cycles: \n\t 1 a (/x)\n\n");
	cr_assert_eq(import.samples, 2);
	cr_assert_eq(taken[0].value, 1);
	cr_assert_str_eq(import.profile->metrics[taken[0].metric].name, "cpu-clock samples");
	cr_assert_str_eq(import.profile->metrics[taken[0].metric].unit, "count");
	cr_assert_str_eq(import.profile->metrics[taken[1].metric].unit, "ns");
}

Test(import_perf, text_without_times_is_known_by_its_frames)
{
	static const char text[] = "sim 1234 \n\t    55d0c0ffee10 observe+0x10 (/opt/sim)\n\n";
	enum import_format format;
	FILE *stream = import_guess(import_text_open(text, strlen(text)), &format);

	cr_assert_eq(format, IMPORT_PERF);
	fclose(stream);
}

Test(import_perf, text_that_perf_did_not_write_is_skipped)
{
	read_text("words\n\t zzz (/x)\nsim 1 2 3\n" HEAD "\t 1 a (/x)\n");
	cr_assert_eq(import.samples, 1);
	cr_assert_gt(import.skipped, 0);
}
