/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scaling_write: text of what scaling_json made; see scaling.h. */
#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/output.h"
#include "reports/scaling.h"
#include "reports/table.h"

#include <math.h>
#include <string.h>

const char *growth_describe(const json_t *fit, char *text, size_t bytes)
{
	const json_t *interval = json_object_get(fit, "interval"), *rival;
	const char *class = json_string_value(json_object_get(fit, "class"));
	size_t i;

	if (!fit) {
		snprintf(text, bytes, "not measured");
		return text;
	}
	if (json_object_get(fit, "mixed")) {
		snprintf(text, bytes, "not fitted: wall time at some sizes, CPU time at others");
		return text;
	}
	if (!class) {
		int sizes = (int)json_integer_value(json_object_get(fit, "sizes"));

		snprintf(text, bytes, "%d size%s, %d are needed", sizes, sizes == 1 ? "" : "s",
			 (int)json_integer_value(json_object_get(fit, "sizes_wanted")));
		return text;
	}
	snprintf(text, bytes, "%s", class);
	json_array_foreach (json_object_get(fit, "rivals"), i, rival) {
		snprintf(text + strlen(text), bytes - strlen(text), " or %s",
			 json_string_value(rival));
	}
	snprintf(text + strlen(text), bytes - strlen(text), ", n^%.2f",
		 json_number_value(json_object_get(fit, "exponent")));
	if (json_is_array(interval))
		snprintf(text + strlen(text), bytes - strlen(text), " (%.2f to %.2f)",
			 json_number_value(json_array_get(interval, 0)),
			 json_number_value(json_array_get(interval, 1)));
	return text;
}

/* Says an amount of a row's first or last size. */
static const char *amount_text(const json_t *row, size_t index, char *text, size_t bytes)
{
	const json_t *median =
		json_object_get(json_array_get(json_object_get(row, "points"), index), "median");

	if (!json_is_number(median))
		return "not measured";
	return amount_format(json_number_value(median),
			     json_string_value(json_object_get(row, "unit")), text, bytes);
}

static void write_rows(const json_t *rows, FILE *stream)
{
	static const struct table_column columns[] = {
		{"what", .elastic = true},
		{"component", .dropped = 1},
		{"at the smallest", .right = true, .dropped = 2},
		{"at the largest", .right = true},
		{.title = "growth"},
		{"calls", .dropped = 4},
		{"cost of a call", .dropped = 3},
	};
	static const char *const fits[] = {"time", "calls", "cost"};
	struct table table;
	char text[200];
	json_t *row;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	json_array_foreach (rows, i, row) {
		size_t points = json_array_size(json_object_get(row, "points"));
		const char *kind = json_string_value(json_object_get(row, "kind"));
		const char *clock = json_string_value(json_object_get(row, "clock"));

		snprintf(text, sizeof(text), clock ? " (%s)" : "", clock);
		table_cell(&table, "%s%s", json_string_value(json_object_get(row, "name")),
			   !strcmp(kind, "self time") ? " (itself)" : text);
		table_cell(&table, "%s", json_string_value(json_object_get(row, "component")));
		table_cell(&table, "%s", amount_text(row, 0, text, sizeof(text)));
		table_cell(&table, "%s", amount_text(row, points - 1, text, sizeof(text)));
		for (size_t k = 0; k < sizeof(fits) / sizeof(*fits); k++) {
			const json_t *fit = json_object_get(row, fits[k]);

			table_cell(&table, "%s",
				   fit || !k ? growth_describe(fit, text, sizeof(text)) : "");
		}
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
}

/* Says what a fit's break, misfit or rivals mean, each with a semicolon after it. */
static void write_remark(const json_t *fit, FILE *stream)
{
	const json_t *at = json_object_get(fit, "break"),
		     *apart = json_object_get(fit, "apart_size");
	const json_t *misfit = json_object_get(fit, "misfit"), *local;
	double from = json_number_value(json_object_get(at, "size")), low = INFINITY,
	       high = -INFINITY;
	size_t i;

	if (at)
		fprintf(stream,
			from < 1000 ? " from size %.4g on it grows as n^%.2f, before as n^%.2f;"
				    : " from size %.0f on it grows as n^%.2f, before as n^%.2f;",
			from, json_number_value(json_object_get(at, "after")),
			json_number_value(json_object_get(at, "before")));
	json_array_foreach (json_object_get(fit, "local"), i, local) {
		low = fmin(low, json_number_value(local));
		high = fmax(high, json_number_value(local));
	}
	if (misfit && isfinite(low))
		fprintf(stream,
			" sizes lie %.1f %% off any one power, more than their runs differ: "
			"between "
			"sizes it grows as n^%.2f to n^%.2f;",
			100 * json_number_value(misfit), low, high);
	if (apart)
		fprintf(stream, " a run at size %.0f would tell its rivals apart;",
			json_number_value(apart));
}

const char *scaling_remark(const json_t *row, char *text, size_t bytes)
{
	const json_t *fit = json_object_get(row, "time");
	FILE *stream;
	long length;

	if (!json_object_get(fit, "break") && !json_object_get(fit, "apart_size") &&
	    !json_object_get(fit, "misfit"))
		return NULL;
	stream = xalloc_checked(fmemopen(text, bytes, "w"));
	fprintf(stream, "%s:", json_string_value(json_object_get(row, "name")));
	write_remark(fit, stream);
	length = ftell(stream);
	fclose(stream);
	text[bytes - 1] = '\0';
	/* Without the last semicolon. */
	if (length > 0 && (size_t)length < bytes && text[length - 1] == ';')
		text[length - 1] = '\0';
	return text;
}

const char *scaling_limit(const json_t *limit, char *text, size_t bytes)
{
	const json_t *size = json_object_get(limit, "size");
	const char *over = json_string_value(json_object_get(limit, "over")), *start = text;
	double number = json_number_value(size);

	snprintf(text, bytes, "%s: %s ", json_string_value(json_object_get(limit, "of")),
		 json_string_value(json_object_get(limit, "limit")));
	text += strlen(text);
	bytes -= strlen(text);
	if (size && number > 0)
		snprintf(text, bytes, number < 100 ? "at %s %.1f%s" : "at %s %.0f%s", over, number,
			 json_is_true(json_object_get(limit, "is_extrapolated"))
				 ? " (outside of what was measured)"
				 : "");
	else if (size)
		snprintf(text, bytes, "not at any %s", over);
	else if (json_object_get(limit, "never"))
		snprintf(text, bytes, "whatever the %s", over);
	else if (json_object_get(limit, "untold"))
		snprintf(text, bytes, "at no %s that can be told: some of it may grow", over);
	else
		snprintf(text, bytes, "above %s %.0f, as far as the fit may be trusted", over,
			 json_number_value(json_object_get(limit, "beyond")));
	return start;
}

/* Writes what the rows remark, or the limits, as a list. */
static void write_list(const json_t *items, const char *title,
		       const char *(*say)(const json_t *item, char *text, size_t bytes),
		       FILE *stream)
{
	bool is_first = true;
	char text[400];
	json_t *item;
	size_t i;

	json_array_foreach (items, i, item) {
		*text = '\0';
		if (!say(item, text, sizeof(text)))
			continue;
		fprintf(stream, "%s  %s\n", is_first ? title : "", text);
		is_first = false;
	}
}

void scaling_write(const json_t *json, FILE *stream)
{
	const json_t *runs = json_object_get(json, "runs"), *group;
	const json_t *overhead = json_object_get(json_object_get(json, "overhead"), "overhead");
	const json_t *unreadable = json_object_get(json, "unreadable");
	int damaged = (int)json_integer_value(json_object_get(runs, "damaged"));
	int stepless = (int)json_integer_value(json_object_get(json, "stepless"));
	int inlined_steps = (int)json_integer_value(json_object_get(json, "inlined_steps"));
	int extended = (int)json_integer_value(json_object_get(json, "extended"));
	const json_t *reason;
	size_t i;

	json_array_foreach (json_object_get(json, "groups"), i, group) {
		const char *others = json_string_value(json_object_get(group, "others"));

		fprintf(stream, "%sover %s%s%s, on %s\n\n", i ? "\n" : "",
			json_string_value(json_object_get(json, "size")), *others ? ", with " : "",
			others, json_string_value(json_object_get(group, "machine")));
		write_rows(json_object_get(group, "rows"), stream);
		write_list(json_object_get(group, "rows"), "\nremarks\n", scaling_remark, stream);
		write_list(json_object_get(group, "limits"), "\nlimits, computed from the fits\n",
			   scaling_limit, stream);
	}
	fprintf(stream, "\nruns: %d of %d done, %d failed, %d timed out, %d missing",
		(int)json_integer_value(json_object_get(runs, "done")),
		(int)json_integer_value(json_object_get(runs, "planned")),
		(int)json_integer_value(json_object_get(runs, "failed")),
		(int)json_integer_value(json_object_get(runs, "timed_out")),
		(int)json_integer_value(json_object_get(runs, "missing")));
	if (damaged)
		fprintf(stream, ", %d damaged (collector sweep --retry makes them again)", damaged);
	if (overhead)
		fprintf(stream, "; recording took %.1f %% of CPU time",
			100 * json_number_value(overhead));
	fputc('\n', stream);
	json_array_foreach (unreadable, i, reason) {
		fprintf(stream, "left out: %s\n", json_string_value(reason));
	}
	if (stepless)
		fprintf(stream,
			"left out: %d recording%s whose steps were not marked to the end, to keep "
			"the budget: how many there were is not known; with --run=--budget=none "
			"all are\n",
			stepless, stepless == 1 ? "" : "s");
	if (inlined_steps)
		fprintf(stream,
			"(!) in %d recording%s the step function was also inlined: what is "
			"executed there is in no step; collector steps says where\n",
			inlined_steps, inlined_steps == 1 ? "" : "s");
	if (extended)
		fprintf(stream,
			"in %d recording%s steps were marked in a first part only, to keep the "
			"budget: wall times of a step there are of the time to the end\n",
			extended, extended == 1 ? "" : "s");
}
