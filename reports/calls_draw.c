/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_draw: see calls_draw.h. */
#include "reports/calls_draw.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/chart.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

const char *const calls_mark_names[CALLS_MARKS] = {"p50", "p90", "p99", "p99.9", "max"};

static const double mark_shares[CALLS_MARKS - 1] = {0.5, 0.9, 0.99, 0.999};

enum {
	BARS_AN_OCTAVE = 8,
	BUCKETS_AN_OCTAVE = 32
};

/* First of an octave's 32 buckets in each bar: the edges nearest to equal widths on a logarithmic
 * axis, 2^(i/8). */
static const uint32_t bar_starts[BARS_AN_OCTAVE + 1] = {0, 3, 6, 10, 13, 17, 22, 27, 32};

/* The bar of a bucket: its first and last bucket. Those of whole nanoseconds are bars themselves.
 */
static void find_bar(uint32_t bucket, uint32_t *first, uint32_t *last)
{
	uint32_t octave = bucket / BUCKETS_AN_OCTAVE * BUCKETS_AN_OCTAVE, bar = 0;

	*first = *last = bucket;
	if (bucket < BUCKETS_AN_OCTAVE)
		return;
	while (bucket - octave >= bar_starts[bar + 1])
		bar++;
	*first = octave + bar_starts[bar];
	*last = octave + bar_starts[bar + 1] - 1;
}

/* The last bucket has no end; its bar ends with the longest call. */
static double bar_end(uint32_t bucket, const struct calls_row *row)
{
	uint64_t end_ns = profile_bucket_end(bucket);

	if (end_ns == UINT64_MAX)
		end_ns = row->sum.max_ns > profile_bucket_start(bucket)
				 ? row->sum.max_ns
				 : profile_bucket_start(bucket);
	return (double)end_ns + 1;
}

void calls_histogram_init(struct calls_histogram *histogram, const struct calls_row *row)
{
	uint32_t end = 0; /* first bucket beyond the last bar */

	*histogram = (struct calls_histogram){
		.name = row->name,
		.calls = row->sum.returns,
		.is_least = calls_durations_are_least(row),
		.mean_ns = (double)row->sum.sum_ns / (double)row->sum.returns,
		.bars = xcalloc(row->bucket_count, sizeof(*histogram->bars)),
	};
	for (int i = 0; i < CALLS_MARKS - 1; i++)
		histogram->marks_ns[i] = calls_percentile(row, mark_shares[i]);
	histogram->marks_ns[CALLS_MARKS - 1] = (double)row->sum.max_ns;
	for (uint32_t i = 0; i < row->bucket_count; i++) {
		uint32_t first, last;

		find_bar(row->buckets[i].bucket, &first, &last);
		if (!histogram->count || first >= end)
			histogram->bars[histogram->count++] = (struct calls_bar){
				(double)profile_bucket_start(first), bar_end(last, row), 0};
		histogram->bars[histogram->count - 1].count += row->buckets[i].count;
		end = last + 1;
	}
}

void calls_histogram_done(struct calls_histogram *histogram)
{
	free(histogram->bars);
}

/* ---- the chart ---------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{.title = "function"},
	{.title = "calls", .right = true},
	{.title = "mean", .right = true},
	{.title = "p50", .right = true},
	{.title = "p90", .right = true},
	{.title = "p99", .right = true},
	{.title = "p99.9", .right = true},
	{.title = "max", .right = true},
};

static void add_row(struct table *table, const struct calls_histogram *histogram,
		    struct obstack *memory)
{
	const char *mark = histogram->is_least ? "> " : "";
	char text[32];

	table_cell(table, "%s", text_clean(memory, histogram->name, 60));
	table_cell(table, "%" PRIu64, histogram->calls);
	table_cell(table, "%s%s", mark,
		   amount_format(histogram->mean_ns, "ns", text, sizeof(text)));
	for (int i = 0; i < CALLS_MARKS; i++)
		table_cell(table, "%s%s", mark,
			   amount_format(histogram->marks_ns[i], "ns", text, sizeof(text)));
}

static void draw_bars(struct chart *chart, const struct calls_histogram *histogram)
{
	char from[32], to[32], tooltip[120];

	for (uint32_t i = 0; i < histogram->count; i++) {
		const struct calls_bar *bar = &histogram->bars[i];

		snprintf(tooltip, sizeof(tooltip), "%s to %s: %" PRIu64 " calls, %.3g %%",
			 amount_format(bar->from_ns, "ns", from, sizeof(from)),
			 amount_format(bar->to_ns, "ns", to, sizeof(to)), bar->count,
			 100.0 * (double)bar->count / (double)histogram->calls);
		chart_bar(chart, bar->from_ns, bar->to_ns, (double)bar->count, tooltip);
	}
}

static void draw_panel(struct chart *chart, const struct calls_histogram *histogram,
		       struct obstack *memory)
{
	/* A bar of one call has to be seen: the axis begins below 1. */
	struct chart_axis y = {.low = 1, .high = 1, .is_logarithmic = true, .unit = ""};
	struct chart_labels labels = {0};
	char title[400], text[32];

	for (uint32_t i = 0; i < histogram->count; i++)
		y.high = fmax(y.high, (double)histogram->bars[i].count);
	chart_axis_round(&y);
	y.low = 0.5;
	snprintf(title, sizeof(title), "%s · %" PRIu64 " calls, mean %s%s%s",
		 text_clean(memory, histogram->name, 90), histogram->calls,
		 histogram->is_least ? "> " : "",
		 amount_format(histogram->mean_ns, "ns", text, sizeof(text)),
		 histogram->is_least ? ": without what tail calls led to" : "");
	chart_panel(chart, title, &y);
	draw_bars(chart, histogram);
	for (int i = 0; i < CALLS_MARKS; i++)
		chart_mark(chart, histogram->marks_ns[i], calls_mark_names[i], &labels);
}

static struct chart_axis duration_axis(const struct calls_histogram *histograms, uint32_t count)
{
	struct chart_axis axis = {.low = INFINITY, .high = 1, .is_logarithmic = true, .unit = "ns"};

	for (uint32_t i = 0; i < count; i++) {
		const struct calls_histogram *histogram = &histograms[i];

		if (!histogram->count)
			continue;
		axis.low = fmin(axis.low, histogram->bars[0].from_ns);
		axis.high = fmax(axis.high, fmax(histogram->bars[histogram->count - 1].to_ns,
						 histogram->marks_ns[CALLS_MARKS - 1]));
	}
	axis.low = fmax(1, fmin(axis.low, axis.high / 2));
	chart_axis_round(&axis);
	return axis;
}

void calls_draw(const struct calls_histogram *histograms, uint32_t count, const char *title,
		bool is_part, FILE *stream)
{
	struct chart_options options = {
		.title = title,
		.description = "Distribution of durations: how many calls took how long, both "
			       "axes logarithmic; lines are percentiles and the longest call.",
		.axis = "duration of a call, without the probes' own cost",
		.x = duration_axis(histograms, count),
		.panel_count = (int)count,
		.panel_height = count > 3 ? 100 : 180,
	};
	struct obstack memory;
	struct table twin;
	struct chart chart;

	obstack_init(&memory);
	table_init(&twin, columns, sizeof(columns) / sizeof(*columns));
	for (uint32_t i = 0; i < count; i++)
		add_row(&twin, &histograms[i], &memory);
	if (!is_part)
		options.twin = &twin;
	chart_begin(&chart, &options, stream);
	for (uint32_t i = 0; i < count; i++)
		draw_panel(&chart, &histograms[i], &memory);
	chart_end(&chart);
	table_done(&twin);
	obstack_free(&memory, NULL);
}
