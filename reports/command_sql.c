/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command sql: what SQL statements a program executes. */
#include "reports/command.h"

#include "reports/amount.h"
#include "reports/operations.h"
#include "reports/operations_json.h"
#include "reports/operations_write.h"
#include "reports/step_amounts.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>

#define LIMIT	   10
#define TEXT_SHOWN 300

#define EXECUTING  OPERATIONS_KIND(PROFILE_OPERATION_EXECUTE)
#define COMMITTING OPERATIONS_KIND(PROFILE_OPERATION_TRANSACTION)

const struct argp command_sql_argp = {
	NULL,
	command_listing_parse,
	"NAME.prof",
	"Lists the SQL statements that a program executes with SQLite, by their text without "
	"literals: executions, rows, time, the part of it in fsync, and from where; then the "
	"transactions of each database. The recording must have been made by collector run --sql.\v"
	"Every call is counted, none is sampled. The time of a statement is without that of "
	"statements that it executes itself. A statement outside of BEGIN and COMMIT that writes "
	"is "
	"a transaction of its own. Picture: collector flame --metric sql-time.",
	command_listing_children,
	NULL,
	NULL,
};

#define TIME(ns) amount_format((double)(ns), "ns", cell, sizeof(cell))

static void write_verdict(const struct operations *statements, const struct operations *databases,
			  FILE *stream)
{
	static const char *const names[] = {"executions", "sql-time"};
	struct obstack text;
	char cell[32];
	uint64_t prepared = 0, executed = 0;

	for (size_t i = 0; i < statements->count; i++) {
		prepared += statements->groups[i].kinds[PROFILE_OPERATION_PREPARE].count;
		executed += statements->groups[i].kinds[PROFILE_OPERATION_EXECUTE].count;
	}
	obstack_init(&text);
	fprintf(stream, "%s\n",
		text_plain(&text, report_command(statements->report), REPORT_COMMAND_LIMIT));
	fprintf(stream,
		"statements   %s in %" PRIu64 " executions, %" PRIu64 " rows; prepared %" PRIu64
		" times\n",
		TIME(statements->all.total_ns), executed, statements->all.amount, prepared);
	if (statements->all.total_ns)
		fprintf(stream, "             %s %% of it in: %s\n",
			amount_brief(100 * (double)statements->groups[0].all.total_ns /
					     (double)statements->all.total_ns,
				     cell, sizeof(cell)),
			text_plain(&text, statements->groups[0].label, 120));
	fprintf(stream, "fsync        %s of it\n", TIME(statements->all.part_ns));
	fprintf(stream, "transactions %" PRIu64, databases->all.count);
	if (databases->all.count)
		fprintf(stream, ", %s rows changed in each on average",
			amount_brief((double)databases->all.amount / (double)databases->all.count,
				     cell, sizeof(cell)));
	fputc('\n', stream);
	step_amounts_write_lines(statements->report->profile, names, 2, stream);
	obstack_free(&text, NULL);
}

static void write_statement(const struct operations *statements,
			    const struct operations_group *group, struct table *table)
{
	const struct operations_amounts *executed = &group->kinds[PROFILE_OPERATION_EXECUTE];
	struct obstack text;
	char cell[32];

	obstack_init(&text);
	table_cell(table, "%s", TIME(group->all.total_ns));
	table_cell(table, "%" PRIu64, executed->count);
	table_cell(table, "%" PRIu64, executed->amount);
	/* What was only prepared has no durations of executing. */
	table_cell(table, "%s",
		   executed->count ? TIME((double)executed->total_ns / (double)executed->count)
				   : "");
	table_cell(table, "%s",
		   executed->count ? TIME(operations_percentile(statements, group, EXECUTING, 0.99))
				   : "");
	table_cell(table, "%s", TIME(group->all.part_ns));
	table_cell(table, "%" PRIu64, group->kinds[PROFILE_OPERATION_PREPARE].count);
	table_cell(table, "%s", text_plain(&text, group->label, TEXT_SHOWN));
	obstack_free(&text, NULL);
}

static void write_statements(const struct operations *statements, uint32_t limit, FILE *stream)
{
	static const struct table_column columns[] = {
		{"time", true, false, 0},	   {"executions", true, false, 0},
		{"rows", true, false, 0},	   {"an execution", true, false, 2},
		{"p99 of a step", true, false, 4}, {"fsync", true, false, 1},
		{"prepared", true, false, 3},	   {"statement", false, true, 0},
	};
	struct table table;
	size_t shown = 0, known = 0;

	while (known < statements->count && statements->groups[known].all.total_ns)
		known++;
	if (!known)
		return;
	fputs("\nStatements\n", stream);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (; shown < known && shown < limit; shown++)
		write_statement(statements, &statements->groups[shown], &table);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (shown < known)
		fprintf(stream, "… and %zu more\n", known - shown);
	operations_write_sites(statements, "in", "", limit, stream);
}

static void write_databases(const struct operations *databases, uint32_t limit, FILE *stream)
{
	static const struct table_column columns[] = {
		{"transactions", true, false, 0}, {"rows changed", true, false, 0},
		{"rows each", true, false, 1},	  {"open", true, false, 0},
		{"median", true, false, 3},	  {"p99", true, false, 4},
		{"longest", true, false, 5},	  {"fsync", true, false, 2},
		{"database", false, true, 0},
	};
	struct table table;
	char cell[32];

	if (!databases->all.count)
		return;
	fputs("\nTransactions\n", stream);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < databases->count && i < limit; i++) {
		const struct operations_group *group = &databases->groups[i];
		struct obstack text;

		if (!group->all.count)
			break;
		obstack_init(&text);
		table_cell(&table, "%" PRIu64, group->all.count);
		table_cell(&table, "%" PRIu64, group->all.amount);
		table_cell(&table, "%s",
			   amount_brief((double)group->all.amount / (double)group->all.count, cell,
					sizeof(cell)));
		table_cell(&table, "%s", TIME(group->all.total_ns));
		table_cell(&table, "%s",
			   TIME(operations_percentile(databases, group, COMMITTING, 0.5)));
		table_cell(&table, "%s",
			   TIME(operations_percentile(databases, group, COMMITTING, 0.99)));
		table_cell(&table, "%s", TIME(group->all.longest_ns));
		table_cell(&table, "%s", TIME(group->all.part_ns));
		table_cell(&table, "%s", text_plain(&text, group->label, 200));
		obstack_free(&text, NULL);
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
}

static const char *refuse(const struct report *report)
{
	if (!profile_meta_find(report->profile, "sql"))
		return profile_text(
			report->profile, "refused.sql",
			"the profile has no SQL statements; record with collector run --sql");
	return NULL;
}

static void write_json(const struct operations *statements, const struct operations *databases,
		       const struct command_listing *options, FILE *stream)
{
	json_t *json =
		json_pack("{s:o, s:o, s:o}", "statements",
			  operations_json(statements, options->rows.limit, "rows"), "transactions",
			  operations_json(databases, options->rows.limit, "rows"), "notes",
			  operations_notes_json(statements->report));

	output_json(json, stream);
	json_decref(json);
}

static void write_text(const struct operations *statements, const struct operations *databases,
		       const struct command_listing *options, FILE *stream)
{
	write_verdict(statements, databases, stream);
	if (!statements->all.count)
		fputs("             a copy of SQLite inside the program is not seen, nor one bound "
		      "to itself or called by pointers that dlsym took out of it\n",
		      stream);
	write_statements(statements, options->rows.limit, stream);
	write_databases(databases, options->rows.limit, stream);
	operations_write_trust(statements,
			       "call counted that reaches SQLite's exported functions by their "
			       "names; calls by pointers that dlsym took out of the library are "
			       "not seen",
			       stream);
	fputc('\n', stream);
}

int command_sql(int count, char **arguments)
{
	struct command_listing options = {.rows.standard = LIMIT};
	struct operations statements, databases;
	struct report report;
	struct output output;

	argp_parse(&command_sql_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.files, NULL, refuse, &report, &output))
		return 1;
	operations_measure(&statements, &report, OPERATIONS_KIND(PROFILE_SUBJECT_STATEMENT),
			   EXECUTING | OPERATIONS_KIND(PROFILE_OPERATION_PREPARE));
	statements.timed = EXECUTING;
	operations_measure(&databases, &report, OPERATIONS_KIND(PROFILE_SUBJECT_DATABASE),
			   COMMITTING);
	if (options.rows.json)
		write_json(&statements, &databases, &options, output.stream);
	else
		write_text(&statements, &databases, &options, output.stream);
	operations_done(&statements);
	operations_done(&databases);
	return command_end(&report, &output);
}
