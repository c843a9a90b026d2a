/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_lines: the hottest lines, with as much as was recorded of them; see document_sections.h.
 */
#include "reports/document_sections.h"
#include "reports/lines_write.h"
#include "reports/source.h"

#include <inttypes.h>
#include <math.h>

enum {
	LINES = 30,
	SOURCE_BYTES = 160
};

void document_place(const struct report *report, uint32_t id, uint32_t line, json_t *row)
{
	const struct symbol *symbol = &report->symbols.symbols[id];
	const char *file = report->profile->files[symbol->file];
	char *text = NULL;

	if (symbol->file && line)
		text = xasprintf("%s:%u", file, line);
	document_text(row, text ? text : symbol->file ? file : "");
	free(text);
}

/* What the section is made of. */
struct lines_section {
	const struct report *report;
	const struct lines *lines;
	const struct document_options *options;
	struct source *sources; /* by file, read when first needed */
	bool *is_read;
};

static json_t *add_table(json_t *section, const struct lines_section *content)
{
	const struct {
		struct document_column column;
		bool is_there;
	} all[] = {
		{{"line", "line", "code", NULL}, true},
		{{"function", "function", "code", NULL}, true},
		{{"self", "self (95 %, this run)", "share", NULL}, true},
		{{"self_amount", "self", "amount", content->report->unit}, true},
		{{"total", "total", "share", NULL}, true},
		{{"samples", "samples", "count", NULL}, true},
		{{"hits", "hits", "count", NULL}, content->lines->has_hits},
		{{"hits_are", "hits are", "text", NULL}, content->lines->has_hits},
		{{"self_per_hit", "self per hit", "amount", content->report->unit},
		 content->lines->has_hits},
		{{"allocations", "allocations", "count", NULL}, content->lines->has_allocations},
		{{"allocated", "allocated", "amount", "bytes"}, content->lines->has_allocations},
		{{"source", "source", "code", NULL}, content->options->embed_sources},
	};
	struct document_column columns[sizeof(all) / sizeof(*all)];
	int count = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].is_there)
			columns[count++] = all[i].column;
	return document_table(section, "lines", "Source lines by self cost", columns, count);
}

static void add_hits(const struct report *report, const struct line_row *line, json_t *row)
{
	static const char *const labels[PROFILE_HIT_LABELS] = {"exact", "derived", "estimated"};
	char text[48];

	if (!line->has_hits) {
		document_number(row, NAN);
		document_text(row, "");
		document_number(row, NAN);
		return;
	}
	document_count(row, line->hits);
	snprintf(text, sizeof(text), "%s ±%" PRIu64, labels[line->label], line->hits_margin);
	document_text(row, line->label == PROFILE_HIT_ESTIMATED ? text : labels[line->label]);
	document_number(row, lines_know_hits(line)
				     ? (double)line->self * report->period / (double)line->hits
				     : NAN);
}

/* The line's text without its indentation; "" where it is not found. */
static void add_source(struct lines_section *content, const struct line_row *line, json_t *row)
{
	const struct report *report = content->report;
	uint32_t file = report->symbols.symbols[line->symbol].file;
	struct source *source = &content->sources[file];
	struct obstack memory;
	const char *text;

	if (!content->is_read[file] && file)
		source_of_profile(source, report->profile, file, content->options->source_folder,
				  NULL);
	content->is_read[file] = true;
	text = source_may_be_published(source) ? source_line(source, line->line) : "";
	obstack_init(&memory);
	document_text(row, text_clean(&memory, text + strspn(text, " \t"), SOURCE_BYTES));
	obstack_free(&memory, NULL);
}

static void add_row(json_t *table, struct lines_section *content, const struct line_row *line)
{
	const struct report *report = content->report;
	double all = (double)content->lines->value;
	json_t *row = document_row(table);

	document_place(report, line->symbol, line->line, row);
	document_text(row, report->symbols.symbols[line->symbol].label);
	if (line < content->lines->rows + 2 * LINES)
		document_interval(row, (double)line->self / all, line->share.low, line->share.high);
	else
		document_number(row, (double)line->self / all);
	document_number(row, (double)line->self * report->period);
	document_number(row, (double)line->total / all);
	document_count(row, line->self_samples);
	if (content->lines->has_hits)
		add_hits(report, line, row);
	if (content->lines->has_allocations) {
		document_count(row, line->allocations);
		document_number(row, (double)line->allocated);
	}
	if (content->options->embed_sources)
		add_source(content, line, row);
}

/* What the hits and allocations of the table are not. */
static void add_restrictions(json_t *section, const struct lines_section *content)
{
	const struct report *report = content->report;
	const struct profile *profile = report->profile;
	bool *lacks = lines_hits_without_lines(profile);
	char hit_time[LINES_HIT_TIME];

	if (content->lines->has_hits)
		document_note(section, "%s.", lines_hit_time(profile, hit_time));
	for (size_t i = 0; i < profile->hit_functions_count; i++) {
		const struct profile_hit_function *function = &profile->hit_functions[i];
		uint32_t symbol = symbol_owner(profile, function->frame);

		if (lacks[i])
			document_note(section,
				      "Hits of %s are known by address only, because debug "
				      "information is missing (-g): collector lines lists them.",
				      report->symbols.symbols[symbol].label);
		if (function->note)
			document_note(section, "Hits of %s: %s.",
				      report->symbols.symbols[symbol].label, function->note);
	}
	free(lacks);
	if (content->lines->has_allocations && profile_number(profile, "memory.rate", 0))
		document_note(section, "Allocations are estimated from samples.");
}

static void add_notes(json_t *section, const struct lines_section *content)
{
	const struct report *report = content->report;
	struct lines_hints hints;

	add_restrictions(section, content);

	lines_hints_find(&hints, report, content->lines);
	for (size_t i = 0; i < hints.count; i++) {
		const struct line_row *line = &content->lines->rows[hints.rows[i].row];
		uint32_t file = report->symbols.symbols[line->symbol].file;

		document_note(section, "Hint, %s:%u: %s.",
			      symbol_base_name(report->profile->files[file]), line->line,
			      hints.rows[i].text);
	}
	lines_hints_done(&hints);
	for (uint32_t file = 0; file < report->profile->files_count; file++) {
		if (content->sources[file].is_changed || content->sources[file].is_newer)
			document_note(section,
				      "%s was changed after it was recorded: its lines may "
				      "be others.",
				      report->profile->files[file]);
		if (content->sources[file].count &&
		    !source_may_be_published(&content->sources[file]))
			document_note(section,
				      "The text of %s is left out: it is not what the recording "
				      "found, and lies neither below the working directory nor "
				      "below a --source-dir.",
				      report->profile->files[file]);
		source_done(&content->sources[file]);
	}
}

void document_add_lines(json_t *document, const struct report *report,
			const struct document_options *options)
{
	json_t *section = document_section(document, "lines", "Lines"), *table = NULL;
	size_t files = report->profile->files_count;
	struct lines lines;
	struct lines_section content = {report, &lines, options,
					xcalloc(files, sizeof(*content.sources)),
					xcalloc(files, sizeof(*content.is_read))};
	uint32_t shown = 0;

	lines_measure(&lines, report, LINES_IN_SOURCE, NULL, 2 * LINES);
	for (uint32_t i = 0; i < lines.count && shown < LINES; i++) {
		if (!lines.rows[i].line || !lines.rows[i].self_samples)
			continue;
		if (!shown++)
			table = add_table(section, &content);
		add_row(table, &content, &lines.rows[i]);
	}
	if (table || report->profile->hit_functions_count)
		add_notes(section, &content);
	if (!table)
		document_miss(section, "the program has no debug information with lines (-g)");
	lines_done(&lines);
	free(content.sources);
	free(content.is_read);
}
