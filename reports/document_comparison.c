/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_comparison: the report of a comparison; see document.h. */
#include "reports/document.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/comparison_write.h"
#include "reports/document_sections.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	WHY = 3,
	ROWS = 100
};

static double cost_of(const struct comparison_row *row)
{
	return fabs(row->fresh - row->base);
}

/* The findings that explain most of the change, largest first; returns their number. */
static size_t find_causes(const struct comparison *comparison,
			  const struct comparison_row *causes[WHY])
{
	size_t count = 0;

	for (size_t i = 0; i < comparison->rows_count; i++) {
		const struct comparison_row *row = &comparison->rows[i];
		size_t at;

		if (row->verdict >= COMPARISON_INCONCLUSIVE)
			continue;
		for (at = count; at && cost_of(causes[at - 1]) < cost_of(row); at--)
			if (at < WHY)
				causes[at] = causes[at - 1];
		if (at < WHY) {
			causes[at] = row;
			count += count < WHY;
		}
	}
	return count;
}

static void add_why(json_t *document, const struct comparison *comparison)
{
	const struct comparison_row *causes[WHY], *total = &comparison->total;
	size_t count = find_causes(comparison, causes);
	double change = total->fresh - total->base;

	for (size_t i = 0; i < count; i++) {
		char sentence[COMPARISON_SENTENCE], name[64], share[64] = "", *text;
		const struct comparison_row *row = causes[i];

		if (change != 0)
			snprintf(share, sizeof(share), ", %.0f %% of the change of the total",
				 100 * (row->fresh - row->base) / change);
		text = xasprintf("%s %s %s%s", comparison_verdict_marks[row->verdict],
				 comparison_row_name(comparison, row, name),
				 comparison_sentence(comparison, row, sentence), share);
		document_add_why(document, text, comparison_row_name(comparison, row, name));
		free(text);
	}
}

static void say_trust(void *document, const char *text)
{
	document_add_trust(document, text,
			   !strncmp(text, "Unreplicated", 12) || !strncmp(text, "Beware", 6));
}

static void set_verdict(json_t *document, const struct comparison *comparison)
{
	const struct comparison_row *total = &comparison->total;
	char sentence[COMPARISON_SENTENCE], remark[COMPARISON_SENTENCE], *text;

	comparison_sentence(comparison, total, sentence);
	comparison_remark(comparison, total, remark);
	text = xasprintf("%s %s%s%s", comparison_verdict_marks[total->verdict], sentence,
			 *remark ? "; it " : "", remark);
	document_set_verdict(document,
			     comparison->replicated ? comparison_verdict_names[total->verdict]
						    : "unreplicated",
			     text);
	free(text);
}

static double ratio(double logarithm)
{
	return isfinite(logarithm) ? expm1(logarithm) : NAN;
}

static void add_row(json_t *table, const struct comparison *comparison,
		    const struct comparison_row *row)
{
	const char *instead = comparison_instead_of_change(row);
	char text[COMPARISON_SENTENCE], name[64];
	json_t *cells = document_row(table);

	document_text(cells, comparison_row_name(comparison, row, name));
	snprintf(text, sizeof(text), "%s %s", comparison_verdict_marks[row->verdict],
		 comparison_verdict_names[row->verdict]);
	document_text(cells, text);
	document_number(cells, row->base);
	document_number(cells, row->fresh);
	if (!instead)
		document_interval(cells, ratio(row->change.estimate), ratio(row->change.low),
				  ratio(row->change.high));
	else
		document_text(cells, instead);
	document_number(cells, row->p_adjusted);
	document_number(cells, ratio(row->detectable));
	document_text(cells, comparison_remark(comparison, row, text));
	*text = '\0';
	if (row->function && *row->function->file)
		snprintf(text, sizeof(text), "%s:%u", row->function->file, row->function->line);
	document_text(cells, text);
}

static void add_functions(json_t *document, const struct comparison *comparison)
{
	const char *unit = comparison->base[0]->unit;
	const struct document_column columns[] = {
		{"function", "function", "code", NULL},
		{"verdict", "verdict", "text", NULL},
		{"base", "base", "amount", unit},
		{"new", "new", "amount", unit},
		{"change", "change (interval)", "change", NULL},
		{"p_adjusted", "p adjusted", "number", NULL},
		{"sees", "sees", "change", NULL},
		{"remark", "remark", "text", NULL},
		{"declared", "declared at", "code", NULL},
	};
	json_t *section = document_section(document, "functions", "Functions"), *table;

	document_say(section,
		     "%s cost per %s. Sees is the smallest change that would have been found.",
		     comparison->options.order == FUNCTIONS_BY_SELF ? "Self" : "Total",
		     comparison->per_step ? "step" : "run");
	table = document_table(section, "functions", "Functions by verdict, then by cost", columns,
			       COLUMN_COUNT(columns));
	add_row(table, comparison, &comparison->total);
	for (size_t i = 0; i < comparison->rows_count && i < ROWS; i++)
		add_row(table, comparison, &comparison->rows[i]);
	if (comparison->rows_count > ROWS)
		document_note(section, "… and %zu more.", comparison->rows_count - ROWS);
}

static void add_runs(json_t *table, const char *side, const struct comparison_run *const *runs,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *row = document_row(table);

		document_text(row, runs[i]->path);
		document_text(row, side);
		document_number(row, runs[i]->total);
		document_count(row, runs[i]->samples);
		document_count(row, runs[i]->steps);
		document_text(row, runs[i]->command);
		document_text(row, runs[i]->trust ? runs[i]->trust : "");
	}
}

static void add_method(json_t *document, const struct comparison *comparison)
{
	const struct document_column columns[] = {
		{"file", "recording", "code", NULL},
		{"side", "side", "text", NULL},
		{"total", "total", "amount", comparison->base[0]->unit},
		{"samples", "samples", "count", NULL},
		{"steps", "steps", "count", NULL},
		{"command", "command", "code", NULL},
		{"beware", "beware", "text", NULL},
	};
	json_t *section = document_section(document, "method", "Method"), *table;

	document_say(section,
		     "Runs are the replicates, never samples. The logarithm of the cost per %s is "
		     "compared; the total first, then every function of at least 0.5 %% and 25 "
		     "samples, their p values adjusted together (Benjamini and Hochberg). "
		     "Regressed and improved mean that the %.4g %% interval lies beyond the margin "
		     "(%.3g %% of the function, or %.3g %% of the program where that is more) and "
		     "the adjusted p is at most %.3g; unchanged, that it lies within.",
		     comparison->per_step ? "step" : "run", 100 * (1 - comparison->options.alpha),
		     100 * comparison->options.function_margin,
		     100 * comparison->options.program_margin, comparison->options.alpha);
	document_say(section, "Machine: %s.", comparison->base[0]->machine);
	table = document_table(section, "runs", "Recordings", columns, COLUMN_COUNT(columns));
	add_runs(table, "base", comparison->base, comparison->base_count);
	add_runs(table, "new", comparison->fresh, comparison->fresh_count);
}

json_t *document_of_comparison(const struct comparison *comparison, const struct report *base,
			       const struct report *fresh, const json_t *scaling)
{
	char title[400];
	json_t *document, *section;

	snprintf(title, sizeof(title), "%.190s → %.190s", comparison->base[0]->command,
		 comparison->fresh[0]->command);
	document = document_new(title);
	set_verdict(document, comparison);
	add_why(document, comparison);
	comparison_trust(comparison, say_trust, document);
	section = document_section(document, "flame", "Flame graph of the change");
	document_say(section,
		     "Width is the cost per %s of both groups together, colour the change of the "
		     "total, saturation how certain it is%s: blue is less, orange and red more, "
		     "grey not certain. Grey stripes are code that moved into a caller, or out of "
		     "it.",
		     comparison->per_step ? "step" : "run",
		     comparison->options.paired ? ", by pairs of runs" : "");
	add_functions(document, comparison);
	document_add_sides(document, base, fresh, scaling);
	add_method(document, comparison);
	return document;
}
