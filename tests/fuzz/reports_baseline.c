/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_baseline: fuzz target of reports/gate_baseline.c. Input: the file. What is kept of a
 * baseline that was read is read again as the same.
 */
#include "reports/gate.h"

#include "tests/fuzz/file.h"

static json_t *kept(const char *path, struct error *error)
{
	struct gate_baseline baseline = {0};
	json_t *json = NULL;

	if (!gate_baseline_read(&baseline, path, error)) {
		struct gate gate = {0};

		gate_judge_counts(&gate, &baseline.counts, &baseline.counts, 0.005);
		if (gate.verdict != GATE_PASSED)
			abort();
		gate_done(&gate);
		json = gate_baseline_json(&baseline);
	}
	gate_baseline_done(&baseline);
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct error error;
	json_t *first = kept(file_of(data, bytes), &error), *second;
	char *text;

	if (!first)
		return 0;
	text = json_dumps(first, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		abort();
	second = kept(file_of((uint8_t *)text, strlen(text)), &error);
	if (!second || !json_equal(first, second))
		abort();
	free(text);
	json_decref(first);
	json_decref(second);
	return 0;
}
