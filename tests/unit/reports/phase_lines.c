/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase_lines.h"

#include "reports/document.h"
#include "reports/finding.h"
#include "tests/unit/reports/small_sweep.h"

Test(phase_lines, the_line_of_a_component_bears_what_it_calls_in_libraries)
{
	json_t *components = json_pack("{s:s}", "inner", "inner"), *point = json_object();
	json_t *document = document_new("");
	struct findings findings = {.phases = {NULL, NULL, json_pack("{s:o}", "report", document)}};
	char folder[SMALL_PATH], path[SMALL_PATH + 16], text[FINDING_TEXT];
	struct scaling scaling;
	struct error error;

	new_folder(folder);
	new_sweep(folder, "lines", json_pack("[{}]"), 1, 0);
	add_run(folder, &(struct small_run){"lines", "p1r1", point, 1, 1, copying_profile()});
	snprintf(path, sizeof(path), "%s/lines", folder);
	cr_assert_eq(scaling_load(&scaling, path, components, &error), 0, "%s", error.text);
	phase_add_lines(document, &scaling, NULL);
	cr_assert_str_eq(finding_line(&findings, "inner", text), "inner.c:5 (64 %)");
	cr_assert_str_eq(finding_line(&findings, "other", text), "rest.c:4 (34 %)");
	scaling_done(&scaling);
	remove_folder(folder);
	findings_done(&findings);
	json_decref(components);
	json_decref(point);
}

/* A recording of the same program that counted inner's lines: where they are estimated line 5
 * rather well, line 3 not. */
static struct profile *hits_profile(enum profile_hit_label label)
{
	struct profile *profile = copying_profile();
	char note[] = "from 10 of 1000 calls";
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t file = profile_file_name(profile, "/src/inner.c");
	uint32_t inner = profile_function(profile, "inner", NULL, module, file, 1, true);
	uint32_t frame = profile_frame(profile, module, 0x100);

	profile_frame_set_lines(profile, frame,
				&(struct profile_line){.function = inner, .line = 1}, 1);
	profile_hit_function_add(
		profile,
		&(struct profile_hit_function){.frame = frame, .calls = 1000, .counted_calls = 10});
	profile_hit_function_set(
		profile, 0,
		&(struct profile_hit_function){
			.frame = frame, .calls = 1000, .counted_calls = 10, .note = note});
	profile_line_hits_add(
		profile,
		&(struct profile_line_hits){.file = file,
					    .line = 5,
					    .label = label,
					    .hits = 10000,
					    .margin = label == PROFILE_HIT_ESTIMATED ? 2500 : 0});
	profile_line_hits_add(
		profile,
		&(struct profile_line_hits){.file = file,
					    .line = 3,
					    .label = label,
					    .hits = 3000,
					    .margin = label == PROFILE_HIT_ESTIMATED ? 5000 : 0});
	return profile;
}

static const json_t *row_of_line(const json_t *table, int line)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		if (json_integer_value(finding_cell(table, row, "line")) == line)
			return row;
	}
	return NULL;
}

/* Phase 3 of the program of which inner is named, with such a recording of hits in windows, and one
 * of all hits, or none. What findings are made of. */
static struct findings measure_lines(bool has_all)
{
	json_t *hot = json_pack("{s:s}", "inside", "inner"), *point = json_object();
	json_t *document = document_new("");
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct scaling scaling;
	struct error error;

	new_folder(folder);
	new_sweep(folder, "lines", json_pack("[{}]"), 1, 0);
	new_sweep(folder, "windows_inside", json_pack("[{}]"), 1, 0);
	new_sweep(folder, "hits", json_pack("[{}]"), 1, 0);
	add_run(folder, &(struct small_run){"lines", "p1r1", point, 1, 1, copying_profile()});
	add_run(folder, &(struct small_run){"windows_inside", "p1r1", point, 1, 1,
					    hits_profile(PROFILE_HIT_ESTIMATED)});
	if (has_all)
		add_run(folder, &(struct small_run){"hits", "p1r1", point, 1, 1,
						    hits_profile(PROFILE_HIT_EXACT)});
	snprintf(path, sizeof(path), "%s/lines", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	phase_add_lines(document, &scaling, hot);
	scaling_done(&scaling);
	remove_folder(folder);
	json_decref(hot);
	json_decref(point);
	return (struct findings){.phases = {NULL, NULL, json_pack("{s:o}", "report", document)}};
}

Test(phase_lines, estimated_hits_have_their_margin_or_are_not_told)
{
	struct findings findings = measure_lines(false);
	const json_t *table = finding_table(findings.phases[2], "lines", "lines");
	const json_t *known = row_of_line(table, 5), *unknown = row_of_line(table, 3);
	char *text = json_dumps(findings.phases[2], 0);

	cr_assert_str_eq(finding_cell_text(table, known, "hits"), "about 10000 ± 2500");
	cr_assert_gt(json_number_value(finding_cell(table, known, "per_hit")), 0);
	cr_assert_str_eq(finding_cell_text(table, unknown, "hits"), "cannot tell");
	cr_assert_not(json_is_number(finding_cell(table, unknown, "per_hit")));
	cr_assert(strstr(text, "Hits of lines of inner: from 10 of 1000 calls."), "%s", text);
	cr_assert(strstr(text, "no run that counts all of them is done"), "%s", text);
	free(text);
	findings_done(&findings);
}

Test(phase_lines, hits_that_were_all_counted_go_before_estimates_also_of_the_hottest_lines)
{
	struct findings findings = measure_lines(true);
	static const char *const tables[] = {"lines", "hottest"};

	for (size_t i = 0; i < 2; i++) {
		const json_t *table = finding_table(findings.phases[2], "lines", tables[i]);
		const json_t *row = row_of_line(table, i ? 5 : 3);

		cr_assert_str_eq(finding_cell_text(table, row, "hits"), i ? "10000" : "3000");
		cr_assert_gt(json_number_value(finding_cell(table, row, "per_hit")), 0);
	}
	findings_done(&findings);
}
