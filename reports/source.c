/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: see source.h. */
#include "reports/source.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"
#include "reports/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const off_t most_bytes = 64 << 20;

/* Cuts a text, which is changed, into lines. */
static void cut_lines(struct source *source, char *text, size_t bytes)
{
	size_t capacity = 0, count = 0;
	char *end = text + bytes;

	while (text < end) {
		char *next = memchr(text, '\n', (size_t)(end - text)), *last = next ? next : end;

		while (last > text && last[-1] == '\r')
			last--;
		*last = '\0';
		xgrow(source->lines, count, capacity);
		source->lines[count++] = xstrdup(text);
		text = next ? next + 1 : end;
	}
	source->count = (uint32_t)count;
}

static int read_lines(struct source *source, FILE *stream, size_t bytes)
{
	char *text = xmalloc(bytes + 1);
	size_t got = fread(text, 1, bytes, stream);

	source->bytes = got;
	source->hash = profile_source_hash(text, got);
	cut_lines(source, text, got);
	free(text);
	return ferror(stream) ? -EIO : 0;
}

/* Not to be kept waiting by a pipe that a profile names. */
static int open_file(const char *path, struct stat *status)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), code = 0;

	output_spare(path);
	if (descriptor < 0)
		return -errno;
	if (fstat(descriptor, status))
		code = -errno;
	else if (!S_ISREG(status->st_mode))
		code = -EINVAL;
	else if (status->st_size > most_bytes)
		code = -EFBIG;
	else if (!profile_source_is_code(descriptor))
		code = -ENOTSUP;
	if (!code)
		return descriptor;
	close(descriptor);
	return code;
}

static const char *reason(int code)
{
	return code == ENOTSUP ? "its name is not that of source code" : strerror(code);
}

/* Whether an open file lies below @folder, wherever links lead. */
static bool is_below(int descriptor, const char *folder)
{
	char link[64], path[PATH_MAX], top[PATH_MAX];
	ssize_t bytes;
	size_t top_bytes;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	bytes = readlink(link, path, sizeof(path) - 1);
	if (bytes <= 0 || !realpath(folder, top))
		return false;
	path[bytes] = '\0';
	top_bytes = strlen(top);
	return !strncmp(path, top, top_bytes) && path[top_bytes] == '/';
}

static int open_source(struct source *source, const char *path, const char *folder,
		       int64_t start_ns, struct error *error)
{
	struct stat status = {0};
	int descriptor = open_file(path, &status), result;
	FILE *stream;

	*source = (struct source){0};
	if (descriptor < 0)
		return fail(error, descriptor, "source not found: %s: %s", path,
			    reason(-descriptor));
	source->is_newer = start_ns && status.st_mtim.tv_sec > start_ns / 1000000000;
	source->is_here = is_below(descriptor, ".") || (folder && is_below(descriptor, folder));
	stream = xalloc_checked(fdopen(descriptor, "r"));
	result = read_lines(source, stream, (size_t)status.st_size);
	fclose(stream);
	if (!result)
		return 0;
	source_done(source);
	return fail(error, result, "source not found: %s cannot be read", path);
}

int source_open(struct source *source, const char *path, int64_t start_ns, struct error *error)
{
	return open_source(source, path, NULL, start_ns, error);
}

int source_find(struct source *source, const char *path, const char *folder, int64_t start_ns,
		struct error *error)
{
	int result = open_source(source, path, folder, start_ns, error);

	for (const char *rest = path; result && folder && rest; rest = strchr(rest, '/')) {
		char *name = NULL;

		rest += *rest == '/';
		name = xasprintf("%s/%s", folder, rest);
		if (!open_source(source, name, folder, start_ns, NULL))
			result = 0;
		free(name);
	}
	return result;
}

int source_of_profile(struct source *source, const struct profile *profile, uint32_t file,
		      const char *folder, struct error *error)
{
	const struct profile_source *known = profile_source_find(profile, file);
	int result;

	if (known && known->text) {
		char *text = xstrdup(known->text);

		*source = (struct source){.is_embedded = true};
		cut_lines(source, text, strlen(text));
		free(text);
		return 0;
	}
	result = source_find(source, profile->files[file], folder, export_start_ns(profile), error);
	if (!result && known) {
		source->is_newer = false;
		source->is_recorded = source->bytes == known->bytes && source->hash == known->hash;
		source->is_changed = !source->is_recorded;
	}
	return result;
}

bool source_may_be_published(const struct source *source)
{
	return source->is_embedded || source->is_recorded || source->is_here;
}

void source_done(struct source *source)
{
	for (uint32_t i = 0; i < source->count; i++)
		free(source->lines[i]);
	free(source->lines);
}

const char *source_line(const struct source *source, uint32_t line)
{
	return line && line <= source->count ? source->lines[line - 1] : "";
}
