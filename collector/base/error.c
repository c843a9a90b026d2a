/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error: see error.h. */
#include "collector/base/error.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Terminals obey control characters, and in UTF-8 those of ISO 6429, too. */
static void tame(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++)
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = '?';
		else if (*at < ' ' || *at == 0x7f)
			*at = '?';
}

int fail(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error) {
		errno = -code;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
		tame(error->text);
	}
	return code;
}

char *error_plain(const char *text)
{
	char *plain = xstrdup(text);

	tame(plain);
	return plain;
}
