/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase_sections.h"

#include "reports/document.h"
#include "reports/finding.h"
#include "tests/unit/reports/small_sweep.h"

#include <math.h>

/* Phase 1 of the program that copies, of which inner is a component: what findings are made of. */
static struct findings measure_shares(struct profile *(*make)(void))
{
	json_t *components = json_pack("{s:s}", "inner", "inner"), *point = json_object();
	json_t *document = document_new("");
	struct scaling scaling;
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct error error;

	new_folder(folder);
	new_sweep(folder, "macro", json_pack("[{}]"), 2, 0);
	add_run(folder, &(struct small_run){"macro", "p1r1", point, 1, 1, make()});
	add_run(folder, &(struct small_run){"macro", "p1r2", point, 1, 1, make()});
	snprintf(path, sizeof(path), "%s/macro", folder);
	cr_assert_eq(scaling_load(&scaling, path, components, &error), 0, "%s", error.text);
	phase_add_shares(document, &scaling);
	scaling_done(&scaling);
	remove_folder(folder);
	json_decref(components);
	json_decref(point);
	return (struct findings){.phases = {json_pack("{s:o}", "report", document)}};
}

/* The row of a table of the section that has @text in its column @id. */
static const json_t *find_row(const json_t *table, const char *id, const char *text)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		if (!strcmp(finding_cell_text(table, row, id), text))
			return row;
	}
	cr_assert_fail("there is no %s %s", id, text);
	return NULL;
}

static double share_in(const json_t *table, const json_t *row, const char *id)
{
	return finding_share(finding_cell(table, row, id));
}

Test(phase_sections, the_cause_of_a_component_bears_what_it_calls_in_libraries_as_the_share_does)
{
	struct findings findings = measure_shares(copying_profile);
	const json_t *shares = finding_table(findings.phases[0], "shares", "components");
	char text[FINDING_TEXT];

	cr_assert_float_eq(share_in(shares, find_row(shares, "component", "inner"), "share"), 0.66,
			   1e-9);
	cr_assert_str_eq(finding_function(&findings, "inner", text),
			 "inner, 66 % with what it calls outside of components, 2 % in itself");
	cr_assert_str_eq(finding_function(&findings, "other", text),
			 "rest, 34 % with what it calls outside of components, 30 % in itself");
	findings_done(&findings);
}

Test(phase_sections, only_what_lies_in_a_library_is_its_callers)
{
	struct findings findings = measure_shares(copying_profile);
	const json_t *table = finding_table(findings.phases[0], "shares", "functions");
	static const char *const components[][2] = {
		{"inner", "inner"}, {"rest", "other"}, {"memmove", "its caller's"}};

	for (size_t i = 0; i < sizeof(components) / sizeof(*components); i++)
		cr_assert_str_eq(finding_cell_text(table,
						   find_row(table, "function", components[i][0]),
						   "component"),
				 components[i][1]);
	findings_done(&findings);
}

/* inner() has a function of a header inlined in it. */
static struct profile *inlining_profile(void)
{
	static const char program[] = "/bin/sim";
	struct profile *profile = copying_profile();

	add_frames(profile,
		   (struct small_frame[]){
			   {"main", program, 9}, {"inner", program, 5}, {"movemask", program, 7}},
		   3, 100);
	return profile;
}

Test(phase_sections, what_is_inlined_into_a_component_and_in_none_itself_is_its_callers)
{
	struct findings findings = measure_shares(inlining_profile);
	const json_t *table = finding_table(findings.phases[0], "shares", "functions");

	cr_assert_str_eq(
		finding_cell_text(table, find_row(table, "function", "movemask"), "component"),
		"its caller's");
	cr_assert_str_eq(finding_cell_text(table, find_row(table, "function", "rest"), "component"),
			 "other");
	findings_done(&findings);
}
