/* SPDX-License-Identifier: GPL-3.0-or-later */
/* step_amounts: see step_amounts.h. */
#include "reports/step_amounts.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/output.h"
#include "reports/series.h"
#include "reports/table.h"
#include "reports/text.h"

#include <math.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Points and steps are both in order of time; a point lies at its step's end, or just behind it
 * where others ended at the same time. */
static void take_points(struct step_amount *amount, const struct profile *profile,
			const struct series_curve *curve)
{
	uint32_t step = 0, count = (uint32_t)profile->steps_count;

	amount->step_count = count;
	amount->values = xcalloc(count + 1u, sizeof(*amount->values));
	for (uint32_t i = 0; i < count; i++)
		amount->values[i] = NAN;
	for (size_t i = 0; i < curve->count; i++) {
		uint64_t time_ns = curve->points[i].time_ns;

		while (step + 1 < count && profile->steps[step + 1].end_ns <= time_ns &&
		       profile->steps[step].end_ns != time_ns)
			step++;
		if (step < count)
			amount->values[step] = (double)curve->points[i].value;
		step++;
	}
}

static void sum_up(struct step_amount *amount, const struct steps *steps)
{
	double *sorted = xcalloc(steps->count + 1u, sizeof(*sorted));
	double sum = 0, slow = 0, apart = 0;
	uint32_t count = 0, slow_count = 0, apart_count = 0;

	for (uint32_t i = 0; i < steps->count; i++) {
		amount->known += !isnan(amount->values[i]);
		if (i < steps->warm_up || isnan(amount->values[i]))
			continue;
		sorted[count++] = amount->values[i];
		sum += amount->values[i];
		if (steps->is_compared[i]) {
			slow += amount->values[i];
			slow_count++;
		} else if (steps->is_apart[i]) {
			apart += amount->values[i];
			apart_count++;
		}
	}
	qsort(sorted, count, sizeof(*sorted), compare);
	amount->mean = count ? sum / count : NAN;
	amount->median = count ? steps_quantile(sorted, count, 0.5) : NAN;
	amount->p95 = count ? steps_quantile(sorted, count, 0.95) : NAN;
	amount->most = count ? sorted[count - 1] : NAN;
	amount->slow = slow_count ? slow / slow_count : NAN;
	slow_count += apart_count;
	amount->typical = count > slow_count ? (sum - slow - apart) / (count - slow_count) : NAN;
	free(sorted);
}

void step_amounts_measure(struct step_amounts *amounts, const struct profile *profile,
			  const struct steps *steps)
{
	size_t count, prefix = strlen(STEP_AMOUNTS_PREFIX);
	struct series_curve *curves = series_curves(profile, &count);

	*amounts = (struct step_amounts){.rows = xcalloc(count + 1, sizeof(*amounts->rows))};
	for (size_t i = 0; i < count; i++) {
		struct step_amount *row = &amounts->rows[amounts->count];

		if (strncmp(curves[i].name, STEP_AMOUNTS_PREFIX, prefix) != 0)
			continue;
		row->name = curves[i].name + prefix;
		row->unit = curves[i].unit;
		take_points(row, profile, &curves[i]);
		sum_up(row, steps);
		amounts->count++;
	}
	free(curves);
}

void step_amounts_done(struct step_amounts *amounts)
{
	for (size_t i = 0; i < amounts->count; i++)
		free(amounts->rows[i].values);
	free(amounts->rows);
	*amounts = (struct step_amounts){0};
}

const char *step_amounts_text(const struct step_amount *amount, double value, char text[64])
{
	struct obstack memory;

	if (isnan(value)) {
		snprintf(text, 64, "-");
		return text;
	}
	if (!strcmp(amount->unit, "count"))
		return amount_brief(value, text, 64);
	obstack_init(&memory);
	amount_format(value, text_plain(&memory, amount->unit, 16), text, 64);
	obstack_free(&memory, NULL);
	return text;
}

void step_amounts_write(const struct step_amounts *amounts, const struct steps *steps, FILE *stream)
{
	static const struct table_column columns[] = {
		{"counted in a step", false, true, 0},
		{"mean", true, false, 0},
		{"median", true, false, 1},
		{"p95", true, false, 2},
		{"most", true, false, 3},
		{"long step", true, false, 0},
		{"typical", true, false, 0},
	};
	size_t column_count = steps->compared_count ? 7 : 5;
	struct table table;

	if (!amounts->count)
		return;
	fputc('\n', stream);
	table_init(&table, columns, column_count);
	for (size_t i = 0; i < amounts->count; i++) {
		const struct step_amount *row = &amounts->rows[i];
		const double values[] = {row->mean, row->median, row->p95,
					 row->most, row->slow,	 row->typical};
		struct obstack memory;
		char text[64];

		obstack_init(&memory);
		table_cell(&table, "%s", text_plain(&memory, row->name, 40));
		obstack_free(&memory, NULL);
		for (size_t j = 0; j + 1 < column_count; j++)
			table_cell(&table, "%s", step_amounts_text(row, values[j], text));
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (amounts->rows[0].known < steps->count)
		fprintf(stream, "known of %u of %u steps\n", amounts->rows[0].known, steps->count);
}

/* Says whether a step function's probe was taken off: what came to later steps is not known. */
static bool has_lost_steps(const struct profile *profile)
{
	for (size_t i = 0; i < profile->probes_count; i++)
		if (profile->probes[i].mode == PROFILE_PROBE_STEP && profile->probes[i].is_partial)
			return true;
	return false;
}

/* Says whether what came to steps was estimated from a sample. */
static bool is_estimated(const struct profile *profile, const struct step_amount *row)
{
	return profile_number(profile, "memory.rate", 0) > 0 &&
	       (!strcmp(row->name, "allocations") || !strcmp(row->name, "allocated"));
}

static void write_line(const struct profile *profile, const struct step_amount *row, bool has_lost,
		       FILE *stream)
{
	char mean[64], median[64], p95[64], most[64];

	fprintf(stream, "%-13s%s%s %s a step; median %s, p95 %s, most %s", "",
		is_estimated(profile, row) ? "about " : "", step_amounts_text(row, row->mean, mean),
		row->name, step_amounts_text(row, row->median, median),
		step_amounts_text(row, row->p95, p95), step_amounts_text(row, row->most, most));
	if (has_lost)
		fprintf(stream, "; (!) of %u steps only, later ones are missing", row->known);
	fputc('\n', stream);
}

void step_amounts_write_lines(const struct profile *profile, const char *const *names, size_t count,
			      FILE *stream)
{
	bool has_lost = has_lost_steps(profile);
	struct step_amounts amounts;
	struct steps steps;

	steps_measure(&steps, profile);
	step_amounts_measure(&amounts, profile, &steps);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < amounts.count; j++)
			if (!strcmp(amounts.rows[j].name, names[i]))
				write_line(profile, &amounts.rows[j], has_lost, stream);
	step_amounts_done(&amounts);
	steps_done(&steps);
}

json_t *step_amounts_json(const struct step_amounts *amounts)
{
	json_t *array = json_array();
	struct obstack memory;

	obstack_init(&memory);
	for (size_t i = 0; i < amounts->count; i++) {
		const struct step_amount *row = &amounts->rows[i];
		json_t *values = json_array();

		for (uint32_t step = 0; step < row->step_count; step++)
			json_array_append_new(values, isnan(row->values[step])
							      ? json_null()
							      : json_real(row->values[step]));
		json_array_append_new(array, json_pack("{s:s, s:s, s:o}", "name",
						       text_clean(&memory, row->name, 0), "unit",
						       text_clean(&memory, row->unit, 0), "values",
						       values));
	}
	obstack_free(&memory, NULL);
	return array;
}
