/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sibling: see sibling.h. */
#include "collector/sibling.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "reports"

/* Writes the path of `reports`: beside our own file when it is there, else the bare name. */
static void find(char path[PATH_MAX])
{
	char own[PATH_MAX - sizeof(PROGRAM)];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (bytes > 0) {
		own[bytes] = '\0';
		slash = strrchr(own, '/');
		slash[1] = '\0';
		snprintf(path, PATH_MAX, "%s%s", own, PROGRAM);
		if (!access(path, X_OK))
			return;
	}
	strcpy(path, PROGRAM);
}

static int missing(struct error *error, int code)
{
	return fail(error, -code,
		    "cannot run the program " PROGRAM " (%m); it belongs beside collector");
}

int sibling_become(const char **argv, struct error *error)
{
	char path[PATH_MAX];

	find(path);
	argv[0] = PROGRAM;
	execvp(path, (char *const *)argv);
	return missing(error, errno);
}

int sibling_run(const char **argv, int stdout_fd, struct error *error)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	int code, status;
	pid_t pid;

	find(path);
	argv[0] = PROGRAM;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
	code = posix_spawnp(&pid, path, &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (code)
		return missing(error, code);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
