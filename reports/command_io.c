/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command io: what files a program reads and writes. */
#include "reports/command.h"

#include "reports/amount.h"
#include "reports/operations.h"
#include "reports/operations_json.h"
#include "reports/operations_write.h"
#include "reports/step_amounts.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>

#define LIMIT 10

#define KIND(name) OPERATIONS_KIND(PROFILE_OPERATION_##name)
#define ALL	   (OPERATIONS_READING | OPERATIONS_WRITING | KIND(OPEN) | KIND(CLOSE) | KIND(SYNC))

const struct argp command_io_argp = {
	NULL,
	command_listing_parse,
	"NAME.prof",
	"Lists the files that a program reads and writes: bytes, calls, time, and from where. The "
	"recording must have been made by collector run --io.\v"
	"Every call is counted, none is sampled. Time is that of the calls; of streams (fread, "
	"fprintf) only of those that their buffers did not serve. Picture: collector flame "
	"--metric "
	"io-time, or --metric io-bytes.",
	command_listing_children,
	NULL,
	NULL,
};

static struct operations_amounts sum_all(const struct operations *operations, uint32_t kinds)
{
	struct operations_amounts sum = {0};

	for (size_t i = 0; i < operations->count; i++) {
		struct operations_amounts part =
			operations_amounts_of(&operations->groups[i], kinds);

		sum.count += part.count;
		sum.total_ns += part.total_ns;
		sum.amount += part.amount;
	}
	return sum;
}

static void write_line(const char *title, const struct operations_amounts *sum, bool has_bytes,
		       FILE *stream)
{
	char time[32], bytes[32];

	fprintf(stream, "%-13s%s in %" PRIu64 " calls", title,
		amount_format((double)sum->total_ns, "ns", time, sizeof(time)), sum->count);
	if (has_bytes)
		fprintf(stream, ", %s",
			amount_format((double)sum->amount, "bytes", bytes, sizeof(bytes)));
	fputc('\n', stream);
}

static void write_verdict(const struct operations *files, FILE *stream)
{
	struct operations_amounts reading = sum_all(files, OPERATIONS_READING),
				  writing = sum_all(files, OPERATIONS_WRITING),
				  syncing = sum_all(files, KIND(SYNC)),
				  others = sum_all(files, KIND(OPEN) | KIND(CLOSE));
	static const char *const names[] = {"io-time", "io-bytes"};
	char share[32];
	struct obstack text;

	obstack_init(&text);
	fprintf(stream, "%s\n",
		text_plain(&text, report_command(files->report), REPORT_COMMAND_LIMIT));
	write_line("files", &files->all, false, stream);
	if (files->all.total_ns)
		fprintf(stream, "%-13s%s %% of it for %s\n", "",
			amount_brief(100 * (double)files->groups[0].all.total_ns /
					     (double)files->all.total_ns,
				     share, sizeof(share)),
			text_plain(&text, files->groups[0].label, 120));
	write_line("read", &reading, true, stream);
	write_line("written", &writing, true, stream);
	write_line("fsync", &syncing, false, stream);
	write_line("open, close", &others, false, stream);
	step_amounts_write_lines(files->report->profile, names, 2, stream);
	obstack_free(&text, NULL);
}

static void write_file(const struct operations *files, const struct operations_group *group,
		       struct table *table)
{
	struct operations_amounts reading = operations_amounts_of(group, OPERATIONS_READING),
				  writing = operations_amounts_of(group, OPERATIONS_WRITING);
	struct obstack text;
	char cell[32];

#define TIME(ns)  amount_format((double)(ns), "ns", cell, sizeof(cell))
#define BYTES(of) amount_format((double)(of).amount, "bytes", cell, sizeof(cell))
	obstack_init(&text);
	table_cell(table, "%s", TIME(group->all.total_ns));
	table_cell(table, "%" PRIu64, reading.count);
	table_cell(table, "%s", BYTES(reading));
	table_cell(table, "%" PRIu64, writing.count);
	table_cell(table, "%s", BYTES(writing));
	table_cell(table, "%s", TIME(group->kinds[PROFILE_OPERATION_SYNC].total_ns));
	table_cell(table, "%s", TIME(operations_percentile(files, group, ALL, 0.5)));
	table_cell(table, "%s", TIME(operations_percentile(files, group, ALL, 0.99)));
	table_cell(table, "%s", TIME(group->all.longest_ns));
	table_cell(table, "%s", text_plain(&text, group->label, 200));
	obstack_free(&text, NULL);
#undef TIME
#undef BYTES
}

static void write_list(const struct operations *files, uint32_t limit, FILE *stream)
{
	static const struct table_column columns[] = {
		{"time", true, false, 0},    {"reads", true, false, 2},
		{"read", true, false, 0},    {"writes", true, false, 3},
		{"written", true, false, 0}, {"fsync", true, false, 1},
		{"median", true, false, 4},  {"p99", true, false, 5},
		{"longest", true, false, 6}, {"file", false, true, 0},
	};
	struct table table;
	size_t shown = 0, known = 0;

	while (known < files->count && files->groups[known].all.count)
		known++;
	if (!known)
		return;
	fputs("\nFiles\n", stream);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (; shown < known && shown < limit; shown++)
		write_file(files, &files->groups[shown], &table);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (shown < known)
		fprintf(stream, "… and %zu more\n", known - shown);
	operations_write_sites(files, "in", "", limit, stream);
}

static const char *refuse(const struct report *report)
{
	if (profile_meta_find(report->profile, "io"))
		return NULL;
	return profile_text(report->profile, "refused.io",
			    "the profile has no files; record with collector run --io");
}

static void write_json(const struct operations *files, const struct command_listing *options,
		       FILE *stream)
{
	json_t *json = json_pack("{s:o, s:o}", "files",
				 operations_json(files, options->rows.limit, "bytes"), "notes",
				 operations_notes_json(files->report));

	output_json(json, stream);
	json_decref(json);
}

int command_io(int count, char **arguments)
{
	struct command_listing options = {.rows.standard = LIMIT};
	struct operations files;
	struct report report;
	struct output output;

	argp_parse(&command_io_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.files, NULL, refuse, &report, &output))
		return 1;
	operations_measure(&files, &report, OPERATIONS_KIND(PROFILE_SUBJECT_FILE), ALL);
	if (options.rows.json) {
		write_json(&files, &options, output.stream);
	} else {
		write_verdict(&files, output.stream);
		write_list(&files, options.rows.limit, output.stream);
		operations_write_trust(
			&files, "call counted that goes through the C library's own functions",
			output.stream);
		fputc('\n', output.stream);
	}
	operations_done(&files);
	return command_end(&report, &output);
}
