/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_text: a whole text, whatever its format is; see import.h. */
#include "collector/import/import.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <regex.h>
#include <sys/stat.h>

const char *const import_format_names[IMPORT_FORMATS] = {"", "folded", "perf"};

static const size_t read_bytes = 1 << 18; /* at once: texts are large */

/* A stream whose beginning was read already. */
struct replay {
	char *beginning;
	size_t bytes, at;
	FILE *rest;
};

static ssize_t read_replay(void *cookie, char *buffer, size_t size)
{
	struct replay *replay = cookie;
	size_t left = replay->bytes - replay->at;

	if (!left) {
		size = fread(buffer, 1, size, replay->rest);
		return !size && ferror(replay->rest) ? -1 : (ssize_t)size;
	}
	if (size > left)
		size = left;
	memcpy(buffer, replay->beginning + replay->at, size);
	replay->at += size;
	return (ssize_t)size;
}

static int close_replay(void *cookie)
{
	struct replay *replay = cookie;
	int result = fclose(replay->rest);

	free(replay->beginning);
	free(replay);
	return result;
}

static FILE *open_replay(char *beginning, size_t bytes, FILE *rest)
{
	struct replay *replay = xcalloc(1, sizeof(*replay));
	FILE *stream;

	*replay = (struct replay){.beginning = beginning, .bytes = bytes, .rest = rest};
	stream = xalloc_checked(fopencookie(
		replay, "r", (cookie_io_functions_t){.read = read_replay, .close = close_replay}));
	setvbuf(stream, NULL, _IOFBF, read_bytes);
	return stream;
}

/* Reads the first lines, and keeps them in @read: of perf is what has the head of a sample, with a
 * time, or a frame below it, with an address. */
static enum import_format guess(FILE *stream, FILE *read)
{
	enum import_format format = IMPORT_FOLDED;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t bytes;
	regex_t perf;

	if (regcomp(&perf,
		    "[] 0-9][[:space:]]+[0-9]+\\.[0-9]+:[[:space:]]|"
		    "^[[:space:]]+[0-9a-f]{5,16} [^;]+$",
		    REG_EXTENDED | REG_NOSUB))
		return IMPORT_FOLDED;
	/* perf script --header begins with a page of comments. */
	for (int i = 0; i < 20 && (bytes = getline(&line, &capacity, stream)) >= 0;
	     i += *line != '#') {
		fwrite(line, 1, (size_t)bytes, read);
		if (*line != '#' && !regexec(&perf, line, 0, NULL, 0))
			format = IMPORT_PERF;
	}
	regfree(&perf);
	free(line);
	return format;
}

FILE *import_guess(FILE *stream, enum import_format *format)
{
	char *beginning = NULL;
	size_t bytes;
	FILE *read = xalloc_checked(open_memstream(&beginning, &bytes));
	bool is_pipe = fseek(stream, 0, SEEK_CUR);

	*format = guess(stream, read);
	fclose(read);
	if (is_pipe)
		return open_replay(beginning, bytes, stream);
	rewind(stream);
	free(beginning);
	return stream;
}

void import_describe(const struct import *import, enum import_format format, const char *name)
{
	struct profile *profile = import->profile;

	profile_set_text(profile, "state", "complete");
	profile_set_text(profile, "collector_version", VERSION);
	profile_set_text(profile, "program", name);
	profile_set_text(profile, "engine",
			 format == IMPORT_PERF ? "imported from perf script"
					       : "imported from folded stacks");
	if (format == IMPORT_FOLDED)
		profile_set_text(profile, "engine_note",
				 "times are not known; intervals take samples for independent");
	profile_set_number(profile, "import.lines", (int64_t)import->lines);
	profile_set_number(profile, "import.skipped", (int64_t)import->skipped);
	if (import->lost)
		profile_set_number(profile, "lost.ring_full", (int64_t)import->lost);
}

int import_check(const struct import *import, enum import_format format, const char *name,
		 struct error *error)
{
	if (import->samples && 2 * import->skipped <= import->lines)
		return 0;
	if (!import->lines)
		return fail(error, -EINVAL, "%s is no profile: it is empty", name);
	if (!import->samples && format == IMPORT_PERF)
		return fail(error, -EINVAL,
			    "%s holds no sample with a time (%ju lines): let perf script print "
			    "what it does without -F",
			    name, (uintmax_t)import->lines);
	return fail(error, -EINVAL,
		    "%s is no profile, and no text of another profiler: %ju of %ju lines cannot "
		    "be read as %s",
		    name, (uintmax_t)import->skipped, (uintmax_t)import->lines,
		    import_format_names[format]);
}

static int take(void *context, const struct profile_sample *sample, struct error *error)
{
	struct profile *profile = context;
	struct profile_sample later = *sample;

	(void)error;
	/* As in a file: no two at one time. */
	if (profile->samples_count &&
	    later.time_ns <= profile->samples[profile->samples_count - 1].time_ns)
		later.time_ns = profile->samples[profile->samples_count - 1].time_ns + 1;
	profile_sample_add(profile, &later);
	return 0;
}

static int load(FILE *stream, enum import_format format, const char *path, struct profile *profile,
		struct error *error)
{
	struct import import;
	int result;

	import_init(&import, profile, take, profile);
	result = format == IMPORT_PERF ? import_perf(&import, stream, error)
				       : import_folded(&import, stream, "samples", "count", error);
	import_describe(&import, format, path);
	if (!result && ferror(stream))
		result = fail(error, -EIO, "%s cannot be read to its end", path);
	if (!result)
		result = import_check(&import, format, path, error);
	import_done(&import);
	profile_forget_stacks(profile);
	return result;
}

int import_load(const char *path, struct profile **profile, struct error *error)
{
	bool is_input = !strcmp(path, "-");
	FILE *stream = is_input ? stdin : fopen(path, "re");
	enum import_format format;
	struct stat status;
	int result;

	if (!stream)
		return fail(error, -errno, "cannot open %s: %m", path);
	if (is_input)
		path = "standard input";
	if (fstat(fileno(stream), &status) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) {
		fclose(stream);
		return fail(error, -EINVAL, "%s is no file", path);
	}
	setvbuf(stream, NULL, _IOFBF, read_bytes);
	stream = import_guess(stream, &format);
	*profile = profile_new();
	result = load(stream, format, path, *profile, error);
	fclose(stream);
	if (result) {
		profile_free(*profile);
		*profile = NULL;
	}
	return result;
}
