/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chart: pictures with axes as SVG: one or several panels above one another that share the
 * horizontal axis. What the panels hold is drawn by chart_histogram, chart_series and others.
 *
 * A chart needs no script and asks nothing of a network. Geometry and colours are attributes; the
 * style sheet is for dark mode and print only. A title and a description say what it shows, marks
 * have tooltips, and the figures stand below it as a table, which screen readers read as one.
 *
 *     chart_begin
 *     for each panel: chart_panel, then chart_line, chart_bar, chart_mark, ...
 *     chart_end
 */
#pragma once

#include "reports/table.h"

#include <stddef.h>
#include <stdint.h>

enum {
	CHART_WIDTH = 960,
	CHART_LEFT = 92,  /* of the panels, room for the labels of the vertical axis */
	CHART_RIGHT = 24, /* likewise at the right */
};

struct chart_axis {
	double low, high; /* low < high; a logarithmic axis begins above 0 */
	bool is_logarithmic;
	const char *unit;   /* as amount_format takes it */
	const char *suffix; /* behind the unit, such as "/s"; NULL none */
};

struct chart_options {
	const char *title;	 /* clean UTF-8 (text.h), like all text here */
	const char *description; /* one sentence with what matters most */
	const char *axis;	 /* what the horizontal axis is */
	struct chart_axis x;
	int panel_count;
	double panel_height;	  /* pixels, without the panel's title */
	const struct table *twin; /* the figures, borrowed until chart_end; NULL: the page that the
				     chart is part of has them */
};

struct chart {
	FILE *stream;
	const struct chart_options *options;
	struct chart_axis y; /* of the present panel */
	double top;	     /* of it, pixels */
	double foot;	     /* first pixel below all panels and the axis */
	int panel;
};

/* A point in the units of the axes. */
struct chart_point {
	double x, y;
};

/* Widens @axis so that it ends on round numbers; a linear one that begins near 0 begins at 0. */
void chart_axis_round(struct chart_axis *axis);

/* @options is borrowed until chart_end; the caller checks @stream for errors. */
void chart_begin(struct chart *chart, const struct chart_options *options, FILE *stream);
void chart_end(struct chart *chart);

/* Begins the next panel: its title, its frame, grid and labels. */
void chart_panel(struct chart *chart, const char *title, const struct chart_axis *y);

/* Places in pixels; what lies beyond an axis is put on its end. */
double chart_x(const struct chart *chart, double x);
double chart_y(const struct chart *chart, double y);

enum chart_style {
	CHART_FIRST,
	CHART_SECOND, /* dashed, so that it is told apart without colour */
	CHART_THIRD,  /* dotted */
};

/*
 * Draws a line through the points, whose x never falls. Where there are more points than pixels a
 * pixel shows from the least to the most of its points, so no peak is lost and the picture stays
 * small.
 *
 * @is_stairs  each value holds from the point before to its own: rates, counts of bars
 */
void chart_line(struct chart *chart, const struct chart_point *points, size_t count, bool is_stairs,
		enum chart_style style);

/* Draws a bar from the bottom of the panel, with a tooltip. */
void chart_bar(struct chart *chart, double from, double to, double height, const char *tooltip);

/* Draws a dot with a tooltip. */
void chart_dot(struct chart *chart, double x, double y, const char *tooltip);

/* Hatches the panel from @x to its right end and says there what that part is. */
void chart_shade(struct chart *chart, double x, const char *text);

enum {
	CHART_LABEL_ROWS = 3
};

/* Where labels of a panel's marks end, row by row; zero at first. */
struct chart_labels {
	double end[CHART_LABEL_ROWS];
};

/* Draws a vertical line with a label beside its upper end, in the first row that has room; none
 * where no row has. Marks come in order of x. */
void chart_mark(struct chart *chart, double x, const char *label, struct chart_labels *labels);

/* Draws small ticks at the bottom of the panel: of @xs, in their order, every so many that they
 * stay apart, which is chart_tick_stride. */
void chart_ticks(struct chart *chart, const double *xs, size_t count);
size_t chart_tick_stride(size_t count);

/* A round number at an axis or in a sentence: "2.5 ms", not "2.50 ms". Returns @text. */
const char *chart_amount(double amount, const struct chart_axis *axis, char text[32]);
