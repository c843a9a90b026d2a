/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document: builds reports as data, and puts their cells into words; see document.h. */
#include "reports/document.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/comparison_write.h"
#include "reports/text.h"

#include <math.h>
#include <stdarg.h>

/* Returns the array @key of @object, which is made when it is not there. */
static json_t *list(json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);

	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	return array;
}

/* A text as people can read it: names come from files, and may have megabytes. */
static json_t *short_json(const char *text)
{
	struct obstack memory;
	json_t *json;

	obstack_init(&memory);
	json = json_string(text_clean(&memory, text, DOCUMENT_TEXT_BYTES));
	obstack_free(&memory, NULL);
	return json;
}

static json_t *append(json_t *array, json_t *item)
{
	json_array_append_new(array, item);
	return item;
}

json_t *document_new(const char *title)
{
	return json_pack("{s:s, s:o, s:[], s:[], s:[], s:[]}", "schema", "simprof/report-v1",
			 "title", short_json(title), "why", "trust", "next", "sections");
}

void document_set_verdict(json_t *document, const char *word, const char *text)
{
	json_object_set_new(document, "verdict",
			    json_pack("{s:s, s:o}", "word", word, "text", short_json(text)));
}

void document_add_why(json_t *document, const char *text, const char *function)
{
	append(list(document, "why"),
	       json_pack("{s:o, s:o}", "text", short_json(text), "find", short_json(function)));
}

void document_add_trust(json_t *document, const char *text, bool is_bad)
{
	append(list(document, "trust"),
	       json_pack("{s:o, s:b}", "text", short_json(text), "bad", is_bad));
}

void document_add_next(json_t *document, const char *text)
{
	append(list(document, "next"), short_json(text));
}

json_t *document_section(json_t *document, const char *id, const char *title)
{
	return append(list(document, "sections"),
		      json_pack("{s:s, s:s}", "id", id, "title", title));
}

json_t *document_table(json_t *section, const char *id, const char *caption,
		       const struct document_column *columns, int count)
{
	json_t *heads = json_array();

	for (int i = 0; i < count; i++) {
		json_t *head = json_pack("{s:s, s:s, s:s}", "id", columns[i].id, "title",
					 columns[i].title, "kind", columns[i].kind);

		if (columns[i].unit)
			json_object_set_new(head, "unit", short_json(columns[i].unit));
		json_array_append_new(heads, head);
	}
	return append(list(section, "tables"),
		      json_pack("{s:s, s:o, s:o, s:[]}", "id", id, "caption", short_json(caption),
				"columns", heads, "rows"));
}

json_t *document_row(json_t *table)
{
	return append(list(table, "rows"), json_array());
}

void document_text(json_t *row, const char *text)
{
	json_array_append_new(row, *text ? short_json(text) : json_null());
}

void document_count(json_t *row, uint64_t count)
{
	json_array_append_new(row, json_integer((json_int_t)count));
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

void document_number(json_t *row, double value)
{
	json_array_append_new(row, number(value));
}

void document_interval(json_t *row, double value, double low, double high)
{
	json_array_append_new(row,
			      json_pack("[o, o, o]", number(value), number(low), number(high)));
}

void document_bound(json_t *row, double value, bool is_least)
{
	document_interval(row, value, is_least ? value : NAN, is_least ? NAN : value);
}

static void append_sentence(json_t *sentences, const char *format, va_list arguments)
{
	char *text = xvasprintf(format, arguments);

	append(sentences, short_json(text));
	free(text);
}

void document_say(json_t *section, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append_sentence(list(section, "text"), format, arguments);
	va_end(arguments);
}

void document_note(json_t *section, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append_sentence(list(section, "notes"), format, arguments);
	va_end(arguments);
}

void document_miss(json_t *section, const char *text)
{
	json_object_set_new(section, "missing", short_json(text));
}

void document_add_chart(json_t *section, json_t *chart)
{
	if (chart)
		append(list(section, "charts"), chart);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void amount_words(struct obstack *memory, double amount, const char *unit)
{
	char text[64];

	obstack_printf(memory, "%s%s", amount < 0 ? "−" : "",
		       amount_format(fabs(amount), unit, text, sizeof(text)));
}

static void plain_words(struct obstack *memory, const json_t *number, const char *unit)
{
	if (unit)
		amount_words(memory, json_number_value(number), unit);
	else if (json_is_integer(number))
		obstack_printf(memory, "%lld", (long long)json_integer_value(number));
	else
		obstack_printf(memory, "%.4g", json_number_value(number));
}

/* An estimate: what it is about, and its interval; or a bound. */
static void estimate_words(struct obstack *memory, const json_t *cell, const char *unit)
{
	static const char *const before[] = {"≈", " (", " – "};
	bool has_low = json_is_number(json_array_get(cell, 1));

	if (!has_low || !json_is_number(json_array_get(cell, 2))) {
		obstack_printf(memory, "%s", has_low ? "> " : "< ");
		if (unit)
			plain_words(memory, json_array_get(cell, 0), unit);
		else
			obstack_printf(memory, "%.0f", json_number_value(json_array_get(cell, 0)));
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		double value = json_number_value(json_array_get(cell, i));

		obstack_printf(memory, "%s", before[i]);
		if (unit)
			amount_words(memory, value, unit);
		else
			obstack_printf(memory, "%.3g", value);
	}
	obstack_1grow(memory, ')');
}

static void share_words(struct obstack *memory, const json_t *cell)
{
	double share = json_number_value(json_is_array(cell) ? json_array_get(cell, 0) : cell);
	double low = json_number_value(json_array_get(cell, 1));
	double high = json_number_value(json_array_get(cell, 2)), half = (high - low) / 2;
	char text[3][32];

	if (!json_is_array(cell)) {
		obstack_printf(memory, "%.*f %%", share < 0.01 && share > 0 ? 2 : 1, 100 * share);
		return;
	}
	obstack_printf(memory, "%s %% (%s – %s)", amount_percent(share, half, text[0], 32),
		       amount_percent(low, half, text[1], 32),
		       amount_percent(high, half, text[2], 32));
}

static void change_words(struct obstack *memory, const json_t *cell)
{
	const json_t *change = json_is_array(cell) ? json_array_get(cell, 0) : cell;
	const json_t *low = json_array_get(cell, 1), *high = json_array_get(cell, 2);
	char text[3][32];

	if (json_is_null(change))
		return;
	obstack_printf(memory, "%s", comparison_percent(log1p(json_number_value(change)), text[0]));
	if (json_is_number(low) && json_is_number(high))
		obstack_printf(memory, " (%s … %s)",
			       comparison_percent(log1p(json_number_value(low)), text[1]),
			       comparison_percent(log1p(json_number_value(high)), text[2]));
}

const char *document_cell_text(const json_t *column, const json_t *cell, struct obstack *memory)
{
	const char *kind = json_string_value(json_object_get(column, "kind"));
	const char *unit = json_string_value(json_object_get(column, "unit"));

	if (json_is_string(cell))
		obstack_printf(memory, "%s", json_string_value(cell));
	else if (json_is_null(cell))
		; /* empty */
	else if (!strcmp(kind, "share"))
		share_words(memory, cell);
	else if (!strcmp(kind, "change"))
		change_words(memory, cell);
	else if (json_is_array(cell))
		estimate_words(memory, cell, !strcmp(kind, "amount") ? (unit ? unit : "") : NULL);
	else
		plain_words(memory, cell, !strcmp(kind, "amount") ? (unit ? unit : "") : NULL);
	obstack_1grow(memory, '\0');
	return obstack_finish(memory);
}

bool document_is_numeric(const json_t *column)
{
	const char *kind = json_string_value(json_object_get(column, "kind"));

	return strcmp(kind, "text") && strcmp(kind, "code");
}
