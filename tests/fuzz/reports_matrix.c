/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_matrix: fuzz target of what reads the summaries of the phases: reports/finding.c and
 * reports/matrix.c. Input: an array of summaries, in JSON: those of the four phases and of the
 * wins.
 */
#include "reports/document.h"
#include "reports/matrix.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char *const names[] = {"phase1", "phase2", "phase3", "phase4", "wins"};
static char folder[] = "/tmp/fuzz-matrix.XXXXXX";

enum {
	NAMES = 5
};

static void path_of(int number, bool of_folder, char path[80])
{
	if (of_folder)
		snprintf(path, 80, "%s/%s", folder, names[number]);
	else
		snprintf(path, 80, "%s/%s/%s_summary.json", folder, names[number], names[number]);
}

static void remove_all(void)
{
	char path[80];

	for (int i = 0; i < NAMES; i++) {
		path_of(i, false, path);
		unlink(path);
		path_of(i, true, path);
		rmdir(path);
	}
	rmdir(folder);
}

static void make_folders(void)
{
	static bool are_made;
	char path[80];

	if (are_made)
		return;
	are_made = true;
	if (!mkdtemp(folder) || atexit(remove_all))
		abort();
	for (int i = 0; i < NAMES; i++) {
		path_of(i, true, path);
		if (mkdir(path, 0700))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	json_t *summaries = json_loadb((const char *)data, bytes, 0, NULL), *document;
	FILE *stream = fopen("/dev/null", "we");
	struct error error;
	char path[80];

	make_folders();
	for (int i = 0; i < NAMES; i++) {
		const json_t *summary = json_array_get(summaries, (size_t)i);

		path_of(i, false, path);
		unlink(path);
		if (json_is_object(summary) && json_dump_file(summary, path, 0))
			abort();
	}
	json_decref(summaries);
	document = matrix_document(folder, &error);
	if (document && stream) {
		document_write_markdown(document, stream);
		document_write_html(document, &(struct document_parts){0}, stream);
	}
	json_decref(document);
	if (stream)
		fclose(stream);
	return 0;
}
