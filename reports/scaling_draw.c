/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scaling_draw: the picture of what scaling_json made; see scaling.h. */
#include "reports/amount.h"
#include "reports/chart.h"
#include "reports/scaling.h"
#include "reports/text.h"

#include <math.h>

static const double beyond = 4; /* the axis goes on behind the largest size by this factor */

enum {
	CURVE = 160 /* points of a curve */
};

/* One row of the JSON with the group that it is of. */
struct panel {
	const json_t *row, *group;
	double most; /* median at the largest size */
};

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int compare_panels(const void *left, const void *right)
{
	const struct panel *a = left, *b = right;

	/* Memory is no time and comes last. */
	bool a_memory = !strcmp(text_of(a->row, "unit"), "bytes");
	bool b_memory = !strcmp(text_of(b->row, "unit"), "bytes");

	if (a_memory != b_memory)
		return a_memory - b_memory;
	return (a->most < b->most) - (a->most > b->most);
}

/* All rows with a measured time, or memory, the costliest first. */
static struct panel *find_panels(const json_t *json, size_t *count)
{
	struct panel *panels = NULL;
	const json_t *group, *row;
	size_t capacity = 0, i, k;

	*count = 0;
	json_array_foreach (json_object_get(json, "groups"), i, group) {
		json_array_foreach (json_object_get(group, "rows"), k, row) {
			const json_t *points = json_object_get(row, "points");
			size_t sizes = json_array_size(points);

			if (!sizes)
				continue;
			xgrow(panels, *count, capacity);
			panels[(*count)++] = (struct panel){
				row, group, number_of(json_array_get(points, sizes - 1), "median")};
		}
	}
	if (*count)
		qsort(panels, *count, sizeof(*panels), compare_panels);
	if (*count > SCALING_PANELS)
		*count = SCALING_PANELS;
	return panels;
}

static enum growth_class class_of(const char *name)
{
	int class = 0;

	while (class < GROWTH_CLASSES - 1 && strcmp(growth_class_names[class], name) != 0)
		class ++;
	return class;
}

/* No fit falls, so what lies within the panel is one piece of it. */
static void draw_curve(struct chart *chart, const char *class_name, double constant, double factor,
		       enum chart_style style)
{
	const struct chart_axis *x = &chart->options->x;
	struct chart_point points[CURVE];
	size_t count = 0;

	for (int i = 0; i < CURVE; i++) {
		double size = x->low * pow(x->high / x->low, i / (CURVE - 1.0));
		double cost = constant + factor * growth_class_value(class_of(class_name), size);

		if (cost >= chart->y.low && cost <= chart->y.high)
			points[count++] = (struct chart_point){size, cost};
	}
	chart_line(chart, points, count, false, style);
}

static void draw_fits(struct chart *chart, const json_t *fit)
{
	const json_t *rivals = json_object_get(fit, "rivals"), *rival;
	const char *class_name = json_string_value(json_object_get(fit, "class"));
	size_t i;

	if (!class_name)
		return;
	json_array_foreach (rivals, i, rival) {
		const json_t *line = json_array_get(json_object_get(fit, "rival_fits"), i);

		draw_curve(chart, json_string_value(rival),
			   json_number_value(json_array_get(line, 0)),
			   json_number_value(json_array_get(line, 1)), CHART_THIRD);
	}
	draw_curve(chart, class_name, number_of(fit, "constant"), number_of(fit, "factor"),
		   CHART_FIRST);
}

static void draw_dots(struct chart *chart, const json_t *row)
{
	const json_t *point, *cost;
	const json_t *local = json_object_get(json_object_get(row, "time"), "local");
	size_t i, k;

	json_array_foreach (json_object_get(row, "points"), i, point) {
		char amount[32], tooltip[160];

		snprintf(tooltip, sizeof(tooltip), "size %.6g: median %s of %d runs",
			 number_of(point, "size"),
			 amount_format(number_of(point, "median"), text_of(row, "unit"), amount,
				       sizeof(amount)),
			 (int)json_integer_value(json_object_get(point, "runs")));
		if (i)
			snprintf(tooltip + strlen(tooltip), sizeof(tooltip) - strlen(tooltip),
				 ", as n^%.2f from the size before",
				 json_number_value(json_array_get(local, i - 1)));
		json_array_foreach (json_object_get(point, "costs"), k, cost) {
			chart_dot(chart, number_of(point, "size"), json_number_value(cost),
				  tooltip);
		}
	}
}

static struct chart_axis cost_axis(const json_t *row)
{
	struct chart_axis axis = {
		.low = INFINITY, .is_logarithmic = true, .unit = text_of(row, "unit")};
	const json_t *point;
	size_t i;

	json_array_foreach (json_object_get(row, "points"), i, point) {
		axis.low = fmin(axis.low, number_of(point, "low"));
		axis.high = fmax(axis.high, number_of(point, "high"));
	}
	axis.low = fmax(axis.low, 1e-3);
	axis.high = fmax(axis.high, axis.low);
	chart_axis_round(&axis);
	return axis;
}

static const char *name_of(const struct panel *panel, struct obstack *memory)
{
	const char *kind = text_of(panel->row, "kind"), *others = text_of(panel->group, "others");
	char *text;
	const char *clean;

	text = xasprintf("%s%s%s%s", text_of(panel->row, "name"),
			 !strcmp(kind, "self time") ? " (itself)" : "", *others ? " · " : "",
			 others);
	clean = text_clean(memory, text, 70);
	free(text);
	return clean;
}

static void draw_panel(struct chart *chart, const struct panel *panel, double largest,
		       struct obstack *memory)
{
	struct chart_axis y = cost_axis(panel->row);
	char growth[200], title[400];

	snprintf(title, sizeof(title), "%s: %s", name_of(panel, memory),
		 growth_describe(json_object_get(panel->row, "time"), growth, sizeof(growth)));
	chart_panel(chart, title, &y);
	chart_shade(chart, largest, "not measured");
	draw_fits(chart, json_object_get(panel->row, "time"));
	draw_dots(chart, panel->row);
}

/* All panels share the sizes. @largest: of those measured. */
static struct chart_axis size_axis(const struct panel *panels, size_t count, double *largest)
{
	struct chart_axis axis = {.low = INFINITY, .is_logarithmic = true, .unit = ""};
	const json_t *point;
	size_t i;

	*largest = 0;
	for (size_t k = 0; k < count; k++)
		json_array_foreach (json_object_get(panels[k].row, "points"), i, point) {
			axis.low = fmin(axis.low, number_of(point, "size"));
			*largest = fmax(*largest, number_of(point, "size"));
		}
	if (!count)
		axis.low = *largest = 1;
	axis.low /= 1.2;
	axis.high = *largest * beyond;
	return axis;
}

static void fill_twin(struct table *twin, const struct panel *panels, size_t count,
		      struct obstack *memory)
{
	char text[200];

	for (size_t i = 0; i < count; i++) {
		const json_t *points = json_object_get(panels[i].row, "points");
		const char *unit = text_of(panels[i].row, "unit");

		table_cell(twin, "%s", name_of(&panels[i], memory));
		table_cell(twin, "%s",
			   amount_format(number_of(json_array_get(points, 0), "median"), unit, text,
					 sizeof(text)));
		table_cell(twin, "%s", amount_format(panels[i].most, unit, text, sizeof(text)));
		table_cell(twin, "%s",
			   growth_describe(json_object_get(panels[i].row, "time"), text,
					   sizeof(text)));
	}
}

void scaling_draw(const json_t *json, FILE *stream)
{
	static const struct table_column columns[] = {
		{.title = "what"},
		{"at the smallest", .right = true},
		{"at the largest", .right = true},
		{.title = "growth"},
	};
	size_t count;
	struct panel *panels = find_panels(json, &count);
	double largest;
	struct chart_options options = {
		.title = "How costs grow",
		.description = "Both axes logarithmic: a dot is a run, the line the fit, dotted "
			       "ones its rivals, hatched what was not measured.",
		.x = size_axis(panels, count, &largest),
		.panel_count = (int)count,
		.panel_height = count > 3 ? 110 : 200,
	};
	struct obstack memory;
	struct chart chart;
	struct table twin;

	obstack_init(&memory);
	options.axis = text_clean(&memory, text_of(json, "size"), 60);
	table_init(&twin, columns, sizeof(columns) / sizeof(*columns));
	fill_twin(&twin, panels, count, &memory);
	options.twin = &twin;
	chart_begin(&chart, &options, stream);
	for (size_t i = 0; i < count; i++)
		draw_panel(&chart, &panels[i], largest, &memory);
	chart_end(&chart);
	table_done(&twin);
	obstack_free(&memory, NULL);
	free(panels);
}
