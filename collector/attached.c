/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attached: see attached.h. */
#include "collector/attached.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

int attached_open(struct attached *attached, const pid_t *pids, size_t count, bool is_tree,
		  struct error *error)
{
	*attached = (struct attached){0};
	attached->pids = xreallocarray(NULL, count, sizeof(*pids));
	memcpy(attached->pids, pids, count * sizeof(*pids));
	for (size_t i = 0; i < count; i++) {
		int result = proc_check(pids[i], error);

		if (result)
			return result;
	}
	if (is_tree)
		count = proc_descendants(&attached->pids, count);
	attached->pid_fds = xreallocarray(NULL, count, sizeof(*attached->pid_fds));
	for (size_t i = 0; i < count; i++) {
		int fd = (int)syscall(SYS_pidfd_open, attached->pids[i], 0);

		if (fd < 0)
			return fail(error, -errno, "process %d cannot be watched: %m",
				    attached->pids[i]);
		attached->pid_fds[attached->count++] = fd;
	}
	return 0;
}

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

char *attached_program(pid_t pid)
{
	char path[64], target[PATH_MAX];
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	bytes = readlink(path, target, sizeof(target) - 1);
	target[bytes > 0 ? bytes : 0] = '\0';
	if (bytes > 10 && !strcmp(target + bytes - 10, " (deleted)"))
		target[bytes - 10] = '\0';
	if (bytes <= 0)
		snprintf(target, sizeof(target), "%d", pid);
	return xstrdup(basename(target));
}

char *attached_command(pid_t pid)
{
	char path[64], command[4096];
	ssize_t bytes = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		bytes = read(fd, command, sizeof(command) - 1);
		close(fd);
	}
	if (bytes <= 0)
		return attached_program(pid);
	command[bytes] = '\0';
	for (ssize_t i = 0; i < bytes - 1; i++)
		if (!command[i])
			command[i] = ' ';
	return xstrdup(command);
}
