/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_run: the report of one recording: what costs, as sections; see document.h. */
#include "reports/document.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/component.h"
#include "reports/document_sections.h"
#include "reports/phase_scaling.h"

#include <inttypes.h>
#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	FUNCTIONS = 40,
	PATHS = 200,
	WHY = 3
};

static const double smallest_path = 0.02; /* of all; narrower calls are in the picture only */

static const char *label_of(const struct report *report, uint32_t symbol)
{
	return report->symbols.symbols[symbol].label;
}

/* ---- the head -------------------------------------------------------------------------------- */

static void add_verdict(json_t *document, const struct report *report,
			const struct functions *functions, const struct component_table *components)
{
	const struct function_row *first = functions->rows;
	double share, half;
	char text[2048], amount[32], percent[3][32], why[600], alone[700] = "";

	if (!functions->count) {
		report_why_empty(report, why, sizeof(why));
		snprintf(text, sizeof(text), "There are no samples: %s.", why);
		document_set_verdict(document, "empty", text);
		return;
	}
	if (report_has_waits_alone(report)) {
		report_why_empty(report, why, sizeof(why));
		snprintf(alone, sizeof(alone),
			 "There are no samples of CPU time: %s. This is where threads waited: ",
			 why);
	}
	share = (double)first->self.value / (double)functions->value;
	half = (first->self.share.high - first->self.share.low) / 2;
	snprintf(text, sizeof(text),
		 "%sOf %s of %s in %u sample%s, %s %% (95 %%: %s – %s, this run) are in %s itself; "
		 "the heaviest component is %s with %d.%d %%.",
		 alone,
		 amount_format((double)functions->value * report->period, report->unit, amount,
			       sizeof(amount)),
		 report->metric_name, functions->samples, functions->samples == 1 ? "" : "s",
		 amount_percent(share, half, percent[0], 32),
		 amount_percent(first->self.share.low, half, percent[1], 32),
		 amount_percent(first->self.share.high, half, percent[2], 32),
		 label_of(report, first->symbol), components->rows[0].name,
		 components->rows[0].tenths / 10, components->rows[0].tenths % 10);
	document_set_verdict(document, report->trust.bad ? "doubtful" : "measured", text);
}

static void add_why(json_t *document, const struct report *report,
		    const struct functions *functions)
{
	for (uint32_t i = 0; i < functions->count && i < WHY; i++) {
		const struct function_row *row = &functions->rows[i];
		const struct symbol *symbol = &report->symbols.symbols[row->symbol];
		char *text;

		text = xasprintf("%s: %.1f %% in itself, %.1f %% with what it calls; %s%s%s",
				 symbol->label, 100.0 * row->self.value / functions->value,
				 100.0 * row->total.value / functions->value,
				 symbol_base_name(report->profile->modules[symbol->module].path),
				 symbol->file ? ", " : "", report->profile->files[symbol->file]);
		document_add_why(document, text, symbol->label);
		free(text);
	}
}

static void add_trust(json_t *document, const struct trust *trust)
{
	for (int i = 0; i < trust->count; i++)
		document_add_trust(document, trust->items[i].text, trust->items[i].bad);
}

/* ---- sections -------------------------------------------------------------------------------- */

/* Nodes of at least smallest_path, callers before their callees. */
static uint32_t *heavy_nodes(const struct call_tree *tree, uint32_t *count)
{
	uint32_t *nodes = xcalloc(tree->count, sizeof(*nodes));

	*count = 0;
	for (uint32_t i = 1; i < tree->count; i++)
		if ((double)tree->nodes[i].total >= smallest_path * (double)tree->nodes[0].total)
			nodes[(*count)++] = i;
	return nodes;
}

/* A call that waits for its row. */
struct path {
	uint32_t node, level;
};

/* Puts the callees of @node on top of @waiting, the heaviest uppermost; returns how many wait. */
static uint32_t push_callees(const struct call_tree *tree, const uint32_t *heavy, uint32_t count,
			     struct path from, struct path *waiting, uint32_t open)
{
	uint32_t first = open;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at;

		if (tree->nodes[heavy[i]].parent != from.node)
			continue;
		for (at = open++; at > first && tree->nodes[waiting[at - 1].node].total >
							tree->nodes[heavy[i]].total;
		     at--)
			waiting[at] = waiting[at - 1];
		waiting[at] = (struct path){heavy[i], from.level + 1};
	}
	return open;
}

/* The calls that cost most, as a tree in preorder: the picture in words. */
static void add_paths(json_t *section, const struct report *report, const struct call_tree *tree)
{
	static const struct document_column columns[] = {
		{"level", "level", "count", NULL}, {"total", "total", "share", NULL},
		{"self", "self", "share", NULL},   {"samples", "samples", "count", NULL},
		{"call", "call", "code", NULL},
	};
	double all = (double)tree->nodes[0].total;
	uint32_t count, open, shown = 0, *heavy = heavy_nodes(tree, &count);
	struct path *waiting = xcalloc(count, sizeof(*waiting));
	struct call_self *self = call_tree_self(tree);
	json_t *table = document_table(section, "paths", "Calls that cost at least 2 %", columns,
				       COLUMN_COUNT(columns));

	open = push_callees(tree, heavy, count, (struct path){0, 0}, waiting, 0);
	while (open && shown++ < PATHS) {
		struct path path = waiting[--open];
		const struct call_node *node = &tree->nodes[path.node];
		json_t *row = document_row(table);

		document_count(row, path.level);
		document_number(row, (double)node->total / all);
		document_number(row, (double)self[path.node].total / all);
		document_count(row, node->samples);
		document_text(row, label_of(report, node->symbol));
		open = push_callees(tree, heavy, count, path, waiting, open);
	}
	free(self);
	free(heavy);
	free(waiting);
}

static void add_flame(json_t *document, const struct report *report, const struct call_tree *tree)
{
	json_t *section = document_section(document, "flame", "Flame graph");

	if (!tree->nodes[0].total) {
		document_miss(section, "there are no samples");
		return;
	}
	document_say(section,
		     "Width is cost, a box lies below its caller, colours are components.");
	add_paths(section, report, tree);
}

static void add_functions(json_t *document, const struct report *report,
			  const struct functions *functions,
			  const struct component_table *components)
{
	const struct document_column columns[] = {
		{"function", "function", "code", NULL},
		{"component", "component", "text", NULL},
		{"self", "self (95 %, this run)", "share", NULL},
		{"self_amount", "self", "amount", report->unit},
		{"total", "total (95 %, this run)", "share", NULL},
		{"total_amount", "total", "amount", report->unit},
		{"samples", "samples", "count", NULL},
		{"declared", "declared at", "code", NULL},
	};
	json_t *section = document_section(document, "functions", "Functions"), *table;

	if (!functions->count) {
		document_miss(section, "there are no samples");
		return;
	}
	table = document_table(section, "functions", "Functions by self cost", columns,
			       COLUMN_COUNT(columns));
	for (uint32_t i = 0; i < functions->count && i < FUNCTIONS; i++) {
		const struct function_row *cost = &functions->rows[i];
		double all = (double)functions->value;
		json_t *row = document_row(table);

		document_text(row, label_of(report, cost->symbol));
		document_text(row, components->rows[components->of_symbol[cost->symbol]].name);
		document_interval(row, (double)cost->self.value / all, cost->self.share.low,
				  cost->self.share.high);
		document_number(row, (double)cost->self.value * report->period);
		document_interval(row, (double)cost->total.value / all, cost->total.share.low,
				  cost->total.share.high);
		document_number(row, (double)cost->total.value * report->period);
		document_count(row, cost->self.samples);
		document_place(report, cost->symbol, report->symbols.symbols[cost->symbol].line,
			       row);
	}
	if (functions->count > FUNCTIONS)
		document_note(section, "… and %u more.", functions->count - FUNCTIONS);
}

static void add_components(json_t *document, const struct report *report,
			   const struct component_table *components)
{
	const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"self", "share", "share", NULL},
		{"amount", "self", "amount", report->unit},
	};
	json_t *section = document_section(document, "components", "Components"), *table;

	if (!report->trust.samples) {
		document_miss(section, "there are no samples");
		return;
	}
	document_say(section,
		     "Of the program's own functions a component is the folder or the file "
		     "of their source, of others the library. Shares add up to 100 %%.");
	table = document_table(section, "components", "Components by self cost", columns,
			       COLUMN_COUNT(columns));
	for (int i = 0; i < components->count; i++) {
		json_t *row = document_row(table);

		document_text(row, components->rows[i].name);
		document_number(row, components->rows[i].tenths / 1000.0);
		document_number(row, (double)components->rows[i].self * report->period);
	}
}

/* What was run, where and how, and by which rules the figures were made. */
static void add_method(json_t *document, const struct report *report)
{
	static const struct document_column columns[] = {{"what", "what", "text", NULL},
							 {"value", "value", "code", NULL}};
	static const char *const keys[][2] = {{"command", "command"},
					      {"start_time", "started"},
					      {"state", "recording"},
					      {"host", "host"},
					      {"kernel", "kernel"},
					      {"cpu_model", "processor"},
					      {"engine", "sampler"},
					      {"engine_note", "what it cannot see"},
					      {"collector_version", "recorded by"}};
	json_t *section = document_section(document, "method", "Method"), *table;

	document_say(
		section,
		"Shares are of all samples. Their 95 %% intervals are Wilson's, with the number "
		"of samples divided by its dispersion over 32 equal blocks of time; they speak "
		"of this run only, and runs differ from each other by more. Self is what was "
		"sampled in a function itself, total also what it called; recursion counts "
		"once.");
	table = document_table(section, "method", "How it was recorded", columns,
			       COLUMN_COUNT(columns));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = profile_text(report->profile, keys[i][0], "");
		json_t *row;

		if (!*value)
			continue;
		row = document_row(table);
		document_text(row, keys[i][1]);
		document_text(row, value);
	}
	document_note(section,
		      "For other tools: collector export --format FORMAT -o FILE NAME.prof, where "
		      "FORMAT is pprof, speedscope, firefox, callgrind, folded, csv or json; "
		      "collector report --json NAME.prof writes the data of this report.");
}

json_t *document_of_run(const struct report *report, const struct document_options *options)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	json_t *document = document_new(report_command(report));
	struct component_table components;
	struct functions functions;

	component_table_init(&components, report, tree);
	functions_measure(&functions, report->profile, tree, report->metric, &report->symbols,
			  FUNCTIONS_BY_SELF, FUNCTIONS);
	add_verdict(document, report, &functions, &components);
	add_why(document, report, &functions);
	add_trust(document, &report->trust);
	if (functions.count)
		document_add_next(document,
				  "collector lines NAME.prof FUNCTION shows the source of "
				  "one function with its cost");
	document_add_figures(document, report);
	add_flame(document, report, tree);
	add_functions(document, report, &functions, &components);
	add_components(document, report, &components);
	document_add_lines(document, report, options);
	document_add_durations(document, report);
	document_add_steps(document, report);
	document_add_memory(document, report);
	document_add_waits(document, report);
	document_add_operations(document, report);
	document_add_series(document, report);
	if (options->scaling)
		phase_add_scaling(document, "scaling", "Scaling", options->scaling);
	else
		document_miss(document_section(document, "scaling", "Scaling"),
			      "one recording says nothing of other sizes (collector sweep, then "
			      "report --scaling DIR)");
	document_add_matrix(document, report, &functions);
	add_method(document, report);
	functions_done(&functions);
	component_table_done(&components);
	call_tree_free(tree);
	return document;
}
