/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_notes: see calls_notes.h. */
#include "reports/calls_notes.h"

#include "collector/base/xalloc.h"
#include "reports/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
	NAMED = 3,    /* functions of a reason */
	NUMBERS = 16, /* of a reason that may differ */
	TEXT_BYTES = 800
};

struct number {
	double low, high;
};

struct reason {
	char text[TEXT_BYTES]; /* of the first */
	struct number numbers[NUMBERS];
	uint32_t rows[NAMED];
	uint32_t count;
};

/* Returns how long the number is that stands at @text by itself; 0 where none does. */
static size_t number_length(const char *begin, const char *text)
{
	size_t length = strspn(text, "0123456789");

	if (!length || (text > begin && text[-1] != ' '))
		return 0;
	if (text[length] == '.' && isdigit((unsigned char)text[length + 1]))
		length += 1 + strspn(text + length + 1, "0123456789");
	return text[length] == ' ' || !text[length] ? length : 0;
}

/* Says whether two reasons are the same, and takes the second one's numbers then. */
static bool take(struct reason *reason, const char *text)
{
	const char *known = reason->text, *at = text;
	struct number numbers[NUMBERS];
	uint32_t count = 0;

	while (*known && *at) {
		size_t known_length = number_length(reason->text, known);
		size_t length = number_length(text, at);

		if (known_length && length && count < NUMBERS) {
			double value = strtod(at, NULL);

			numbers[count] = reason->numbers[count];
			if (value < numbers[count].low)
				numbers[count].low = value;
			if (value > numbers[count].high)
				numbers[count].high = value;
			count++;
			known += known_length;
			at += length;
		} else if (*known++ != *at++) {
			return false;
		}
	}
	if (*known || *at)
		return false;
	memcpy(reason->numbers, numbers, count * sizeof(*numbers));
	return true;
}

static void begin(struct reason *reason, const char *text)
{
	uint32_t count = 0;

	*reason = (struct reason){0};
	snprintf(reason->text, sizeof(reason->text), "%s", text);
	for (const char *at = text; *at && count < NUMBERS;) {
		size_t length = number_length(text, at);

		if (length) {
			double value = strtod(at, NULL);

			reason->numbers[count++] = (struct number){value, value};
		}
		at += length ? length : 1;
	}
}

static void write_text(const struct reason *reason, FILE *stream, struct obstack *memory)
{
	char *whole = NULL;
	size_t bytes = 0;
	FILE *text = open_memstream(&whole, &bytes);
	uint32_t count = 0;

	if (!text)
		return;
	for (const char *at = reason->text; *at;) {
		size_t length = number_length(reason->text, at);
		const char *point = length ? memchr(at, '.', length) : NULL;
		int digits = point ? (int)(at + length - point - 1) : 0;

		if (length && count < NUMBERS) {
			const struct number *number = &reason->numbers[count++];

			fprintf(text, "%.*f", digits, number->low);
			if (number->high > number->low)
				fprintf(text, " to %.*f", digits, number->high);
			at += length;
		} else {
			fputc(*at++, text);
		}
	}
	fclose(text);
	fprintf(stream, ": %s\n", text_plain(memory, whole, 0));
	free(whole);
}

static void write_reason(const struct calls *calls, const struct reason *reason, FILE *stream,
			 struct obstack *memory)
{
	uint32_t named = reason->count < NAMED ? reason->count : NAMED;
	bool is_short = reason->count > named;

	fputs("note: ", stream);
	if (is_short)
		fprintf(stream, "%" PRIu32 " functions (", reason->count);
	for (uint32_t i = 0; i < named; i++)
		fprintf(stream, "%s%s", i ? ", " : "",
			text_plain(memory, calls->rows[reason->rows[i]].name, 0));
	fputs(is_short ? ", …)" : "", stream);
	write_text(reason, stream, memory);
}

void calls_notes_write(const struct report *report, const struct calls *calls, uint32_t limit,
		       FILE *stream)
{
	struct reason *reasons = NULL;
	size_t count = 0, capacity = 0;
	struct obstack memory;

	obstack_init(&memory);
	for (uint32_t i = 0; i < calls->count && i < limit; i++) {
		char text[TEXT_BYTES];
		size_t k = 0;

		if (!*calls_restriction(report, &calls->rows[i], text, sizeof(text)))
			continue;
		while (k < count && !take(&reasons[k], text))
			k++;
		if (k == count) {
			xgrow(reasons, count, capacity);
			begin(&reasons[count++], text);
		}
		if (reasons[k].count < NAMED)
			reasons[k].rows[reasons[k].count] = i;
		reasons[k].count++;
	}
	for (size_t k = 0; k < count; k++)
		write_reason(calls, &reasons[k], stream, &memory);
	free(reasons);
	obstack_free(&memory, NULL);
}
