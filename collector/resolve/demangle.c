/* SPDX-License-Identifier: GPL-3.0-or-later */
/* demangle: see demangle.h. */
#include "collector/resolve/demangle.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>

static const char *const suffixes[] = {
	".constprop", ".isra", ".part", ".cold", ".lto_priv", ".llvm", ".localalias",
};

/* Returns where the last suffix of the first @length bytes of @name begins, or @length. */
static size_t before_suffix(const char *name, size_t length)
{
	size_t end = length;

	while (end && isdigit((unsigned char)name[end - 1]))
		end--;
	if (end < length && end && name[end - 1] == '.')
		end--; /* ".0" of ".part.0" */
	else
		end = length;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t bytes = strlen(suffixes[i]);

		if (end > bytes && !memcmp(name + end - bytes, suffixes[i], bytes))
			return end - bytes;
	}
	return length;
}

size_t demangle_stem(const char *name)
{
	size_t length = strlen(name), shorter;

	while ((shorter = before_suffix(name, length)) < length)
		length = shorter;
	return length;
}

struct output {
	char *text;
	size_t length, capacity;
	jmp_buf too_long;
};

/* The demangler has no way to be told "enough"; its callback variants keep nothing on the heap,
 * so leaving by longjmp loses nothing. */
static void collect(const char *piece, size_t length, void *context)
{
	struct output *output = context;

	if (length > DEMANGLE_LIMIT - output->length)
		longjmp(output->too_long, 1);
	while (output->length + length + 1 > output->capacity) {
		output->capacity = output->capacity ? 2 * output->capacity : 256;
		output->text = xreallocarray(output->text, output->capacity, 1);
	}
	memcpy(output->text + output->length, piece, length);
	output->length += length;
	output->text[output->length] = '\0';
}

static bool demangle_into(struct output *output, const char *name)
{
	const int options = DMGL_PARAMS | DMGL_ANSI;

	if (setjmp(output->too_long))
		return false;
	if (rust_demangle_callback(name, options, collect, output) && output->length)
		return true;
	output->length = 0;
	return cplus_demangle_v3_callback(name, options, collect, output) && output->length;
}

char *demangle(const char *name)
{
	struct output output = {.length = 0};
	char *stem = xstrdup(name);

	stem[demangle_stem(name)] = '\0';
	if ((stem[0] == '_' && (stem[1] == 'Z' || stem[1] == 'R')) &&
	    demangle_into(&output, stem)) {
		free(stem);
		return output.text;
	}
	free(output.text);
	return stem;
}
