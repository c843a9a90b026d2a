/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_system: see phase_system.h.
 *
 * Efficiency of n threads is T1 / (n Tn); the part of the work that does not run in parallel is
 * (Tn / T1 - 1/n) / (1 - 1/n) (Karp & Flatt 1990, CACM 33:539).
 */
#include "reports/phase_system.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/leak.h"
#include "reports/series.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	RUNS = 1000,
};

static const size_t ANY_POINT = SIZE_MAX;
static const double BUSY = 0.9; /* of a processor: a step that does nothing but compute */

void phase_system_begin(struct phase_system *system, json_t *document)
{
	static const struct document_column memory[] = {
		{"sweep", "sweep", "code", NULL},
		{"point", "point", "text", NULL},
		{"verdict", "verdict", "text", NULL},
		{"growth", "growth of a step", "amount", "bytes"},
		{"low", "at least", "amount", "bytes"},
		{"high", "at most", "amount", "bytes"},
		{"level", "at the end", "amount", "bytes"},
	};
	static const struct document_column cores[] = {
		{"sweep", "sweep", "code", NULL}, {"point", "point", "text", NULL},
		{"core", "core", "code", NULL},	  {"mean", "use, mean", "share", NULL},
		{"most", "most", "share", NULL},
	};
	static const struct document_column io[] = {
		{"sweep", "sweep", "code", NULL},
		{"point", "point", "text", NULL},
		{"what", "what", "code", NULL},
		{"all", "in the run", "amount", "bytes"},
		{"step", "per step", "amount", "bytes"},
		{"most", "most in a second", "amount", "bytes"},
	};
	system->section = document_section(document, "system", "The machine");
	document_say(
		system->section,
		"Memory is the resident set in the longest recording of each point; its first "
		"third is left out, and the interval (95 %%) of its growth is "
		"that of equal parts of the rest. What a program keeps on purpose, a log in memory "
		"for instance, grows like a leak: collector run --memory tells where it is "
		"allocated. The other tables are of the longest recording of each sweep.");
	system->memory = document_table(system->section, "memory", "Memory over time", memory,
					COLUMN_COUNT(memory));
	system->cores = document_table(system->section, "cores",
				       "Processors, as far as the program used them", cores,
				       COLUMN_COUNT(cores));
	system->io =
		document_table(system->section, "io", "Input and output", io, COLUMN_COUNT(io));
}

/* Index of the longest recording of a point, ANY_POINT: of all; -1 when there is none. */
static long find_longest(const struct scaling *scaling, size_t point)
{
	double longest = 0;
	long best = -1;

	for (size_t i = 0; i < scaling->sweep.count; i++) {
		if (!scaling->runs[i] || scaling->runs[i]->duration_ns <= longest ||
		    (point != ANY_POINT && scaling->sweep.results[i].point != point))
			continue;
		longest = scaling->runs[i]->duration_ns;
		best = (long)i;
	}
	return best;
}

/* CPU time that the program had used at a moment: the curves of the cores, straight between looks.
 */
static double cpu_at(const struct series_curve *curves, size_t count, uint64_t time_ns)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		const struct profile_point *points = curves[i].points;
		size_t k = 1;

		if (strncmp(curves[i].name, "cpu-", 4) != 0 || curves[i].count < 2)
			continue;
		while (k + 1 < curves[i].count && points[k].time_ns < time_ns)
			k++;
		sum += (double)points[k - 1].value +
		       (double)(points[k].value - points[k - 1].value) *
			       ((double)time_ns - (double)points[k - 1].time_ns) /
			       (double)(points[k].time_ns - points[k - 1].time_ns);
	}
	return sum;
}

/* The steps of a recording over time. */
struct course {
	const struct profile *profile;
	const struct measured *run;
	const struct series_curve *curves; /* of the recording */
	size_t curves_count;
};

/* Steps that were over at a moment, those after the last mark taken to use as much CPU time each;
 * where their number is not known, milliseconds. */
static double steps_at(const struct course *course, uint64_t time_ns)
{
	const struct profile *profile = course->profile;
	size_t low = 0, high = profile->steps_count;
	uint64_t last_ns;

	if (!profile->steps_count || course->run->lacks_steps)
		return (double)time_ns / 1e6;
	last_ns = profile->steps[high - 1].end_ns;
	if (time_ns > last_ns && course->run->steps > (double)high) {
		double last = cpu_at(course->curves, course->curves_count, last_ns);
		double end =
			cpu_at(course->curves, course->curves_count, course->run->steps_end_ns);
		double now = cpu_at(course->curves, course->curves_count, time_ns);

		return (double)high + (end > last ? (course->run->steps - (double)high) *
							    (now - last) / (end - last)
						  : 0);
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (profile->steps[middle].end_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return (double)low;
}

static const char *verdict_words(const struct leak *leak)
{
	if (leak->verdict == LEAK_FOUND)
		return "leak: it goes on growing";
	if (leak->verdict == LEAK_NONE)
		return "no leak";
	if (!leak->parts)
		return "cannot tell: the run is too short";
	return leak->is_slowing ? "cannot tell: growth slows down" : "cannot tell";
}

static void add_memory(json_t *table, const char *sweep, const char *point,
		       const struct course *course, const struct series_curve *curve)
{
	const struct measured *run = course->run;
	uint64_t end_ns = run->has_steps ? run->steps_end_ns : UINT64_MAX;
	bool knows_steps = run->has_steps && !run->lacks_steps;
	double *steps = xcalloc(curve->count + 1, sizeof(*steps));
	double *levels = xcalloc(curve->count + 1, sizeof(*levels));
	json_t *row = document_row(table);
	struct leak leak;
	size_t count = 0;

	/* At the very end the memory of a process is gone already. */
	for (size_t i = 0; i < curve->count && curve->points[i].time_ns <= end_ns; i++) {
		if (curve->points[i].value <= 0)
			continue;
		steps[count] = steps_at(course, curve->points[i].time_ns);
		levels[count++] = (double)curve->points[i].value;
	}
	leak_judge(&leak, steps, levels, count);
	free(steps);
	free(levels);
	document_text(row, sweep);
	document_text(row, point);
	document_text(row, verdict_words(&leak));
	document_number(row, leak.parts && knows_steps ? leak.per_step : NAN);
	document_number(row, leak.parts && knows_steps ? leak.low : NAN);
	document_number(row, leak.parts && knows_steps ? leak.high : NAN);
	document_number(row, count ? leak.level : NAN);
}

static void add_core(json_t *table, const char *sweep, const char *point,
		     const struct series_curve *curve)
{
	struct series_figures figures = series_measure(curve);
	json_t *row = document_row(table);

	document_text(row, sweep);
	document_text(row, point);
	document_text(row, curve->name);
	document_number(row, figures.mean / 1e9);
	document_number(row, figures.most / 1e9);
}

static void add_io(json_t *table, const char *sweep, const char *point, const struct measured *run,
		   const struct series_curve *curve)
{
	struct series_figures figures = series_measure(curve);
	json_t *row = document_row(table);

	document_text(row, sweep);
	document_text(row, point);
	document_text(row, curve->name);
	document_number(row, figures.last);
	document_number(row, run->lacks_steps ? NAN : figures.last / run->steps);
	document_number(row, series_most_in_a_second(curve));
}

static void add_curves(struct phase_system *system, const char *name, const struct scaling *scaling,
		       size_t index, bool is_longest)
{
	const struct sweep_result *result = &scaling->sweep.results[index];
	char *path = sweep_result_path(result, "run.prof"), *point;
	struct series_curve *curves;
	struct report report;
	struct error error;
	size_t count;

	if (report_open(&report, path, &error)) {
		free(path);
		return;
	}
	free(path);
	point = sweep_point_label(json_array_get(scaling->sweep.points, result->point));
	curves = series_curves(report.profile, &count);
	for (size_t i = 0; i < count; i++) {
		const char *what = curves[i].name;

		if (!strcmp(what, "rss"))
			add_memory(system->memory, name, point,
				   &(struct course){report.profile, scaling->runs[index], curves,
						    count},
				   &curves[i]);
		else if (is_longest && !strncmp(what, "cpu-", 4))
			add_core(system->cores, name, point, &curves[i]);
		else if (is_longest && (!strncmp(what, "bytes-", 6) || !strncmp(what, "disk-", 5)))
			add_io(system->io, name, point, scaling->runs[index], &curves[i]);
	}
	free(curves);
	free(point);
	report_done(&report);
}

/* Median wall time or CPU time of a step over the runs of a point; 0 without any. */
static double step_of(const struct scaling *scaling, size_t point, bool is_cpu, size_t *runs)
{
	double values[RUNS];

	*runs = 0;
	for (size_t i = 0; i < scaling->sweep.count && *runs < RUNS; i++)
		if (scaling->runs[i] && scaling->sweep.results[i].point == point)
			values[(*runs)++] =
				is_cpu ? scaling->runs[i]->step_cpu_ns : scaling->runs[i]->step_ns;
	return *runs ? growth_median(values, *runs) : 0;
}

static void add_threads(json_t *section, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"threads", "threads", "count", NULL},
		{"runs", "runs", "count", NULL},
		{"step", "step", "amount", "ns"},
		{"speed", "times as fast as one", "number", NULL},
		{"efficiency", "efficiency", "share", NULL},
		{"serial", "part that is not parallel", "share", NULL},
	};
	json_t *table = document_table(section, "threads",
				       "Parallel efficiency: medians of the step's wall time",
				       columns, COLUMN_COUNT(columns));
	const json_t *point;
	double one = 0, one_cpu = 0;
	size_t i, runs;

	json_array_foreach (scaling->sweep.points, i, point) {
		const char *text = json_string_value(json_object_get(point, "threads"));

		if (!text || strcmp(text, "1") != 0)
			continue;
		one = step_of(scaling, i, false, &runs);
		one_cpu = step_of(scaling, i, true, &runs);
	}
	if (one_cpu < BUSY * one)
		document_note(
			section,
			"With one thread a step used %.0f %% of a processor: the rest it waited, "
			"or the machine had other work, and then efficiency tells of that, too.",
			100 * one_cpu / one);
	json_array_foreach (scaling->sweep.points, i, point) {
		const char *text = json_string_value(json_object_get(point, "threads"));
		double threads = text ? strtod(text, NULL) : 0,
		       step = step_of(scaling, i, false, &runs);
		double serial = (step / one - 1 / threads) / (1 - 1 / threads);
		json_t *row;

		if (one <= 0 || threads < 1 || step <= 0)
			continue;
		row = document_row(table);
		document_count(row, (uint64_t)threads);
		document_count(row, runs);
		document_number(row, step);
		document_number(row, one / step);
		document_number(row, one / step / threads);
		document_number(row, threads > 1 && serial >= 0 && serial <= 1 ? serial : NAN);
		if (threads > 1 && serial > 1)
			document_note(section,
				      "%s threads are slower than one: how much of the work is not "
				      "parallel cannot be told, for they cost more than they save.",
				      text);
		else if (threads > 1 && serial < 0)
			document_note(section,
				      "%s threads are more than %s times as fast as one: how much "
				      "of the work is not parallel cannot be told.",
				      text, text);
	}
}

void phase_system_add(struct phase_system *system, const char *name, const struct scaling *scaling)
{
	long longest = find_longest(scaling, ANY_POINT);

	for (size_t point = 0; point < json_array_size(scaling->sweep.points); point++) {
		long index = find_longest(scaling, point);

		if (index >= 0)
			add_curves(system, name, scaling, (size_t)index, index == longest);
	}
	if (!strcmp(name, "threads"))
		add_threads(system->section, scaling);
}
