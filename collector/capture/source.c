/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: see source.h. */
#include "collector/capture/source.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
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

void sources_add(struct sources *sources, struct source source)
{
	assert(sources->count < SOURCES);
	sources->rows[sources->count++] = source;
}

void sources_add_first(struct sources *sources, struct source source)
{
	sources_add(sources, source);
	for (size_t i = sources->count - 1; i > 0; i--)
		sources->rows[i] = sources->rows[i - 1];
	sources->rows[0] = source;
}

int sources_watch(const struct sources *sources, int poll_fd)
{
	for (size_t i = 0; i < sources->count; i++) {
		struct epoll_event interest = {.events = EPOLLIN};
		int fd = sources->rows[i].kind->poll_fd(sources->rows[i].self);

		if (fd >= 0 && epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &interest))
			return -errno;
	}
	return 0;
}

void sources_stop(const struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		sources->rows[i].kind->stop(sources->rows[i].self);
}

void sources_describe(const struct sources *sources, struct profile *profile)
{
	for (size_t i = 0; i < sources->count; i++)
		sources->rows[i].kind->describe(sources->rows[i].self, profile);
}

void sources_close(struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		sources->rows[i].kind->close(sources->rows[i].self);
	sources->count = 0;
}
