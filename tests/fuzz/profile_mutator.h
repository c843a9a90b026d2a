/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_mutator: for fuzz targets whose input is a profile file. Bytes changed at random hardly
 * ever leave an SQLite file whole, and never get behind the reader; so half of the inputs come from
 * a change of one cell, one row more or one less, as somebody with sqlite3 could make it.
 */
#pragma once

#include "tests/fuzz/file.h"

#include <sqlite3.h>

/* The engine's; the driver that replays a corpus has none and never mutates. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed);

static unsigned mutator_below(unsigned *state, unsigned limit)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 8) % limit;
}

/* One name that @sql gives, by chance; owned by the caller, NULL when there is none. */
static char *mutator_pick(sqlite3 *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	char *name = NULL;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		name = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return name;
}

static char *mutator_statement(sqlite3 *database, unsigned *state)
{
	static const char *const values[] = {"0",
					     "1",
					     "-1",
					     "2",
					     "7",
					     "1151",
					     "65535",
					     "4294967295",
					     "4294967296",
					     "9007199254740991",
					     "9223372036854775807",
					     "-9223372036854775808",
					     "''",
					     "'main'",
					     "'a;b 1'",
					     "'</script>'",
					     "x'ff'",
					     "NULL",
					     "0.5",
					     "abs(random() % 64)",
					     "random()",
					     "zeroblob(300)",
					     "printf('%.*c', 3000, 'x')"};
	char *table = mutator_pick(database, "SELECT name FROM sqlite_master WHERE type = 'table' "
					     "ORDER BY random() LIMIT 1");
	char *columns = sqlite3_mprintf(
		"SELECT name FROM pragma_table_info('%q') ORDER BY random() LIMIT 1",
		table ? table : "");
	char *column = mutator_pick(database, columns), *sql = NULL;
	unsigned row = mutator_below(state, 40);

	if (table && column)
		switch (mutator_below(state, 8)) {
		case 0:
			sql = sqlite3_mprintf("DELETE FROM \"%w\" LIMIT 1 OFFSET %u", table, row);
			break;
		case 1:
			sql = sqlite3_mprintf("UPDATE \"%w\" SET \"%w\" = \"%w\" + 1", table,
					      column, column);
			break;
		default:
			sql = sqlite3_mprintf(
				"UPDATE OR IGNORE \"%w\" SET \"%w\" = %s LIMIT %u OFFSET %u", table,
				column,
				values[mutator_below(state, sizeof(values) / sizeof(*values))],
				1 + mutator_below(state, 3), row);
		}
	sqlite3_free(table);
	sqlite3_free(columns);
	sqlite3_free(column);
	return sql;
}

/* Returns how many bytes the changed file has, 0 when it is none or too long. */
static size_t mutator_change(uint8_t *data, size_t bytes, size_t most, unsigned state)
{
	const char *path = file_of(data, bytes);
	sqlite3 *database = NULL;
	size_t changed = 0;
	char *sql = NULL;
	FILE *stream;

	if (sqlite3_open(path, &database) == SQLITE_OK) {
		sqlite3_exec(database, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF",
			     NULL, NULL, NULL);
		sql = mutator_statement(database, &state);
		if (sql && sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK)
			changed = 1;
		sqlite3_free(sql);
	}
	sqlite3_close(database);
	stream = changed ? fopen(path, "rb") : NULL;
	if (!stream)
		return 0;
	changed = fread(data, 1, most, stream);
	if (fgetc(stream) != EOF)
		changed = 0;
	fclose(stream);
	return changed;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed)
{
	size_t changed = seed % 2 ? mutator_change(data, bytes, most, seed) : 0;

	return changed ? changed : LLVMFuzzerMutate(data, bytes, most);
}
