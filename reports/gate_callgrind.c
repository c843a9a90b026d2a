/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_callgrind: see gate_callgrind.h. */
#include "reports/gate_callgrind.h"

#include "collector/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

int gate_callgrind_read(const char *path, double *instructions, struct error *error)
{
	FILE *file = fopen(path, "re");
	bool has_instructions = false;
	double part;
	char *line = NULL;
	size_t capacity = 0;

	if (!file)
		return fail(error, -errno, "cannot open %s: %m", path);
	*instructions = 0;
	while (getline(&line, &capacity, file) > 0) {
		if (!strncmp(line, "events: Ir", 10))
			has_instructions = true;
		if (!strncmp(line, "totals: ", 8) && sscanf(line + 8, "%lf", &part) == 1 &&
		    isfinite(part) && part > 0)
			*instructions += part;
	}
	free(line);
	fclose(file);
	if (!has_instructions || *instructions <= 0 || *instructions > 1e18)
		return fail(error, -EINVAL,
			    "%s is no file of callgrind with instructions (events: Ir ... totals:)",
			    path);
	return 0;
}

/* Reads all files of a folder and removes it. */
static int read_folder(const char *folder, double *instructions, struct error *error)
{
	DIR *stream = opendir(folder);
	struct dirent *entry;
	int result = 0;

	*instructions = 0;
	while (stream && (entry = readdir(stream))) {
		char path[PATH_MAX + NAME_MAX];
		double part = 0;

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (!result)
			result = gate_callgrind_read(path, &part, error);
		*instructions += part;
		unlink(path);
	}
	if (stream)
		closedir(stream);
	rmdir(folder);
	if (!result && *instructions <= 0)
		result = fail(error, -EINVAL, "callgrind left no file in %s", folder);
	return result;
}

/* Returns the exit status of the command, or a negative errno. */
static int run(const wordexp_t *words, const char *folder, struct error *error)
{
	char output[PATH_MAX];
	const char *fixed[] = {"valgrind", "-q", "--tool=callgrind", "--trace-children=yes",
			       output,	   "--"};
	size_t fixed_count = sizeof(fixed) / sizeof(*fixed);
	const char **arguments = xcalloc(fixed_count + words->we_wordc + 1, sizeof(*arguments));
	posix_spawn_file_actions_t actions;
	int code, status;
	pid_t pid;

	snprintf(output, sizeof(output), "--callgrind-out-file=%s/%%p", folder);
	memcpy(arguments, fixed, sizeof(fixed));
	memcpy(arguments + fixed_count, words->we_wordv, words->we_wordc * sizeof(*arguments));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	code = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	free(arguments);
	if (code)
		return fail(error, -code, "cannot run valgrind: %s; it is a package of Debian",
			    strerror(code));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Counts in a folder that is made for it. */
static int count_words(const wordexp_t *words, const char *command, double *instructions,
		       struct error *error)
{
	const char *place = getenv("TMPDIR");
	char folder[PATH_MAX - 64];
	struct error unread;
	int status, result;

	snprintf(folder, sizeof(folder), "%s/gate.XXXXXX", place && *place ? place : "/tmp");
	if (!mkdtemp(folder))
		return fail(error, -errno, "cannot make %s: %m", folder);
	status = run(words, folder, error);
	result = read_folder(folder, instructions, status ? &unread : error);
	if (status > 0)
		return fail(error, -EINVAL, "'%s' ended with status %d under callgrind", command,
			    status);
	return status ? status : result;
}

int gate_callgrind_run(const char *command, double *instructions, struct error *error)
{
	wordexp_t words = {0};
	int parsed = wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF), result;

	if (parsed || !words.we_wordc)
		result =
			fail(error, -EINVAL,
			     "'%s' is no command: words and quotes as in a shell, without ; | $( )",
			     command);
	else
		result = count_words(&words, command, instructions, error);
	if (!parsed || parsed == WRDE_NOSPACE)
		wordfree(&words);
	return result;
}
