/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_sweep: fuzz target of reports/sweep.c. Input: sweep.json, a zero byte, and the run.json
 * of one run.
 */
#include "reports/sweep.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char folder[] = "/tmp/reports_sweep.XXXXXX", plan[PATH_MAX], runs[PATH_MAX], run[PATH_MAX],
	    result[PATH_MAX];

static void remove_folder(void)
{
	unlink(result);
	unlink(plan);
	rmdir(run);
	rmdir(runs);
	rmdir(folder);
}

/* One folder for all inputs. */
static void make_folder(void)
{
	if (*plan)
		return;
	if (!mkdtemp(folder))
		abort();
	snprintf(plan, sizeof(plan), "%s/sweep.json", folder);
	snprintf(runs, sizeof(runs), "%s/runs", folder);
	snprintf(run, sizeof(run), "%s/runs/1", folder);
	snprintf(result, sizeof(result), "%s/runs/1/run.json", folder);
	mkdir(runs, 0700);
	mkdir(run, 0700);
	if (atexit(remove_folder))
		abort();
}

static void write_file(const char *path, const uint8_t *data, size_t bytes)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const uint8_t *end = bytes ? memchr(data, 0, bytes) : NULL;
	size_t plan_bytes = end ? (size_t)(end - data) : bytes;
	struct sweep sweep;
	struct error error;

	make_folder();
	write_file(plan, data, plan_bytes);
	write_file(result, end ? end + 1 : data, end ? bytes - plan_bytes - 1 : 0);
	if (sweep_load(&sweep, folder, &error))
		return 0;
	for (size_t i = 0; i < sweep.count; i++) {
		if (sweep.results[i].point >= json_array_size(sweep.points))
			abort();
		free(sweep_result_path(&sweep.results[i], "profile.prof"));
		sweep_result_count(&sweep.results[i], "steps");
		free(sweep_point_label(json_array_get(sweep.points, sweep.results[i].point)));
	}
	json_decref(sweep_runs_json(&sweep));
	sweep_done(&sweep);
	return 0;
}
