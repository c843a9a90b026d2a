/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracepoint: see tracepoint.h. */
#include "collector/capture/tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* Returns the number in a file, 0 when it cannot be read. */
static uint64_t read_number(const char *path)
{
	FILE *stream = fopen(path, "re");
	uint64_t number = 0;

	if (!stream)
		return 0;
	if (fscanf(stream, "%" SCNu64, &number) != 1)
		number = 0;
	fclose(stream);
	return number;
}

static uint64_t read_number_below(const char *folder, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return read_number(path);
}

/*
 * Where tracefs is not mounted, root can mount it, and a process in a mount namespace of its own
 * can do so without anybody noticing.
 */
static uint64_t read_number_unmounted(const char *file)
{
	uint64_t number = 0;
	int channel[2];
	pid_t pid;

	if (pipe2(channel, O_CLOEXEC))
		return 0;
	pid = fork();
	if (pid == 0) {
		if (!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL))
			number = read_number_below("/sys/kernel/tracing", file);
		_exit(write(channel[1], &number, sizeof(number)) != sizeof(number));
	}
	close(channel[1]);
	if (pid > 0) {
		if (read(channel[0], &number, sizeof(number)) != sizeof(number))
			number = 0;
		waitpid(pid, NULL, 0);
	}
	close(channel[0]);
	return number;
}

int tracepoint_find(const char *name, uint64_t *number, struct error *error)
{
	char file[128];

	snprintf(file, sizeof(file), "events/%s/id", name);
	*number = read_number_below("/sys/kernel/tracing", file);
	if (!*number)
		*number = read_number_below("/sys/kernel/debug/tracing", file);
	if (!*number)
		*number = read_number_unmounted(file);
	if (*number)
		return 0;
	return fail(error, -EACCES,
		    "the kernel's tracepoints cannot be read; run as root, or with the "
		    "capabilities CAP_DAC_READ_SEARCH, CAP_PERFMON and CAP_SYSLOG, with tracefs "
		    "mounted on /sys/kernel/tracing (docker run -v "
		    "/sys/kernel/tracing:/sys/kernel/tracing)");
}
