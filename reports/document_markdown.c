/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_markdown: a report as GitHub-flavoured Markdown; see document.h. */
#include "reports/document.h"

#include "reports/markdown.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void write_row(const json_t *columns, const json_t *row, FILE *stream)
{
	struct obstack memory;
	const json_t *cell;
	size_t i;

	obstack_init(&memory);
	json_array_foreach (row, i, cell) {
		const json_t *column = json_array_get(columns, i);

		fputs(i ? " | " : "| ", stream);
		markdown_text(document_cell_text(column, cell, &memory), stream);
	}
	fputs(" |\n", stream);
	obstack_free(&memory, NULL);
}

/* Returns how many rows did not fit. */
static size_t write_table(const json_t *table, FILE *stream)
{
	const json_t *columns = json_object_get(table, "columns");
	const json_t *rows = json_object_get(table, "rows"), *item;
	size_t i;

	fputc('\n', stream);
	markdown_text(text_of(table, "caption"), stream);
	fputs("\n\n", stream);
	json_array_foreach (columns, i, item) {
		fputs(i ? " | " : "| ", stream);
		markdown_text(text_of(item, "title"), stream);
	}
	fputs(" |\n", stream);
	json_array_foreach (columns, i, item) {
		fprintf(stream, "%s%s", i ? " | " : "| ",
			document_is_numeric(item) ? "--:" : ":--");
	}
	fputs(" |\n", stream);
	json_array_foreach (rows, i, item) {
		if (ftell(stream) > DOCUMENT_MARKDOWN_BYTES)
			return json_array_size(rows) - i;
		write_row(columns, item, stream);
	}
	return 0;
}

static void write_sentences(const json_t *sentences, FILE *stream)
{
	const json_t *item;
	size_t i;

	json_array_foreach (sentences, i, item) {
		fputc('\n', stream);
		markdown_text(json_string_value(item), stream);
		fputc('\n', stream);
	}
}

static size_t write_section(const json_t *section, FILE *stream)
{
	const json_t *item;
	size_t i, left_out = 0;

	fprintf(stream, "\n## %s\n", text_of(section, "title"));
	if (*text_of(section, "missing")) {
		fputs("\nnot measured: ", stream);
		markdown_text(text_of(section, "missing"), stream);
		fputc('\n', stream);
	}
	write_sentences(json_object_get(section, "text"), stream);
	json_array_foreach (json_object_get(section, "tables"), i, item) {
		left_out += write_table(item, stream);
	}
	write_sentences(json_object_get(section, "notes"), stream);
	return left_out;
}

static void write_head(const json_t *document, FILE *stream)
{
	const json_t *verdict = json_object_get(document, "verdict"), *item;
	size_t i;

	fprintf(stream, "<!-- simprof:report v1 verdict=%s -->\n# ", text_of(verdict, "word"));
	markdown_text(text_of(document, "title"), stream);
	fputs("\n\n**", stream);
	markdown_text(text_of(verdict, "text"), stream);
	fputs("**\n\n", stream);
	json_array_foreach (json_object_get(document, "why"), i, item) {
		fprintf(stream, "%zu. ", i + 1);
		markdown_text(text_of(item, "text"), stream);
		fputc('\n', stream);
	}
	fputs("\nTrust: ", stream);
	json_array_foreach (json_object_get(document, "trust"), i, item) {
		bool is_bad = json_is_true(json_object_get(item, "bad"));

		fprintf(stream, "%s%s", i ? " · " : "", is_bad ? "**⚠ " : "");
		markdown_text(text_of(item, "text"), stream);
		fputs(is_bad ? "**" : "", stream);
	}
	fputs("\n\n", stream);
	json_array_foreach (json_object_get(document, "next"), i, item) {
		fputs("Next: ", stream);
		markdown_text(json_string_value(item), stream);
		fputs("\n\n", stream);
	}
}

void document_write_markdown(const json_t *document, FILE *stream)
{
	size_t i, left_out = 0, bytes;
	const json_t *section;
	char *text = NULL;
	FILE *memory = xalloc_checked(open_memstream(&text, &bytes));

	write_head(document, memory);
	json_array_foreach (json_object_get(document, "sections"), i, section) {
		left_out += write_section(section, memory);
	}
	if (left_out)
		fprintf(memory,
			"\n%zu rows are left out; the JSON and the HTML report have them.\n",
			left_out);
	fclose(memory);
	fwrite(text, 1, bytes, stream);
	free(text);
}
