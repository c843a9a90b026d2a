/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xalloc: allocation that ends the program when memory is out.
 *
 * A command-line program has no better answer to that, so nobody else checks.
 * This is the one place below the commands that prints and exits. Never used in
 * the probe, which lives in other people's processes.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *xalloc_checked(void *memory)
{
	if (!memory) {
		fputs("out of memory\n", stderr);
		_Exit(125);
	}
	return memory;
}

static inline void *xmalloc(size_t bytes)
{
	return xalloc_checked(malloc(bytes ? bytes : 1));
}

static inline void *xcalloc(size_t count, size_t bytes)
{
	return xalloc_checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

static inline void *xreallocarray(void *memory, size_t count, size_t bytes)
{
	return xalloc_checked(reallocarray(memory, count ? count : 1, bytes ? bytes : 1));
}

static inline char *xstrdup(const char *text)
{
	return xalloc_checked(strdup(text));
}

static inline char *__attribute__((format(printf, 1, 0)))
xvasprintf(const char *format, va_list arguments)
{
	char *text;

	return vasprintf(&text, format, arguments) < 0 ? xalloc_checked(NULL) : text;
}

/* Returns the formatted text; the caller frees it. */
static inline char *__attribute__((format(printf, 1, 2))) xasprintf(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	return text;
}

/*
 * Makes room for one more element in a growable array by doubling.
 *
 * @array     pointer variable of the array; may be moved
 * @count     elements in use
 * @capacity  elements allocated; updated
 */
#define xgrow(array, count, capacity)                                                              \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? 2 * (capacity) : 16;                             \
			(array) = xreallocarray((array), (capacity), sizeof(*(array)));            \
		}                                                                                  \
	} while (0)
