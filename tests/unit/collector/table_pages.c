/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/profile/table_pages.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS 20000

static char path[] = "/tmp/table_pages.XXXXXX";
static sqlite3 *database;
static int64_t sum, taken, stop_after;

static void run(const char *sql)
{
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
		     sqlite3_errmsg(database));
}

static void set_up(void)
{
	close(mkstemp(path));
	cr_assert_eq(sqlite3_open(path, &database), SQLITE_OK);
	run("PRAGMA page_size = 512");
	run("CREATE TABLE numbers (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)");
	stop_after = INT64_MAX;
}

static void tear_down(void)
{
	sqlite3_close(database);
	unlink(path);
}

static void fill(void)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		 "INSERT INTO numbers SELECT i, i * i, -i FROM n",
		 ROWS);
	run(sql);
}

static int64_t ask(const char *sql)
{
	sqlite3_stmt *statement;
	int64_t answer;

	cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return answer;
}

static bool take(void *context, const int64_t *values)
{
	(void)context;
	taken++;
	sum += (uint64_t)values[0] * 3 + (uint64_t)values[1] * 5 + (uint64_t)values[2] * 7;
	return taken < stop_after;
}

static enum table_pages_result read_numbers(void)
{
	sum = taken = 0;
	return table_pages_read(database, "numbers", 3, take, NULL);
}

/* Writes @number into four bytes of the file. */
static void overwrite(int64_t at, uint32_t number)
{
	const uint8_t bytes[4] = {number >> 24, number >> 16, number >> 8, number};
	FILE *stream = fopen(path, "r+b");

	cr_assert(stream);
	cr_assert_eq(fseek(stream, at, SEEK_SET), 0);
	cr_assert_eq(fwrite(bytes, 1, sizeof(bytes), stream), sizeof(bytes));
	fclose(stream);
}

TestSuite(table_pages, .init = set_up, .fini = tear_down, .timeout = 30);

Test(table_pages, rows_over_several_levels_of_pages_are_those_of_sql)
{
	fill();
	cr_assert_gt(ask("PRAGMA page_count"), 512 / 6); /* more than two levels */
	cr_assert_eq(read_numbers(), TABLE_PAGES_DONE);
	cr_assert_eq(taken, ROWS);
	cr_assert_eq(sum, ask("SELECT sum(3 * id + 5 * a + 7 * b) FROM numbers"));
}

Test(table_pages, integers_of_every_length_come_through)
{
	static const char *const numbers[] = {"0",
					      "1",
					      "-1",
					      "127",
					      "-128",
					      "32767",
					      "-32768",
					      "8388607",
					      "-8388608",
					      "2147483647",
					      "-2147483648",
					      "-549755813",
					      "140737488355327",
					      "-140737488355328",
					      "9223372036854775807",
					      "(-9223372036854775807 - 1)"};
	char sql[100];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		run("DELETE FROM numbers");
		snprintf(sql, sizeof(sql), "INSERT INTO numbers VALUES (-4, %s, 2)", numbers[i]);
		run(sql);
		cr_assert_eq(read_numbers(), TABLE_PAGES_DONE, "%s", numbers[i]);
		cr_assert_eq((uint64_t)sum, -12 + 5 * (uint64_t)ask("SELECT a FROM numbers") + 14,
			     "%s", numbers[i]);
	}
}

Test(table_pages, an_empty_table_has_no_rows)
{
	cr_assert_eq(read_numbers(), TABLE_PAGES_DONE);
	cr_assert_eq(taken, 0);
}

Test(table_pages, what_is_no_integer_is_damage)
{
	static const char *const values[] = {"'text'", "NULL", "x'00'", "0.5", "zeroblob(100000)"};
	char sql[100];

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		run("DELETE FROM numbers");
		snprintf(sql, sizeof(sql), "INSERT INTO numbers VALUES (1, %s, 2)", values[i]);
		run(sql);
		cr_assert_eq(read_numbers(), TABLE_PAGES_DAMAGED, "%s", values[i]);
	}
}

Test(table_pages, another_number_of_columns_is_damage)
{
	run("INSERT INTO numbers VALUES (1, 2, 3)");
	run("ALTER TABLE numbers ADD COLUMN c");
	cr_assert_eq(table_pages_read(database, "numbers", 4, take, NULL), TABLE_PAGES_DAMAGED);
	cr_assert_eq(table_pages_read(database, "numbers", 2, take, NULL), TABLE_PAGES_DAMAGED);
}

Test(table_pages, a_row_that_is_refused_ends_it)
{
	fill();
	stop_after = 5;
	cr_assert_eq(read_numbers(), TABLE_PAGES_REFUSED);
	cr_assert_eq(taken, 5);
}

/* The last child of the root is at its byte 8; that of the first page below it likewise. */
Test(table_pages, pages_that_lead_in_circles_end)
{
	int64_t root;

	fill();
	root = ask("SELECT rootpage FROM sqlite_master");
	overwrite((root - 1) * 512 + 8, (uint32_t)root);
	cr_assert_eq(read_numbers(), TABLE_PAGES_DAMAGED);
	cr_assert_leq(taken, ROWS);
}

Test(table_pages, a_page_behind_the_end_is_damage)
{
	int64_t root;

	fill();
	root = ask("SELECT rootpage FROM sqlite_master");
	overwrite((root - 1) * 512 + 8, UINT32_MAX);
	cr_assert_eq(read_numbers(), TABLE_PAGES_DAMAGED);
	overwrite((root - 1) * 512 + 8, 0);
	cr_assert_eq(read_numbers(), TABLE_PAGES_DAMAGED);
}

Test(table_pages, a_table_that_is_not_there_is_no_table)
{
	cr_assert_eq(table_pages_read(database, "others", 3, take, NULL), TABLE_PAGES_FAILED);
}
