/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error: see error.h. */
#include "collector/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fail(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error) {
		errno = -code;
		va_start(arguments, format);
		vsnprintf(error->text, sizeof(error->text), format, arguments);
		va_end(arguments);
	}
	return code;
}
