/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import: what the fuzz targets of the importers share: every sample must refer to rows that are.
 */
#pragma once

#include "collector/import/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct import_check {
	struct import import;
	uint64_t samples;
};

static int import_check_take(void *context, const struct profile_sample *sample,
			     struct error *error)
{
	struct import_check *check = context;
	const struct profile *profile = check->import.profile;

	(void)error;
	if (sample->stack >= profile->stacks_count || sample->thread >= profile->threads_count ||
	    sample->metric >= profile->metrics_count || !sample->value)
		abort();
	check->samples++;
	return 0;
}

static FILE *import_check_open(struct import_check *check, const uint8_t *data, size_t bytes)
{
	FILE *stream = bytes ? fmemopen((void *)data, bytes, "r") : fopen("/dev/null", "r");

	check->samples = 0;
	import_init(&check->import, profile_new(), import_check_take, check);
	if (!stream)
		abort();
	return stream;
}

static void import_check_close(struct import_check *check, FILE *stream)
{
	struct profile *profile = check->import.profile;

	if (check->samples != check->import.samples)
		abort();
	for (size_t i = 1; i < profile->stacks_count; i++)
		if (profile->stacks[i].parent >= i ||
		    profile->stacks[i].frame >= profile->frames_count)
			abort();
	import_done(&check->import);
	profile_free(profile);
	fclose(stream);
}
