/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/calls_name.c. */
#include "reports/calls.h"

#include <criterion/criterion.h>

#include "tests/unit/reports/small_profile.h"

static struct profile *profile;
static struct report report;
static struct calls calls;

/* A probed function of a file, "" for none, at a line. */
static uint32_t add_probe(const char *name, const char *file, uint32_t line)
{
	static uint64_t address = 0x1000;
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t function =
		profile_function(profile, name, NULL, module,
				 *file ? profile_file_name(profile, file) : 0, line, true);
	uint32_t frame = profile_frame(profile, module, address += 16);

	profile_frame_set_lines(profile, frame, &(struct profile_line){.function = function}, 1);
	return profile_probe_add(profile, &(struct profile_probe){.frame = frame});
}

static const char *name_of(uint32_t probe)
{
	return calls.rows[calls.row_of_probe[probe]].name;
}

static void set_up(void)
{
	profile = new_profile();
}

static void measure(void)
{
	report_init(&report, profile);
	calls_measure(&calls, &report);
}

static void tear_down(void)
{
	calls_done(&calls);
	report_done(&report);
}

TestSuite(calls_name, .init = set_up, .fini = tear_down);

Test(calls_name, is_what_the_function_was_asked_for_by)
{
	uint32_t plain = add_probe("step", "", 0), alias = add_probe("__libc_malloc", "", 0),
		 method = add_probe("World::step(int)", "", 0);

	profile_set_text(profile, "asked.1", "malloc");
	profile_set_text(profile, "asked.2", "World::step");
	measure();
	cr_expect_str_eq(name_of(plain), "step");
	cr_expect_str_eq(name_of(alias), "malloc");
	cr_expect_str_eq(name_of(method), "World::step(int)");
}

Test(calls_name, has_the_least_of_its_place_that_tells_namesakes_apart)
{
	uint32_t a = add_probe("go", "/src/a.c", 1), b = add_probe("go", "/src/b.c", 1);
	uint32_t c = add_probe("run", "/one/a.c", 1), d = add_probe("run", "/two/a.c", 1);
	uint32_t e = add_probe("act", "/src/a.c", 1), f = add_probe("act", "/src/a.c", 7);
	uint32_t g = add_probe("see", "", 0), h = add_probe("see", "", 0);

	measure();
	cr_expect_str_eq(name_of(a), "go (a.c)");
	cr_expect_str_eq(name_of(b), "go (b.c)");
	cr_expect_str_eq(name_of(c), "run (/one/a.c)");
	cr_expect_str_eq(name_of(d), "run (/two/a.c)");
	cr_expect_str_eq(name_of(e), "act (a.c:1)");
	cr_expect_str_eq(name_of(f), "act (a.c:7)");
	cr_expect_neq(strcmp(name_of(g), name_of(h)), 0);
	cr_expect_not_null(strstr(name_of(g), "see (sim+0x"));
}
