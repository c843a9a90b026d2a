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

bool sibling_find(const char *name, char path[PATH_MAX])
{
	char own[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (bytes <= 0)
		return false;
	own[bytes] = '\0';
	strrchr(own, '/')[1] = '\0';
	return snprintf(path, PATH_MAX, "%s%s", own, name) < PATH_MAX && !access(path, R_OK);
}

/* Writes the path of `reports`: beside our own file when it is there, else the bare name. */
static void find(char path[PATH_MAX])
{
	if (!sibling_find(PROGRAM, path) || access(path, X_OK))
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
	argv[0] = "collector"; /* for messages: it is what the user typed */
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
	argv[0] = "collector"; /* for messages: it is what the user typed */
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
