/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table: see table.h. */
#include "reports/table.h"

#include "collector/base/xalloc.h"

#include <stdarg.h>

static const int gap = 2;	 /* blanks between columns */
static const int shortest = 12;	 /* an elastic column is never cut below this */
static const int longest = 2000; /* names come from files, and may have megabytes */

void table_init(struct table *table, const struct table_column *columns, int column_count)
{
	*table = (struct table){.columns = columns, .column_count = column_count};
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->cells_count; i++)
		free(table->cells[i]);
	free(table->cells);
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	xgrow(table->cells, table->cells_count, table->cells_capacity);
	table->cells[table->cells_count++] = text;
}

static bool starts_character(char byte)
{
	return (byte & 0xc0) != 0x80;
}

static int characters(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += starts_character(*text);
	return count;
}

/* Returns the place of character number @index. */
static const char *skip(const char *text, int index)
{
	for (; *text; text++)
		if (starts_character(*text) && index-- == 0)
			break;
	return text;
}

static void measure(const struct table *table, int *widths)
{
	for (int i = 0; i < table->column_count; i++)
		widths[i] = characters(table->columns[i].title);
	for (size_t i = 0; i < table->cells_count; i++) {
		int column = i % table->column_count, width = characters(table->cells[i]);

		if (width > widths[column])
			widths[column] = width < longest ? width : longest;
	}
}

static int line_width(const struct table *table, const int *widths)
{
	int sum = -gap;

	for (int i = 0; i < table->column_count; i++)
		sum += widths[i] ? widths[i] + gap : 0;
	return sum;
}

/* Makes the line fit; a column of width 0 is not shown. */
static void fit(const struct table *table, int *widths, int limit)
{
	for (int turn = 1; turn <= TABLE_COLUMNS && line_width(table, widths) > limit; turn++)
		for (int i = 0; i < table->column_count; i++)
			if (table->columns[i].dropped == turn)
				widths[i] = 0;
	for (;;) {
		int widest = -1;

		for (int i = 0; i < table->column_count; i++)
			if (table->columns[i].elastic && widths[i] > shortest &&
			    widths[i] > table->columns[i].elastic &&
			    (widest < 0 || widths[i] > widths[widest]))
				widest = i;
		if (widest < 0 || line_width(table, widths) <= limit)
			return;
		widths[widest]--;
	}
}

static void write_cut(FILE *stream, const char *text, int length, int width)
{
	int head = (width - 1) / 2, tail = width - 1 - head;

	fwrite(text, 1, skip(text, head) - text, stream);
	fprintf(stream, "…%s", skip(text, length - tail));
}

/* Blanks are written before the next text, so that no line ends in them. */
static void write_row(const struct table *table, FILE *stream, const int *widths,
		      const char *const *cells)
{
	int blanks = 0;

	for (int i = 0; i < table->column_count; i++) {
		int length = characters(cells[i]), room = widths[i] - length;

		if (!widths[i])
			continue;
		if (table->columns[i].right)
			blanks += room;
		if (length) {
			fprintf(stream, "%*s", blanks, "");
			blanks = 0;
		}
		if (room < 0)
			write_cut(stream, cells[i], length, widths[i]);
		else
			fputs(cells[i], stream);
		blanks += gap + (table->columns[i].right || room < 0 ? 0 : room);
	}
}

void table_write(const struct table *table, FILE *stream, int width, bool colour)
{
	const char *titles[TABLE_COLUMNS];
	int widths[TABLE_COLUMNS] = {0};

	measure(table, widths);
	if (width > 0)
		fit(table, widths, width);
	for (int i = 0; i < table->column_count; i++)
		titles[i] = table->columns[i].title;
	fputs(colour ? "\033[1m" : "", stream);
	write_row(table, stream, widths, titles);
	fputs(colour ? "\033[0m\n" : "\n", stream);
	for (size_t i = 0; i < table->cells_count; i += table->column_count) {
		write_row(table, stream, widths, (const char *const *)&table->cells[i]);
		fputc('\n', stream);
	}
}
