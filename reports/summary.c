/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary: see summary.h. */
#include "reports/summary.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/series.h"
#include "reports/table.h"
#include "reports/text.h"
#include "reports/thread_times.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

static const char *const red = "\033[31m", *const bold = "\033[1m", *const plain = "\033[0m";

static double share_of(const struct functions *functions, const struct function_cost *cost)
{
	return functions->value ? (double)cost->value / functions->value : 0;
}

static void cost_cells(struct table *table, const struct report *report,
		       const struct functions *functions, const struct function_cost *cost)
{
	double half = (cost->share.high - cost->share.low) / 2;
	char text[3][32];

	table_cell(table, "%s %%",
		   amount_percent(share_of(functions, cost), half, text[0], sizeof(text[0])));
	table_cell(table, "%s – %s",
		   amount_percent(cost->share.low, half, text[1], sizeof(text[1])),
		   amount_percent(cost->share.high, half, text[2], sizeof(text[2])));
	table_cell(table, "%s",
		   amount_format(cost->value * report->period, report->unit, text[0],
				 sizeof(text[0])));
}

static void place_cells(struct table *table, const struct report *report, uint32_t id)
{
	const struct symbol *symbol = &report->symbols.symbols[id];
	const struct profile *profile = report->profile;
	const char *module = symbol_base_name(profile->modules[symbol->module].path), *file;
	struct obstack memory;

	obstack_init(&memory);
	file = text_plain(&memory, profile->files[symbol->file], 0);
	table_cell(table, "%s", text_plain(&memory, symbol->label, 0));
	table_cell(table, "%s", text_plain(&memory, module, 0));
	if (symbol->file && symbol->line)
		table_cell(table, "%s:%u", file, symbol->line);
	else
		table_cell(table, "%s", file);
	obstack_free(&memory, NULL);
}

/* Columns of one order; the cost that orders the rows comes first, with its interval. */
static const struct table_column order_columns[2][TABLE_COLUMNS] = {
	[FUNCTIONS_BY_SELF] = {{"self", .right = true},
			       {"95 %, this run", .right = true, .dropped = 3},
			       {"time", .right = true},
			       {"total", .right = true},
			       {"95 %", .right = true, .dropped = 2},
			       {"time", .right = true, .dropped = 4},
			       {"samples", .right = true, .dropped = 5},
			       {"function", .elastic = true},
			       {"module", .dropped = 6},
			       {"declared at", .elastic = true, .dropped = 1}},
	[FUNCTIONS_BY_TOTAL] = {{"total", .right = true},
				{"95 %, this run", .right = true, .dropped = 3},
				{"time", .right = true},
				{"self", .right = true},
				{"95 %", .right = true, .dropped = 2},
				{"time", .right = true, .dropped = 4},
				{"samples", .right = true, .dropped = 5},
				{"function", .elastic = true},
				{"module", .dropped = 6},
				{"declared at", .elastic = true, .dropped = 1}},
};

enum {
	COLUMNS = 10
};

void summary_functions(const struct report *report, const struct functions *functions,
		       enum functions_order order, uint32_t limit, FILE *stream, int width,
		       bool colour)
{
	struct table_column columns[TABLE_COLUMNS];
	struct table table;

	memcpy(columns, order_columns[order], sizeof(columns));
	if (strcmp(report->unit, "ns") != 0)
		columns[2].title = columns[5].title = "amount";
	table_init(&table, columns, COLUMNS);
	for (uint32_t i = 0; i < functions->count && i < limit; i++) {
		const struct function_row *row = &functions->rows[i];
		bool by_self = order == FUNCTIONS_BY_SELF;

		cost_cells(&table, report, functions, by_self ? &row->self : &row->total);
		cost_cells(&table, report, functions, by_self ? &row->total : &row->self);
		table_cell(&table, "%u", by_self ? row->self.samples : row->total.samples);
		place_cells(&table, report, row->symbol);
	}
	table_write(&table, stream, width, colour);
	table_done(&table);
	if (functions->count > limit)
		fprintf(stream, "… and %u more\n", functions->count - limit);
}

void summary_trust(const struct report *report, FILE *stream, bool colour)
{
	const struct trust *trust = &report->trust;
	struct obstack memory;

	obstack_init(&memory);
	if (report->selection)
		fprintf(stream, "selected: %s; shares are of that, trust is of the recording\n",
			report->selection);
	fprintf(stream, "trust: ");
	for (int i = 0; i < trust->count; i++) {
		bool bad = trust->items[i].bad;

		fprintf(stream, "%s%s%s%s%s", i ? " · " : "", bad && colour ? red : "",
			bad ? "(!) " : "", text_plain(&memory, trust->items[i].text, 0),
			bad && colour ? plain : "");
	}
	fputc('\n', stream);
	obstack_free(&memory, NULL);
}

/* How much was sampled; of an empty profile nobody knows. */
static void write_amount(const struct report *report, FILE *stream)
{
	double value = 0;
	char amount[32];

	fprintf(stream, "%" PRIu64 " sample%s", report->trust.samples,
		report->trust.samples == 1 ? "" : "s");
	if (!report->trust.samples)
		return;
	for (size_t i = 0; i < report->profile->samples_count; i++)
		if (report->profile->samples[i].metric == report->metric)
			value += call_tree_value(report->profile, &report->profile->samples[i]);
	amount_format(value * report->period, report->unit, amount, sizeof(amount));
	fprintf(stream, ", %s of %s", amount, report->metric_name);
}

/* How the program ended, where that is worth a word. */
static void write_ending(const struct report *report, FILE *stream)
{
	int64_t signal_number = profile_number(report->profile, "signal", 0);
	int64_t status = profile_number(report->profile, "exit_status", 0);
	const char *says =
		signal_number > 0 && signal_number < NSIG ? sigdescr_np((int)signal_number) : NULL;

	if (signal_number > 0)
		fprintf(stream, "; killed by signal %" PRId64 "%s%s%s", signal_number,
			says ? " (" : "", says ? says : "", says ? ")" : "");
	else if (status)
		fprintf(stream, "; exit status %" PRId64, status);
}

static void write_head(const struct report *report, FILE *stream, bool colour)
{
	int64_t duration_ns = profile_number(report->profile, "duration_ns", 0);
	const char *command = report_command(report);
	struct obstack memory;
	char amount[32];

	obstack_init(&memory);
	if (*command)
		fprintf(stream, "%s%s%s: ", colour ? bold : "",
			text_plain(&memory, command, REPORT_COMMAND_LIMIT), colour ? plain : "");
	write_amount(report, stream);
	if (duration_ns > 0)
		fprintf(stream, " in %s", amount_format(duration_ns, "ns", amount, sizeof(amount)));
	write_ending(report, stream);
	fputc('\n', stream);
	obstack_free(&memory, NULL);
}

void summary_empty(const struct report *report, FILE *stream)
{
	bool is_alone = report_has_waits_alone(report);
	struct obstack memory;
	char why[600];

	obstack_init(&memory);
	report_why_empty(report, why, sizeof(why));
	fprintf(stream, "no samples%s: %s\n", is_alone ? " of CPU time" : "",
		text_plain(&memory, why, 0));
	if (is_alone)
		fprintf(stream, "so this is where threads waited (%s)\n", report->metric_name);
	obstack_free(&memory, NULL);
}

static void measure(struct functions *functions, const struct report *report,
		    enum functions_order order)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});

	functions_measure(functions, report->profile, tree, report->metric, &report->symbols, order,
			  SUMMARY_ROWS);
	call_tree_free(tree);
}

void summary_write(const struct report *report, FILE *stream, int width, bool colour)
{
	static const char *const titles[] = {"most time in itself", "most time with its callees"};

	write_head(report, stream, colour);
	if (!report->trust.samples) {
		summary_empty(report, stream);
		thread_times_write(report, stream, width, colour);
		summary_trust(report, stream, colour);
		return;
	}
	if (report_has_waits_alone(report))
		summary_empty(report, stream);
	for (int order = FUNCTIONS_BY_SELF; order <= FUNCTIONS_BY_TOTAL; order++) {
		struct functions functions;

		measure(&functions, report, order);
		fprintf(stream, "\n%s\n", titles[order]);
		summary_functions(report, &functions, order, SUMMARY_ROWS, stream, width, colour);
		functions_done(&functions);
	}
	thread_times_write(report, stream, width, colour);
	if (report->profile->points_count)
		fputs("\nover time\n", stream);
	series_write(report, stream, width, colour);
	fputc('\n', stream);
	summary_trust(report, stream, colour);
}
