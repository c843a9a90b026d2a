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
	phase_add_lines(document, &scaling, NULL, NULL);
	cr_assert_str_eq(finding_line(&findings, "inner", text), "inner.c:5 (64 %)");
	cr_assert_str_eq(finding_line(&findings, "other", text), "rest.c:4 (34 %)");
	scaling_done(&scaling);
	remove_folder(folder);
	findings_done(&findings);
	json_decref(components);
	json_decref(point);
}
