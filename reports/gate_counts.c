/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_counts: counts of recordings, of callgrind's files and of baselines; see gate.h. */
#include "reports/gate.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <math.h>

#define SCHEMA "simprof/gate-baseline-v1"

void gate_counts_done(struct gate_counts *counts)
{
	for (size_t i = 0; i < counts->rows_count; i++) {
		free(counts->rows[i].name);
		free(counts->rows[i].function);
		free(counts->rows[i].module);
		free(counts->rows[i].file);
	}
	free(counts->rows);
	free(counts->machine);
}

static struct gate_count *add(struct gate_counts *counts, const char *name, const char *function,
			      const char *module, const char *file, double value)
{
	xgrow(counts->rows, counts->rows_count, counts->rows_capacity);
	counts->rows[counts->rows_count] = (struct gate_count){
		.name = xstrdup(name),
		.function = xstrdup(function),
		.module = xstrdup(module),
		.file = xstrdup(file),
		.value = value,
		.steady = true,
	};
	return &counts->rows[counts->rows_count++];
}

static void take_calls(struct gate_counts *counts, const struct comparison_function *function,
		       const struct comparison_run *const *runs, size_t runs_count)
{
	struct gate_count *row = NULL;

	for (size_t i = 0; i < runs_count; i++) {
		struct comparison_cost cost = comparison_run_cost(runs[i], function->id);

		if (!row && !cost.counted)
			continue;
		if (!row)
			row = add(counts, "calls", function->name, function->module,
				  symbol_base_name(function->file), (double)cost.calls);
		/* A run before this one did not count it. */
		row->steady = row->steady && cost.counted && cost.exact &&
			      (double)cost.calls == row->value &&
			      comparison_run_cost(runs[0], function->id).counted;
	}
}

void gate_counts_take(struct gate_counts *counts, const struct comparison_names *names,
		      const struct comparison_run *const *runs, size_t runs_count)
{
	counts->machine = xstrdup(runs[0]->machine);
	if (runs[0]->steps) {
		struct gate_count *steps = add(counts, "steps", "", "", "", runs[0]->steps);

		for (size_t i = 1; i < runs_count; i++)
			steps->steady = steps->steady && runs[i]->steps == runs[0]->steps;
	}
	for (size_t i = 0; i < names->rows_count; i++)
		take_calls(counts, names->rows[i], runs, runs_count);
}

int gate_counts_read_callgrind(struct gate_counts *counts, const char *path, struct error *error)
{
	FILE *file = fopen(path, "re");
	bool instructions = false;
	double all = 0, part;
	char *line = NULL;
	size_t capacity = 0;

	if (!file)
		return fail(error, -errno, "cannot open %s: %m", path);
	while (getline(&line, &capacity, file) > 0) {
		if (!strncmp(line, "events: Ir", 10))
			instructions = true;
		if (!strncmp(line, "totals: ", 8) && sscanf(line + 8, "%lf", &part) == 1 &&
		    isfinite(part) && part > 0)
			all += part;
	}
	free(line);
	fclose(file);
	if (!instructions || all <= 0)
		return fail(error, -EINVAL,
			    "%s is no file of callgrind with instructions (events: Ir ... totals:)",
			    path);
	for (size_t i = 0; i < counts->rows_count; i++)
		if (!strcmp(counts->rows[i].name, "instructions")) {
			/* A second run of the same work: does it agree? One in a thousand is what
			 * addresses and the environment may change. */
			counts->rows[i].steady = fabs(all / counts->rows[i].value - 1) <= 0.001;
			return 0;
		}
	add(counts, "instructions", "", "", "", all);
	return 0;
}

static const char *member(json_t *row, const char *name)
{
	const char *value = json_string_value(json_object_get(row, name));

	return value ? value : "";
}

int gate_baseline_read(struct gate_counts *counts, const char *path, struct error *error)
{
	json_error_t why;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why), *rows, *row;
	size_t i;
	int result = 0;

	if (!json)
		return fail(error, -EINVAL, "cannot read the baseline %s: %s (line %d)", path,
			    why.text, why.line);
	counts->machine = xstrdup(member(json, "machine"));
	rows = json_object_get(json, "counts");
	if (strcmp(member(json, "schema"), SCHEMA) || !json_is_array(rows))
		result = fail(error, -EINVAL, "%s is no baseline of this gate (%s)", path, SCHEMA);
	json_array_foreach (rows, i, row) {
		json_t *value = json_object_get(row, "value");

		if (result)
			break;
		if (!*member(row, "count") || !json_is_number(value) ||
		    json_number_value(value) < 0) {
			result = fail(error, -EINVAL,
				      "%s: count number %zu has no name or no value above 0", path,
				      i + 1);
			break;
		}
		add(counts, member(row, "count"), member(row, "function"), member(row, "module"),
		    member(row, "file"), json_number_value(value));
	}
	json_decref(json);
	return result;
}

static int compare_counts(const void *left, const void *right)
{
	const struct gate_count *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (!order)
		order = strcmp(a->function, b->function);
	if (!order)
		order = strcmp(a->module, b->module);
	return order ? order : strcmp(a->file, b->file);
}

json_t *gate_baseline_json(const struct gate_counts *counts)
{
	struct gate_count *sorted = xcalloc(counts->rows_count, sizeof(*sorted));
	json_t *rows = json_array();

	if (counts->rows_count)
		memcpy(sorted, counts->rows, counts->rows_count * sizeof(*sorted));
	qsort(sorted, counts->rows_count, sizeof(*sorted), compare_counts);
	for (size_t i = 0; i < counts->rows_count; i++) {
		json_t *row;

		if (!sorted[i].steady)
			continue;
		row = json_pack("{s:s, s:I}", "count", sorted[i].name, "value",
				(json_int_t)sorted[i].value);
		if (*sorted[i].function) {
			json_object_set_new(row, "function", json_string(sorted[i].function));
			json_object_set_new(row, "module", json_string(sorted[i].module));
			json_object_set_new(row, "file", json_string(sorted[i].file));
		}
		json_array_append_new(rows, row);
	}
	free(sorted);
	return json_pack("{s:s, s:s, s:o}", "schema", SCHEMA, "machine", counts->machine, "counts",
			 rows);
}
