/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_slurm: see sweep_slurm.h. */
#include "collector/sweep_slurm.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes @text so that a shell reads it as one word. */
static void write_quoted(FILE *stream, const char *text)
{
	fputc('\'', stream);
	for (; *text; text++)
		fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, stream);
	fputc('\'', stream);
}

/* The script of the tasks: they find themselves by their number. */
static int write_script(const char *path, const char *folder, struct error *error)
{
	char own[PATH_MAX], whole[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);
	FILE *stream = bytes > 0 && realpath(folder, whole) ? fopen(path, "we") : NULL;

	if (!stream)
		return fail(error, -errno, "cannot write %s: %m", path);
	own[bytes] = '\0';
	fputs("#!/bin/sh\nexec ", stream);
	write_quoted(stream, own);
	fputs(" sweep --task \"$SLURM_ARRAY_TASK_ID\" -o ", stream);
	write_quoted(stream, whole);
	fputc('\n', stream);
	return fclose(stream) ? fail(error, -errno, "cannot write %s: %m", path) : 0;
}

/* "--array=0,3,7" of the next runs that are not over, from @from on, which moves past them. Returns
 * how many these are; the text is owned by the caller. */
static int list_tasks(const struct sweep_folder *folder, const struct sweep_run *runs, int count,
		      int *from, char **text)
{
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(text, &bytes));
	int listed = 0;

	fputs("--array=", stream);
	for (; *from < count && listed < SWEEP_SLURM_TASKS; ++*from)
		if (sweep_run_state(folder, &runs[*from]) < 0)
			fprintf(stream, "%s%d", listed++ ? "," : "", *from);
	fclose(stream);
	return listed;
}

/* Starts sbatch and waits for it, and so for the array; an interruption cancels the array. */
static int submit(const char **argv, struct error *error)
{
	posix_spawnattr_t attributes;
	sigset_t none, signals;
	int code, status;
	pid_t pid;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	code = posix_spawnp(&pid, argv[0], NULL, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (code)
		return fail(error, -code,
			    "cannot run sbatch (%s); --launcher slurm needs the package "
			    "slurm-client and a cluster",
			    strerror(code));
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	while (!waitpid(pid, &status, WNOHANG)) {
		int signal;

		sigwait(&signals, &signal);
		if (signal != SIGCHLD) {
			kill(pid, SIGTERM);
			waitpid(pid, &status, 0);
			return fail(error, -EINTR, "interrupted");
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int make_array(const struct sweep_folder *folder, const char *script, const char *tasks,
		      const json_t *options, struct error *error)
{
	size_t count = json_array_size(options), made = 0;
	const char **argv = xcalloc(count + 12, sizeof(*argv));
	char output[PATH_MAX];
	int result;

	snprintf(output, sizeof(output), "--output=%s/slurm-%%a.log", folder->path);
	argv[made++] = "sbatch";
	argv[made++] = "--parsable";
	argv[made++] = "--wait";
	argv[made++] = "--requeue";
	argv[made++] = "--open-mode=append";
	argv[made++] = "--job-name=simprof-sweep";
	argv[made++] = output;
	argv[made++] = tasks;
	for (size_t i = 0; i < count; i++)
		argv[made++] = json_string_value(json_array_get(options, i));
	argv[made] = script;
	result = submit(argv, error);
	free(argv);
	return result;
}

int sweep_slurm_make(const struct sweep_folder *folder, const struct sweep_plan *plan,
		     const struct sweep_run *runs, int count, const json_t *options,
		     struct error *error)
{
	char script[PATH_MAX], *tasks;
	int from = 0, result;

	(void)plan;
	snprintf(script, sizeof(script), "%s/task.sh", folder->path);
	result = write_script(script, folder->path, error);
	while (result >= 0 && from < count) {
		int listed = list_tasks(folder, runs, count, &from, &tasks);

		/* A status that is not 0 may be that of a task: what is missing then will show. */
		if (listed)
			result = make_array(folder, script, tasks, options, error);
		free(tasks);
	}
	return result < 0 ? result : 0;
}
