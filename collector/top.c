/* SPDX-License-Identifier: GPL-3.0-or-later */
/* top: see top.h. */
#include "collector/top.h"

#include "collector/base/xalloc.h"

#include <jansson.h>
#include <stdarg.h>

#define BUSIEST	       3
#define MODULE_COLUMNS 24
#define FIGURES	       18 /* columns of the two percentages */

static const char *const state_names[LIVE_STATES] = {
	[LIVE_RUNNING] = "running",
	[LIVE_SLEEPING] = "sleeping",
	[LIVE_DISK] = "in disk wait",
	[LIVE_STOPPED] = "stopped",
};

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* Writes a line cut to the columns; what comes from the target may hold anything. */
static void write_line(FILE *stream, int columns, char *line)
{
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	fprintf(stream, "%.*s\n", columns, line);
	free(line);
}

__attribute__((format(printf, 3, 4))) static void line(FILE *stream, int columns,
						       const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	write_line(stream, columns, text);
}

static void write_threads(FILE *stream, const struct live_view *view, int columns)
{
	const char *separator = ": ";
	char *text;
	size_t bytes;
	FILE *memory = open_memstream(&text, &bytes);

	fprintf(memory, "threads %lu", (unsigned long)view->threads);
	for (int i = 0; i < LIVE_STATES; i++)
		if (view->states[i]) {
			fprintf(memory, "%s%lu %s", separator, (unsigned long)view->states[i],
				state_names[i]);
			separator = ", ";
		}
	separator = " · busiest ";
	for (size_t i = 0; i < view->sums.thread_count && i < BUSIEST; i++) {
		const struct live_thread *thread = &view->sums.threads[i];

		fprintf(memory, "%s%s/%d %.0f %%", separator, thread->name, thread->tid,
			percent(thread->weight, view->sums.weight));
		separator = ", ";
	}
	fclose(memory);
	write_line(stream, columns, text);
}

static void write_steps(FILE *stream, const struct top *top, const struct live_view *view,
			int columns)
{
	if (!top->step)
		line(stream, columns, "%s", "");
	else if (!view->steps)
		line(stream, columns,
		     "steps of %s: none has ended in this time · %lu since the start", top->step,
		     (unsigned long)view->steps_ended);
	else
		line(stream, columns,
		     "steps of %s: %.1f a second, one takes %.3f ms (median) · %lu since the start",
		     top->step, (double)view->steps / seconds(view->window_ns),
		     (double)view->step_ns / 1e6, (unsigned long)view->steps_ended);
}

static int order(const void *left, const void *right, bool is_by_total)
{
	const struct live_function *a = left, *b = right;
	uint64_t a_first = is_by_total ? a->total : a->self;
	uint64_t b_first = is_by_total ? b->total : b->self;
	uint64_t a_second = is_by_total ? a->self : a->total;
	uint64_t b_second = is_by_total ? b->self : b->total;

	if (a_first != b_first)
		return a_first < b_first ? 1 : -1;
	if (a_second != b_second)
		return a_second < b_second ? 1 : -1;
	return strcmp(a->name, b->name);
}

static int by_self(const void *left, const void *right)
{
	return order(left, right, false);
}

static int by_total(const void *left, const void *right)
{
	return order(left, right, true);
}

static void write_function(FILE *stream, const struct live_function *function, uint64_t weight,
			   int columns)
{
	int name_columns = columns - FIGURES - MODULE_COLUMNS - 2;
	const char *slash = strrchr(function->module, '/');

	if (name_columns < 1)
		name_columns = 1;
	line(stream, columns, "%7.1f %8.1f  %-*.*s  %s", percent(function->self, weight),
	     percent(function->total, weight), name_columns, name_columns, function->name,
	     slash ? slash + 1 : function->module);
}

static void sort(const struct top *top, const struct live_sums *sums)
{
	if (sums->function_count)
		qsort(sums->functions, sums->function_count, sizeof(*sums->functions),
		      top->is_by_total ? by_total : by_self);
}

/* A text of the target; what is no UTF-8 has no place in JSON. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	char *plain;

	if (json)
		return json;
	plain = xstrdup(text);
	for (char *at = plain; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	json = json_string(plain);
	free(plain);
	return json;
}

static json_t *functions_json(const struct live_sums *sums)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < sums->function_count; i++) {
		const struct live_function *function = &sums->functions[i];

		json_array_append_new(rows, json_pack("{s:o, s:o, s:f, s:f}", "function",
						      text_json(function->name), "module",
						      text_json(function->module), "self_percent",
						      percent(function->self, sums->weight),
						      "total_percent",
						      percent(function->total, sums->weight)));
	}
	return rows;
}

static json_t *threads_json(const struct live_sums *sums)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < sums->thread_count; i++)
		json_array_append_new(
			rows, json_pack("{s:o, s:i, s:f}", "name", text_json(sums->threads[i].name),
					"tid", (int)sums->threads[i].tid, "percent",
					percent(sums->threads[i].weight, sums->weight)));
	return rows;
}

void top_write_json(FILE *stream, const struct top *top, const struct live_view *view)
{
	const struct live_sums *sums = &view->sums;
	json_t *json, *states = json_object();

	sort(top, sums);
	for (int i = 0; i < LIVE_STATES; i++)
		json_object_set_new(states, state_names[i],
				    json_integer((json_int_t)view->states[i]));
	json = json_pack("{s:s, s:o, s:s, s:i, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:I, s:o, s:o, "
			 "s:o}",
			 "schema", "simprof/top-v1", "processes", text_json(top->title), "engine",
			 top->engine, "frequency_hz", (int)top->frequency_hz, "watched_s",
			 seconds(view->elapsed_ns), "window_s", seconds(view->window_ns), "samples",
			 (json_int_t)sums->samples, "complete", (json_int_t)sums->complete, "lost",
			 (json_int_t)view->lost, "cpu_percent",
			 percent(view->cpu_ns, view->window_ns), "collector_percent",
			 percent(view->own_ns, view->elapsed_ns), "threads",
			 (json_int_t)view->threads, "states", states, "busiest", threads_json(sums),
			 "functions", functions_json(sums));
	if (top->step)
		json_object_set_new(json, "steps",
				    json_pack("{s:o, s:I, s:I, s:f}", "function",
					      text_json(top->step), "in_window",
					      (json_int_t)view->steps, "since_start",
					      (json_int_t)view->steps_ended, "median_s",
					      seconds(view->step_ns)));
	json_dumpf(json, stream, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
	fputc('\n', stream);
	json_decref(json);
}

void top_write(FILE *stream, const struct top *top, const struct live_view *view, int columns,
	       int rows)
{
	const struct live_sums *sums = &view->sums;

	line(stream, columns, "%s · watched for %.0f s · %s at %u Hz", top->title,
	     seconds(view->elapsed_ns), top->engine, top->frequency_hz);
	line(stream, columns,
	     "last %.1f s: CPU %.0f %% · %.0f samples/s · %.1f %% complete stacks · %lu lost · "
	     "collector uses %.1f %% of a CPU",
	     seconds(view->window_ns), percent(view->cpu_ns, view->window_ns),
	     view->window_ns ? (double)sums->samples / seconds(view->window_ns) : 0,
	     percent(sums->complete, sums->samples), (unsigned long)view->lost,
	     percent(view->own_ns, view->elapsed_ns));
	write_threads(stream, view, columns);
	write_steps(stream, top, view, columns);
	line(stream, columns, "%s", "");
	line(stream, columns, "%7s %8s  %-*s  %s", "self %", "total %",
	     columns - FIGURES - MODULE_COLUMNS - 2, "function", "file");
	sort(top, sums);
	for (size_t i = 0; i < sums->function_count && (int)i < rows; i++)
		write_function(stream, &sums->functions[i], sums->weight, columns);
	if (!sums->samples)
		line(stream, columns, "%s", "no samples in this time: the threads did not run");
}
