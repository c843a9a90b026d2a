/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/amount.h"

#include <criterion/criterion.h>

Test(amount, three_digits_and_a_prefix)
{
	static const struct {
		double amount;
		const char *unit, *text;
	} cases[] = {
		{1234567890, "ns", "1.23 s"},
		{12345678, "ns", "12.3 ms"},
		{123456, "ns", "123 µs"},
		{12, "ns", "12 ns"},
		{0, "ns", "0 ns"},
		{1536, "bytes", "1.50 KiB"},
		{3e9, "cycles", "3.00 G cycles"},
		{17, "samples", "17 samples"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_str_eq(amount_format(cases[i].amount, cases[i].unit, text, sizeof(text)),
				 cases[i].text);
}

Test(amount, percentages_have_no_more_digits_than_their_interval_supports)
{
	char text[32];

	cr_assert_str_eq(amount_percent(0.3152, 0.1, text, sizeof(text)), "32");
	cr_assert_str_eq(amount_percent(0.3152, 0.009, text, sizeof(text)), "31.5");
	cr_assert_str_eq(amount_percent(0.31527, 0.0001, text, sizeof(text)), "31.53");
}

Test(amount, brief_numbers_have_two_digits_and_never_an_exponent)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {
		{0, "0"},	{1e-9, "under 0.001"}, {0.00123, "0.0012"}, {0.25, "0.25"},
		{9.949, "9.9"}, {9.96, "10"},	       {99.6, "100"},	    {1234567, "1234567"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_str_eq(amount_brief(cases[i].number, text, sizeof(text)), cases[i].text);
}
