/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_plan: fuzz target of collector/sweep_plan.c. Input: sweep.json, a zero byte, and the text
 * of values that vary. */
#include "collector/sweep_plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void run_plan(const struct sweep_plan *plan)
{
	int count;
	struct sweep_run *runs = sweep_plan_runs(plan, &count);

	for (int i = 0; i < count; i++) {
		if (runs[i].point < 0 || (size_t)runs[i].point >= json_array_size(plan->points))
			abort();
		if (i < 100)
			sweep_command_free(sweep_plan_command(plan, runs[i].point));
	}
	free(runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *end = bytes ? memchr(data, 0, bytes) : NULL;
	json_t *json = json_loadb((const char *)data, end ? (size_t)(end - data) : bytes, 0, NULL);
	json_t *points = json_pack("[{}]");
	char *text = end ? strndup((const char *)end + 1, bytes - (size_t)(end - data) - 1) : NULL;
	struct sweep_plan plan = {0};
	struct error error;

	if (text && strlen(text) < 1000) {
		sweep_points_vary(points, text, &error);
		sweep_points_list(points, text, &error);
	}
	if (json) {
		if (!sweep_plan_init(&plan, json, &error))
			run_plan(&plan);
		sweep_plan_done(&plan);
	}
	json_decref(points);
	free(text);
	return 0;
}
