/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: see source.h. */
#include "collector/capture/source.h"

#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Returns the source with the earliest event up to the horizon, or NULL. */
static const struct source *earliest(const struct source *sources, size_t count,
				     uint64_t horizon_ns)
{
	const struct source *found = NULL;
	uint64_t found_ns = SOURCE_NOTHING;

	for (size_t i = 0; i < count; i++) {
		uint64_t time_ns = sources[i].kind->next(sources[i].self);

		if (time_ns <= horizon_ns && time_ns < found_ns) {
			found = &sources[i];
			found_ns = time_ns;
		}
	}
	return found;
}

void source_round(const struct source *sources, size_t count, bool last, source_deliver *deliver,
		  void *context)
{
	uint64_t horizon_ns = last ? UINT64_MAX : now_ns();
	const struct source *source;

	for (size_t i = 0; i < count; i++)
		sources[i].kind->look(sources[i].self);
	while ((source = earliest(sources, count, horizon_ns)))
		source->kind->take(source->self, deliver, context);
}
