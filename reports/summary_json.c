/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary: the same facts as JSON; see summary.h. */
#include "reports/summary.h"

#include "reports/text.h"
#include "reports/thread_times.h"

static json_t *trust_json(const struct trust *trust)
{
	json_t *items = json_array(), *endings = json_object();

	for (int i = 0; i < trust->count; i++)
		json_array_append_new(items, json_pack("{s:o, s:b}", "text",
						       text_json(trust->items[i].text), "bad",
						       trust->items[i].bad));
	for (int i = 0; i < PROFILE_ENDINGS && !trust->imported; i++)
		json_object_set_new(endings, profile_endings[i].name,
				    json_integer(trust->endings[i]));
	return json_pack(
		"{s:b, s:I, s:I, s:o, s:I, s:o, s:o}", "bad", trust->bad, "samples",
		(json_int_t)trust->samples, "lost", (json_int_t)trust->lost, "complete_stacks",
		trust->imported ? json_null() : json_integer((json_int_t)trust->complete),
		"unnamed_samples", (json_int_t)trust->unnamed, "endings", endings, "items", items);
}

/* Adds the meta row @key where the profile has it. */
static void add_number(json_t *head, const struct report *report, const char *key)
{
	const struct profile_meta *row = profile_meta_find(report->profile, key);

	if (row && !row->text)
		json_object_set_new(head, key, json_integer(row->number));
}

json_t *summary_head_json(const struct report *report)
{
	json_t *head =
		json_pack("{s:o, s:s, s:s, s:f, s:o}", "command", text_json(report_command(report)),
			  "metric", report->metric_name, "unit", report->unit, "period",
			  report->period, "trust", trust_json(&report->trust));
	int64_t duration_ns = profile_number(report->profile, "duration_ns", 0);

	if (duration_ns > 0)
		json_object_set_new(head, "duration_ns", json_integer(duration_ns));
	if (report->selection)
		json_object_set_new(head, "selection", text_json(report->selection));
	add_number(head, report, "exit_status");
	add_number(head, report, "signal");
	return head;
}

static json_t *cost_json(const struct report *report, const struct functions *functions,
			 const struct function_cost *cost)
{
	double share = functions->value ? (double)cost->value / functions->value : 0;

	return json_pack("{s:f, s:i, s:f, s:[f, f]}", "amount", cost->value * report->period,
			 "samples", (int)cost->samples, "share", share, "share_95_this_run",
			 cost->share.low, cost->share.high);
}

static json_t *row_json(const struct report *report, const struct functions *functions,
			const struct function_row *row)
{
	const struct symbol *symbol = &report->symbols.symbols[row->symbol];
	const struct profile *profile = report->profile;

	return json_pack("{s:o, s:o, s:o, s:i, s:b, s:o, s:o}", "function",
			 text_json(symbol->label), "module",
			 text_json(profile->modules[symbol->module].path), "file",
			 text_json(profile->files[symbol->file]), "line", (int)symbol->line,
			 "named", symbol->named, "self", cost_json(report, functions, &row->self),
			 "total", cost_json(report, functions, &row->total));
}

json_t *summary_functions_json(const struct report *report, const struct functions *functions,
			       uint32_t limit)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < functions->count && i < limit; i++)
		json_array_append_new(rows, row_json(report, functions, &functions->rows[i]));
	return rows;
}

json_t *summary_json(const struct report *report)
{
	json_t *json = summary_head_json(report);
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	static const char *const keys[] = {"by_self", "by_total"};

	for (int order = FUNCTIONS_BY_SELF; order <= FUNCTIONS_BY_TOTAL; order++) {
		struct functions functions;

		functions_measure(&functions, report->profile, tree, report->metric,
				  &report->symbols, order, SUMMARY_ROWS);
		json_object_set_new(json, keys[order],
				    summary_functions_json(report, &functions, SUMMARY_ROWS));
		functions_done(&functions);
	}
	call_tree_free(tree);
	if (report->profile->thread_times_count)
		json_object_set_new(json, "threads", thread_times_json(report));
	return json;
}
