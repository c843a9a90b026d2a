/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one function behind every error sentence. */
#include "sim/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

int fail(struct error *error, int code, const char *format, ...)
{
	if (error) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
		/* A name in it may have line ends, but a sentence is one line. */
		for (char *letter = error->text; *letter; letter++)
			if (iscntrl((unsigned char)*letter))
				*letter = '?';
	}
	return code;
}
