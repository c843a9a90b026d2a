/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/comparison_setting.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static int64_t runs_made; /* each begins at another time */

struct setting {
	const char *kernel, *libc, *program, *command, *build, *library;
	int64_t frequency;
	bool with_memory;
	int64_t memory_rate;
	const char *probes, *host;
	bool is_imported;
};

static const struct setting usual = {"Linux 6.1", "glibc 2.36", "sim", "./sim --seed 1",
				     "aa",	  "bb",		999,   false,
				     0,		  "",		"",    false};

static void make_run(struct comparison_run *run, const struct setting *setting,
		     struct comparison_names *names)
{
	struct profile *profile = new_profile();
	struct report report;

	profile_set_number(profile, "start_clock_ns", ++runs_made);
	profile_set_text(profile, "kernel", setting->kernel);
	profile_set_text(profile, "libc", setting->libc);
	profile_set_text(profile, "program", setting->program);
	profile_set_text(profile, "command", setting->command);
	profile_set_number(profile, "frequency_hz", setting->frequency);
	if (setting->with_memory)
		profile_set_number(profile, "memory.processes", 1);
	if (setting->memory_rate)
		profile_set_number(profile, "memory.rate", setting->memory_rate);
	profile_set_text(profile, "probes", setting->probes);
	profile_set_text(profile, "host", setting->host);
	if (setting->is_imported)
		profile_set_number(profile, "import.lines", 1);
	profile_module(profile, PROFILE_MODULE_ELF, setting->program, setting->build);
	profile_module(profile, PROFILE_MODULE_ELF, "/lib/libm.so.6", setting->library);
	add_stack(profile, "main;hot", 40);
	report_init(&report, profile);
	comparison_run_init(run, "some.prof", &report, names);
	report_done(&report);
}

static void hear(void *context, const char *text)
{
	FILE *stream = context;

	fprintf(stream, "%s\n", text);
}

/* Whether two runs may be compared; what is told goes to @text, owned by the caller.
 */
static bool is_comparable(const struct setting *one, const struct setting *other, char **text)
{
	struct comparison_names names = {0};
	struct comparison_run runs[2];
	const struct comparison_run *all[] = {&runs[0], &runs[1]};
	struct comparison comparison;
	struct error error;
	size_t bytes;
	FILE *stream = open_memstream(text, &bytes);
	bool is_allowed;

	make_run(&runs[0], one, &names);
	make_run(&runs[1], other, &names);
	is_allowed = !comparison_check(all, 2, false, &error);
	cr_assert_eq(comparison_check(all, 2, true, &error), 0);
	comparison_make(&comparison, &comparison_defaults, &names, all, 1, all + 1, 1);
	comparison_setting_tell(&comparison, hear, stream);
	fclose(stream);
	comparison_done(&comparison);
	comparison_run_done(&runs[0]);
	comparison_run_done(&runs[1]);
	comparison_names_done(&names);
	return is_allowed;
}

static void expect_of(struct setting one, struct setting other, bool allowed, const char *told)
{
	char *text = NULL;

	cr_assert_eq(is_comparable(&one, &other, &text), allowed, "%s", told);
	cr_assert(strstr(text, told), "%s: %s", told, text);
	free(text);
}

static void expect(struct setting other, bool allowed, const char *told)
{
	expect_of(usual, other, allowed, told);
}

Test(comparison_setting, options_that_differ_in_degree_are_refused)
{
	struct setting exact = usual, sampled = usual, careful = usual, unlimited = usual;

	exact.with_memory = sampled.with_memory = true;
	sampled.memory_rate = 65536;
	expect_of(exact, sampled, false, "--memory), some.prof (999 samples");
	expect_of(sampled, sampled, true, "one build, with the same arguments");
	careful.probes = "--hits a.c:*, --budget 5%";
	unlimited.probes = "--hits a.c:*, --budget none";
	expect_of(careful, unlimited, false, "--budget none");
	expect_of(careful, usual, true, "one build, with the same arguments");
}

Test(comparison_setting, names_of_imported_files_are_no_programs)
{
	struct setting one = usual, other = usual;
	char *text = NULL;

	one.is_imported = other.is_imported = true;
	one.program = "one.folded";
	other.program = "other.folded";
	one.command = other.command = "";
	cr_assert(is_comparable(&one, &other, &text));
	cr_assert_null(strstr(text, "Beware"), "%s", text);
	free(text);
}

Test(comparison_setting, another_host_is_told)
{
	struct setting one = usual, other = usual;

	one.host = "one";
	other.host = "other";
	expect_of(one, other, true, "Beware: recorded on several hosts: one");
	expect_of(one, usual, true, "one build, with the same arguments");
}

Test(comparison_setting, what_is_not_of_one_build_and_command_is_a_mixture)
{
	struct setting others[] = {usual, usual, usual};

	others[0].build = "cc";
	others[1].command = "./sim --seed 2";
	others[2].program = "xz";
	for (size_t i = 0; i < 3; i++) {
		static const char *const what[] = {"of another build", "of another command",
						   "of another program"};
		struct comparison_names names = {0};
		struct comparison_run runs[3];
		const struct comparison_run *all[] = {&runs[0], &runs[1], &runs[2]};
		char *text;

		make_run(&runs[0], &usual, &names);
		make_run(&runs[1], &usual, &names);
		make_run(&runs[2], &others[i], &names);
		cr_expect_null(comparison_setting_mixture(all, 2));
		text = comparison_setting_mixture(all, 3);
		cr_expect(text && strstr(text, what[i]), "%s", text);
		free(text);
		for (int k = 0; k < 3; k++)
			comparison_run_done(&runs[k]);
		comparison_names_done(&names);
	}
}

Test(comparison_setting, another_kernel_libc_or_way_of_recording_is_refused_and_told_when_forced)
{
	struct setting other = usual;

	other.kernel = "Linux 6.2";
	expect(other, false, "this comparison was forced: different kernels");
	other = usual;
	other.libc = "glibc 2.40";
	expect(other, false, "different C libraries");
	other = usual;
	other.frequency = 99;
	expect(other, false, "99 samples per second");
	other = usual;
	other.with_memory = true;
	expect(other, false, "--memory");
	other = usual;
	other.kernel = "";
	expect(other, true, "one build, with the same arguments");
}

Test(comparison_setting, copies_of_one_recording_are_no_runs)
{
	/* Of two recordings that know when they began, and two that do not. */
	static const struct {
		int64_t clock_ns;
		uint32_t samples;
		const char *path;
	} recordings[] = {{7, 40, "a.prof"}, {8, 40, "b.prof"},	     {0, 40, "c.prof"},
			  {0, 41, "d.prof"}, {7, 40, "copy.a.prof"}, {0, 41, "copy.d.prof"}};
	struct comparison_names names = {0};
	struct comparison_run runs[6];
	const struct comparison_run *all[6];
	struct error error;
	char *twins;

	for (int i = 0; i < 6; i++) {
		struct profile *profile = new_profile();
		struct report report;

		if (recordings[i].clock_ns)
			profile_set_number(profile, "start_clock_ns", recordings[i].clock_ns);
		add_stack(profile, "main;hot", recordings[i].samples);
		report_init(&report, profile);
		comparison_run_init(&runs[i], recordings[i].path, &report, &names);
		report_done(&report);
		all[i] = &runs[i];
	}
	cr_assert_eq(comparison_check(all, 4, false, &error), 0);
	cr_assert_neq(comparison_check_whole(all, 5, false, &error), 0);
	cr_assert(strstr(error.text, "a.prof and copy.a.prof are the same recording"), "%s",
		  error.text);
	cr_assert_eq(comparison_check_whole(all, 5, true, &error), 0);
	twins = comparison_setting_twins(all + 1, 5);
	cr_assert_str_eq(twins, "copy.d.prof and d.prof are the same recording");
	free(twins);
	for (int i = 0; i < 6; i++)
		comparison_run_done(&runs[i]);
	comparison_names_done(&names);
}

Test(comparison_setting, another_program_library_or_other_arguments_are_told)
{
	struct setting other = usual;

	other.program = "bench";
	other.command = "./bench --seed 1";
	expect(other, true, "Beware: programs of two names: sim (base), bench (new).");
	other = usual;
	other.command = "'/a path/sim' --seed 2";
	expect(other, true, "Beware: other arguments: ");
	other = usual;
	other.library = "cc";
	expect(other, true, "libraries of several builds: libm.so.6 (some.prof).");
	other = usual;
	other.command = "'/a path/sim' --seed 1";
	expect(other, true, "Both sides are one build");
}

/* What is told of two base runs and one new one. */
static char *told_of_three(const struct setting settings[3])
{
	struct comparison_names names = {0};
	struct comparison_run runs[3];
	const struct comparison_run *all[] = {&runs[0], &runs[1], &runs[2]};
	struct comparison comparison;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	for (int i = 0; i < 3; i++)
		make_run(&runs[i], &settings[i], &names);
	comparison_make(&comparison, &comparison_defaults, &names, all, 2, all + 2, 1);
	comparison_setting_tell(&comparison, hear, stream);
	fclose(stream);
	comparison_done(&comparison);
	for (int i = 0; i < 3; i++)
		comparison_run_done(&runs[i]);
	comparison_names_done(&names);
	return text;
}

Test(comparison_setting, all_runs_of_a_side_are_looked_at)
{
	for (int odd = 0; odd < 4; odd++) {
		static const char *const expected[] = {
			"Both sides are one build, with the same arguments.",
			"Beware: other arguments among the base recordings: ./sim --seed 1 ",
			"Beware: the base recordings are not of one build: ",
			"Beware: libraries of several builds: libm.so.6",
		};
		struct setting settings[] = {usual, usual, usual};
		char *text;

		if (odd == 1)
			settings[1].command = "./sim --seed 2";
		if (odd == 2)
			settings[1].build = "cc";
		if (odd == 3)
			settings[1].library = "cc";
		text = told_of_three(settings);
		for (int i = 0; i < 4; i++)
			cr_expect_eq(strstr(text, expected[i]) != NULL,
				     i == odd || (i == 0 && odd == 3), "%d: %s", odd, text);
		free(text);
	}
}

Test(comparison_setting, another_build_is_what_comparisons_are_for)
{
	struct setting other = usual;
	char *text = NULL;

	other.build = "cc";
	cr_assert(is_comparable(&usual, &other, &text));
	cr_assert_str_empty(text);
	free(text);
}
