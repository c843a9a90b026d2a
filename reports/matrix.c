/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix: see matrix.h. */
#include "reports/matrix.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/document.h"
#include "reports/finding.h"
#include "reports/phase.h"
#include "reports/win.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	COLUMN_SHARE = 1,
	COLUMN_PRIORITY = 5,
};

/* Below that, what belongs to no component is no bottleneck. */
static const double share_of_a_row = 0.005;

/* As many times as large, beyond its interval, a share is another one. */
static const double another_share = 1.1;

double matrix_priority(double share, double low, double effort)
{
	if (share <= 0 || share >= 1)
		return share >= 1 ? INFINITY : 0;
	return (1 / (1 - share) - 1) * (low / share) / effort;
}

static const char *level_of(double priority)
{
	if (priority >= 1)
		return "high";
	return priority >= 0.1 ? "medium" : "low";
}

/* The slowest call, and which configuration is best, where anything was compared. */
static void add_phase2(json_t *row, const struct findings *findings, const char *component)
{
	char text[FINDING_TEXT], choice[FINDING_TEXT], both[2 * FINDING_TEXT + 8];
	const char *duration = finding_duration(findings, component, text);
	const char *best = finding_best(findings, component, true, choice);
	bool is_compared = strcmp(best, "not measured") != 0;

	snprintf(both, sizeof(both), "%s%s%s", duration, is_compared ? "; best: " : "",
		 is_compared ? best : "");
	document_text(row, both);
}

static void add_row(json_t *table, const struct findings *findings, const char *component,
		    const json_t *share)
{
	double low = json_number_value(json_array_get(share, 1));
	double priority =
		matrix_priority(finding_share(share), low, finding_effort(findings, component));
	json_t *row = document_row(table);
	char text[FINDING_TEXT];

	document_text(row, component);
	json_array_append(row, (json_t *)share);
	add_phase2(row, findings, component);
	document_text(row, finding_line(findings, component, text));
	document_text(row, finding_growth(findings, component, text));
	document_number(row, isinf(priority) ? NAN : priority); /* no bound: empty */
	document_text(row, level_of(priority));
}

/* An empty priority has no bound. */
static double priority_of(const json_t *row)
{
	const json_t *priority = json_array_get(row, COLUMN_PRIORITY);

	return json_is_number(priority) ? json_number_value(priority) : INFINITY;
}

static int by_priority(const void *a, const void *b)
{
	double first = priority_of(*(json_t *const *)a);
	double second = priority_of(*(json_t *const *)b);

	return (first < second) - (first > second);
}

/* Puts the highest priority first. */
static void sort_rows(json_t *table)
{
	json_t *rows = json_object_get(table, "rows"), *row;
	size_t count = json_array_size(rows), i;
	json_t **sorted = xcalloc(count, sizeof(json_t *));

	json_array_foreach (rows, i, row) {
		sorted[i] = json_incref(row);
	}
	qsort(sorted, count, sizeof(json_t *), by_priority);
	json_array_clear(rows);
	for (i = 0; i < count; i++)
		json_array_append_new(rows, sorted[i]);
	free(sorted);
}

/* Says whether a phase lacks nothing but that recording took more than its budget. */
static bool is_only_slowed(const json_t *summary)
{
	const json_t *problems = json_object_get(summary, "problems"), *problem;
	size_t i;

	json_array_foreach (problems, i, problem) {
		if (!json_is_string(problem) ||
		    !strstr(json_string_value(problem), PHASE_BUDGET_WORDS))
			return false;
	}
	return json_array_size(problems) > 0;
}

/* What a phase lacks that is no success; @summary NULL: it was not measured. */
static const char *shortcoming_of(const json_t *summary)
{
	if (!summary)
		return "was not measured";
	return is_only_slowed(summary)
		       ? "measured all that was planned, but recording broke the budget: its times "
			 "and shares are of a slowed down program"
		       : "did not measure all that was planned";
}

/* Says so when another phase is of another build than phase 1. */
static void note_builds(json_t *section, const struct findings *findings)
{
	json_t *builds = json_object_get(findings->phases[0], "builds"), *build;
	const char *program;

	for (int phase = 1; phase < FINDING_PHASES; phase++) {
		json_object_foreach (builds, program, build) {
			const json_t *other = json_object_get(
				json_object_get(findings->phases[phase], "builds"), program);

			if (other && !json_equal(other, build))
				document_note(
					section,
					"Phase %d measured another build of %.60s than phase 1.",
					phase + 1, program);
		}
	}
}

/* A component that works before or after the steps is in no row with that. */
static void say_outside(json_t *section, const struct findings *findings)
{
	const json_t *table = finding_table(findings->phases[0], "shares", "outside"), *row;
	char text[FINDING_TEXT];
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		double share = finding_share(finding_cell(table, row, "share"));

		if (strcmp(finding_cell_text(table, row, "where"), "outside of steps") != 0 ||
		    share < share_of_a_row)
			continue;
		document_note(section,
			      "Shares are of the CPU time in steps; %s %% of all lies outside of "
			      "them and is in no row.",
			      amount_brief(100 * share, text, sizeof(text)));
	}
}

/* Returns the table, borrowed, its rows in order of priority. */
static const json_t *add_matrix(json_t *document, const struct findings *findings)
{
	static const struct document_column columns[] = {
		{"bottleneck", "bottleneck", "text", NULL},
		{"share", "phase 1: of CPU time", "share", NULL},
		{"finding", "phase 2: finding", "text", NULL},
		{"line", "phase 3: line", "text", NULL},
		{"growth", "phase 4: scaling", "text", NULL},
		{"priority", "priority", "number", NULL},
		{"level", "", "text", NULL},
	};
	const json_t *shares = finding_table(findings->phases[0], "shares", "components"), *row;
	json_t *section = document_section(document, "matrix", "Bottlenecks"), *table;
	char text[FINDING_TEXT];
	size_t i;

	document_say(section,
		     "Priority is gain x confidence / effort: the gain is 1 / (1 - share) - 1, "
		     "the most there is to win (Amdahl); the confidence is the lower bound of "
		     "the share by the share; the effort is what the engine's description says of "
		     "the remedy in the sheet, else 1. High is 1 and more, medium 0.1 and more.");
	table = document_table(section, "matrix", "Components by what the four phases say", columns,
			       COLUMN_COUNT(columns));
	json_array_foreach (json_object_get(shares, "rows"), i, row) {
		const char *component = finding_cell_text(shares, row, "component");

		const json_t *share = finding_cell(shares, row, "share");

		if (!strcmp(component, "other") && finding_share(share) < share_of_a_row)
			document_note(section, "%s %% of the CPU time belong to no component.",
				      amount_brief(100 * finding_share(share), text, sizeof(text)));
		/* Every row has a name: what follows looks for it. */
		else if (*component)
			add_row(table, findings, component, share);
	}
	sort_rows(table);
	say_outside(section, findings);
	for (int phase = 0; phase < FINDING_PHASES; phase++)
		if (strcmp(finding_string(findings->phases[phase], "status"), "success"))
			document_note(section, "Phase %d %s.", phase + 1,
				      shortcoming_of(findings->phases[phase]));
	note_builds(section, findings);
	return table;
}

static void add_pair(json_t *table, const char *name, const char *text)
{
	json_t *row = document_row(table);

	document_text(row, name);
	document_text(row, text);
}

static bool is_gain(const json_t *win)
{
	const char *word = finding_string(win, "word");

	return !strcmp(word, "faster") || !strcmp(word, "less CPU time");
}

/* "NAME: AFTER instead of BEFORE; results: RESULTS; CHANGES" */
static void add_remedy(json_t *table, const json_t *remedy, const char *how, const char *results)
{
	char text[FINDING_TEXT];

	snprintf(text, sizeof(text), "%s%s: %s instead of %s; results: %s%s%s", how,
		 finding_string(remedy, "name"), finding_string(remedy, "after"),
		 finding_string(remedy, "before"), results,
		 *finding_string(remedy, "changes") ? "; " : "", finding_string(remedy, "changes"));
	add_pair(table, "remedy", text);
}

/* What was said of a remedy that nobody measured, for the whole (Amdahl). */
static void add_promise(json_t *table, const json_t *remedy, double share)
{
	char text[FINDING_TEXT];
	double low, high;

	if (!win_read_gain(finding_string(remedy, "gain"), &low, &high))
		return;
	snprintf(text, sizeof(text),
		 "%.2f to %.2f times as fast, if the component gets %.3g to %.3g times as fast, as "
		 "the description says; not measured",
		 win_of_whole(share, low), win_of_whole(share, high), low, high);
	add_pair(table, "expected gain of the remedy", text);
}

/* Of the time that the verdict is about: wall time, unless only CPU time tells anything. */
static void add_measured_gain(json_t *table, const json_t *win)
{
	const char *word = finding_string(win, "word");
	bool is_cpu = strstr(word, "CPU time") != NULL;
	const json_t *gain = json_object_get(win, is_cpu ? "cpu" : "wall");
	char text[FINDING_TEXT];

	if (!json_object_get(gain, "ratio"))
		return;
	snprintf(text, sizeof(text), "%.2f times as fast (%.2f to %.2f), %s time: %s",
		 json_number_value(json_object_get(gain, "ratio")),
		 json_number_value(json_object_get(gain, "low")),
		 json_number_value(json_object_get(gain, "high")), is_cpu ? "CPU" : "wall", word);
	add_pair(table, "measured gain of the remedy", text);
}

/* Says so when the component had another share in the runs of a win than in those of phase 1: then
 * those runs, and what was gained, are not of what was profiled. */
static void add_difference(json_t *table, const json_t *win, const json_t *share)
{
	double before = json_number_value(json_object_get(win, "share"));
	double least = finding_share(share), most = least;
	char text[FINDING_TEXT];

	if (json_is_array(share)) {
		least = json_number_value(json_array_get(share, 1));
		most = json_number_value(json_array_get(share, 2));
	}
	if (before <= 0 || (before >= least / another_share && before <= most * another_share))
		return;
	snprintf(text, sizeof(text),
		 "runs in which the component had %.1f %% of the CPU time, not %.1f %%: what was "
		 "profiled in phase 1 is another program, or has the remedy already",
		 100 * before, 100 * finding_share(share));
	add_pair(table, "but the gain is of", text);
}

/* What is to be done about a component, and what that brings: the best that was measured; where
 * nothing was, the best that is promised. */
static void add_remedies(json_t *table, const struct findings *findings, const char *component,
			 const json_t *measured)
{
	double share = finding_share(measured);
	const json_t *win = finding_win(findings, component);
	const json_t *remedy = finding_remedy(findings, component);
	char text[FINDING_TEXT];

	if (win)
		add_remedy(table, win,
			   is_gain(win) ? "" : "none that was measured helps; best was ",
			   *finding_string(win, "trace") ? finding_string(win, "trace")
							 : "not compared");
	else if (remedy)
		add_remedy(table, remedy, "", "not compared");
	else
		add_pair(table, "remedy", "the engine's description names none ([win NAME])");
	snprintf(text, sizeof(text), "at most %.2f times as fast, were it free (Amdahl)",
		 1 / (1 - share));
	add_pair(table, "expected gain", share < 1 ? text : "no bound");
	if (win) {
		add_measured_gain(table, win);
		add_difference(table, win, measured);
	} else if (remedy)
		add_promise(table, remedy, share);
}

static void add_sheet(json_t *document, const struct findings *findings, const json_t *matrix_row)
{
	static const struct document_column columns[] = {
		{"what", "", "text", NULL},
		{"finding", "", "text", NULL},
	};
	const char *component = json_string_value(json_array_get(matrix_row, 0));
	const json_t *share = json_array_get(matrix_row, COLUMN_SHARE);
	char id[100], text[FINDING_TEXT];
	json_t *section, *table;

	snprintf(id, sizeof(id), "sheet_%.80s", component);
	section = document_section(document, id, component);
	table = document_table(section, "sheet", "", columns, COLUMN_COUNT(columns));
	snprintf(text, sizeof(text), "%.1f %% of the CPU time", 100 * finding_share(share));
	if (json_is_array(share))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%.1f to %.1f)",
			 100 * json_number_value(json_array_get(share, 1)),
			 100 * json_number_value(json_array_get(share, 2)));
	add_pair(table, "current", text);
	add_pair(table, "cause: function", finding_function(findings, component, text));
	add_pair(table, "cause: line", finding_line(findings, component, text));
	add_pair(table, "evidence: duration", finding_duration(findings, component, text));
	add_pair(table, "evidence: growth", finding_growth(findings, component, text));
	add_pair(table, "evidence: memory", finding_memory(findings, component, text));
	add_pair(table, "best configuration", finding_best(findings, component, false, text));
	add_remedies(table, findings, component, share);
}

/* "30-50" → 0.3, 0.5. Returns whether it is such. */
static bool read_range(const char *text, double *low, double *high)
{
	char *end;

	*low = *high = strtod(text, &end) / 100;
	if (*end == '-')
		*high = strtod(end + 1, &end) / 100;
	return *text && !*end;
}

/* Whether a predicted share is what was measured: the interval has a part in the range. */
static const char *judge(const char *predicted, const json_t *share)
{
	double low, high, least = finding_share(share), most = least;

	if (!share)
		return "not measured";
	if (!read_range(predicted, &low, &high))
		return "";
	if (json_is_array(share)) {
		least = json_number_value(json_array_get(share, 1));
		most = json_number_value(json_array_get(share, 2));
	}
	if (least > high)
		return "more than predicted";
	return most < low ? "less than predicted" : "as predicted";
}

static void add_predictions(json_t *document, const struct findings *findings, const json_t *matrix)
{
	static const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"predicted", "predicted share, %", "text", NULL},
		{"earlier", "measured before, elsewhere, %", "text", NULL},
		{"share", "measured here", "share", NULL},
		{"word", "verdict", "text", NULL},
		{"predicted_growth", "predicted growth", "text", NULL},
		{"growth", "measured growth", "text", NULL},
	};
	const json_t *predictions = json_object_get(findings->phases[0], "predictions"), *row;
	json_t *section, *table, *prediction;
	const char *component;

	if (!json_object_size(predictions))
		return;
	section = document_section(document, "predictions", "What was predicted");
	document_say(section,
		     "Predictions are those of the engine's description ([predicted NAME]).");
	table = document_table(section, "predictions", "Predicted and measured", columns,
			       COLUMN_COUNT(columns));
	json_object_foreach ((json_t *)predictions, component, prediction) {
		const json_t *share = NULL;
		const char *predicted = finding_string(prediction, "share");
		const char *earlier = finding_string(prediction, "earlier");
		char text[FINDING_TEXT];
		json_t *cells = document_row(table);
		size_t i;

		json_array_foreach (json_object_get(matrix, "rows"), i, row) {
			if (!strcmp(json_string_value(json_array_get(row, 0)), component))
				share = json_array_get(row, COLUMN_SHARE);
		}
		document_text(cells, component);
		document_text(cells, predicted);
		document_text(cells, *earlier ? earlier : "not measured");
		json_array_append(cells, share ? (json_t *)share : json_null());
		document_text(cells, judge(predicted, share));
		document_text(cells, finding_string(prediction, "growth"));
		document_text(cells, finding_growth(findings, component, text));
	}
}

static json_t *put_together(const struct findings *findings)
{
	json_t *document = document_new("Bottleneck matrix"), *row;
	const json_t *matrix;
	bool is_complete = true, is_slowed = false;
	size_t i;

	for (int phase = 0; phase < FINDING_PHASES; phase++) {
		const json_t *summary = findings->phases[phase];

		is_slowed |= is_only_slowed(summary);
		is_complete &= !strcmp(finding_string(summary, "status"), "success") ||
			       is_only_slowed(summary);
	}
	matrix = add_matrix(document, findings);
	add_predictions(document, findings, matrix);
	json_array_foreach (json_object_get(matrix, "rows"), i, row) {
		add_sheet(document, findings, row);
	}
	json_array_foreach (
		json_object_get(json_object_get(findings->phases[0], "report"), "trust"), i, row) {
		document_add_trust(document, finding_string(row, "text"),
				   json_is_true(json_object_get(row, "bad")));
	}
	document_set_verdict(
		document, is_complete && !is_slowed ? "measured" : "doubtful",
		!is_complete ? "Not all four phases measured what they planned."
		: is_slowed  ? "All four phases measured what they planned, but recording slowed "
			       "the program down by more than its budget."
			     : "All four phases measured what they planned.");
	return document;
}

json_t *matrix_document(const char *folder, struct error *error)
{
	struct findings findings;
	json_t *document;

	if (findings_read(&findings, folder, error))
		return NULL;
	document = put_together(&findings);
	findings_done(&findings);
	return document;
}
