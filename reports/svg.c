/* SPDX-License-Identifier: GPL-3.0-or-later */
/* svg: see svg.h. */
#include "reports/svg.h"

#include <math.h>
#include <string.h>

void svg_text(FILE *stream, const char *text, size_t bytes)
{
	const char *end = text + bytes;

	while (text < end) {
		size_t plain = 0;

		while (text + plain < end && !strchr("&<>", text[plain]))
			plain++;
		fwrite(text, 1, plain, stream);
		text += plain;
		if (text == end)
			break;
		fputs(*text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;", stream);
		text++;
	}
}

void svg_string(FILE *stream, const char *text)
{
	svg_text(stream, text, strlen(text));
}

void svg_attribute(FILE *stream, const char *text)
{
	for (; *text; text++)
		if (*text == '"')
			fputs("&quot;", stream);
		else
			svg_text(stream, text, 1);
}

void svg_number(FILE *stream, double number)
{
	long hundredths = lround(fabs(number) * 100);

	if (number < 0 && hundredths)
		fputc('-', stream);
	if (hundredths % 100 == 0)
		fprintf(stream, "%ld", hundredths / 100);
	else if (hundredths % 10 == 0)
		fprintf(stream, "%ld.%ld", hundredths / 100, hundredths % 100 / 10);
	else
		fprintf(stream, "%ld.%02ld", hundredths / 100, hundredths % 100);
}
