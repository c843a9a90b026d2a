/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_snapshot: see proc_snapshot.h. */
#include "collector/capture/proc_snapshot.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_stat.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000 /* linux/sched.h */

static FILE *open_file(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

char proc_thread_state(pid_t pid, pid_t tid)
{
	struct proc_stat stat;

	return proc_stat_read_thread(pid, tid, &stat) ? stat.state : 0;
}

int proc_thread_processor(pid_t pid, pid_t tid)
{
	struct proc_stat stat;

	return proc_stat_read_thread(pid, tid, &stat) ? stat.processor : -1;
}

static int thread_group(pid_t tid)
{
	FILE *stream = open_file(tid, "status");
	char line[128];
	int group = 0;

	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	if (stream)
		fclose(stream);
	return group;
}

int proc_check(pid_t pid, struct error *error)
{
	struct proc_stat stat;
	int group;

	if (!proc_stat_read(pid, &stat))
		return fail(error, -ESRCH, "there is no process %d", pid);
	if (!proc_living_thread(pid))
		return fail(error, -ESRCH, "process %d has ended already", pid);
	if (stat.flags & PF_KTHREAD)
		return fail(error, -EINVAL, "%d is a thread of the kernel; it has no program", pid);
	group = thread_group(pid);
	if (group && group != pid)
		return fail(error, -EINVAL, "%d is a thread of process %d; attach to that", pid,
			    group);
	return 0;
}

size_t proc_threads(pid_t pid, pid_t **tids)
{
	size_t count = 0, capacity = 0;
	const struct dirent *entry;
	char path[64];
	DIR *folder;

	*tids = NULL;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		xgrow(*tids, count, capacity);
		(*tids)[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (folder)
		closedir(folder);
	return count;
}

pid_t proc_living_thread(pid_t pid)
{
	pid_t *tids, found = 0;
	size_t count = proc_threads(pid, &tids);

	for (size_t i = 0; i < count && !found; i++) {
		char state = proc_thread_state(pid, tids[i]);

		if (state && state != 'Z' && state != 'X')
			found = tids[i];
	}
	free(tids);
	return found;
}

static bool contains(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Adds the children of the processes in the list; returns the new number. */
static size_t add_children(pid_t **pids, size_t count)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	struct proc_stat stat;

	while (folder && (entry = readdir(folder))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid() || contains(*pids, count, pid) ||
		    !proc_stat_read(pid, &stat) || stat.state == 'Z' ||
		    !contains(*pids, count, stat.parent))
			continue;
		*pids = xreallocarray(*pids, count + 1, sizeof(**pids));
		(*pids)[count++] = pid;
	}
	if (folder)
		closedir(folder);
	return count;
}

size_t proc_descendants(pid_t **pids, size_t count)
{
	size_t before;

	do {
		before = count;
		count = add_children(pids, count);
	} while (count > before);
	return count;
}

bool proc_thread_name(pid_t tid, char *name, size_t bytes)
{
	FILE *stream = open_file(tid, "comm");
	bool is_read = stream && fgets(name, (int)bytes, stream);

	if (is_read)
		name[strcspn(name, "\n")] = '\0';
	if (stream)
		fclose(stream);
	return is_read;
}

static void describe_thread(pid_t pid, pid_t tid, uint64_t time_ns, proc_deliver *deliver,
			    void *context)
{
	char name[64] = "";

	proc_thread_name(tid, name, sizeof(name));
	deliver(context, &(struct event){.kind = EVENT_NAME,
					 .pid = pid,
					 .tid = tid,
					 .time_ns = time_ns,
					 .name = {name, false}});
}

bool proc_parse_mapping(char *line, struct event_mapping *mapping)
{
	unsigned long major, minor;
	char permissions[8];
	int path_at = 0;

	if (sscanf(line, "%lx-%lx %7s %lx %lx:%lx %lu %n", &mapping->start, &mapping->end,
		   permissions, &mapping->file_offset, &major, &minor, &mapping->inode,
		   &path_at) < 7 ||
	    !path_at || !strchr(permissions, 'x'))
		return false;
	mapping->device = (uint64_t)major << 32 | minor;
	line[strcspn(line, "\n")] = '\0';
	mapping->path = line[path_at] ? line + path_at : "//anon";
	return mapping->end > mapping->start;
}

void proc_mappings(pid_t pid, uint64_t time_ns, proc_deliver *deliver, void *context)
{
	FILE *stream = open_file(proc_living_thread(pid), "maps");
	char *line = NULL;
	size_t capacity = 0;

	while (stream && getline(&line, &capacity, stream) > 0) {
		struct event event = {
			.kind = EVENT_MAPPING, .pid = pid, .tid = pid, .time_ns = time_ns};

		if (proc_parse_mapping(line, &event.mapping))
			deliver(context, &event);
	}
	free(line);
	if (stream)
		fclose(stream);
}

void proc_names(pid_t pid, uint64_t time_ns, proc_deliver *deliver, void *context)
{
	pid_t *tids;
	size_t count = proc_threads(pid, &tids);

	for (size_t i = 0; i < count; i++)
		describe_thread(pid, tids[i], time_ns, deliver, context);
	free(tids);
}
