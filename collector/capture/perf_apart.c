/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_apart: see perf_apart.h. */
#include "collector/capture/perf_apart.h"

#include "collector/base/xalloc.h"
#include "collector/capture/perf_engine.h"

#include <unistd.h>
#include <uthash.h>

/* A process, or a thread that was there before. */
struct kept {
	UT_hash_handle hh;
	pid_t tid;
	unsigned born; /* in which round */
	int fd;	       /* -1: none yet, or it was refused */
	bool is_waiting;
};

struct perf_apart {
	struct kept *table;
	size_t waiting; /* for their event */
	size_t open;	/* events */
	unsigned round;
};

struct perf_apart *perf_apart_new(void)
{
	return xcalloc(1, sizeof(struct perf_apart));
}

static void drop(struct perf_apart *apart, struct kept *kept)
{
	HASH_DEL(apart->table, kept);
	if (kept->fd >= 0) {
		close(kept->fd);
		apart->open--;
	}
	apart->waiting -= kept->is_waiting;
	free(kept);
}

void perf_apart_free(struct perf_apart *apart)
{
	struct kept *kept, *next;

	if (!apart)
		return;
	HASH_ITER (hh, apart->table, kept, next)
		drop(apart, kept);
	free(apart);
}

static void forget(struct perf_apart *apart, pid_t tid)
{
	struct kept *kept;

	HASH_FIND_INT(apart->table, &tid, kept);
	if (kept)
		drop(apart, kept);
}

static struct kept *keep(struct perf_apart *apart, pid_t tid)
{
	struct kept *kept = xcalloc(1, sizeof(*kept));

	forget(apart, tid); /* the number of one that has ended */
	kept->tid = tid;
	kept->born = apart->round;
	kept->fd = -1;
	HASH_ADD_INT(apart->table, tid, kept);
	return kept;
}

static void open_event(struct perf_apart *apart, struct kept *kept)
{
	struct error refusal;

	if (apart->open < PERF_APART_MOST)
		kept->fd = perf_engine_open_apart(kept->tid, &refusal);
	apart->open += kept->fd >= 0;
}

void perf_apart_add(struct perf_apart *apart, pid_t tid)
{
	open_event(apart, keep(apart, tid));
}

void perf_apart_take(struct perf_apart *apart, const struct event *event)
{
	if (event->kind == EVENT_EXIT)
		forget(apart, event->tid);
	if (event->kind != EVENT_FORK || event->pid == event->fork.parent_pid)
		return;
	keep(apart, event->tid)->is_waiting = true;
	apart->waiting++;
}

void perf_apart_look(struct perf_apart *apart)
{
	struct kept *kept, *next;

	HASH_ITER (hh, apart->table, kept, next) {
		if (!apart->waiting)
			break;
		if (!kept->is_waiting || kept->born == apart->round)
			continue;
		open_event(apart, kept);
		kept->is_waiting = false;
		apart->waiting--;
	}
	apart->round++;
}
