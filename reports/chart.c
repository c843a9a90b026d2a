/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart: axes, lines and bars; see chart.h. */
#include "reports/chart.h"

#include "reports/amount.h"
#include "reports/embed.h"
#include "reports/svg.h"

#include <math.h>
#include <string.h>

EMBED(chart_css, EMBED_FILE("chart.css"));

static const double head_height = 56;  /* title and description */
static const double panel_title = 22;  /* above a panel */
static const double axis_height = 44;  /* labels and name of the horizontal axis */
static const double twin_row = 17;     /* a row of the table */
static const double stripe = 8;	       /* distance of the stripes of a shade */
static const double letter = 6.7;      /* advance of a letter in labels, at most */
static const double mono_letter = 7.2; /* of one in the table */

/* ---- axes --------------------------------------------------------------------------------- */

/* The factor of which ticks are round multiples: 1024^n for bytes, else 1. */
static double unit_factor(const struct chart_axis *axis)
{
	double factor = 1, most = fmax(fabs(axis->low), fabs(axis->high));

	if (!strcmp(axis->unit, "bytes"))
		while (factor < 1 << 30 && most >= 2048 * factor)
			factor *= 1024;
	return factor;
}

/* The next number that is one, two or five times a power of ten. */
static double round_up(double number)
{
	double decade = pow(10, floor(log10(number)));
	double digit = number / decade;

	return decade * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
}

/* Distance of ticks for about @wanted of them; whole numbers of what is counted. */
static double tick_step(const struct chart_axis *axis, int wanted)
{
	double factor = unit_factor(axis);
	double step = factor * round_up((axis->high - axis->low) / factor / wanted);

	return strcmp(axis->unit, "%") ? fmax(1, step) : step;
}

void chart_axis_round(struct chart_axis *axis)
{
	double step;

	if (axis->is_logarithmic) {
		axis->low = pow(10, floor(log10(axis->low)));
		axis->high = pow(10, ceil(log10(axis->high * 1.0001)));
		return;
	}
	if (axis->low > 0 && axis->low < axis->high / 2)
		axis->low = 0;
	if (axis->high <= axis->low)
		axis->high = axis->low + 1;
	step = tick_step(axis, 4);
	axis->low = floor(axis->low / step) * step;
	axis->high = ceil(axis->high / step) * step;
}

static double place(const struct chart_axis *axis, double value)
{
	double at = axis->is_logarithmic
			    ? log(fmax(value, axis->low) / axis->low) / log(axis->high / axis->low)
			    : (value - axis->low) / (axis->high - axis->low);

	return fmin(1, fmax(0, at));
}

double chart_x(const struct chart *chart, double x)
{
	return CHART_LEFT + (CHART_WIDTH - CHART_LEFT - CHART_RIGHT) * place(&chart->options->x, x);
}

double chart_y(const struct chart *chart, double y)
{
	return chart->top + chart->options->panel_height * (1 - place(&chart->y, y));
}

const char *chart_amount(double amount, const struct chart_axis *axis, char text[32])
{
	char digits[32], *end;
	const char *unit;
	size_t unit_end;

	amount_format(fabs(amount), axis->unit, digits, sizeof(digits));
	unit = strchr(digits, ' ');
	if (!unit)
		unit = digits + strlen(digits);
	end = digits + (unit - digits);
	if (memchr(digits, '.', (size_t)(unit - digits))) {
		while (end[-1] == '0')
			end--;
		if (end[-1] == '.')
			end--;
	}
	unit_end = strlen(unit);
	while (unit_end && unit[unit_end - 1] == ' ')
		unit_end--;
	snprintf(text, 32, "%s%.*s%.*s%s", amount < 0 ? "−" : "", (int)(end - digits), digits,
		 (int)unit_end, unit, axis->suffix ? axis->suffix : "");
	return text;
}

/* ---- text --------------------------------------------------------------------------------- */

/* @look  more attributes, with a class for the colour */
static void label(const struct chart *chart, double x, double y, const char *look, const char *text)
{
	fprintf(chart->stream, "<text x=\"");
	svg_number(chart->stream, x);
	fputs("\" y=\"", chart->stream);
	svg_number(chart->stream, y);
	fprintf(chart->stream, "\" %s>", look);
	svg_string(chart->stream, text);
	fputs("</text>\n", chart->stream);
}

static int characters_of(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

/* ---- the table ---------------------------------------------------------------------------- */

/* Left edges of the columns; the last one is the right edge of all. */
static void measure_twin(const struct table *twin, double *edges)
{
	double x = CHART_RIGHT;

	for (int column = 0; column < twin->column_count; column++) {
		int widest = characters_of(twin->columns[column].title);

		for (size_t i = (size_t)column; i < twin->cells_count; i += twin->column_count) {
			int width = characters_of(twin->cells[i]);

			widest = width > widest ? width : widest;
		}
		edges[column] = x;
		x += mono_letter * widest + 18;
	}
	edges[twin->column_count] = x;
}

static void twin_cell(const struct chart *chart, const double *edges, int column, double y,
		      const char *role, const char *text)
{
	const struct table_column *shape = &chart->options->twin->columns[column];
	double x = shape->right ? edges[column + 1] - 18 : edges[column];

	fprintf(chart->stream, "<text role=\"%s\" x=\"%.0f\" y=\"%.0f\"%s%s>", role, x, y,
		shape->right ? " text-anchor=\"end\"" : "",
		*role == 'c' && role[1] == 'o' ? " font-weight=\"600\"" : "");
	svg_string(chart->stream, text);
	fputs("</text>", chart->stream);
}

static void draw_twin(const struct chart *chart)
{
	const struct table *twin = chart->options->twin;
	double edges[TABLE_COLUMNS + 1], y = chart->foot + twin_row;

	measure_twin(twin, edges);
	fprintf(chart->stream,
		"<g role=\"table\" aria-label=\"Figures of the chart\" class=\"fg\" "
		"fill=\"#1f2328\" "
		"font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\">\n"
		"<g role=\"row\">");
	for (int column = 0; column < twin->column_count; column++)
		twin_cell(chart, edges, column, y, "columnheader", twin->columns[column].title);
	fputs("</g>\n", chart->stream);
	for (size_t i = 0; i < twin->cells_count; i++) {
		int column = (int)(i % twin->column_count);

		if (!column) {
			y += twin_row;
			fputs("<g role=\"row\">", chart->stream);
		}
		twin_cell(chart, edges, column, y, column ? "cell" : "rowheader", twin->cells[i]);
		if (column == twin->column_count - 1)
			fputs("</g>\n", chart->stream);
	}
	fputs("</g>\n", chart->stream);
}

static double twin_height(const struct table *twin)
{
	size_t rows = twin ? twin->cells_count / twin->column_count : 0;

	return twin ? twin_row * (double)(rows + 1) + 12 : 0;
}

static double twin_width(const struct table *twin)
{
	double edges[TABLE_COLUMNS + 1];

	if (!twin)
		return 0;
	measure_twin(twin, edges);
	return edges[twin->column_count];
}

/* ---- the picture --------------------------------------------------------------------------- */

void chart_begin(struct chart *chart, const struct chart_options *options, FILE *stream)
{
	bool is_part = !options->twin;
	double above = is_part ? 0 : head_height;
	double width = fmax(CHART_WIDTH, twin_width(options->twin)), height;

	*chart = (struct chart){.stream = stream, .options = options};
	chart->top = above;
	chart->foot =
		above + options->panel_count * (panel_title + options->panel_height) + axis_height;
	height = chart->foot + twin_height(options->twin);
	if (!is_part)
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", stream);
	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"100%%\" "
		"viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"xMinYMin meet\" font-size=\"12\" "
		"font-family=\"system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif\">\n<title>",
		width, height);
	svg_string(stream, options->title);
	fputs("</title>\n<desc>", stream);
	svg_string(stream, options->description);
	fputs("</desc>\n", stream);
	if (!is_part) {
		fprintf(stream, "<style>\n%s</style>\n", chart_css);
		fputs("<rect class=\"page\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
		      stream);
		label(chart, CHART_RIGHT, 24,
		      "class=\"fg\" fill=\"#1f2328\" font-size=\"16\" "
		      "font-weight=\"600\"",
		      options->title);
		label(chart, CHART_RIGHT, 44, "class=\"muted\" fill=\"#59636e\"",
		      options->description);
	}
	fputs("<g role=\"img\" aria-label=\"", stream);
	svg_attribute(stream, options->description);
	fputs("\">\n", stream);
}

static void grid_line(const struct chart *chart, double x, double y, bool is_vertical)
{
	fputs("<path class=\"rule\" stroke=\"#d1d9e0\" d=\"M", chart->stream);
	svg_number(chart->stream, x);
	fputc(' ', chart->stream);
	svg_number(chart->stream, y);
	fputc(is_vertical ? 'v' : 'h', chart->stream);
	svg_number(chart->stream, is_vertical ? chart->options->panel_height
					      : CHART_WIDTH - CHART_LEFT - CHART_RIGHT);
	fputs("\"/>\n", chart->stream);
}

/* Calls @draw for each tick of an axis. */
static void each_tick(struct chart *chart, const struct chart_axis *axis, int wanted,
		      void (*draw)(struct chart *chart, double value, const char *text))
{
	long first, last;
	char text[32];
	double step;

	if (axis->is_logarithmic) {
		static const int digits[] = {1, 2, 5};
		bool is_short = axis->high / axis->low < 200; /* where decades are too few */

		first = (long)(is_short ? floor(log10(axis->low)) : ceil(log10(axis->low) - 1e-9));
		last = (long)floor(log10(axis->high) + 1e-9);
		for (long i = first; i <= last; i += 1 + (last - first) / wanted)
			for (int k = 0; k < (is_short ? 3 : 1); k++) {
				double at = digits[k] * pow(10, (double)i);

				if (at >= axis->low * (1 - 1e-9) && at <= axis->high * (1 + 1e-9))
					draw(chart, at, chart_amount(at, axis, text));
			}
		return;
	}
	step = tick_step(axis, wanted);
	first = (long)ceil(axis->low / step - 1e-9);
	last = (long)floor(axis->high / step + 1e-6);
	for (long i = first; i <= last; i++)
		draw(chart, (double)i * step, chart_amount((double)i * step, axis, text));
}

static void tick_at_left(struct chart *chart, double value, const char *text)
{
	grid_line(chart, CHART_LEFT, chart_y(chart, value), false);
	label(chart, CHART_LEFT - 6, chart_y(chart, value) + 4,
	      "class=\"muted\" fill=\"#59636e\" text-anchor=\"end\"", text);
}

static void tick_in_panel(struct chart *chart, double value, const char *text)
{
	(void)text;
	grid_line(chart, chart_x(chart, value), chart->top, true);
}

static void tick_below(struct chart *chart, double value, const char *text)
{
	label(chart, chart_x(chart, value), chart->foot - axis_height + 16,
	      "class=\"muted\" fill=\"#59636e\" text-anchor=\"middle\"", text);
}

void chart_panel(struct chart *chart, const char *title, const struct chart_axis *y)
{
	const struct chart_options *options = chart->options;
	double above = options->twin ? head_height : 0;

	chart->y = *y;
	chart->top = above + panel_title + chart->panel++ * (panel_title + options->panel_height);
	label(chart, CHART_LEFT, chart->top - 7,
	      "class=\"fg\" fill=\"#1f2328\" font-weight=\"600\"", title);
	each_tick(chart, &chart->y, options->panel_height > 100 ? 5 : 2, tick_at_left);
	each_tick(chart, &options->x, 9, tick_in_panel);
}

void chart_end(struct chart *chart)
{
	each_tick(chart, &chart->options->x, 9, tick_below);
	label(chart, CHART_WIDTH - CHART_RIGHT, chart->foot - axis_height + 34,
	      "class=\"muted\" fill=\"#59636e\" text-anchor=\"end\"", chart->options->axis);
	fputs("</g>\n", chart->stream);
	if (chart->options->twin)
		draw_twin(chart);
	fputs("</svg>\n", chart->stream);
}

/* ---- what panels hold ---------------------------------------------------------------------- */

static void move_to(FILE *stream, char how, double x, double y)
{
	fputc(how, stream);
	svg_number(stream, x);
	fputc(' ', stream);
	svg_number(stream, y);
}

/* The points that fall on one pixel: first, least, most and last of them are enough. */
struct pixel {
	double x, first, low, high, last;
	size_t count;
};

static void pixel_add(struct pixel *pixel, double x, double y)
{
	if (!pixel->count++)
		*pixel = (struct pixel){x, y, y, y, y, 1};
	pixel->low = fmin(pixel->low, y);
	pixel->high = fmax(pixel->high, y);
	pixel->last = y;
}

static void pixel_draw(FILE *stream, const struct pixel *pixel, bool is_stairs, bool *is_open)
{
	if (!pixel->count)
		return;
	if (is_stairs && *is_open) {
		fputc('V', stream);
		svg_number(stream, pixel->first);
		fputc('H', stream);
		svg_number(stream, pixel->x);
	} else {
		move_to(stream, *is_open ? 'L' : 'M', pixel->x, pixel->first);
	}
	*is_open = true;
	if (pixel->count < 2)
		return;
	fputc('V', stream);
	svg_number(stream, pixel->low);
	fputc('V', stream);
	svg_number(stream, pixel->high);
	fputc('V', stream);
	svg_number(stream, pixel->last);
}

void chart_line(struct chart *chart, const struct chart_point *points, size_t count, bool is_stairs,
		enum chart_style style)
{
	static const struct {
		const char *class, *colour, *dashes;
	} looks[] = {
		[CHART_FIRST] = {"first", "#0b5394", ""},
		[CHART_SECOND] = {"second", "#9a3412", " stroke-dasharray=\"5 3\""},
		[CHART_THIRD] = {"third", "#59636e", " stroke-dasharray=\"1 3\""},
	};
	struct pixel pixel = {0};
	bool is_open = false, is_dense = count > CHART_WIDTH;

	fprintf(chart->stream,
		"<path class=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"%s "
		"stroke-linejoin=\"round\" d=\"",
		looks[style].class, looks[style].colour, looks[style].dashes);
	for (size_t i = 0; i < count; i++) {
		double x = chart_x(chart, points[i].x);

		if (is_dense)
			x = floor(x);
		if (!is_dense || x != pixel.x) {
			pixel_draw(chart->stream, &pixel, is_stairs, &is_open);
			pixel = (struct pixel){.x = x};
		}
		pixel_add(&pixel, x, chart_y(chart, points[i].y));
	}
	pixel_draw(chart->stream, &pixel, is_stairs, &is_open);
	fputs("\"/>\n", chart->stream);
}

void chart_bar(struct chart *chart, double from, double to, double height, const char *tooltip)
{
	double left = chart_x(chart, from), top = chart_y(chart, height);

	fputs("<rect class=\"area\" fill=\"#77aadd\" x=\"", chart->stream);
	svg_number(chart->stream, left);
	fputs("\" y=\"", chart->stream);
	svg_number(chart->stream, top);
	fputs("\" width=\"", chart->stream);
	svg_number(chart->stream, fmax(0.8, chart_x(chart, to) - left - 0.6));
	fputs("\" height=\"", chart->stream);
	svg_number(chart->stream, chart->top + chart->options->panel_height - top);
	fputs("\"><title>", chart->stream);
	svg_string(chart->stream, tooltip);
	fputs("</title></rect>\n", chart->stream);
}

void chart_dot(struct chart *chart, double x, double y, const char *tooltip)
{
	fputs("<circle class=\"dot\" fill=\"#0b5394\" fill-opacity=\".7\" r=\"3.5\" cx=\"",
	      chart->stream);
	svg_number(chart->stream, chart_x(chart, x));
	fputs("\" cy=\"", chart->stream);
	svg_number(chart->stream, chart_y(chart, y));
	fputs("\"><title>", chart->stream);
	svg_string(chart->stream, tooltip);
	fputs("</title></circle>\n", chart->stream);
}

/* Stripes of a pattern would need an id, which several charts in one page would share. */
void chart_shade(struct chart *chart, double x, const char *text)
{
	double left = chart_x(chart, x), right = CHART_WIDTH - CHART_RIGHT;
	double height = chart->options->panel_height;

	fputs("<path class=\"shade\" fill=\"none\" stroke=\"#d1d9e0\" d=\"", chart->stream);
	for (int i = 0; left + stripe * i < right; i++) {
		double at = left + stripe * i, run = fmin(height, right - at);

		move_to(chart->stream, 'M', at, chart->top + height);
		move_to(chart->stream, 'l', run, -run);
	}
	for (int i = 1; stripe * i < height; i++) {
		double up = stripe * i, run = fmin(height - up, right - left);

		move_to(chart->stream, 'M', left, chart->top + height - up);
		move_to(chart->stream, 'l', run, -run);
	}
	fputs("\"/>\n", chart->stream);
	label(chart, right - 4, chart->top + height - 6,
	      "class=\"muted\" fill=\"#59636e\" text-anchor=\"end\"", text);
}

void chart_mark(struct chart *chart, double x, const char *text, struct chart_labels *labels)
{
	double at = chart_x(chart, x), width = letter * characters_of(text);
	double begin = at + 3 + width > CHART_WIDTH ? at - 3 - width : at + 3;

	fputs("<path class=\"mark\" stroke=\"#1f2328\" stroke-dasharray=\"2 2\" d=\"",
	      chart->stream);
	move_to(chart->stream, 'M', at, chart->top);
	fprintf(chart->stream, "v%.0f\"/>\n", chart->options->panel_height);
	for (int row = 0; row < CHART_LABEL_ROWS; row++) {
		if (labels->end[row] + 4 > begin)
			continue;
		label(chart, begin, chart->top + 12 + 14 * row, "class=\"fg\" fill=\"#1f2328\"",
		      text);
		labels->end[row] = begin + width;
		return;
	}
}

size_t chart_tick_stride(size_t count)
{
	double room = (CHART_WIDTH - CHART_LEFT - CHART_RIGHT) / 5.0;

	return (double)count <= room ? 1 : (size_t)round_up((double)count / room);
}

void chart_ticks(struct chart *chart, const double *xs, size_t count)
{
	double bottom = chart->top + chart->options->panel_height;
	size_t stride = chart_tick_stride(count);

	fputs("<path class=\"mark\" stroke=\"#1f2328\" stroke-width=\".8\" d=\"", chart->stream);
	for (size_t i = stride - 1; i < count; i += stride) {
		move_to(chart->stream, 'M', chart_x(chart, xs[i]), bottom);
		fputs("v-5", chart->stream);
	}
	fputs("\"/>\n", chart->stream);
}
