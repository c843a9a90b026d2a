/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attached: see attached.h. */
#include "collector/attached.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"
#include "collector/nearness.h"
#include "collector/profile/id_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHOICES	     1000 /* of a first thread, a millisecond apart */
#define LOOKS	     5	  /* for what has become of threads that vanished */
#define MOST_LOOKS   500  /* in all: half a second and more */
#define MANY_THREADS 32	  /* from here on it is worth while to look where they ran */

/* Every thread takes several descriptors; no program is started that could see the difference. */
static void raise_limit_of_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Watches for the ends of the processes from the one after the last watched up to @count. Those
 * that have ended are taken out of the list. */
static void watch_ends(struct attached *attached, size_t count)
{
	attached->pid_fds = xreallocarray(attached->pid_fds, count, sizeof(*attached->pid_fds));
	for (size_t i = attached->count; i < count; i++) {
		int fd = (int)syscall(SYS_pidfd_open, attached->pids[i], 0);

		if (fd < 0)
			continue;
		attached->pids[attached->count] = attached->pids[i];
		attached->pid_fds[attached->count++] = fd;
	}
}

int attached_open(struct attached *attached, const pid_t *pids, size_t count, bool is_tree,
		  struct error *error)
{
	*attached = (struct attached){.is_tree = is_tree};
	raise_limit_of_files();
	attached->pids = xreallocarray(NULL, count, sizeof(*pids));
	memcpy(attached->pids, pids, count * sizeof(*pids));
	for (size_t i = 0; i < count; i++) {
		int result = proc_check(pids[i], error);

		if (result)
			return result;
	}
	if (is_tree)
		count = proc_descendants(&attached->pids, count);
	watch_ends(attached, count);
	if (attached->count)
		attached->first_tid = proc_living_thread(attached->pids[0]);
	if (!attached->first_tid)
		return fail(error, -ESRCH, "there is no process %d", pids[0]);
	return 0;
}

bool attached_choose(struct attached *attached)
{
	struct pollfd end = {.fd = attached->pid_fds[0], .events = POLLIN};

	usleep(1000);
	attached->first_tid = proc_living_thread(attached->pids[0]);
	return ++attached->choices <= CHOICES && (attached->first_tid || !poll(&end, 1, 0));
}

/* ---- events on all threads ----------------------------------------------------------------- */

/* The threads that have events, or have inherited them. */
struct watching {
	struct perf_source *source;
	struct recorder *recorder;
	struct id_table ids; /* of threads, from 1 */
	uint64_t *since_ns;  /* by id - 1: when the last of its events was opened */
	size_t count, capacity;
	uint64_t last_ns;  /* when the last event was opened */
	bool is_outrun;	   /* the last look still found new ones */
	unsigned vanished; /* threads that were listed and had no number any more */
	struct nearness nearness;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void know(struct watching *watching, pid_t tid, uint64_t since_ns)
{
	uint32_t *id = id_table_slot(&watching->ids, (uint64_t)tid, 0);

	if (!*id) {
		xgrow(watching->since_ns, watching->count, watching->capacity);
		*id = (uint32_t)++watching->count;
	}
	watching->since_ns[*id - 1] = since_ns;
}

/* Returns since when a thread has all its events; UINT64_MAX when it is not known. */
static uint64_t known_since_ns(struct watching *watching, pid_t tid)
{
	uint32_t *id = id_table_slot(&watching->ids, (uint64_t)tid, 0);

	if (!*id)
		know(watching, tid, UINT64_MAX);
	return watching->since_ns[*id_table_slot(&watching->ids, (uint64_t)tid, 0) - 1];
}

/*
 * A thread born of one that had all its events by then has inherited them all.
 * The number of a thread that has ended may be another's: when a thread executes a program the
 * first one ends, and it takes that one's number, with its own events or none.
 */
static void deliver(void *context, const struct event *event)
{
	struct watching *watching = context;

	if (event->kind == EVENT_EXIT)
		know(watching, event->tid, UINT64_MAX);
	if (event->kind == EVENT_NAME && event->name.is_exec)
		know(watching, event->tid, event->time_ns); /* told by events of its own */
	if (event->kind == EVENT_FORK &&
	    known_since_ns(watching, event->fork.parent_tid) <= event->time_ns)
		know(watching, event->tid, event->time_ns);
	recorder_take(watching->recorder, event);
}

struct newcomer {
	pid_t tid;
	int processor;
};

static int compare(const void *left, const void *right)
{
	const struct newcomer *a = left, *b = right;

	return (a->processor > b->processor) - (a->processor < b->processor);
}

/* Lists the threads of a process that have no events; many of them by the processors where they
 * ran last. Returns their number. */
static size_t list_newcomers(struct watching *watching, pid_t pid, struct newcomer **list)
{
	pid_t *tids;
	size_t found = 0, count = proc_threads(pid, &tids);

	*list = xcalloc(count, sizeof(**list));
	for (size_t i = 0; i < count; i++)
		if (known_since_ns(watching, tids[i]) == UINT64_MAX)
			(*list)[found++] = (struct newcomer){tids[i], -1};
	free(tids);
	if (found < MANY_THREADS)
		return found;
	for (size_t i = 0; i < found; i++)
		(*list)[i].processor = proc_thread_processor(pid, (*list)[i].tid);
	qsort(*list, found, sizeof(**list), compare);
	return found;
}

/* Opens events on the threads of a process that have none. Returns how many there were, or a
 * negative errno. */
static int add_threads(struct watching *watching, pid_t pid, struct error *error)
{
	struct newcomer *list;
	int result = 0, added = 0;
	size_t count = list_newcomers(watching, pid, &list);

	watching->vanished = 0;
	for (size_t i = 0; i < count && (!result || result == -ESRCH); i++) {
		nearness_move(&watching->nearness, list[i].processor);
		result = perf_source_add(watching->source, list[i].tid, error);
		watching->last_ns = now_ns();
		watching->vanished += result == -ESRCH;
		if (result)
			continue;
		know(watching, list[i].tid, watching->last_ns);
		added++;
	}
	free(list);
	return result && result != -ESRCH ? result : added;
}

static void tell_mappings(struct watching *watching, pid_t pid, bool is_exec)
{
	if (is_exec)
		recorder_take(watching->recorder, &(struct event){.kind = EVENT_NAME,
								  .pid = pid,
								  .tid = pid,
								  .time_ns = now_ns(),
								  .name = {"", true}});
	proc_mappings(pid, now_ns(), deliver, watching);
}

static int watch_process(struct watching *watching, pid_t pid, struct error *error)
{
	int added = add_threads(watching, pid, error);
	unsigned looks = LOOKS, all_looks = 0;

	tell_mappings(watching, pid, false);
	while (added > 0 || (watching->vanished && !added && looks--)) {
		bool had_ended;

		if (all_looks++ == MOST_LOOKS) {
			watching->is_outrun = true;
			break;
		}
		usleep(1000); /* a birth is told a moment after the thread can be seen */
		nearness_turn(&watching->nearness);
		perf_source_read(watching->source, false, deliver, watching);
		had_ended = known_since_ns(watching, pid) == UINT64_MAX;
		added = add_threads(watching, pid, error);
		/* Its first thread has ended, and yet there is one: it has executed a program. */
		if (had_ended && known_since_ns(watching, pid) != UINT64_MAX)
			tell_mappings(watching, pid, true);
	}
	proc_names(pid, now_ns(), deliver, watching);
	return added < 0 ? added : 0;
}

int attached_watch(struct attached *attached, struct perf_source *source, struct recorder *recorder,
		   struct error *error)
{
	struct watching watching = {.source = source, .recorder = recorder};
	uint64_t start_ns = now_ns();
	int result = 0;

	know(&watching, attached->first_tid, start_ns);
	watching.last_ns = start_ns;
	nearness_begin(&watching.nearness);
	for (size_t i = 0; i < attached->count && !result; i++) {
		result = watch_process(&watching, attached->pids[i], error);
		/* Those born of the last one before it had its events are not in the list. */
		if (attached->is_tree && i + 1 == attached->count)
			watch_ends(attached, proc_descendants(&attached->pids, attached->count));
	}
	nearness_end(&watching.nearness);
	attached->watch_ns = watching.last_ns - start_ns;
	attached->is_outrun = watching.is_outrun;
	id_table_done(&watching.ids);
	free(watching.since_ns);
	return result;
}

int attached_resume(pid_t pid, struct perf_source *source, struct recorder *recorder,
		    struct error *error)
{
	struct watching watching = {.source = source, .recorder = recorder};
	int result = perf_source_resume(source, pid, error);

	if (!result) {
		/* What was told before the events ended, that the program is executed among it. */
		perf_source_read(source, false, deliver, &watching);
		tell_mappings(&watching, pid, true);
		proc_names(pid, now_ns(), deliver, &watching);
	}
	id_table_done(&watching.ids);
	free(watching.since_ns);
	return result;
}

/* -------------------------------------------------------------------------------------------- */

void attached_done(struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		close(attached->pid_fds[i]);
	free(attached->pids);
	free(attached->pid_fds);
	*attached = (struct attached){0};
}

bool attached_have_ended(const struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++) {
		struct pollfd end = {.fd = attached->pid_fds[i], .events = POLLIN};

		if (poll(&end, 1, 0) == 0)
			return false;
	}
	return true;
}

/* Reads what /proc says of a process, as text. Returns its bytes, or 0. */
static size_t read_text(pid_t pid, const char *name, char *text, size_t bytes)
{
	char path[64];
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, bytes - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* Says whether @name, beside the file @exe that the process runs, is that file, too. */
static bool is_name_of(pid_t pid, const char *exe, const char *name)
{
	const char *base = strrchr(exe, '/');
	struct stat running, named;
	char path[2 * PATH_MAX];

	if (!base || !*name || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &running))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/root%.*s/%s", pid, (int)(base - exe), exe, name);
	return !stat(path, &named) && named.st_dev == running.st_dev &&
	       named.st_ino == running.st_ino;
}

/* Puts the name in place of the file's under which a process was started, where both are the same
 * file: the kernel's name of the process, or its first argument. */
static void take_own_name(pid_t pid, const char *exe, char *name, size_t bytes)
{
	static const char *const sources[] = {"comm", "cmdline"};
	char text[PATH_MAX];

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		const char *own;

		read_text(pid, sources[i], text, sizeof(text));
		text[strcspn(text, i ? " " : "\n")] = '\0'; /* a title may follow in cmdline */
		own = basename(text);
		if (is_name_of(pid, exe, own)) {
			snprintf(name, bytes, "%s", own);
			return;
		}
	}
}

char *attached_program(pid_t pid)
{
	pid_t tid = proc_living_thread(pid);
	char path[64], target[PATH_MAX], name[PATH_MAX];
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/exe", tid);
	bytes = readlink(path, target, sizeof(target) - 1);
	if (bytes <= 0)
		return xasprintf("%d", pid);
	target[bytes] = '\0';
	if (bytes > 10 && !strcmp(target + bytes - 10, " (deleted)"))
		target[bytes - 10] = '\0';
	snprintf(name, sizeof(name), "%s", basename(target));
	take_own_name(tid, target, name, sizeof(name));
	return xstrdup(name);
}

char *attached_command(pid_t pid)
{
	char command[4096];
	size_t bytes = read_text(proc_living_thread(pid), "cmdline", command, sizeof(command));

	if (!bytes)
		return attached_program(pid);
	for (size_t i = 0; i + 1 < bytes; i++)
		if (!command[i])
			command[i] = ' ';
	/* A title that a program has set ends with blanks over what it covers. */
	while (bytes && (command[bytes - 1] == ' ' || !command[bytes - 1]))
		command[--bytes] = '\0';
	return xstrdup(command);
}
