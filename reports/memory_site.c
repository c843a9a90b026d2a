/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_site: see memory_site.h. */
#include "reports/memory_site.h"

#include "reports/symbol.h"

#include <string.h>
#include <strings.h>

#define NAMELESS_MOST                                                                              \
	4 /* functions, one inside the other, that may be a part of one with a name                \
	   */

/* Returns the qualified name within a demangled one: behind a template's return type. */
static const char *qualified(const char *name)
{
	const char *start = name;
	int depth = 0;

	for (const char *at = name; *at && (*at != '(' || depth); at++) {
		depth += (*at == '<') - (*at == '>');
		if (*at == ' ' && depth == 0)
			start = at + 1;
	}
	return start;
}

/* Returns how long a name is without its parameters. */
static size_t bare_length(const char *name)
{
	const char *close = strrchr(name, ')');
	int depth = 0;

	for (const char *at = close; at && at >= name; at--) {
		depth += (*at == ')') - (*at == '(');
		if (!depth)
			return at > name ? (size_t)(at - name) : strlen(name);
	}
	return strlen(name);
}

static bool is_standard_name(const char *name)
{
	static const char *const beginnings[] = {"std::", "__gnu_cxx::", "__gthread_",
						 "__glibcxx_"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(qualified(name), beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

bool memory_site_is_standard(const struct profile *profile, uint32_t function)
{
	const struct profile_function *row = &profile->functions[function];

	/* Instances with a lambda of a function have no linkage name, and so no namespace. */
	return is_standard_name(row->name) || strstr(profile->files[row->file], "/include/c++/");
}

bool memory_site_passes_on(const char *name)
{
	static const char *const endings[] = {"malloc", "calloc", "realloc", "reallocarray",
					      "zalloc", "strdup", "strndup", "memdup"};
	size_t length = bare_length(name);

	if (!strncmp(name, "operator new", strlen("operator new")) || is_standard_name(name))
		return true;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (length >= strlen(endings[i]) && !strncasecmp(name + length - strlen(endings[i]),
								 endings[i], strlen(endings[i])))
			return true;
	return false;
}

static bool passes_request_on(const struct profile *profile, uint32_t function)
{
	return memory_site_passes_on(profile->functions[function].name) ||
	       memory_site_is_standard(profile, function);
}

/*
 * Returns the innermost place whose function is not one of those, else the innermost of all. A
 * function without a name that one of those called is a part of it.
 */
static struct memory_site_place pass_over(const struct profile *profile, uint32_t stack,
					  bool (*passes_on)(const struct profile *profile,
							    uint32_t function))
{
	struct memory_site_place found = {stack, 0};
	uint32_t nameless = 0; /* from the one found on */

	for (uint32_t at = stack; at; at = profile->stacks[at].parent) {
		const struct profile_frame *frame = &profile->frames[profile->stacks[at].frame];

		if (!frame->line_count)
			break;
		for (uint32_t depth = 0; depth < frame->line_count; depth++) {
			uint32_t function = profile->lines[frame->first_line + depth].function;

			if (passes_on(profile, function)) {
				nameless = 0;
				continue;
			}
			if (!nameless++)
				found = (struct memory_site_place){at, depth};
			if (profile->functions[function].named || nameless > NAMELESS_MOST)
				return found;
		}
	}
	return nameless ? found : (struct memory_site_place){stack, 0};
}

struct memory_site_place memory_site_place(const struct profile *profile, uint32_t stack)
{
	return pass_over(profile, stack, passes_request_on);
}

struct memory_site_place memory_site_behind_library(const struct profile *profile, uint32_t stack)
{
	return pass_over(profile, stack, memory_site_is_standard);
}

struct memory_site_key memory_site_of(const struct profile *profile, uint32_t stack)
{
	struct memory_site_place place = memory_site_place(profile, stack);
	uint32_t id = profile->stacks[place.stack].frame;
	const struct profile_frame *frame = &profile->frames[id];

	return (struct memory_site_key){
		.symbol = symbol_at(profile, id, place.depth).symbol,
		.line = frame->line_count ? profile->lines[frame->first_line + place.depth].line
					  : 0,
	};
}
