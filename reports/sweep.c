/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep: see sweep.h. */
#include "reports/sweep.h"

#include "collector/base/xalloc.h"
#include "reports/output.h"
#include "reports/statistics.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <unistd.h>

#define PLAN_SCHEMA "simprof/sweep-v1"
#define RUN_SCHEMA  "simprof/run-v1"

static int load_plan(struct sweep *sweep, struct error *error)
{
	char path[PATH_MAX];
	json_error_t why;
	const char *schema;
	int repeats, bare;

	snprintf(path, sizeof(path), "%s/sweep.json", sweep->folder);
	if (access(path, F_OK))
		return fail(error, -ENOENT, "there is no sweep in %s: no file sweep.json",
			    sweep->folder);
	output_spare(path);
	sweep->plan = json_load_file(path, 0, &why);
	if (!sweep->plan)
		return fail(error, -EINVAL, "%s is no plan of a sweep: %s", path, why.text);
	if (json_unpack_ex(sweep->plan, &why, 0, "{s:s, s:o, s:i, s:i}", "schema", &schema,
			   "points", &sweep->points, "repeats", &repeats, "bare", &bare))
		return fail(error, -EINVAL, "%s is no plan of a sweep: %s", path, why.text);
	if (strcmp(schema, PLAN_SCHEMA) != 0)
		return fail(error, -EPROTONOSUPPORT,
			    "%s has the form '%.40s'; this version reads " PLAN_SCHEMA, path,
			    schema);
	if (!json_is_array(sweep->points) || repeats < 0 || bare < 0)
		return fail(error, -EINVAL, "%s holds values that no sweep has", path);
	sweep->planned = json_array_size(sweep->points) * (size_t)(repeats + bare);
	return 0;
}

static bool find_point(const struct sweep *sweep, const json_t *wanted, size_t *index)
{
	const json_t *point;
	size_t i;

	json_array_foreach (sweep->points, i, point) {
		if (json_equal(point, wanted)) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* A folder with a point in its name is passed over: that run is being made, or was cut off. */
static void load_result(struct sweep *sweep, const char *name)
{
	struct sweep_result result = {0};
	const char *schema;
	char path[PATH_MAX];
	json_t *point;
	int is_bare;

	if (strchr(name, '.'))
		return;
	snprintf(path, sizeof(path), "%s/runs/%s/run.json", sweep->folder, name);
	output_spare(path);
	result.json = json_load_file(path, 0, NULL);
	if (!json_unpack(result.json, "{s:s, s:o, s:b, s:s, s:F, s:F}", "schema", &schema, "point",
			 &point, "bare", &is_bare, "state", &result.state, "seconds",
			 &result.seconds, "cpu_seconds", &result.cpu_seconds) &&
	    !strcmp(schema, RUN_SCHEMA) && find_point(sweep, point, &result.point)) {
		result.is_bare = is_bare;
		result.is_done = !strcmp(result.state, "done");
		*strrchr(path, '/') = '\0';
		result.folder = xstrdup(path);
		xgrow(sweep->results, sweep->count, sweep->capacity);
		sweep->results[sweep->count++] = result;
		return;
	}
	if (!access(path, F_OK))
		json_array_append_new(sweep->damaged, json_string(name));
	json_decref(result.json);
}

static int compare_results(const void *left, const void *right)
{
	const struct sweep_result *a = left, *b = right;

	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	return strcmp(a->folder, b->folder);
}

int sweep_load(struct sweep *sweep, const char *folder, struct error *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int result;
	DIR *runs;

	*sweep = (struct sweep){.folder = xstrdup(folder), .damaged = json_array()};
	result = load_plan(sweep, error);
	if (result) {
		sweep_done(sweep);
		return result;
	}
	snprintf(path, sizeof(path), "%s/runs", folder);
	runs = opendir(path);
	while (runs && (entry = readdir(runs)))
		load_result(sweep, entry->d_name);
	if (runs)
		closedir(runs);
	if (sweep->count)
		qsort(sweep->results, sweep->count, sizeof(*sweep->results), compare_results);
	return 0;
}

void sweep_done(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->count; i++) {
		json_decref(sweep->results[i].json);
		free(sweep->results[i].folder);
	}
	json_decref(sweep->damaged);
	free(sweep->results);
	free(sweep->folder);
	json_decref(sweep->plan);
	*sweep = (struct sweep){0};
}

char *sweep_result_path(const struct sweep_result *result, const char *file)
{
	return xasprintf("%s/%s", result->folder, file);
}

double sweep_result_count(const struct sweep_result *result, const char *name)
{
	char *path = sweep_result_path(result, "out"), *line = NULL, *start, *end;
	size_t capacity = 0, length = strlen(name);
	double count = -1;
	FILE *stream = fopen(path, "re");

	while (stream && getline(&line, &capacity, stream) > 0) {
		double value;

		if (strncmp(line, name, length) != 0 || !strchr(" \t:=", line[length]))
			continue;
		start = line + length + strspn(line + length, " \t:=");
		value = strtod(start, &end);
		if (end > start && isfinite(value) && (!*end || isspace((unsigned char)*end)))
			count = value;
	}
	if (stream)
		fclose(stream);
	free(line);
	free(path);
	return count;
}

char *sweep_point_label(const json_t *point)
{
	char *label = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&label, &bytes));
	json_t *value;
	const char *name;

	json_object_foreach ((json_t *)point, name, value) {
		fprintf(stream, "%s%s %s", ftell(stream) > 0 ? ", " : "", name,
			json_string_value(value));
	}
	fclose(stream);
	return label;
}

json_t *sweep_runs_json(const struct sweep *sweep)
{
	json_t *problems = json_array(), *name;
	int done = 0, failed = 0, timed_out = 0;
	size_t damaged;

	for (size_t i = 0; i < sweep->count; i++) {
		const struct sweep_result *result = &sweep->results[i];
		const json_t *reason = json_object_get(result->json, "reason");
		char *label;

		done += result->is_done;
		failed += !strcmp(result->state, "failed");
		timed_out += !strcmp(result->state, "timed out");
		if (result->is_done)
			continue;
		label = sweep_point_label(json_array_get(sweep->points, result->point));
		json_array_append_new(problems,
				      json_pack("{s:s, s:s, s:s, s:O?}", "run",
						strrchr(result->folder, '/') + 1, "point", label,
						"state", result->state, "reason", reason));
		free(label);
	}
	json_array_foreach (sweep->damaged, damaged, name) {
		json_array_append_new(
			problems, json_pack("{s:O, s:s, s:s, s:s}", "run", name, "point", "",
					    "state", "damaged", "reason",
					    "its run.json is cut or of another version. Remedy: "
					    "the same command with --retry makes it again"));
	}
	return json_pack(
		"{s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "planned", (int)sweep->planned, "done", done,
		"failed", failed, "timed_out", timed_out, "damaged", (int)damaged, "missing",
		(int)sweep->planned - (int)sweep->count - (int)damaged, "problems", problems);
}

json_t *sweep_overhead_json(const struct sweep *sweep, const double *cpu_ns)
{
	struct statistics_plot *plots = xcalloc(sweep->count, sizeof(*plots));
	size_t points = json_array_size(sweep->points), count = 0, bare = 0;
	struct statistics_change change;
	json_t *json = json_null();

	for (size_t i = 0; i < sweep->count; i++) {
		const struct sweep_result *result = &sweep->results[i];
		double value = result->is_bare ? 1e9 * result->cpu_seconds : cpu_ns[i];

		if (!result->is_done || value <= 0)
			continue;
		plots[count++] =
			(struct statistics_plot){log(value), result->point, !result->is_bare};
		bare += result->is_bare;
	}
	change = statistics_blocks(plots, count, points, 0.95);
	if (!isnan(change.estimate))
		json = json_pack("{s:f, s:i, s:i}", "overhead", expm1(change.estimate), "recorded",
				 (int)(count - bare), "bare", (int)bare);
	if (isfinite(change.low) && isfinite(change.high))
		json_object_set_new(json, "interval",
				    json_pack("[f, f]", expm1(change.low), expm1(change.high)));
	free(plots);
	return json;
}
