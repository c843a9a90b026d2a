/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table_pages: the rows of an SQLite table of integers, straight from the pages of its file.
 *
 * A profile of a million stacks has tens of millions of rows of three small integers. SQLite's
 * virtual machine spends several times as long on such a row as taking it apart does, and that is
 * most of what the largest reports cost. The format of the pages is documented and does not
 * change, so these tables are read here; SQLite opens the file, holds the lock, and reads all
 * other tables.
 *
 * Nothing in a page is believed: a row is integers and nothing else or it is refused, ids must
 * rise, and no page but a table's only one may be empty, so pages that lead in circles end at once.
 *
 * Source: https://www.sqlite.org/fileformat2.html, 1.6 (b-tree pages) and 2.1 (record format).
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TABLE_PAGES_COLUMNS = 8 /* at most */
};

enum table_pages_result {
	TABLE_PAGES_DONE,
	TABLE_PAGES_REFUSED, /* by @take */
	TABLE_PAGES_DAMAGED, /* no page, or no row of integers */
	TABLE_PAGES_FAILED,  /* SQLite could not read the file */
};

/*
 * Hands all rows of a table to @take, in the order of their ids.
 *
 * @database  open; a read transaction that has read something keeps the file as it is
 * @table     its name; its first column is INTEGER PRIMARY KEY
 * @columns   that it has, the first one included
 * @take      gets the row's @columns values; returns whether to go on
 */
enum table_pages_result table_pages_read(sqlite3 *database, const char *table, int columns,
					 bool (*take)(void *context, const int64_t *values),
					 void *context);
