/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_stat: see proc_stat.h. */
#include "collector/capture/proc_stat.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fields that nobody asks for: 14 to 19, and 25 to 38. */
#define SIX_FIELDS   " %*s %*s %*s %*s %*s %*s"
#define SEVEN_FIELDS SIX_FIELDS " %*s"

bool proc_stat_parse(const char *text, struct proc_stat *stat)
{
	const char *name_end = strrchr(text, ')');

	return name_end &&
	       sscanf(name_end + 1,
		      " %c %d %*s %*s %*s %*s %lu %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64 SIX_FIELDS " %" SCNu64
		      " %*s %*s %*s %" SCNu64 SEVEN_FIELDS SEVEN_FIELDS " %d",
		      &stat->state, &stat->parent, &stat->flags, &stat->minor_faults,
		      &stat->child_minor_faults, &stat->major_faults, &stat->child_major_faults,
		      &stat->threads, &stat->rss_pages, &stat->processor) == 10;
}

static bool read_file(const char *path, struct proc_stat *stat)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t bytes;

	if (fd < 0)
		return false;
	bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	return proc_stat_parse(text, stat);
}

bool proc_stat_read(pid_t pid, struct proc_stat *stat)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return read_file(path, stat);
}

bool proc_stat_read_thread(pid_t pid, pid_t tid, struct proc_stat *stat)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	return read_file(path, stat);
}
