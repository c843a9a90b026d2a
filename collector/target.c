/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target: see target.h. */
#include "collector/target.h"

#include "collector/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

char *target_command(const char **argv)
{
	char *command = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&command, &bytes);

	fputs(argv[0], stream);
	for (const char **argument = argv + 1; *argument; argument++)
		fprintf(stream, " %s", *argument);
	fclose(stream);
	return command;
}

/* In the child: waits for the release, then becomes the program or reports why not. */
static void become(int release_fd, int errno_fd, const char **argv, char **environment,
		   const struct target_signals *signals)
{
	char byte;
	int code;

	if (read(release_fd, &byte, 1) != 1)
		_exit(0);
	sigaction(SIGPIPE, &signals->pipe, NULL);
	sigaction(SIGXFSZ, &signals->file_size, NULL);
	sigaction(SIGCHLD, &signals->child, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
	/* PATH is searched as the collector has it, which is as the program will have it. */
	execvpe(argv[0], (char *const *)argv, environment ? environment : environ);
	code = errno;
	if (write(errno_fd, &code, sizeof(code)) != sizeof(code))
		_exit(126);
	_exit(127);
}

int target_prepare(struct target *target, const char **argv, char **environment,
		   const struct target_signals *signals, struct error *error)
{
	int release[2], report[2];

	*target = (struct target){0};
	if (pipe2(release, O_CLOEXEC))
		return fail(error, -errno, "cannot make a pipe: %m");
	if (pipe2(report, O_CLOEXEC)) {
		int code = errno;

		close(release[0]);
		close(release[1]);
		return fail(error, -code, "cannot make a pipe: %m");
	}
	target->pid = fork();
	if (target->pid == 0) {
		close(release[1]);
		become(release[0], report[1], argv, environment, signals);
	}
	close(release[0]);
	close(report[1]);
	target->release_fd = release[1];
	target->errno_fd = report[0];
	target->pid_fd = -1;
	if (target->pid < 0) {
		int code = errno;

		target_done(target);
		return fail(error, -code, "cannot fork: %m");
	}
	target->pid_fd = syscall(SYS_pidfd_open, target->pid, 0);
	if (target->pid_fd < 0) {
		int code = errno;

		target_abandon(target);
		return fail(error, -code, "pidfd_open failed: %m (Linux 5.3 or later is needed)");
	}
	fcntl(target->pid_fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

static int not_found(const char *program, struct error *error)
{
	bool is_here = !access(program, F_OK);

	if (strchr(program, '/'))
		return is_here ? fail(error, -ENOENT,
				      "cannot execute %s: its interpreter is missing", program)
			       : fail(error, -ENOENT, "there is no program %s; look at its path",
				      program);
	return is_here ? fail(error, -ENOENT, "%s: not found in PATH; did you mean ./%s?", program,
			      program)
		       : fail(error, -ENOENT, "%s: not found in PATH", program);
}

/* Of several reasons the kernel has one code for, says the one that is seen. */
static int not_executable(const char *program, int code, struct error *error)
{
	struct stat file;

	if (code == EACCES && !stat(program, &file) && S_ISDIR(file.st_mode))
		return fail(error, -code, "cannot execute %s: it is a folder", program);
	if (code == EACCES && !access(program, R_OK) && access(program, X_OK))
		return fail(error, -code,
			    "cannot execute %s: Permission denied; if it is a program, `chmod +x "
			    "%s` makes it executable",
			    program, program);
	errno = code;
	return fail(error, -code, "cannot execute %s: %m", program);
}

int target_check(const char *name, struct error *error)
{
	char *path = program_find(name);
	struct stat file;
	int result = 0;

	if (!path)
		return not_found(name, error);
	if (access(path, X_OK))
		result = not_executable(name, errno, error);
	else if (!stat(path, &file) && !S_ISREG(file.st_mode))
		result = not_executable(name, EACCES, error);
	free(path);
	return result;
}

int target_release(struct target *target, const char **argv, struct error *error)
{
	int code = 0;

	if (write(target->release_fd, "", 1) != 1)
		code = errno;
	while (!code && read(target->errno_fd, &code, sizeof(code)) < 0 && errno == EINTR)
		;
	if (!code)
		return 0;
	waitpid(target->pid, NULL, 0);
	if (code == ENOENT)
		return not_found(argv[0], error);
	return not_executable(argv[0], code, error);
}

void target_abandon(struct target *target)
{
	close(target->release_fd);
	target->release_fd = -1;
	waitpid(target->pid, NULL, 0);
	target_done(target);
}

static uint64_t nanoseconds(struct timeval time)
{
	return time.tv_sec * 1000000000ull + time.tv_usec * 1000ull;
}

bool target_has_ended(const struct target *target)
{
	siginfo_t information = {0};

	return target->ended ||
	       (!waitid(P_PID, (id_t)target->pid, &information, WEXITED | WNOHANG | WNOWAIT) &&
		information.si_pid == target->pid);
}

bool target_collect(struct target *target)
{
	struct rusage usage;
	int status;

	if (target->ended)
		return true;
	if (wait4(target->pid, &status, WNOHANG, &usage) != target->pid)
		return false;
	target->ended = true;
	target->ending_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	target->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	target->cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
	return true;
}

void target_done(struct target *target)
{
	int fds[] = {target->pid_fd, target->release_fd, target->errno_fd};

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	target->pid_fd = target->release_fd = target->errno_fd = -1;
}
