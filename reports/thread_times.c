/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thread_times: see thread_times.h. */
#include "reports/thread_times.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

static const struct table_column columns[] = {
	{"thread", .right = true, .dropped = 3},
	{"name", .elastic = true},
	{"lived", .right = true, .dropped = 5},
	{"on CPU", .right = true},
	{"run queue", .right = true, .dropped = 4},
	{"off CPU", .right = true},
	{"unexplained", .right = true},
	{"booked as CPU", .right = true, .dropped = 2},
	{"switches", .right = true, .dropped = 1},
};

static void add(struct profile_thread_times *sum, const struct profile_thread_times *part)
{
	sum->wall_ns += part->wall_ns;
	sum->cpu_ns += part->cpu_ns;
	sum->booked_ns += part->booked_ns;
	sum->run_queue_ns += part->run_queue_ns;
	sum->off_cpu_ns += part->off_cpu_ns;
	sum->switches += part->switches;
}

static double unexplained_ns(const struct profile_thread_times *times)
{
	return (double)times->wall_ns - (double)times->cpu_ns - (double)times->run_queue_ns -
	       (double)times->off_cpu_ns;
}

static int by_wall(const void *a, const void *b)
{
	const struct profile_thread_times *one = a, *other = b;

	if (one->wall_ns != other->wall_ns)
		return one->wall_ns < other->wall_ns ? 1 : -1;
	return one->thread < other->thread ? -1 : one->thread > other->thread;
}

/* Returns a row for each thread that has times, those that lived longest first; owned by the
 * caller. */
static struct profile_thread_times *sum_threads(const struct profile *profile, size_t *count)
{
	struct profile_thread_times *sums = xcalloc(profile->threads_count, sizeof(*sums));

	*count = 0;
	for (size_t i = 0; i < profile->thread_times_count; i++) {
		struct profile_thread_times *sum = &sums[profile->thread_times[i].thread];

		sum->thread = profile->thread_times[i].thread;
		add(sum, &profile->thread_times[i]);
	}
	for (size_t i = 0; i < profile->threads_count; i++)
		if (sums[i].wall_ns)
			sums[(*count)++] = sums[i];
	qsort(sums, *count, sizeof(*sums), by_wall);
	return sums;
}

static void part_cell(struct table *table, double part_ns, double wall_ns)
{
	char text[2][32];
	const char *sign = part_ns < 0 ? "-" : "";

	part_ns = fabs(part_ns);
	table_cell(
		table, "%s%s (%s %%)", sign, amount_format(part_ns, "ns", text[0], sizeof(text[0])),
		amount_brief(wall_ns > 0 ? 100 * part_ns / wall_ns : 0, text[1], sizeof(text[1])));
}

static void cells(struct table *table, const struct profile_thread_times *times)
{
	double wall_ns = (double)times->wall_ns;
	char text[32];

	table_cell(table, "%s", amount_format(wall_ns, "ns", text, sizeof(text)));
	part_cell(table, (double)times->cpu_ns, wall_ns);
	part_cell(table, (double)times->run_queue_ns, wall_ns);
	part_cell(table, (double)times->off_cpu_ns, wall_ns);
	part_cell(table, unexplained_ns(times), wall_ns);
	part_cell(table, (double)times->booked_ns, wall_ns);
	table_cell(table, "%" PRIu64, times->switches);
}

void thread_times_write(const struct report *report, FILE *stream, int width, bool colour)
{
	const struct profile *profile = report->profile;
	struct profile_thread_times all = {0}, *rows;
	struct obstack memory;
	struct table table;
	size_t count;

	if (!profile->thread_times_count)
		return;
	obstack_init(&memory);
	rows = sum_threads(profile, &count);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < count; i++) {
		add(&all, &rows[i]);
		if (i >= THREAD_TIMES_ROWS)
			continue;
		table_cell(&table, "%d", profile->threads[rows[i].thread].tid);
		table_cell(&table, "%s",
			   text_plain(&memory, profile->threads[rows[i].thread].name, 40));
		cells(&table, &rows[i]);
	}
	table_cell(&table, "all");
	table_cell(&table, "%zu thread%s", count, count == 1 ? "" : "s");
	cells(&table, &all);
	fputs("\nthe time of the threads\n", stream);
	table_write(&table, stream, width, colour);
	if (count > THREAD_TIMES_ROWS)
		fprintf(stream, "… and %zu more\n", count - THREAD_TIMES_ROWS);
	table_done(&table);
	free(rows);
	obstack_free(&memory, NULL);
}

json_t *thread_times_json(const struct report *report)
{
	const struct profile *profile = report->profile;
	json_t *array;
	size_t count;
	struct profile_thread_times *rows;
	struct obstack memory;

	if (!profile->thread_times_count)
		return NULL;
	obstack_init(&memory);
	array = json_array();
	rows = sum_threads(profile, &count);
	for (size_t i = 0; i < count; i++) {
		const struct profile_thread *thread = &profile->threads[rows[i].thread];

		json_array_append_new(
			array,
			json_pack("{s:i, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pid",
				  (int)thread->pid, "tid", (int)thread->tid, "name",
				  text_clean(&memory, thread->name, 0), "wall_ns",
				  (json_int_t)rows[i].wall_ns, "cpu_ns", (json_int_t)rows[i].cpu_ns,
				  "run_queue_ns", (json_int_t)rows[i].run_queue_ns, "off_cpu_ns",
				  (json_int_t)rows[i].off_cpu_ns, "unexplained_ns",
				  (json_int_t)unexplained_ns(&rows[i]), "booked_ns",
				  (json_int_t)rows[i].booked_ns, "switches",
				  (json_int_t)rows[i].switches));
	}
	free(rows);
	obstack_free(&memory, NULL);
	return array;
}
