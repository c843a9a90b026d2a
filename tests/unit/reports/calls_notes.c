/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/calls_notes.c. */
#include "reports/calls_notes.h"

#include <criterion/criterion.h>
#include <stdarg.h>

#include "tests/unit/reports/small_profile.h"

static char text[2000];

/* Notes of functions that are called less and less often, NULL behind the last, of @limit rows. */
static void write_notes(uint32_t limit, const char *first, ...)
{
	struct profile *profile = new_profile();
	struct report report;
	struct calls calls;
	va_list notes;
	FILE *stream = fmemopen(text, sizeof(text), "w");
	uint64_t called = 1000;

	va_start(notes, first);
	for (const char *note = first; note; note = va_arg(notes, const char *)) {
		char name[8];
		uint32_t stack, probe;

		snprintf(name, sizeof(name), "f%d", (int)(1000 - called));
		stack = add_stack(profile, name, 1);
		probe = profile_probe_add(profile, &(struct profile_probe){
							   .frame = profile->stacks[stack].frame,
							   .mode = PROFILE_PROBE_COUNT,
						   });
		profile_probe_set_note(profile, probe, *note ? note : NULL);
		profile_timing_add(profile,
				   &(struct profile_timing){.probe = probe, .calls = called--});
	}
	va_end(notes);
	report_init(&report, profile);
	calls_measure(&calls, &report);
	calls_notes_write(&report, &calls, limit, stream);
	fclose(stream);
	calls_done(&calls);
	report_done(&report);
}

Test(calls_notes, one_reason_is_said_once_with_the_range_of_its_numbers)
{
	write_notes(10, "seen from 0.30 s on in 7 windows", "seen from 0.26 s on in 31 windows", "",
		    "seen from 0.41 s on in 7 windows", "seen from 0.30 s on in 12 windows", NULL);
	cr_expect_str_eq(text, "note: 4 functions (f0, f1, f3, …): seen from 0.26 to 0.41 s on in "
			       "7 to 31 windows\n");
}

Test(calls_notes, few_functions_are_all_named_and_numbers_that_agree_stay_as_they_are)
{
	write_notes(10, "from 0.30 s on", "from 0.30 s on", NULL);
	cr_expect_str_eq(text, "note: f0, f1: from 0.30 s on\n");
}

Test(calls_notes, other_reasons_and_other_places_are_apart)
{
	write_notes(10, "inlined at a.c:9 in f", "inlined at a.c:12 in f", "3 left",
		    "3 left and open", NULL);
	cr_expect_str_eq(text, "note: f0: inlined at a.c:9 in f\nnote: f1: inlined at a.c:12 in f\n"
			       "note: f2: 3 left\nnote: f3: 3 left and open\n");
}

Test(calls_notes, rows_that_are_not_shown_have_none)
{
	write_notes(1, "left", "left", "open", NULL);
	cr_expect_str_eq(text, "note: f0: left\n");
}
