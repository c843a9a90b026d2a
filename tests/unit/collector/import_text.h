/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_text: what the tests of the importers share: text in memory, and the samples it made. */
#pragma once

#include "collector/import/import.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	TAKEN = 16
};

static struct import import;
static struct profile_sample taken[TAKEN];
static size_t taken_count;

static int take(void *context, const struct profile_sample *sample, struct error *error)
{
	(void)context;
	(void)error;
	cr_assert_lt(taken_count, TAKEN);
	taken[taken_count++] = *sample;
	return 0;
}

static inline FILE *import_text_open(const char *text, size_t bytes)
{
	FILE *stream = fmemopen((char *)text, bytes, "r");

	cr_assert(stream);
	taken_count = 0;
	import_init(&import, profile_new(), take, NULL);
	return stream;
}

static inline void import_text_done(void)
{
	struct profile *profile = import.profile;

	import_done(&import);
	profile_free(profile);
}

/* The functions of a stack as folded text, root first. */
static inline const char *stack_text(uint32_t stack)
{
	static char text[400];
	const struct profile *profile = import.profile;
	size_t start = sizeof(text) - 1;

	for (uint32_t id = stack; id; id = profile->stacks[id].parent) {
		const struct profile_frame *frame = &profile->frames[profile->stacks[id].frame];
		const char *name =
			profile->functions[profile->lines[frame->first_line].function].name;

		cr_assert_gt(start, strlen(name));
		if (id != stack)
			text[--start] = ';';
		start -= strlen(name);
		memcpy(text + start, name, strlen(name));
	}
	return text + start;
}
