/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_baseline: the file that says what is allowed; see gate.h. */
#include "reports/gate.h"

#include "reports/text.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <math.h>

#define SCHEMA "simprof/gate-baseline-v1"

void gate_baseline_done(struct gate_baseline *baseline)
{
	gate_counts_done(&baseline->counts);
	for (size_t i = 0; i < baseline->calibrations_count; i++)
		free(baseline->calibrations[i].machine);
	free(baseline->calibrations);
}

const struct gate_calibration *gate_baseline_find(const struct gate_baseline *baseline,
						  const char *machine)
{
	for (size_t i = 0; i < baseline->calibrations_count; i++)
		if (!strcmp(baseline->calibrations[i].machine, machine))
			return &baseline->calibrations[i];
	return NULL;
}

void gate_baseline_calibrate(struct gate_baseline *baseline,
			     const struct gate_calibration *calibration)
{
	char *machine = xstrdup(calibration->machine);
	size_t i = 0;

	while (i < baseline->calibrations_count &&
	       strcmp(baseline->calibrations[i].machine, machine) != 0)
		i++;
	if (i == baseline->calibrations_count) {
		xgrow(baseline->calibrations, baseline->calibrations_count,
		      baseline->calibrations_capacity);
		baseline->calibrations_count++;
	} else {
		free(baseline->calibrations[i].machine);
	}
	baseline->calibrations[i] = *calibration;
	baseline->calibrations[i].machine = machine;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Returns a member, cleaned as the names of recordings are, for it is shown as they are. */
static const char *member(struct obstack *memory, json_t *row, const char *name)
{
	const char *value = json_string_value(json_object_get(row, name));

	return value ? text_plain(memory, value, 0) : "";
}

/* Returns a member that must be a number from 0 to @most, or NAN. */
static double number(json_t *row, const char *name, double most)
{
	json_t *value = json_object_get(row, name);
	double result = json_is_number(value) ? json_number_value(value) : NAN;

	return result >= 0 && result <= most ? result : NAN;
}

/* Returns the count that a row of the file names, or NULL when it names none. */
static struct gate_count *named(struct gate_baseline *baseline, struct obstack *memory, json_t *row)
{
	const char *name = member(memory, row, "count"),
		   *function = member(memory, row, "function");
	const char *module = member(memory, row, "module");

	if (!*name || (*function && !*module))
		return NULL;
	if (*function)
		return gate_counts_get(&baseline->counts, name, function, module,
				       member(memory, row, "file"));
	return gate_counts_get(&baseline->counts, name, member(memory, row, "statement"), "", "");
}

static int read_counts(struct gate_baseline *baseline, struct obstack *memory, json_t *rows,
		       const char *path, struct error *error)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		double value = number(row, "value", 1e18);
		struct gate_count *count = named(baseline, memory, row);

		if (!count || !isfinite(value))
			return fail(error, -EINVAL,
				    "%s: count number %zu has no name, no value from 0, or a "
				    "function without its module",
				    path, i + 1);
		if (count->runs++)
			return fail(error, -EINVAL, "%s: count number %zu is there twice", path,
				    i + 1);
		count->value = value;
		count->steady = !json_is_false(json_object_get(row, "steady"));
	}
	return 0;
}

static int read_calibrations(struct gate_baseline *baseline, struct obstack *memory, json_t *rows,
			     const char *path, struct error *error)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		double runs = number(row, "runs", 1e9), splits = number(row, "splits", 1e9);
		double false_alarms = number(row, "false_alarms", 1e9);
		struct gate_calibration calibration = {
			.machine = (char *)member(memory, row, "machine"),
			.alpha = number(row, "alpha", 1),
			.spread = number(row, "spread_of_total", 100),
			.pairs_spread = number(row, "spread_of_pairs", 100),
		};

		if (!*calibration.machine || !(runs >= 2) || !(splits >= 1) ||
		    isnan(false_alarms) || isnan(calibration.alpha) || isnan(calibration.spread) ||
		    isnan(calibration.pairs_spread))
			return fail(error, -EINVAL, "%s: calibration number %zu is not whole", path,
				    i + 1);
		calibration.runs = (size_t)runs;
		calibration.splits = (size_t)splits;
		calibration.false_alarms = (size_t)false_alarms;
		gate_baseline_calibrate(baseline, &calibration);
	}
	return 0;
}

int gate_baseline_read(struct gate_baseline *baseline, const char *path, struct error *error)
{
	json_error_t why;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why), *counts, *calibrations;
	struct obstack memory;
	const char *machine;
	int result;

	if (!json && why.line < 1)
		return fail(error, -EINVAL, "cannot read the baseline: %s", why.text);
	if (!json)
		return fail(error, -EINVAL, "cannot read the baseline %s: %s (line %d)", path,
			    why.text, why.line);
	counts = json_object_get(json, "counts");
	calibrations = json_object_get(json, "calibrations");
	obstack_init(&memory);
	machine = member(&memory, json, "machine");
	if (*machine)
		baseline->counts.processor = xstrdup(machine);
	if (strcmp(member(&memory, json, "schema"), SCHEMA) || !json_is_array(counts) ||
	    (calibrations && !json_is_array(calibrations)))
		result = fail(error, -EINVAL, "%s is no baseline of this gate (%s)", path, SCHEMA);
	else
		result = read_counts(baseline, &memory, counts, path, error);
	if (!result)
		result = read_calibrations(baseline, &memory, calibrations, path, error);
	obstack_free(&memory, NULL);
	json_decref(json);
	return result;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int compare_counts(const void *left, const void *right)
{
	const struct gate_count *a = *(struct gate_count *const *)left;
	const struct gate_count *b = *(struct gate_count *const *)right;

	return strcmp(a->key, b->key);
}

static json_t *count_json(const struct gate_count *row)
{
	json_t *json = json_pack("{s:s, s:I}", "count", row->name, "value", (json_int_t)row->value);

	if (!row->steady)
		json_object_set_new(json, "steady", json_false());
	if (!*row->subject)
		return json;
	if (!*row->module) {
		json_object_set_new(json, "statement", json_string(row->subject));
		return json;
	}
	json_object_set_new(json, "function", json_string(row->subject));
	json_object_set_new(json, "module", json_string(row->module));
	json_object_set_new(json, "file", json_string(row->file));
	return json;
}

static json_t *counts_json(const struct gate_counts *counts)
{
	struct gate_count **sorted = xcalloc(counts->rows_count, sizeof(*sorted));
	json_t *rows = json_array();

	if (counts->rows_count)
		memcpy(sorted, counts->rows, counts->rows_count * sizeof(*sorted));
	qsort(sorted, counts->rows_count, sizeof(*sorted), compare_counts);
	for (size_t i = 0; i < counts->rows_count; i++)
		/* Small parts of a whole come and go; they are in its count, which is kept. */
		if (gate_counts_has_large(counts, sorted[i]))
			json_array_append_new(rows, count_json(sorted[i]));
	free(sorted);
	return rows;
}

json_t *gate_baseline_json(const struct gate_baseline *baseline)
{
	json_t *json =
		json_pack("{s:s, s:o}", "schema", SCHEMA, "counts", counts_json(&baseline->counts));
	json_t *calibrations = json_array();

	if (baseline->counts.processor)
		json_object_set_new(json, "machine", json_string(baseline->counts.processor));
	for (size_t i = 0; i < baseline->calibrations_count; i++) {
		const struct gate_calibration *row = &baseline->calibrations[i];

		json_array_append_new(calibrations,
				      json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f}", "machine",
						row->machine, "runs", (json_int_t)row->runs,
						"splits", (json_int_t)row->splits, "false_alarms",
						(json_int_t)row->false_alarms, "alpha", row->alpha,
						"spread_of_total", row->spread, "spread_of_pairs",
						row->pairs_spread));
	}
	if (baseline->calibrations_count)
		json_object_set_new(json, "calibrations", calibrations);
	else
		json_decref(calibrations);
	return json;
}
