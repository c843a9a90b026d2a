/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debuginfod: see debuginfod.h. */
#include "collector/resolve/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SILENCE_S     10
#define PATIENCE_S    60
#define MOST_S	      86400
#define LIBRARY	      "libdebuginfod.so.1"
#define NANOSECONDS   1000000000u
#define MOST_BUILD_ID 64

/* Why nothing is asked any more; the first reason stays. */
enum reason {
	NONE,
	MISSING,
	SILENT,
	LATE,
	INTERRUPTED
};

static struct library {
	void *(*begin)(void);
	void (*end)(void *client);
	int (*find)(void *client, const unsigned char *build_id, int bytes, char **path);
	void (*set_progress)(void *client, int (*progress)(void *client, long a, long b));
	void (*set_data)(void *client, void *data);
	void *(*get_data)(void *client);
} library;

/* One question, which one thread asks. */
struct question {
	long bytes; /* that had come at the last look, or the number of looks */
	uint64_t heard_ns;
};

static atomic_int reason, failure; /* the latter an errno: no server could be asked */
static atomic_int asking;	   /* questions at the moment */
static atomic_uint_fast64_t first_ns;
static _Atomic(void (*)(void)) tell;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/* Returns the nanoseconds of a limit that the user may have set in seconds. */
static uint64_t limit_ns(const char *variable, long otherwise_s)
{
	const char *text = getenv(variable);
	long seconds = text ? strtol(text, NULL, 10) : 0;

	return (uint64_t)(seconds > 0 && seconds < MOST_S ? seconds : otherwise_s) * NANOSECONDS;
}

static bool stop(enum reason why)
{
	int none = NONE;

	return atomic_compare_exchange_strong(&reason, &none, why);
}

/*
 * Called at least once a second. Until a server has begun to answer @a is the number of calls, and
 * then that of the bytes. Returns whether to end the question.
 */
static int progress_with(struct question *question, long a)
{
	uint64_t time_ns = now_ns();
	void (*told)(void) = atomic_exchange(&tell, NULL);

	if (told)
		told();
	if (a > question->bytes + 1)
		question->heard_ns = time_ns;
	question->bytes = a;
	if (time_ns - question->heard_ns > limit_ns("DEBUGINFOD_TIMEOUT", SILENCE_S))
		stop(SILENT);
	if (time_ns - atomic_load(&first_ns) > limit_ns("DEBUGINFOD_MAXTIME", PATIENCE_S))
		stop(LATE);
	return atomic_load(&reason) != NONE;
}

static int progress(void *client, long a, long b)
{
	(void)b;
	return progress_with(library.get_data(client), a);
}

/* Loads the library, which stays: it starts threads of its own. */
static void load(void)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW);

	if (!handle)
		return;
	library = (struct library){
		.begin = dlsym(handle, "debuginfod_begin"),
		.end = dlsym(handle, "debuginfod_end"),
		.find = dlsym(handle, "debuginfod_find_debuginfo"),
		.set_progress = dlsym(handle, "debuginfod_set_progressfn"),
		.set_data = dlsym(handle, "debuginfod_set_user_data"),
		.get_data = dlsym(handle, "debuginfod_get_user_data"),
	};
}

static bool is_loaded(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return library.begin && library.end && library.find && library.set_progress &&
	       library.set_data && library.get_data;
}

static int ask(const unsigned char *build_id, size_t bytes, char **path)
{
	struct question question = {.heard_ns = now_ns()};
	uint_fast64_t none = 0;
	void *client = library.begin();
	int fd;

	if (!client)
		return -ENOMEM;
	atomic_compare_exchange_strong(&first_ns, &none, question.heard_ns);
	library.set_data(client, &question);
	library.set_progress(client, progress);
	fd = library.find(client, build_id, (int)bytes, path);
	library.end(client);
	return fd;
}

/*
 * The library takes a question that was ended for one that was answered with no, and would not ask
 * again for ten minutes: its note of that, an empty file, is removed.
 */
static void forget(const unsigned char *build_id, size_t bytes)
{
	static const char *const caches[][2] = {{"DEBUGINFOD_CACHE_PATH", ""},
						{"XDG_CACHE_HOME", "/debuginfod_client"},
						{"HOME", "/.cache/debuginfod_client"},
						{"HOME", "/.debuginfod_client_cache"}};
	char name[2 * MOST_BUILD_ID + 1] = "", path[PATH_MAX];
	struct stat status;

	for (size_t i = 0; i < bytes && i < MOST_BUILD_ID; i++)
		snprintf(name + 2 * i, 3, "%02x", build_id[i]);
	for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++) {
		const char *folder = getenv(caches[i][0]);

		if (!folder || snprintf(path, sizeof(path), "%s%s/%s/debuginfo", folder,
					caches[i][1], name) >= (int)sizeof(path))
			continue;
		if (!stat(path, &status) && S_ISREG(status.st_mode) && !status.st_size)
			unlink(path);
	}
}

int debuginfod_fetch(const unsigned char *build_id, size_t bytes, char **path)
{
	const char *servers = getenv("DEBUGINFOD_URLS");
	int fd, none = 0;

	if (!servers || !*servers || atomic_load(&reason) != NONE)
		return -1;
	if (!is_loaded()) {
		stop(MISSING);
		return -1;
	}
	atomic_fetch_add(&asking, 1);
	fd = ask(build_id, bytes, path);
	atomic_fetch_sub(&asking, 1);
	if (fd < 0 && atomic_load(&reason) != NONE)
		forget(build_id, bytes);
	if (fd < 0 && fd != -ENOENT && atomic_load(&reason) == NONE)
		atomic_compare_exchange_strong(&failure, &none, -fd);
	return fd >= 0 ? fd : -1;
}

void debuginfod_tell(void (*waits)(void))
{
	atomic_store(&tell, waits);
}

bool debuginfod_give_up(void)
{
	return stop(INTERRUPTED) && atomic_load(&asking) > 0;
}

bool debuginfod_problem(char *text, size_t bytes)
{
	int code = atomic_load(&failure);

	switch (atomic_load(&reason)) {
	case MISSING:
		snprintf(text, bytes, "%s is not installed (package libdebuginfod1)", LIBRARY);
		return true;
	case SILENT:
		snprintf(text, bytes, "nothing came for %d s (DEBUGINFOD_TIMEOUT)",
			 (int)(limit_ns("DEBUGINFOD_TIMEOUT", SILENCE_S) / NANOSECONDS));
		return true;
	case LATE:
		snprintf(text, bytes, "it would have taken more than %d s (DEBUGINFOD_MAXTIME)",
			 (int)(limit_ns("DEBUGINFOD_MAXTIME", PATIENCE_S) / NANOSECONDS));
		return true;
	case INTERRUPTED:
		snprintf(text, bytes, "it was interrupted");
		return true;
	default:
		if (code)
			snprintf(text, bytes, "%s", strerror(code));
		return code;
	}
}
