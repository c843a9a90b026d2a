/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_write: text and Markdown; see comparison_write.h. */
#include "reports/comparison_write.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/comparison_setting.h"
#include "reports/markdown.h"
#include "reports/table.h"

#include <math.h>

enum {
	FEW_SAMPLES = 50 /* in a run, below which the half sample that is added shows */
};

#define TOLD_APART 0.02	 /* logarithms of changes that a reader takes for two */
#define PART	   0.1	 /* or this part of the change */
#define SHOWN	   0.005 /* of a logarithm, which is seen in base and new as they are written */

static const char *const plain = "\033[0m";
static const char *const colours[COMPARISON_VERDICTS] = {
	/* 256 colours: orange and blue, which every kind of colour vision tells apart */
	[COMPARISON_REGRESSED] = "\033[1;38;5;208m",
	[COMPARISON_IMPROVED] = "\033[1;38;5;33m",
	[COMPARISON_CHANGED] = "\033[1m",
	[COMPARISON_INCONCLUSIVE] = "\033[1m",
	[COMPARISON_UNCHANGED] = "\033[1m",
};

const char *comparison_percent(double logarithm, char text[32])
{
	double ratio = exp(logarithm);

	if (!isfinite(logarithm))
		snprintf(text, 32, "unknown");
	else if (ratio >= 10)
		snprintf(text, 32, "×%.0f", ratio);
	else
		snprintf(text, 32, "%+.1f %%", 100 * (ratio - 1));
	return text;
}

static const char *p_text(double p, char text[32])
{
	if (p < 0.0001)
		snprintf(text, 32, "under 0.0001");
	else
		snprintf(text, 32, "%.2g", p);
	return text;
}

const char *comparison_row_name(const struct comparison *comparison,
				const struct comparison_row *row, char text[64])
{
	if (row->function)
		return row->function->name;
	if (row == &comparison->total)
		return "total";
	snprintf(text, 64, "all %zu others", comparison->others_count);
	return text;
}

static const char *interval_text(const struct comparison *comparison,
				 const struct comparison_row *row, char text[96])
{
	char low[32], high[32];

	if (!isfinite(row->change.low))
		snprintf(text, 96, "no interval from so few runs");
	else
		snprintf(text, 96, "%.4g %%: %s … %s", 100 * (1 - comparison->options.alpha),
			 comparison_percent(row->change.low, low),
			 comparison_percent(row->change.high, high));
	return text;
}

/* Whether the change of the means, which the row shows, is another one than that of the typical
 * run, which is tested. */
static bool differs_from_means(const struct comparison_row *row)
{
	double of_means = log(row->fresh / row->base);

	return fabs(of_means - row->change.estimate) > fmax(TOLD_APART, PART * fabs(of_means));
}

/* Whether most of a change is not in the means, or it goes the other way: half a sample of few does
 * that where one side's runs have more steps. */
static bool contradicts_means(const struct comparison_row *row)
{
	double of_means = log(row->fresh / row->base);

	return fabs(of_means - row->change.estimate) > fmax(SHOWN, fabs(of_means));
}

const char *comparison_instead_of_change(const struct comparison_row *row)
{
	if (row->presence == COMPARISON_NEW)
		return "new";
	if (row->presence == COMPARISON_REMOVED)
		return "removed";
	if (row->base <= 0)
		return "from 0";
	if (row->fresh <= 0)
		return "to 0";
	return row->samples < FEW_SAMPLES && (differs_from_means(row) || contradicts_means(row))
		       ? "few samples"
		       : NULL;
}

static const char *change_text(const struct comparison_row *row, char text[32])
{
	const char *instead = comparison_instead_of_change(row);

	return instead ? instead : comparison_percent(row->change.estimate, text);
}

const char *comparison_sentence(const struct comparison *comparison,
				const struct comparison_row *row, char text[COMPARISON_SENTENCE])
{
	const char *unit = comparison->base[0]->unit;
	char base[32], fresh[32], change[32], interval[96], p[32];

	snprintf(text, COMPARISON_SENTENCE, "%s%s: %s per %s %s → %s, %s (%s), p %s",
		 comparison_verdict_names[row->verdict],
		 comparison->replicated ? "" : " (unreplicated)", comparison->base[0]->metric,
		 comparison->per_step ? "step" : "run",
		 amount_format(row->base, unit, base, sizeof(base)),
		 amount_format(row->fresh, unit, fresh, sizeof(fresh)), change_text(row, change),
		 interval_text(comparison, row, interval), p_text(row->change.p, p));
	return text;
}

/* What both cost together is told where there is room; that it is more always. */
static void write_partner(const struct comparison *comparison, const struct comparison_row *row,
			  bool is_brief, char text[COMPARISON_SENTENCE])
{
	const struct comparison_function *with = row->moved ? row->moved : row->maybe;
	const char *unit = comparison->base[0]->unit;
	bool is_gone = row->presence == COMPARISON_REMOVED;
	const char *relation = row->maybe && is_gone && row->together_more ? "may have moved into"
			       : row->maybe				   ? "may be code of"
			       : is_gone				   ? "moved into"
			       : row->presence == COMPARISON_NEW	   ? "moved out of"
									   : "shares its code with";
	char base[32], fresh[32];

	if (is_brief && row->together_more)
		snprintf(text, COMPARISON_SENTENCE, "dearer in %s?", with->name);
	else if (is_brief)
		snprintf(text, COMPARISON_SENTENCE, "%s %s", relation, with->name);
	else
		snprintf(text, COMPARISON_SENTENCE, "%s %s: together %s → %s%s", relation,
			 with->name, amount_format(row->together_base, unit, base, sizeof(base)),
			 amount_format(row->together_fresh, unit, fresh, sizeof(fresh)),
			 !row->together_more	  ? ""
			 : comparison->replicated ? ", more for certain"
						  : ", more");
}

const char *comparison_remark(const struct comparison *comparison, const struct comparison_row *row,
			      char text[COMPARISON_SENTENCE])
{
	*text = '\0';
	if (row->moved || row->maybe)
		write_partner(comparison, row, false, text);
	else if (row->verdict == COMPARISON_INCONCLUSIVE && row->runs_needed >= 1e6)
		snprintf(text, COMPARISON_SENTENCE, "needs more runs than anybody makes");
	else if (row->verdict == COMPARISON_INCONCLUSIVE && row->runs_needed > 0)
		snprintf(text, COMPARISON_SENTENCE, "needs about %.0f %s", row->runs_needed,
			 comparison->options.paired ? "pairs of runs" : "runs a side");
	else if (row->verdict == COMPARISON_INCONCLUSIVE && comparison->replicated && row->grid > 0)
		snprintf(text, COMPARISON_SENTENCE, "needs longer runs");
	else if (!comparison_instead_of_change(row) && differs_from_means(row))
		snprintf(text, COMPARISON_SENTENCE, "change of the typical run; runs vary");
	return text;
}

/* Recordings that carry little, the first of them by name. */
static void say_doubts(const struct comparison *comparison,
		       void (*say)(void *context, const char *text), void *context)
{
	size_t count = comparison->base_count + comparison->fresh_count, doubtful = 0;
	const struct comparison_run *first = NULL;
	char *text;

	for (size_t i = 0; i < count; i++) {
		const struct comparison_run *run =
			i < comparison->base_count ? comparison->base[i]
						   : comparison->fresh[i - comparison->base_count];

		first = run->trust && !first ? run : first;
		doubtful += run->trust != NULL;
	}
	if (!first)
		return;
	text = xasprintf("Beware of %zu of the recordings; %s: %s.", doubtful, first->path,
			 first->trust);
	say(context, text);
	free(text);
}

void comparison_trust(const struct comparison *comparison,
		      void (*say)(void *context, const char *text), void *context)
{
	bool by_self = comparison->options.order == FUNCTIONS_BY_SELF;
	const size_t *verdicts = comparison->verdicts;
	char text[COMPARISON_SENTENCE], seen[32];
	const char *separator = ":";
	int length;

	length = snprintf(text, sizeof(text), "Functions by %s cost", by_self ? "self" : "total");
	for (int i = 0; i < COMPARISON_VERDICTS; i++) {
		bool is_of_tests = i < COMPARISON_CHANGED, is_of_one = i == COMPARISON_CHANGED;

		if (comparison->replicated ? is_of_one : is_of_tests)
			continue;
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%s %zu %s",
				   separator, verdicts[i], comparison_verdict_names[i]);
		separator = comparison->replicated ? "," : ";";
	}
	snprintf(text + length, sizeof(text) - (size_t)length, ".");
	say(context, text);
	length = snprintf(text, sizeof(text), "%zu base and %zu new runs%s; ",
			  comparison->base_count, comparison->fresh_count,
			  comparison->options.paired ? " in pairs" : "");
	if (isfinite(comparison->total.detectable))
		snprintf(text + length, sizeof(text) - (size_t)length,
			 "a change of the total of %s or more would have been seen (4 times in "
			 "5).",
			 comparison_percent(comparison->total.detectable, seen));
	else
		snprintf(text + length, sizeof(text) - (size_t)length,
			 "so few runs can show no change, however large.");
	say(context, text);
	if (!comparison->replicated)
		say(context,
		    "Unreplicated: the intervals come from within one run, and runs differ by "
		    "more than that. Nothing here decides anything; record 10 runs a side.");
	comparison_setting_tell(comparison, say, context);
	say_doubts(comparison, say, context);
}

static void say_line(void *stream, const char *text)
{
	fprintf(stream, "%s\n", text);
}

static void say_paragraph(void *stream, const char *text)
{
	markdown_text(text, stream);
	fputs("\n\n", stream);
}

enum {
	COLUMNS = 10,
	BRIEF_REMARK = 19 /* characters of the longest that is not about moved code */
};

static const struct table_column columns[COLUMNS] = {
	{"", .right = false},
	{"function", .elastic = true},
	{"base", .right = true},
	{"new", .right = true},
	{"change", .right = true},
	{"interval", .right = true, .dropped = 4},
	{"p adj.", .right = true, .dropped = 3},
	{"sees", .right = true, .dropped = 2},
	{"remark", .elastic = BRIEF_REMARK},
	{"declared at", .elastic = true, .dropped = 1},
};

/* A remark for a terminal, where the table leaves little room. */
static const char *brief_remark(const struct comparison *comparison,
				const struct comparison_row *row, char text[COMPARISON_SENTENCE])
{
	bool is_open = row->verdict == COMPARISON_INCONCLUSIVE;

	*text = '\0';
	if (row->moved || row->maybe)
		write_partner(comparison, row, true, text);
	else if (is_open && row->runs_needed >= 1e6)
		snprintf(text, COMPARISON_SENTENCE, "needs too many runs");
	else if (is_open && row->runs_needed > 0)
		snprintf(text, COMPARISON_SENTENCE, "needs %.0f %s", row->runs_needed,
			 comparison->options.paired ? "pairs" : "runs");
	else
		return comparison_remark(comparison, row, text);
	return text;
}

/* The cells of a row, in the order of the columns; each ends up in @cell. */
static void fill_row(const struct comparison *comparison, const struct comparison_row *row,
		     bool is_brief, void (*cell)(void *context, int column, const char *text),
		     void *context)
{
	const char *unit = comparison->base[0]->unit;
	char text[COMPARISON_SENTENCE], low[32], high[32];

	snprintf(text, sizeof(text), "%s %s", comparison_verdict_marks[row->verdict],
		 comparison_verdict_names[row->verdict]);
	cell(context, 0, text);
	cell(context, 1, comparison_row_name(comparison, row, text));
	cell(context, 2, amount_format(row->base, unit, text, sizeof(text)));
	cell(context, 3, amount_format(row->fresh, unit, text, sizeof(text)));
	cell(context, 4, change_text(row, text));
	snprintf(text, sizeof(text), "%s … %s", comparison_percent(row->change.low, low),
		 comparison_percent(row->change.high, high));
	cell(context, 5, isfinite(row->change.low) ? text : "");
	cell(context, 6, p_text(row->p_adjusted, text));
	cell(context, 7,
	     isfinite(row->detectable) ? comparison_percent(row->detectable, text) : "nothing");
	cell(context, 8,
	     is_brief ? brief_remark(comparison, row, text)
		      : comparison_remark(comparison, row, text));
	*text = '\0';
	if (row->function && *row->function->file)
		snprintf(text, sizeof(text), "%s:%u", row->function->file, row->function->line);
	cell(context, 9, text);
}

static void text_cell(void *context, int column, const char *text)
{
	(void)column;
	table_cell(context, "%s", text);
}

void comparison_write(const struct comparison *comparison, size_t limit, FILE *stream, int width,
		      bool colour)
{
	enum comparison_verdict verdict = comparison->total.verdict;
	char text[COMPARISON_SENTENCE];
	struct table table;

	fprintf(stream, "%s%s %s%s\n", colour ? colours[verdict] : "",
		comparison_verdict_marks[verdict],
		comparison_sentence(comparison, &comparison->total, text), colour ? plain : "");
	if (*comparison_remark(comparison, &comparison->total, text))
		fprintf(stream, "The total %s.\n", text);
	comparison_trust(comparison, say_line, stream);
	if (!comparison->rows_count)
		return;
	fputc('\n', stream);
	table_init(&table, columns, COLUMNS);
	for (size_t i = 0; i < comparison->rows_count && i < limit; i++)
		fill_row(comparison, &comparison->rows[i], width > 0, text_cell, &table);
	table_write(&table, stream, width, colour);
	table_done(&table);
	if (comparison->rows_count > limit)
		fprintf(stream, "… and %zu more\n", comparison->rows_count - limit);
}

static void markdown_cell(void *context, int column, const char *text)
{
	fputs(column ? " | " : "| ", context);
	markdown_text(text, context);
	if (column == COLUMNS - 1)
		fputs(" |\n", context);
}

void comparison_write_markdown(const struct comparison *comparison, size_t limit, FILE *stream)
{
	const struct comparison_row *total = &comparison->total;
	char text[COMPARISON_SENTENCE];

	fprintf(stream, "<!-- simprof:compare v1 verdict=%s -->\n",
		comparison->replicated ? comparison_verdict_names[total->verdict] : "unreplicated");
	fprintf(stream, "**%s ", comparison_verdict_marks[total->verdict]);
	markdown_text(comparison_sentence(comparison, total, text), stream);
	fputs("**\n\n", stream);
	comparison_trust(comparison, say_paragraph, stream);
	for (int i = 0; i < COLUMNS; i++)
		fprintf(stream, "%s%s", i ? " | " : "| ",
			*columns[i].title ? columns[i].title : "verdict");
	fputs(" |\n", stream);
	for (int i = 0; i < COLUMNS; i++)
		fprintf(stream, "%s%s", i ? " | " : "| ", columns[i].right ? "--:" : ":--");
	fputs(" |\n", stream);
	for (size_t i = 0; i < comparison->rows_count && i < limit; i++)
		fill_row(comparison, &comparison->rows[i], false, markdown_cell, stream);
	if (comparison->rows_count > limit)
		fprintf(stream, "\n… and %zu more\n", comparison->rows_count - limit);
}
