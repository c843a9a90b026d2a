/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document: a whole report as data, and the same report as HTML page and as Markdown.
 *
 * The data is one JSON object. Both renderings are made of it and of nothing else, by the same
 * words for every number (document_cell_text), so the three cannot disagree:
 *
 *   schema    "simprof/report-v1"
 *   title     of the page
 *   verdict   {word, text}: the answer in one sentence
 *   why       [{text, find}]: what explains it; find is a search in the flame graph
 *   trust     [{text, bad}]: how far to believe it
 *   next      [text]: commands that lead on
 *   sections  [{id, title, text: [sentence], missing, tables, charts, notes: [sentence]}];
 *             missing says why nothing was measured
 *   tables    [{id, caption, columns: [{id, title, kind, unit}], rows: [[cell]]}]
 *   charts    [{kind: "durations" | "series", ...}] (document_chart.c)
 *
 * Kinds of columns and their cells; null is an empty cell of any kind:
 *
 *   text      string
 *   code      string: a function, a path, a command
 *   count     integer, or an estimate: [number, low, high], where null is no bound; without one of
 *             them the number is the other
 *   amount    number of the column's unit, or an estimate likewise
 *   share     number 0 ... 1, or [share, low, high]
 *   change    ratio less one, or [change, low, high] where null is no bound
 *   number    number
 */
#pragma once

#include "reports/comparison.h"
#include "reports/report.h"

#include <jansson.h>

enum {
	DOCUMENT_TEXT_BYTES = 4096 /* of a cell or a sentence; of a longer one head and tail */
};

struct document_column {
	const char *id, *title, *kind;
	const char *unit; /* of amounts */
};

/* Returns an empty report, owned by the caller. Texts are any bytes. */
json_t *document_new(const char *title);
void document_set_verdict(json_t *document, const char *word, const char *text);
void document_add_why(json_t *document, const char *text, const char *function);
void document_add_trust(json_t *document, const char *text, bool is_bad);
void document_add_next(json_t *document, const char *text);

/* Append and return what was appended, borrowed. */
json_t *document_section(json_t *document, const char *id, const char *title);
json_t *document_table(json_t *section, const char *id, const char *caption,
		       const struct document_column *columns, int count);
json_t *document_row(json_t *table);

/* Appends a cell to a row. NAN is an empty one. */
void document_text(json_t *row, const char *text);
void document_count(json_t *row, uint64_t count);
void document_number(json_t *row, double number);
void document_interval(json_t *row, double value, double low, double high);

/* Appends a bound: "> 12" with @is_least, else "< 12". */
void document_bound(json_t *row, double value, bool is_least);

/* Appends a sentence before the tables, or after them. */
void document_say(json_t *section, const char *format, ...) __attribute__((format(printf, 2, 3)));
void document_note(json_t *section, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says why a section has nothing. */
void document_miss(json_t *section, const char *text);

void document_add_chart(json_t *section, json_t *chart);

/* Returns the words for a cell, the same in every rendering, in @memory. */
const char *document_cell_text(const json_t *column, const json_t *cell, struct obstack *memory);

/* Says whether cells of a column are numbers. */
bool document_is_numeric(const json_t *column);

/* ---- what reports are about ------------------------------------------------------------------ */

struct document_options {
	bool embed_sources;	   /* with the text of the hottest lines, as far as it is found and
				      source_may_be_published */
	const char *source_folder; /* to look for it too (source_find), or NULL */
	const json_t *scaling;	   /* what scaling_json made of a sweep of the program, or NULL */
};

/* The report of one recording, owned by the caller. */
json_t *document_of_run(const struct report *report, const struct document_options *options);

/*
 * The report of a comparison, owned by the caller. What is compared are the costs of functions; of
 * lines, durations, memory and components it has those of one recording of each side.
 *
 * @base, @fresh  the first recording of each side
 * @scaling       as in document_options
 */
json_t *document_of_comparison(const struct comparison *comparison, const struct report *base,
			       const struct report *fresh, const json_t *scaling);

/* ---- renderings; the caller checks @stream for errors ---------------------------------------- */

/*
 * Writes GitHub-flavoured Markdown of at most DOCUMENT_MARKDOWN_BYTES; tables that would not fit
 * are cut at a row, and the text says so.
 */
void document_write_markdown(const json_t *document, FILE *stream);

enum {
	DOCUMENT_MARKDOWN_BYTES = 900 * 1024 /* a step summary of 1 MiB vanishes without a word */
};

/* What a page holds that is not in its data; NULL: nothing. */
struct document_parts {
	const char *flame; /* the flame graph, an SVG file as flame_write makes it */
	size_t flame_bytes;
	const char *downloads; /* a section as downloads_write makes it */
};

/*
 * Writes one HTML page that asks nothing of a network. Its own content security policy allows only
 * the page's scripts and styles, by their hashes.
 */
void document_write_html(const json_t *document, const struct document_parts *parts, FILE *stream);

/* Draws a chart of the document as SVG, a part of a page. */
void document_draw_chart(const json_t *chart, FILE *stream);

/* Returns the timed functions of a recording, its series, as chart; NULL without any. */
json_t *document_durations_chart(const struct report *report);
json_t *document_series_chart(const struct report *report, bool memory_only);
