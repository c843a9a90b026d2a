/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_json: see comparison_write.h. */
#include "reports/comparison_write.h"

#include <math.h>

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* A ratio less one: 0.062 for 6.2 % more. */
static json_t *ratio(double logarithm)
{
	return number(isfinite(logarithm) ? expm1(logarithm) : INFINITY);
}

static json_t *change_json(const struct statistics_change *change)
{
	return json_pack("{s:o, s:[o, o], s:f}", "change", ratio(change->estimate), "interval",
			 ratio(change->low), ratio(change->high), "p", change->p);
}

static json_t *row_json(const struct comparison *comparison, const struct comparison_row *row)
{
	static const char *const presences[] = {"both", "new", "removed"};
	bool by_self = comparison->options.order == FUNCTIONS_BY_SELF;
	json_t *json = change_json(&row->change);
	char name[64];

	json_object_set_new(json, "base", json_real(row->base));
	json_object_set_new(json, "new", json_real(row->fresh));
	json_object_set_new(json, "p_adjusted", json_real(row->p_adjusted));
	json_object_set_new(json, "margin", ratio(row->margin));
	json_object_set_new(json, "detectable", ratio(row->detectable));
	json_object_set_new(json, "verdict", json_string(comparison_verdict_names[row->verdict]));
	json_object_set_new(json, "name", json_string(comparison_row_name(comparison, row, name)));
	if (row->runs_needed > 0)
		json_object_set_new(json, "runs_needed", json_real(row->runs_needed));
	if (row == &comparison->total)
		return json;
	json_object_set_new(json, "presence", json_string(presences[row->presence]));
	if (!row->function)
		return json;
	json_object_set_new(json, by_self ? "total" : "self", change_json(&row->other));
	json_object_set_new(json, "module", json_string(row->function->module));
	json_object_set_new(json, "file", json_string(row->function->file));
	json_object_set_new(json, "line", json_integer(row->function->line));
	if (row->moved || row->maybe)
		json_object_set_new(json, row->moved ? "moved" : "maybe_moved",
				    json_string((row->moved ? row->moved : row->maybe)->name));
	if (row->moved || row->maybe) {
		json_object_set_new(json, "together",
				    json_pack("[f, f]", row->together_base, row->together_fresh));
		json_object_set_new(json, "together_more", json_boolean(row->together_more));
	}
	return json;
}

static json_t *runs_json(const struct comparison_run *const *runs, size_t count)
{
	json_t *json = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *run =
			json_pack("{s:s, s:s, s:f, s:i, s:i}", "file", runs[i]->path, "command",
				  runs[i]->command, "total", runs[i]->total, "samples",
				  (int)runs[i]->samples, "steps", (int)runs[i]->steps);

		json_object_set_new(run, "machine", json_string(runs[i]->machine));
		json_object_set_new(run, "kernel", json_string(runs[i]->kernel));
		json_object_set_new(run, "libc", json_string(runs[i]->libc));
		json_object_set_new(run, "options", json_string(runs[i]->options));
		json_object_set_new(run, "program", json_string(runs[i]->program));
		if (runs[i]->trust)
			json_object_set_new(run, "beware", json_string(runs[i]->trust));
		json_array_append_new(json, run);
	}
	return json;
}

json_t *comparison_json(const struct comparison *comparison)
{
	json_t *rows = json_array(), *verdicts = json_object();

	for (size_t i = 0; i < comparison->rows_count; i++)
		json_array_append_new(rows, row_json(comparison, &comparison->rows[i]));
	for (int i = 0; i < COMPARISON_VERDICTS; i++)
		json_object_set_new(verdicts, comparison_verdict_names[i],
				    json_integer(comparison->verdicts[i]));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:f, s:s, s:o, s:o, s:o, s:o, s:o}", "schema",
		"simprof/compare-v1", "metric", comparison->base[0]->metric, "unit",
		comparison->base[0]->unit, "per", comparison->per_step ? "step" : "run", "cost",
		comparison->options.order == FUNCTIONS_BY_SELF ? "self" : "total", "replicated",
		comparison->replicated, "paired", comparison->options.paired, "alpha",
		comparison->options.alpha, "machine", comparison->base[0]->machine, "total",
		row_json(comparison, &comparison->total), "functions", rows, "verdicts", verdicts,
		"base_runs", runs_json(comparison->base, comparison->base_count), "new_runs",
		runs_json(comparison->fresh, comparison->fresh_count));
}
