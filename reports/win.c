/* SPDX-License-Identifier: GPL-3.0-or-later */
/* win: see win.h. */
#include "reports/win.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/engine.h"
#include "reports/statistics.h"

#include <limits.h>
#include <math.h>

static const double level = 0.95;
static const double margin = 0.03;	 /* a difference that nobody cares about */
static const double another_work = 0.01; /* of a count of activity */

/* Logarithms of what the runs of both points cost. */
struct sides {
	double *logs[2];
	size_t counts[2];
};

double win_of_whole(double share, double gain)
{
	return 1 / (1 - share + share / gain);
}

static void sides_init(struct sides *sides, const struct scaling *scaling)
{
	*sides = (struct sides){{xcalloc(scaling->sweep.count, sizeof(double)),
				 xcalloc(scaling->sweep.count, sizeof(double))},
				{0}};
}

static void sides_add(struct sides *sides, size_t point, double cost)
{
	if (point < 2 && cost > 0)
		sides->logs[point][sides->counts[point]++] = log(cost);
}

/* The gain from the first side to the second. Frees the sides. */
static json_t *sides_gain(struct sides *sides)
{
	struct statistics_change change;
	json_t *json = json_null();

	if (sides->counts[0] && sides->counts[1]) {
		change = statistics_groups(sides->logs[0], sides->counts[0], sides->logs[1],
					   sides->counts[1], level);
		json = json_pack("{s:f}", "ratio", exp(-change.estimate));
		if (isfinite(change.low) && isfinite(change.high)) {
			json_object_set_new(json, "low", json_real(exp(-change.high)));
			json_object_set_new(json, "high", json_real(exp(-change.low)));
		}
	}
	free(sides->logs[0]);
	free(sides->logs[1]);
	return json;
}

static json_t *gain_of_whole(const struct scaling *scaling, bool is_wall)
{
	struct sides sides;

	sides_init(&sides, scaling);
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		const struct sweep_result *result = &scaling->sweep.results[i];

		if (result->is_bare && result->is_done)
			sides_add(&sides, result->point,
				  is_wall ? result->seconds : result->cpu_seconds);
	}
	return sides_gain(&sides);
}

/* Index of a component in the map; 0, which is the rest, when it has none of that name. */
static int find_component(const struct scaling *scaling, const char *name)
{
	for (int i = 1; i < scaling->map.count; i++)
		if (!strcmp(scaling->map.names[i], name))
			return i;
	return 0;
}

static json_t *gain_of_component(const struct scaling *scaling, int component)
{
	struct sides sides;

	sides_init(&sides, scaling);
	for (size_t i = 0; i < scaling->sweep.count && component; i++)
		if (scaling->runs[i])
			sides_add(&sides, scaling->sweep.results[i].point,
				  scaling->runs[i]->components[component] *
					  scaling->runs[i]->step_cpu_ns);
	return sides_gain(&sides);
}

/* Share of the component before, the mean of the runs. */
static double share_before(const struct scaling *scaling, int component)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < scaling->sweep.count && component; i++) {
		if (!scaling->runs[i] || scaling->sweep.results[i].point)
			continue;
		sum += scaling->runs[i]->components[component];
		count++;
	}
	return count ? sum / (double)count : 0;
}

/* What a gain says in a word. */
static const char *judge(const json_t *gain)
{
	const json_t *low = json_object_get(gain, "low");
	double high = json_number_value(json_object_get(gain, "high"));

	if (!low)
		return "cannot tell";
	if (json_number_value(low) > 1 + margin)
		return "faster";
	if (high < 1 - margin)
		return "slower";
	if (json_number_value(low) > 1 - margin && high < 1 + margin)
		return "no difference";
	return "cannot tell";
}

/* Wall time decides; where that cannot tell, for instance on a busy machine, CPU time may. */
static const char *decide(const json_t *wall, const json_t *cpu)
{
	const char *word = judge(wall), *of_cpu = judge(cpu);

	if (strcmp(word, "cannot tell") != 0)
		return word;
	if (!strcmp(of_cpu, "faster"))
		return "less CPU time";
	return !strcmp(of_cpu, "slower") ? "more CPU time" : word;
}

/* The standard outputs of two runs: 1 the same, 0 not, -1 one cannot be read. */
static int compare_outputs(const struct sweep_result *first, const struct sweep_result *second)
{
	char *paths[2] = {sweep_result_path(first, "out"), sweep_result_path(second, "out")};
	FILE *streams[2] = {fopen(paths[0], "re"), fopen(paths[1], "re")};
	int same = streams[0] && streams[1] ? 1 : -1, one;
	bool is_empty = true;

	while (same == 1 && (one = getc(streams[0])) != EOF) {
		is_empty = false;
		same = one == getc(streams[1]);
	}
	if (same == 1 && getc(streams[1]) != EOF)
		same = 0;
	for (int i = 0; i < 2; i++) {
		if (streams[i])
			fclose(streams[i]);
		free(paths[i]);
	}
	return same == 1 && is_empty ? -1 : same;
}

static json_t *compare_traces(const char *folder)
{
	const struct sweep_result *results[2] = {NULL};
	char path[PATH_MAX];
	struct sweep sweep;
	struct error error;
	int same = -1;

	snprintf(path, sizeof(path), "%s_trace", folder);
	if (sweep_load(&sweep, path, &error))
		return json_null();
	for (size_t i = 0; i < sweep.count; i++)
		if (sweep.results[i].is_done && sweep.results[i].point < 2)
			results[sweep.results[i].point] = &sweep.results[i];
	if (results[0] && results[1])
		same = compare_outputs(results[0], results[1]);
	sweep_done(&sweep);
	return same < 0 ? json_null() : json_string(same ? "same" : "differs");
}

bool win_read_gain(const char *text, double *low, double *high)
{
	char *end;

	*low = *high = strtod(text, &end);
	if (*end == '-')
		*high = strtod(end + 1, &end);
	return *low > 0 && *high >= *low && !*end;
}

static json_t *read_gain(const char *text)
{
	double low, high;

	return win_read_gain(text, &low, &high) ? json_pack("[f, f]", low, high) : json_null();
}

/* The count of the first run of a side that printed it; -1: of none. */
static double count_of_side(const struct sweep *sweep, size_t point, const char *name)
{
	double count = -1;

	for (size_t i = 0; i < sweep->count && count < 0; i++)
		if (sweep->results[i].is_done && sweep->results[i].point == point)
			count = sweep_result_count(&sweep->results[i], name);
	return count;
}

/* Which counts of activity are others after than before: "turns 1000 before, 200 after". */
static json_t *compare_work(const struct sweep *sweep, const json_t *activity)
{
	char text[300] = "";
	const json_t *name;
	size_t i;

	json_array_foreach (activity, i, name) {
		const char *word = json_string_value(name);
		double before = count_of_side(sweep, 0, word),
		       after = count_of_side(sweep, 1, word);

		if (before < 0 || after < 0 || fabs(after - before) <= another_work * before)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%.40s %.0f before, %.0f after", *text ? "; " : "", word, before, after);
	}
	return json_string(text);
}

json_t *win_json(const json_t *engine, const json_t *plan, const struct scaling *scaling,
		 const char *folder)
{
	const char *name = json_string_value(json_object_get(plan, "win"));
	const char *component = json_string_value(json_object_get(plan, "about"));
	int index = find_component(scaling, component);
	double share = share_before(scaling, index);
	json_t *wall = gain_of_whole(scaling, true), *cpu = gain_of_whole(scaling, false);
	json_t *promised, *expected = json_null();
	char section[160];

	snprintf(section, sizeof(section), "win %.150s", name);
	promised = read_gain(engine_text(engine, section, "gain", ""));
	if (json_is_array(promised) && share > 0)
		expected = json_pack(
			"[f, f]",
			win_of_whole(share, json_number_value(json_array_get(promised, 0))),
			win_of_whole(share, json_number_value(json_array_get(promised, 1))));
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:f, s:o, s:s, s:o, s:o, s:o, s:o}", "name",
		name, "component", component, "before", engine_text(engine, section, "before", ""),
		"after", engine_text(engine, section, "after", ""), "changes",
		engine_text(engine, section, "changes", ""), "promised", promised, "expected",
		expected, "share", share, "gain", gain_of_component(scaling, index), "word",
		decide(wall, cpu), "wall", wall, "cpu", cpu, "trace", compare_traces(folder),
		"work", compare_work(&scaling->sweep, json_object_get(plan, "activity")));
}

/* "2.41 (2.30 to 2.52)", "not measured". */
static void add_gain(json_t *row, const json_t *gain)
{
	char text[100] = "not measured";

	if (json_is_object(gain) && json_object_get(gain, "low"))
		snprintf(text, sizeof(text), "%.2f (%.2f to %.2f)",
			 json_number_value(json_object_get(gain, "ratio")),
			 json_number_value(json_object_get(gain, "low")),
			 json_number_value(json_object_get(gain, "high")));
	else if (json_is_object(gain))
		snprintf(text, sizeof(text), "%.2f, of one run",
			 json_number_value(json_object_get(gain, "ratio")));
	document_text(row, text);
}

static void add_range(json_t *row, const json_t *range)
{
	char text[100] = "";

	if (json_is_array(range))
		snprintf(text, sizeof(text), "%.2f to %.2f",
			 json_number_value(json_array_get(range, 0)),
			 json_number_value(json_array_get(range, 1)));
	document_text(row, text);
}

static const char *text_of(const json_t *win, const char *key)
{
	const char *text = json_string_value(json_object_get(win, key));

	return text ? text : "";
}

static void add_gains(json_t *section, const json_t *wins)
{
	static const struct document_column columns[] = {
		{"win", "win", "text", NULL},
		{"component", "component", "text", NULL},
		{"share", "its share before", "share", NULL},
		{"promised", "said to gain", "text", NULL},
		{"gain", "gains (CPU)", "text", NULL},
		{"expected", "so the whole", "text", NULL},
		{"wall", "whole: wall", "text", NULL},
		{"cpu", "whole: CPU", "text", NULL},
		{"word", "verdict", "text", NULL},
	};
	json_t *table = document_table(section, "gains", "Times as fast as before", columns,
				       (int)(sizeof(columns) / sizeof(*columns)));
	const json_t *win;
	size_t i;

	json_array_foreach (wins, i, win) {
		json_t *row = document_row(table);

		document_text(row, text_of(win, "name"));
		document_text(row, text_of(win, "component"));
		document_number(row, json_number_value(json_object_get(win, "share")));
		add_range(row, json_object_get(win, "promised"));
		add_gain(row, json_object_get(win, "gain"));
		add_range(row, json_object_get(win, "expected"));
		add_gain(row, json_object_get(win, "wall"));
		add_gain(row, json_object_get(win, "cpu"));
		document_text(row, text_of(win, "word"));
	}
}

static void add_results(json_t *section, const json_t *wins)
{
	static const struct document_column columns[] = {
		{"win", "win", "text", NULL},
		{"before", "before", "code", NULL},
		{"after", "after", "code", NULL},
		{"trace", "results", "text", NULL},
		{"changes", "what it changes", "text", NULL},
		{"work", "did other work", "text", NULL},
	};
	json_t *table = document_table(section, "results", "Whether the results stay the same",
				       columns, (int)(sizeof(columns) / sizeof(*columns)));
	const json_t *win;
	size_t i;

	json_array_foreach (wins, i, win) {
		json_t *row = document_row(table);
		const char *trace = text_of(win, "trace");

		document_text(row, text_of(win, "name"));
		document_text(row, text_of(win, "before"));
		document_text(row, text_of(win, "after"));
		document_text(row, *trace ? trace : "not measured");
		document_text(row, text_of(win, "changes"));
		document_text(row, text_of(win, "work"));
	}
}

void win_add_section(json_t *document, const json_t *wins)
{
	json_t *section = document_section(document, "wins", "Quick wins");

	if (!json_array_size(wins)) {
		document_miss(section, "no win was measured");
		return;
	}
	document_say(
		section,
		"Gains are ratios: 2 is twice as fast; intervals (95 %%) are between runs, made in "
		"turn. \"Said to gain\" speaks of the component; with its share of the time "
		"before, "
		"that makes \"so the whole\" (Amdahl). The whole was measured without recording.");
	document_say(
		section,
		"Verdicts are of wall time: faster or slower when the interval is beyond %.0f %%, "
		"no difference when it is within; where that cannot be told, of CPU time.",
		100 * margin);
	add_gains(section, wins);
	add_results(section, wins);
}

const char *win_problem(const json_t *win)
{
	const char *trace = text_of(win, "trace");

	/* The same results by other work are what an improvement is. */
	if (*text_of(win, "work") && !*text_of(win, "changes") && strcmp(trace, "same") != 0)
		return "its sides did different work, and the description names no change";
	if (!*trace)
		return "whether the results stay the same was not measured";
	if (!strcmp(trace, "differs") && !*text_of(win, "changes"))
		return "the results differ, and the description names no change";
	return NULL;
}
