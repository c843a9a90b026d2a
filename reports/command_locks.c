/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command locks: what threads wait for. */
#include "reports/command.h"

#include "reports/amount.h"
#include "reports/operations.h"
#include "reports/operations_json.h"
#include "reports/operations_write.h"
#include "reports/step_amounts.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>
#include <jansson.h>

#define LIMIT	    10
#define STACK_BYTES 1000

#define LOCK_KINDS                                                                                 \
	(OPERATIONS_KIND(PROFILE_SUBJECT_MUTEX) | OPERATIONS_KIND(PROFILE_SUBJECT_RWLOCK) |        \
	 OPERATIONS_KIND(PROFILE_SUBJECT_SPIN) | OPERATIONS_KIND(PROFILE_SUBJECT_SEMAPHORE))
#define AWAIT_KINDS                                                                                \
	(OPERATIONS_KIND(PROFILE_SUBJECT_CONDITION) | OPERATIONS_KIND(PROFILE_SUBJECT_SEMAPHORE) | \
	 OPERATIONS_KIND(PROFILE_SUBJECT_BARRIER) | OPERATIONS_KIND(PROFILE_SUBJECT_THREAD))
#define LOCKING	 (OPERATIONS_KIND(PROFILE_OPERATION_LOCK) | OPERATIONS_KIND(PROFILE_OPERATION_SHARE))
#define AWAITING OPERATIONS_KIND(PROFILE_OPERATION_AWAIT)

const struct argp command_locks_argp = {
	NULL,
	command_listing_parse,
	"NAME.prof",
	"Lists the locks that threads waited for, from where, and who held them meanwhile; then "
	"what "
	"else they waited for: conditions, semaphores, barriers, the ends of threads; and how much "
	"of each thread's waiting that explains. The recording must have been made by collector "
	"run "
	"--locks.\v"
	"Every wait is counted, none is sampled. A lock has the name of its variable, else of the "
	"place that allocated it (with --memory), else its address. \"Held by\" is the call stack "
	"that released the lock during the wait; a wait that several released is divided among "
	"them. Picture: collector flame --metric lock-wait, or --metric await.",
	command_listing_children,
	NULL,
	NULL,
};

static const char *time_text(double ns, char *text, size_t bytes)
{
	return amount_format(ns, "ns", text, bytes);
}

/* ---- text --------------------------------------------------------------------------------- */

static void write_worst(const struct operations *locks, FILE *stream)
{
	const struct operations_group *worst = &locks->groups[0];
	char share[32], stack[STACK_BYTES];
	struct obstack text;

	obstack_init(&text);
	fprintf(stream, "             %s %% of it for the %s %s\n",
		amount_brief(100 * (double)worst->all.total_ns / (double)locks->all.total_ns, share,
			     sizeof(share)),
		worst->kind ? profile_subject_kinds[worst->kind] : "locks",
		text_plain(&text, worst->label, 120));
	if (worst->site_count && worst->sites[0].other)
		fprintf(stream, "             held by %s\n",
			text_plain(&text,
				   operations_stack_text(locks->report, worst->sites[0].other,
							 stack, sizeof(stack)),
				   200));
	obstack_free(&text, NULL);
}

/* Waits that came to no end have no time. */
static void write_open(const struct profile *profile, const char *key, const char *what,
		       FILE *stream)
{
	int64_t open = profile_number(profile, key, 0);

	if (open > 0)
		fprintf(stream,
			"             (!) %" PRId64
			" thread%s still waited %s when the recording or "
			"the program ended; that time is counted nowhere\n",
			open, open == 1 ? "" : "s", what);
}

static void write_verdict(const struct operations *locks, const struct operations *awaits,
			  FILE *stream)
{
	static const char *const names[] = {"lock-wait", "await"};
	const struct profile *profile = locks->report->profile;
	char time[32];
	struct obstack text;

	obstack_init(&text);
	fprintf(stream, "%s\n",
		text_plain(&text, report_command(locks->report), REPORT_COMMAND_LIMIT));
	if (locks->all.total_ns) {
		fprintf(stream,
			"locks        %s in %" PRIu64 " waits; taken %" PRIu64
			" times without waiting\n",
			time_text((double)locks->all.total_ns, time, sizeof(time)),
			locks->all.count, locks->taken);
		write_worst(locks, stream);
	} else {
		fprintf(stream, "locks        no %s; taken %" PRIu64 " times\n",
			profile_number(profile, "operations.open_locks", 0)
				? "wait for one ended"
				: "thread waited for one",
			locks->taken);
	}
	write_open(profile, "operations.open_locks", "for a lock", stream);
	fprintf(stream, "other waits  %s in %" PRIu64 " waits\n",
		time_text((double)awaits->all.total_ns, time, sizeof(time)), awaits->all.count);
	write_open(profile, "operations.open_awaits", "for something else", stream);
	step_amounts_write_lines(profile, names, 2, stream);
	obstack_free(&text, NULL);
}

static void write_group_row(const struct operations *operations,
			    const struct operations_group *group, bool has_taken,
			    struct table *table)
{
	struct obstack text;
	char cell[32];

	obstack_init(&text);
	table_cell(table, "%s", time_text((double)group->all.total_ns, cell, sizeof(cell)));
	table_cell(table, "%" PRIu64, group->all.count);
	table_cell(table, "%s",
		   time_text(operations_percentile(operations, group, operations->kinds, 0.5), cell,
			     sizeof(cell)));
	table_cell(table, "%s",
		   time_text(operations_percentile(operations, group, operations->kinds, 0.99),
			     cell, sizeof(cell)));
	table_cell(table, "%s", time_text((double)group->all.longest_ns, cell, sizeof(cell)));
	if (has_taken)
		table_cell(table, "%" PRIu64, group->taken);
	table_cell(table, "%s", group->kind ? profile_subject_kinds[group->kind] : "");
	if (group->subjects > 1)
		table_cell(table, "%s (%u of them)", text_plain(&text, group->label, 100),
			   group->subjects);
	else
		table_cell(table, "%s", text_plain(&text, group->label, 100));
	obstack_free(&text, NULL);
}

static void write_list(const struct operations *operations, const char *title, const char *other,
		       bool has_taken, uint32_t limit, FILE *stream)
{
	static const struct table_column with_taken[] = {
		{"waited", true, false, 0},  {"waits", true, false, 0},
		{"median", true, false, 2},  {"p99", true, false, 3},
		{"longest", true, false, 4}, {"not waited", true, false, 1},
		{"kind", false, false, 0},   {"lock", false, true, 0},
	};
	static const struct table_column without[] = {
		{"waited", true, false, 0}, {"waits", true, false, 0},	 {"median", true, false, 2},
		{"p99", true, false, 3},    {"longest", true, false, 4}, {"kind", false, false, 0},
		{"for", false, true, 0},
	};
	size_t shown = 0, known = 0;
	struct table table;

	while (known < operations->count && (operations->groups[known].all.count ||
					     (has_taken && operations->groups[known].taken)))
		known++;
	if (!known)
		return;
	fprintf(stream, "\n%s\n", title);
	table_init(&table, has_taken ? with_taken : without,
		   has_taken ? sizeof(with_taken) / sizeof(*with_taken)
			     : sizeof(without) / sizeof(*without));
	for (; shown < known && shown < limit; shown++)
		write_group_row(operations, &operations->groups[shown], has_taken, &table);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (shown < known)
		fprintf(stream, "… and %zu more\n", known - shown);
	operations_write_sites(operations, "waited in", other, limit, stream);
}

/* ---- threads ------------------------------------------------------------------------------ */

struct thread_waits {
	uint32_t thread;
	uint64_t lock_ns, await_ns;
	uint64_t spin_ns;    /* of lock_ns, on a processor */
	uint64_t blocked_ns; /* by the scheduler: off-CPU and in the run queue; 0: not recorded */
};

static int by_wait(const void *a, const void *b)
{
	const struct thread_waits *one = a, *other = b;
	uint64_t left = one->lock_ns + one->await_ns, right = other->lock_ns + other->await_ns;

	if (left != right)
		return left < right ? 1 : -1;
	return one->thread < other->thread ? -1 : one->thread > other->thread;
}

/* Returns a row for each thread that waited, owned by the caller. */
static struct thread_waits *measure_threads(const struct profile *profile, size_t *count)
{
	struct thread_waits *rows = xcalloc(profile->threads_count, sizeof(*rows));

	*count = 0;
	for (size_t i = 0; i < profile->operations_count; i++) {
		const struct profile_operation *operation = &profile->operations[i];
		struct thread_waits *row = &rows[operation->thread];

		if (LOCKING >> operation->kind & 1)
			row->lock_ns += operation->total_ns;
		else if (AWAITING >> operation->kind & 1)
			row->await_ns += operation->total_ns;
		if (LOCKING >> operation->kind & 1 &&
		    profile->subjects[operation->subject].kind == PROFILE_SUBJECT_SPIN)
			row->spin_ns += operation->total_ns;
	}
	for (size_t i = 0; i < profile->thread_times_count; i++) {
		const struct profile_thread_times *times = &profile->thread_times[i];

		rows[times->thread].blocked_ns += times->off_cpu_ns + times->run_queue_ns;
	}
	for (uint32_t i = 0; i < profile->threads_count; i++) {
		rows[i].thread = i;
		if (rows[i].lock_ns || rows[i].await_ns)
			rows[(*count)++] = rows[i];
	}
	qsort(rows, *count, sizeof(*rows), by_wait);
	return rows;
}

static void write_threads(const struct report *report, uint32_t limit, FILE *stream)
{
	static const struct table_column columns[] = {
		{"thread", true, false, 0},	 {"name", false, true, 0},
		{"for locks", true, false, 0},	 {"otherwise", true, false, 0},
		{"did not run", true, false, 0}, {"for anything else", true, false, 0},
	};
	const struct profile *profile = report->profile;
	bool has_times = profile->thread_times_count > 0;
	size_t count;
	struct thread_waits *rows = measure_threads(profile, &count);
	struct table table;
	char text[32];

	if (count) {
		fputs("\nThreads: how long each waited\n", stream);
		table_init(&table, columns, has_times ? 6 : 4);
		for (size_t i = 0; i < count && i < limit; i++) {
			const struct profile_thread *thread = &profile->threads[rows[i].thread];
			double known_ns = (double)(rows[i].lock_ns - rows[i].spin_ns) +
					  (double)rows[i].await_ns;
			double rest_ns = (double)rows[i].blocked_ns - known_ns;
			struct obstack memory;

			obstack_init(&memory);
			table_cell(&table, "%d", thread->tid);
			table_cell(&table, "%s",
				   rows[i].thread ? text_plain(&memory, thread->name, 32)
						  : "not known");
			table_cell(&table, "%s",
				   time_text((double)rows[i].lock_ns, text, sizeof(text)));
			table_cell(&table, "%s",
				   time_text((double)rows[i].await_ns, text, sizeof(text)));
			if (has_times) {
				table_cell(
					&table, "%s",
					time_text((double)rows[i].blocked_ns, text, sizeof(text)));
				table_cell(&table, "%s%s", rest_ns < 0 ? "-" : "",
					   time_text(rest_ns < 0 ? -rest_ns : rest_ns, text,
						     sizeof(text)));
			}
			obstack_free(&memory, NULL);
		}
		table_write(&table, stream, output_columns(stream), output_has_colour(stream));
		table_done(&table);
		if (count > limit)
			fprintf(stream, "… and %zu more\n", count - limit);
	}
	free(rows);
}

static json_t *threads_json(const struct profile *profile)
{
	json_t *json = json_array();
	size_t count;
	struct thread_waits *rows = measure_threads(profile, &count);

	for (size_t i = 0; i < count; i++) {
		const struct profile_thread *thread = &profile->threads[rows[i].thread];
		json_t *row = json_pack("{s:i, s:i, s:I, s:I, s:I}", "pid", thread->pid, "tid",
					thread->tid, "lock_ns", (json_int_t)rows[i].lock_ns,
					"await_ns", (json_int_t)rows[i].await_ns, "spin_ns",
					(json_int_t)rows[i].spin_ns);

		if (profile->thread_times_count)
			json_object_set_new(row, "blocked_ns",
					    json_integer((json_int_t)rows[i].blocked_ns));
		json_array_append_new(json, row);
	}
	free(rows);
	return json;
}

/* ------------------------------------------------------------------------------------------- */

static const char *refuse(const struct report *report)
{
	if (profile_meta_find(report->profile, "locks"))
		return NULL;
	return profile_text(report->profile, "refused.locks",
			    "the profile has no locks; record with collector run --locks");
}

static void write_text(const struct report *report, const struct operations *locks,
		       const struct operations *awaits, const struct command_listing *options,
		       FILE *stream)
{
	write_verdict(locks, awaits, stream);
	write_list(locks, "Locks", "held by", true, options->rows.limit, stream);
	write_list(awaits, "Other waits", "woken by", false, options->rows.limit, stream);
	write_threads(report, options->rows.limit, stream);
	operations_write_trust(locks, "wait counted that goes through the thread library", stream);
	fputc('\n', stream);
}

static void write_json(const struct report *report, const struct operations *locks,
		       const struct operations *awaits, const struct command_listing *options,
		       FILE *stream)
{
	json_t *json = json_pack(
		"{s:o, s:o, s:o, s:o}", "locks", operations_json(locks, options->rows.limit, NULL),
		"awaits", operations_json(awaits, options->rows.limit, NULL), "threads",
		threads_json(report->profile), "notes", operations_notes_json(report));

	output_json(json, stream);
	json_decref(json);
}

int command_locks(int count, char **arguments)
{
	struct command_listing options = {.rows.standard = LIMIT};
	struct operations locks, awaits;
	struct report report;
	struct output output;

	argp_parse(&command_locks_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.files, NULL, refuse, &report, &output))
		return 1;
	operations_measure(&locks, &report, LOCK_KINDS, LOCKING);
	operations_measure(&awaits, &report, AWAIT_KINDS, AWAITING);
	if (options.rows.json)
		write_json(&report, &locks, &awaits, &options, output.stream);
	else
		write_text(&report, &locks, &awaits, &options, output.stream);
	operations_done(&locks);
	operations_done(&awaits);
	return command_end(&report, &output);
}
