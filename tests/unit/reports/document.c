/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/document.c. */
#include "reports/document.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

Test(document, cells_are_words_by_the_kind_of_their_column)
{
	static const struct {
		const char *column, *cell, *words;
	} cases[] = {
		{"{\"kind\": \"text\"}", "\"a <b>\"", "a <b>"},
		{"{\"kind\": \"count\"}", "12345", "12345"},
		{"{\"kind\": \"amount\", \"unit\": \"ns\"}", "1500000", "1.50 ms"},
		{"{\"kind\": \"amount\", \"unit\": \"ns\"}", "-1500000.0", "−1.50 ms"},
		{"{\"kind\": \"amount\", \"unit\": \"bytes\"}", "2048", "2.00 KiB"},
		{"{\"kind\": \"amount\", \"unit\": \"ns\"}", "[2000.0, 2000.0, null]", "> 2.00 µs"},
		{"{\"kind\": \"amount\", \"unit\": \"ns\"}", "[2000.0, null, 2000.0]", "< 2.00 µs"},
		{"{\"kind\": \"amount\", \"unit\": \"ns\"}", "[2000.0, 1000.0, 3000.0]",
		 "≈2.00 µs (1.00 µs – 3.00 µs)"},
		{"{\"kind\": \"count\"}", "[1234567.0, 1234567.0, null]", "> 1234567"},
		{"{\"kind\": \"share\"}", "0.125", "12.5 %"},
		{"{\"kind\": \"share\"}", "0.00126", "0.13 %"},
		{"{\"kind\": \"share\"}", "[0.315, 0.306, 0.324]", "31.5 % (30.6 – 32.4)"},
		{"{\"kind\": \"change\"}", "0.0624", "+6.2 %"},
		{"{\"kind\": \"change\"}", "[-0.1, -0.2, 0.05]", "-10.0 % (-20.0 % … +5.0 %)"},
		{"{\"kind\": \"change\"}", "[0.1, null, null]", "+10.0 %"},
		{"{\"kind\": \"change\"}", "\"new\"", "new"},
		{"{\"kind\": \"number\"}", "0.000777", "0.000777"},
		{"{\"kind\": \"number\"}", "null", ""},
	};
	struct obstack memory;

	obstack_init(&memory);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *column = json_loads(cases[i].column, 0, NULL);
		json_t *cell = json_loads(cases[i].cell, JSON_DECODE_ANY, NULL);

		cr_assert(column && cell);
		cr_expect_str_eq(document_cell_text(column, cell, &memory), cases[i].words);
		json_decref(column);
		json_decref(cell);
	}
	obstack_free(&memory, NULL);
}

static char *written(const json_t *document, bool as_page)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	if (as_page)
		document_write_html(document, &(struct document_parts){0}, stream);
	else
		document_write_markdown(document, stream);
	fclose(stream);
	return text;
}

static json_t *make(uint32_t rows)
{
	static const struct document_column columns[] = {{"name", "name", "code", NULL},
							 {"cost", "cost", "number", NULL}};
	json_t *document = document_new("</title><script>");
	json_t *section = document_section(document, "one", "One"), *table;

	document_set_verdict(document, "measured", "a & b");
	document_add_why(document, "because", "operator<");
	document_add_trust(document, "lost & found", true);
	document_say(section, "%d %%", 5);
	document_note(section, "after");
	table = document_table(section, "table", "caption", columns, 2);
	for (uint32_t i = 0; i < rows; i++) {
		json_t *row = document_row(table);

		document_text(row, "</script><img src=x onerror=alert(1)>");
		document_number(row, i ? NAN : 3);
	}
	return document;
}

Test(document, text_is_never_markup_in_a_page)
{
	json_t *document = make(2);
	char *page = written(document, true);

	cr_expect_null(strstr(page, "<img"));
	cr_expect_null(strstr(page, "</title><script>"));
	cr_expect(strstr(page, "&lt;/script&gt;&lt;img"));
	cr_expect(strstr(page, "\\u003c/script>"), "the data has no end tag in it");
	cr_expect(strstr(page, "<li class=\"bad\">⚠ lost &amp; found</li>"));
	free(page);
	json_decref(document);
}

Test(document, markdown_is_cut_at_a_row_and_says_so)
{
	json_t *document = make(60000);
	char *text = written(document, false);

	cr_expect(strlen(text) <= DOCUMENT_MARKDOWN_BYTES + 500, "%zu", strlen(text));
	cr_expect(strstr(text, " rows are left out; the JSON and the HTML report have them."));
	free(text);
	json_decref(document);
}
