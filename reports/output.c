/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output: see output.h. */
#include "reports/output.h"

#include "collector/base/xalloc.h"
#include "reports/ascii.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files that are read; a file is its device and its number there. */
struct spared {
	dev_t device;
	ino_t inode;
};

static struct spared *spared;
static size_t spared_count, spared_capacity;

static bool is_spared(const struct stat *status)
{
	for (size_t i = 0; i < spared_count; i++)
		if (spared[i].device == status->st_dev && spared[i].inode == status->st_ino)
			return true;
	return false;
}

void output_spare(const char *path)
{
	struct stat status;

	if (stat(path, &status) || !S_ISREG(status.st_mode) || is_spared(&status))
		return;
	xgrow(spared, spared_count, spared_capacity);
	spared[spared_count++] = (struct spared){status.st_dev, status.st_ino};
}

/* Refuses to write onto what the report is made of. */
static int check_spared(const struct output *output, struct error *error)
{
	struct stat status;

	if (stat(output->path, &status) || !is_spared(&status))
		return 0;
	return fail(error, -EEXIST,
		    "the report is made of %s, which would be lost; choose another place",
		    output->path);
}

static bool is_step_summary(const char *path)
{
	const char *summary = getenv("GITHUB_STEP_SUMMARY");

	return summary && !strcmp(path, summary);
}

static int open_temporary(struct output *output, struct error *error)
{
	struct stat status;
	mode_t mask = umask(0);
	int descriptor;

	umask(mask);
	if (is_step_summary(output->path) ||
	    (!stat(output->path, &status) && !S_ISREG(status.st_mode))) {
		output->stream = fopen(output->path, is_step_summary(output->path) ? "ae" : "we");
		return output->stream ? 0
				      : fail(error, -errno, "cannot write %s: %m", output->path);
	}
	output->temporary = xasprintf("%s.XXXXXX", output->path);
	descriptor = mkostemp(output->temporary, O_CLOEXEC);
	if (descriptor < 0) {
		free(output->temporary);
		output->temporary = NULL;
		return fail(error, -errno, "cannot write %s: %m; choose another place with -o",
			    output->path);
	}
	fchmod(descriptor, 0666 & ~mask);
	output->stream = xalloc_checked(fdopen(descriptor, "w"));
	return 0;
}

int output_open(struct output *output, const char *path, struct error *error)
{
	int result;

	*output = (struct output){.stream = stdout};
	if (!path || !strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO) && ascii_is_wanted())
			output->stream = ascii_open(stdout);
		return 0;
	}
	output->path = xstrdup(path);
	result = check_spared(output, error);
	if (!result)
		result = open_temporary(output, error);
	if (result)
		free(output->path);
	return result;
}

/* stdio forgets why a write failed; the next one fails for the same reason. */
static int write_error(FILE *stream)
{
	return write(fileno(stream), "", 1) < 0 ? errno : EIO;
}

static int close_file(struct output *output, struct error *error)
{
	int code = 0;

	if (fflush(output->stream))
		code = errno;
	else if (ferror(output->stream))
		code = write_error(output->stream);
	if (fclose(output->stream) && !code)
		code = errno;
	/* Sources and programs are read while the report is written. */
	if (!code && output->temporary && check_spared(output, error)) {
		unlink(output->temporary);
		return -EEXIST;
	}
	if (!code && output->temporary && rename(output->temporary, output->path))
		code = errno;
	if (!code)
		return 0;
	if (output->temporary)
		unlink(output->temporary);
	return fail(error, -code, "cannot write %s: %m%s", output->path,
		    code == ENOSPC ? "; free space, or choose another place with -o" : "");
}

int output_close(struct output *output, struct error *error)
{
	int result;

	if (!output->path) {
		if (output->stream != stdout)
			fclose(output->stream);
		if (fflush(stdout) || ferror(stdout))
			return fail(error, -write_error(stdout),
				    "cannot write to standard output: %m");
		return 0;
	}
	result = close_file(output, error);
	free(output->temporary);
	free(output->path);
	return result;
}

void output_discard(struct output *output)
{
	if (!output->path) {
		if (output->stream != stdout)
			fclose(output->stream);
		return;
	}
	fclose(output->stream);
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	free(output->path);
}

static bool is_asked(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value && strcmp(value, "0") != 0;
}

/* A stream that has no descriptor of its own leads to standard output. */
static int descriptor_of(FILE *stream)
{
	int descriptor = fileno(stream);

	return descriptor < 0 ? STDOUT_FILENO : descriptor;
}

int output_ask_colour(const char *when)
{
	bool always = !strcmp(when, "always");

	if (!always && strcmp(when, "never") != 0)
		return strcmp(when, "auto") ? -EINVAL : 0;
	unsetenv("NO_COLOR");
	return setenv(always ? "FORCE_COLOR" : "NO_COLOR", "1", 1) ? -errno : 0;
}

bool output_has_colour(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (no_colour && *no_colour)
		return false;
	if (is_asked("FORCE_COLOR") || is_asked("CLICOLOR_FORCE"))
		return true;
	return isatty(descriptor_of(stream)) && !(terminal && !strcmp(terminal, "dumb"));
}

int output_columns(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	if (!ioctl(descriptor_of(stream), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 0;
}

void output_json(const json_t *json, FILE *stream)
{
	json_dumpf(json, stream, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
	fputc('\n', stream);
}
