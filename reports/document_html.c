/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_html: a report as one HTML page; see document.h. */
#include "reports/document.h"

#include "collector/base/xalloc.h"
#include "reports/embed.h"
#include "reports/flame.h"
#include "reports/svg.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>

EMBED(report_css, EMBED_FILE("report.css"));
EMBED(report_js, EMBED_FILE("report.js"));

static const double bar_pixels = 60;

enum {
	LONG = 40 /* tables of more rows are closed at first */
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void write_text(const char *text, FILE *stream)
{
	svg_text(stream, text, strlen(text));
}

static void element(const char *open, const char *text, const char *close, FILE *stream)
{
	fputs(open, stream);
	write_text(text, stream);
	fputs(close, stream);
}

/* ---- the policy ------------------------------------------------------------------------------ */

/* Writes " 'sha256-...'" of the text of a script or style element. Source: CSP level 3, 2.3.1. */
static void write_hash(const char *text, FILE *stream)
{
	char base64[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE)];
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, strlen(text), (const uint8_t *)text);
	sha256_digest(&hash, sizeof(digest), digest);
	base64_encode_raw(base64, sizeof(digest), digest);
	fprintf(stream, " 'sha256-%.*s'", (int)sizeof(base64), base64);
}

static void write_policy(FILE *stream)
{
	fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "base-uri 'none'; form-action 'none'; script-src",
	      stream);
	write_hash(report_js, stream);
	write_hash(flame_script(), stream);
	fputs("; style-src", stream);
	write_hash(report_css, stream);
	write_hash(flame_style(), stream);
	fputs("\">\n", stream);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* A bar beside a share: attributes only, so that no policy takes it away. */
static void write_bar(double share, FILE *stream)
{
	fprintf(stream,
		"<svg class=\"bar\" aria-hidden=\"true\" width=\"%.0f\" height=\"9\"><rect "
		"x=\"",
		bar_pixels + 6);
	svg_number(stream, bar_pixels * (1 - share));
	fputs("\" width=\"", stream);
	svg_number(stream, bar_pixels * share);
	fputs("\" height=\"9\" fill=\"#77aadd\"/></svg>", stream);
}

static void write_number(const json_t *column, const json_t *cell, const char *text, FILE *stream)
{
	const json_t *value = json_is_array(cell) ? json_array_get(cell, 0) : cell;
	bool is_share = !strcmp(text_of(column, "kind"), "share");

	fputs("<td class=\"n\"", stream);
	if (json_is_number(value))
		fprintf(stream, " data-v=\"%.10g\"", json_number_value(value));
	fputc('>', stream);
	if (is_share && json_is_number(value))
		write_bar(json_number_value(value), stream);
	element("", text, "</td>", stream);
}

/* The first cell of a row names it, unless it is empty: a function may have no name. */
static void write_row(const json_t *columns, const json_t *row, FILE *stream)
{
	struct obstack memory;
	const json_t *cell;
	size_t i;

	obstack_init(&memory);
	fputs("<tr>", stream);
	json_array_foreach (row, i, cell) {
		const json_t *column = json_array_get(columns, i);
		const char *text = document_cell_text(column, cell, &memory);
		bool is_code = !strcmp(text_of(column, "kind"), "code");

		if (document_is_numeric(column))
			write_number(column, cell, text, stream);
		else if (!i && *text)
			element(is_code ? "<th scope=\"row\" class=\"code\">"
					: "<th scope=\"row\">",
				text, "</th>", stream);
		else
			element(is_code ? "<td class=\"code\">" : "<td>", text, "</td>", stream);
	}
	fputs("</tr>\n", stream);
	obstack_free(&memory, NULL);
}

static void write_table(const json_t *table, FILE *stream)
{
	const json_t *columns = json_object_get(table, "columns"), *item;
	bool is_long = json_array_size(json_object_get(table, "rows")) > LONG;
	size_t i;

	if (is_long)
		element("<details><summary>", text_of(table, "caption"), "</summary>\n", stream);
	/* What may have to be scrolled must be within reach of the keyboard. */
	fputs("<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"", stream);
	svg_attribute(stream, text_of(table, "caption"));
	fprintf(stream, "\"><table id=\"table-%s\"><caption>", text_of(table, "id"));
	element("", text_of(table, "caption"), "</caption>\n<thead><tr>", stream);
	json_array_foreach (columns, i, item) {
		fprintf(stream, "<th scope=\"col\"%s>",
			document_is_numeric(item) ? " class=\"n\"" : "");
		element("", text_of(item, "title"), "</th>", stream);
	}
	fputs("</tr></thead>\n<tbody>\n", stream);
	json_array_foreach (json_object_get(table, "rows"), i, item) {
		write_row(columns, item, stream);
	}
	fputs("</tbody></table></div>\n", stream);
	if (is_long)
		fputs("</details>\n", stream);
}

/* ---- sections -------------------------------------------------------------------------------- */

/* The picture is an SVG file; inside a page it has no XML declaration. */
static void write_flame(const char *flame, size_t bytes, FILE *stream)
{
	const char *begin = memmem(flame, bytes, "<svg", 4);

	if (begin)
		fwrite(begin, 1, bytes - (size_t)(begin - flame), stream);
}

static void write_section(const json_t *section, const struct document_parts *parts, FILE *stream)
{
	bool is_flame = !strcmp(text_of(section, "id"), "flame");
	const json_t *item;
	size_t i;

	fprintf(stream, "<section id=\"%s\">\n", text_of(section, "id"));
	element("<h2>", text_of(section, "title"), "</h2>\n", stream);
	if (*text_of(section, "missing"))
		element("<p class=\"missing\">not measured: ", text_of(section, "missing"),
			"</p>\n", stream);
	json_array_foreach (json_object_get(section, "text"), i, item) {
		element("<p>", json_string_value(item), "</p>\n", stream);
	}
	if (is_flame && parts->flame && !*text_of(section, "missing"))
		write_flame(parts->flame, parts->flame_bytes, stream);
	json_array_foreach (json_object_get(section, "charts"), i, item) {
		document_draw_chart(item, stream);
	}
	json_array_foreach (json_object_get(section, "tables"), i, item) {
		write_table(item, stream);
	}
	json_array_foreach (json_object_get(section, "notes"), i, item) {
		element("<p>", json_string_value(item), "</p>\n", stream);
	}
	fputs("</section>\n", stream);
}

/* ---- the head -------------------------------------------------------------------------------- */

/* A link to the picture with a search for exactly this function. */
static void write_find(const char *function, FILE *stream)
{
	fputs(" <a href=\"#q=%5E", stream);
	for (; *function; function++)
		if (isalnum((unsigned char)*function) || *function == '_')
			fputc(*function, stream);
		else
			fprintf(stream, "%s%%%02X",
				(unsigned char)*function < 0x80 && ispunct((unsigned char)*function)
					? "%5C"
					: "",
				(unsigned char)*function);
	fputs("%24\">in the picture</a>", stream);
}

static void write_why(const json_t *document, bool has_flame, FILE *stream)
{
	const json_t *why = json_object_get(document, "why"), *item;
	size_t i;

	if (!json_array_size(why))
		return;
	fputs("<ol class=\"why\">\n", stream);
	json_array_foreach (why, i, item) {
		element("<li>", text_of(item, "text"), "", stream);
		if (has_flame)
			write_find(text_of(item, "find"), stream);
		fputs("</li>\n", stream);
	}
	fputs("</ol>\n", stream);
}

static void write_trust(const json_t *document, FILE *stream)
{
	const json_t *item;
	size_t i;

	fputs("<ul class=\"trust\" aria-label=\"How far this may be trusted\">\n", stream);
	json_array_foreach (json_object_get(document, "trust"), i, item) {
		element(json_is_true(json_object_get(item, "bad")) ? "<li class=\"bad\">⚠ "
								   : "<li>",
			text_of(item, "text"), "</li>\n", stream);
	}
	fputs("</ul>\n", stream);
	json_array_foreach (json_object_get(document, "next"), i, item) {
		element("<p>Next: ", json_string_value(item), "</p>\n", stream);
	}
}

static void write_navigation(const json_t *document, const struct document_parts *parts,
			     FILE *stream)
{
	const json_t *section;
	size_t i;

	fputs("<nav aria-label=\"Sections\">", stream);
	json_array_foreach (json_object_get(document, "sections"), i, section) {
		fprintf(stream, "<a href=\"#%s\">", text_of(section, "id"));
		element("", text_of(section, "title"), "</a> ", stream);
	}
	if (parts->downloads)
		fputs("<a href=\"#downloads\">For other tools</a> ", stream);
	fputs("</nav>\n", stream);
}

/* JSON inside a script element: nothing in it may look like an end tag. */
static int write_json_text(const char *text, size_t bytes, void *stream)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] == '<')
			fputs("\\u003c", stream);
		else
			fputc(text[i], stream);
	return 0;
}

void document_write_html(const json_t *document, const struct document_parts *parts, FILE *stream)
{
	const json_t *verdict = json_object_get(document, "verdict"), *section;
	size_t i;

	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", stream);
	write_policy(stream);
	fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      stream);
	element("", text_of(document, "title"), "</title>\n<style>", stream);
	fprintf(stream, "%s</style>\n</head>\n<body class=\"%s\">\n<header>\n", report_css,
		text_of(verdict, "word"));
	element("<h1>", text_of(document, "title"), "</h1>\n", stream);
	element("<p class=\"verdict\">", text_of(verdict, "text"), "</p>\n", stream);
	write_why(document, parts->flame, stream);
	write_trust(document, stream);
	fputs("</header>\n", stream);
	write_navigation(document, parts, stream);
	fputs("<main>\n", stream);
	json_array_foreach (json_object_get(document, "sections"), i, section) {
		write_section(section, parts, stream);
	}
	if (parts->downloads)
		fputs(parts->downloads, stream);
	fputs("</main>\n<script type=\"application/json\" id=\"report\">", stream);
	json_dump_callback(document, write_json_text, stream,
			   JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
	fprintf(stream, "</script>\n<script>%s</script>\n</body>\n</html>\n", report_js);
}
