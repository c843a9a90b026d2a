/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_profile: fuzz target of what the reports make of a profile. Input: the file. All exports
 * of the first metric, the flame graph, the whole report, and what comparisons take of a run.
 */
#include "reports/comparison_run.h"
#include "reports/document.h"
#include "reports/downloads.h"
#include "reports/flame.h"

#include "tests/fuzz/profile_mutator.h"

#include <string.h>

static void write_all(const struct report *report, FILE *stream)
{
	json_t *document = document_of_run(report, &(struct document_options){0});

	downloads_write(report, report_program(report), DOWNLOADS_PAGE_BYTES, stream);
	flame_write(report, &(struct flame_options){0}, stream);
	document_write_markdown(document, stream);
	document_write_html(document, &(struct document_parts){0}, stream);
	json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct comparison_names names = {0};
	struct comparison_run run;
	struct report report;
	struct error error;
	FILE *stream = fopen("/dev/null", "we");

	if (!stream)
		abort();
	if (!report_open(&report, file_of(data, bytes), &error)) {
		write_all(&report, stream);
		comparison_run_init(&run, "fuzz.prof", &report, &names);
		comparison_run_done(&run);
		report_done(&report);
	}
	comparison_names_done(&names);
	fclose(stream);
	return 0;
}
