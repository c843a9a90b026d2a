/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of probe/sql_text.c. */
#include "probe/sql_text.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *text_of(const char *statement)
{
	static char text[200];

	text[sql_text(statement, UINT64_MAX, text, sizeof(text) - 1)] = '\0';
	return text;
}

Test(sql_text, literals_and_parameters_are_question_marks)
{
	cr_assert_str_eq(text_of("SELECT * FROM t WHERE a = 5 AND b = 'x'"),
			 "SELECT * FROM t WHERE a = ? AND b = ?");
	cr_assert_str_eq(text_of("VALUES (1, 2.5e-3, .5, 0x1F, 'it''s', x'00ff', X'')"),
			 "VALUES (?, ?, ?, ?, ?, ?, ?)");
	cr_assert_str_eq(text_of("VALUES (?, ?12, :name, @name, $name)"), "VALUES (?, ?, ?, ?, ?)");
	cr_assert_str_eq(text_of("SELECT a -5+1, -b"), "SELECT a -?+?, -b");
	cr_assert_str_eq(text_of("VALUES (-1, + 2, -.5), (- 1) WHERE a=-1 AND b - 1 > -2"),
			 "VALUES (?, + ?, ?), (- ?) WHERE a=? AND b - ? > ?");
}

Test(sql_text, a_sign_is_the_numbers_where_no_operator_can_stand)
{
	cr_assert_str_eq(text_of("SELECT -5 LIMIT -1 OFFSET +2"), "SELECT ? LIMIT ? OFFSET ?");
	cr_assert_str_eq(text_of("a BETWEEN -1 AND -2.5"), "a BETWEEN ? AND ?");
	cr_assert_str_eq(text_of("CASE WHEN -1 Then -1 ELSE -1 END -1"),
			 "CASE WHEN ? Then ? ELSE ? END -?");
	cr_assert_str_eq(text_of("a - -1 * -2 || -3"), "a - ? * ? || ?");
	cr_assert_str_eq(text_of("x IS -1 OR y NOT IN (-1)"), "x IS ? OR y NOT IN (?)");
	cr_assert_str_eq(text_of("land -1, \"limit\" -1, t.a -1, (b) -1, ? -1, 'c' -1"),
			 "land -?, \"limit\" -?, t.a -?, (b) -?, ? -?, ? -?");
}

Test(sql_text, names_stay_also_with_digits_and_quotes)
{
	cr_assert_str_eq(text_of("SELECT t1.x2 FROM \"a 'b\"\" 1\" t1, [c 3], `d``4`"),
			 "SELECT t1.x2 FROM \"a 'b\"\" 1\" t1, [c 3], `d``4`");
	cr_assert_str_eq(text_of("SELECT x FROM xs"), "SELECT x FROM xs");
	cr_assert_str_eq(text_of("SELECT größe1"), "SELECT größe1");
}

Test(sql_text, blanks_comments_and_the_last_semicolon_go)
{
	cr_assert_str_eq(text_of("  SELECT\n\t1 -- one\n , /* two\n */ 2 ;\n "), "SELECT ? , ?");
	cr_assert_str_eq(text_of("SELECT 1/*"), "SELECT ?");
	cr_assert_str_eq(text_of("SELECT 4 - 3"), "SELECT ? - ?");
	cr_assert_str_eq(text_of("-- nothing"), "");
	cr_assert_str_eq(text_of(""), "");
}

Test(sql_text, what_does_not_end_ends_with_the_text)
{
	cr_assert_str_eq(text_of("SELECT 'abc"), "SELECT ?");
	cr_assert_str_eq(text_of("SELECT \"abc"), "SELECT \"abc");
	cr_assert_str_eq(text_of("SELECT x'"), "SELECT ?");
}

Test(sql_text, long_ones_are_cut_and_say_so)
{
	char text[10];

	cr_assert_eq(sql_text("SELECT abcdefghijklmnop", UINT64_MAX, text, sizeof(text)), 10);
	cr_assert_eq(memcmp(text, "SELECT ...", 10), 0);
	cr_assert_eq(sql_text("SELECT abc; SELECT 2", 10, text, sizeof(text)), 10);
	cr_assert_eq(memcmp(text, "SELECT abc", 10), 0);
}
