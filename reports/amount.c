/* SPDX-License-Identifier: GPL-3.0-or-later */
/* amount: see amount.h. */
#include "reports/amount.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct scale {
	double factor;
	const char *name;
};

static const struct scale times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
static const struct scale bytes_scale[] = {
	{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "bytes"}};
static const struct scale counts[] = {{1e9, "G "}, {1e6, "M "}, {1e3, "k "}, {1, ""}};

const char *amount_format(double amount, const char *unit, char *text, size_t bytes)
{
	bool time = !strcmp(unit, "ns"), memory = !strcmp(unit, "bytes");
	const struct scale *scale = time ? times : memory ? bytes_scale : counts;
	double scaled;

	for (int i = 0; i < 3 && amount < scale->factor; i++)
		scale++;
	scaled = amount / scale->factor;
	snprintf(text, bytes, "%.*f %s%s",
		 scaled >= 99.95 || scale->factor == 1 ? 0
		 : scaled >= 9.995		       ? 1
						       : 2,
		 scaled, scale->name, time || memory ? "" : unit);
	return text;
}

const char *amount_brief(double number, char *text, size_t bytes)
{
	if (number > 0 && number < 0.001)
		snprintf(text, bytes, "under 0.001");
	else
		snprintf(text, bytes, number >= 9.95 ? "%.0f" : "%.2g", number);
	return text;
}

const char *amount_percent(double share, double half_width, char *text, size_t bytes)
{
	int digits = half_width >= 0.05 ? 0 : half_width >= 0.0005 ? 1 : 2;

	snprintf(text, bytes, "%.*f", digits, 100 * share);
	return text;
}
