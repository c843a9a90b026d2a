/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table: aligned columns of text for terminals and files.
 *
 * On a terminal a table never wraps: columns are dropped, the least important first, then the
 * columns of names are cut in the middle. Widths count characters, not bytes. Cells of more than
 * 2,000 are cut everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum {
	TABLE_COLUMNS = 12
};

struct table_column {
	const char *title;
	bool right;  /* numbers */
	int elastic; /* may be cut in the middle when the line is too long: not 0; it keeps so
			many characters, or a few where that is more */
	int dropped; /* 0 never, else the order in which columns are given up, 1 first */
};

struct table {
	const struct table_column *columns;
	int column_count;
	char **cells; /* row after row */
	size_t cells_count, cells_capacity;
};

void table_init(struct table *table, const struct table_column *columns, int column_count);
void table_done(struct table *table);

/* Appends one cell, left to right, row after row: clean text (text.h). */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Writes titles and rows.
 *
 * @width   columns of the terminal, 0 for no limit
 * @colour  titles in bold
 */
void table_write(const struct table *table, FILE *stream, int width, bool colour);
