/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command_import: collector import FILE: another profiler's text becomes a profile. */
#include "collector/command.h"

#include "collector/base/xalloc.h"
#include "collector/import/import.h"
#include "collector/profile/profile_file.h"

#include <argp.h>
#include <errno.h>
#include <jansson.h>

struct import_options {
	enum import_format format;
	const char *input; /* "-" is standard input */
	const char *output;
	const char *metric, *unit;
	bool json;
};

enum {
	OPTION_METRIC = 256,
	OPTION_UNIT,
	OPTION_JSON
};

static const struct argp_option option_table[] = {
	{"format", 'f', "NAME", 0, "What FILE is: folded or perf (default: by its first lines)", 0},
	{"output", 'o', "NAME.prof", 0, "Write this profile (default: FILE with .prof)", 0},
	{"metric", OPTION_METRIC, "NAME", 0, "What folded counts count (default samples)", 0},
	{"unit", OPTION_UNIT, "UNIT", 0, "Their unit: count (default), ns, bytes, ...", 0},
	{"json", OPTION_JSON, NULL, 0, "Say what was read as JSON, on standard output", 0},
	{0},
};

static const char documentation[] = "Makes a profile of what another profiler wrote: folded stacks "
				    "(\"main;step;observe 12\"), or "
				    "the text that `perf script` prints. All reports read the "
				    "profile. FILE - is standard input."
				    "\v"
				    "Folded text has no times: each line becomes as many samples "
				    "as it counts, evenly spread, up "
				    "to 1048576 in all; beyond that each line is one sample with "
				    "its count as value. Fractions are rounded, and what is below "
				    "one half cannot be read: scale such counts. Lines that "
				    "cannot be read are skipped and counted.\n\n"
				    "Example: perf script | collector import -o app.prof -";

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct import_options *options = state->input;

	switch (key) {
	case 'f':
		for (int i = IMPORT_FOLDED; i < IMPORT_FORMATS; i++)
			if (!strcmp(argument, import_format_names[i]))
				options->format = i;
		if (!options->format)
			argp_failure(state, 1, 0, "there is no format '%s'; say folded or perf",
				     argument);
		break;
	case 'o':
		options->output = argument;
		break;
	case OPTION_METRIC:
		options->metric = argument;
		break;
	case OPTION_UNIT:
		options->unit = argument;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case ARGP_KEY_ARG:
		if (options->input)
			argp_failure(state, 1, 0, "one file at a time, not also '%s'", argument);
		options->input = argument;
		break;
	case ARGP_KEY_END:
		if (!options->input)
			argp_failure(state, 1, 0, "which file? Say - for standard input");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static FILE *open_input(struct import_options *options, struct error *error)
{
	FILE *stream = strcmp(options->input, "-") ? fopen(options->input, "re") : stdin;

	if (!stream) {
		fail(error, -errno, "cannot read %s: %m", options->input);
		return NULL;
	}
	return options->format ? stream : import_guess(stream, &options->format);
}

/* "stacks.folded" becomes "stacks.prof", beside it. */
static char *output_path(const struct import_options *options)
{
	const char *input = strcmp(options->input, "-") ? options->input : "imported";
	const char *slash = strrchr(input, '/'), *point = strrchr(slash ? slash : input, '.');

	if (options->output)
		return xstrdup(options->output);
	if (point && (point == input || point[-1] == '/'))
		point = NULL;
	return xasprintf("%.*s.prof", (int)(point ? point - input : (ptrdiff_t)strlen(input)),
			 input);
}

struct writing {
	struct profile *profile;
	struct profile_file *file;
	uint64_t uncommitted;
};

static int take(void *context, const struct profile_sample *sample, struct error *error)
{
	struct writing *writing = context;

	if (++writing->uncommitted > 1 << 16) {
		int result = profile_file_commit(writing->file, writing->profile, error);

		if (result && result != -EAGAIN)
			return result;
		writing->uncommitted = 0;
	}
	return profile_file_append(writing->file, sample, error);
}

static int import_all(const struct import_options *options, FILE *stream, struct writing *writing,
		      struct import *import, struct error *error)
{
	int result = options->format == IMPORT_PERF
			     ? import_perf(import, stream, error)
			     : import_folded(import, stream, options->metric, options->unit, error);

	if (!result && ferror(stream))
		return fail(error, -EIO, "%s cannot be read to its end", options->input);
	if (!result)
		result = import_check(import, options->format, options->input, error);
	import_describe(import, options->format, options->input);
	if (!result) {
		profile_file_wait_for_readers(writing->file);
		result = profile_file_commit(writing->file, writing->profile, error);
	}
	return result;
}

static void say(const struct import *import, const char *path)
{
	char *plain = error_plain(path);

	fprintf(stderr, "%s: %ju samples\n", plain, (uintmax_t)import->samples);
	free(plain);
	if (import->skipped)
		fprintf(stderr, "%ju of %ju lines could not be read, the first is line %ju\n",
			(uintmax_t)import->skipped, (uintmax_t)import->lines,
			(uintmax_t)import->first_skipped);
}

static void say_json(const struct import *import, enum import_format format, const char *path)
{
	json_t *json = json_pack(
		"{s:s, s:s*, s:s, s:I, s:I, s:I, s:I}", "schema", "simprof/import-v1", "profile",
		path, "format", import_format_names[format], "samples", (json_int_t)import->samples,
		"lines", (json_int_t)import->lines, "skipped", (json_int_t)import->skipped,
		"first_skipped", (json_int_t)import->first_skipped);

	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	puts("");
	json_decref(json);
}

static int write_profile(const struct import_options *options, FILE *stream, const char *path,
			 struct error *error)
{
	struct writing writing = {.profile = profile_new()};
	struct import import;
	int result;

	writing.file = profile_file_create(path, error);
	if (!writing.file) {
		profile_free(writing.profile);
		return -EIO;
	}
	import_init(&import, writing.profile, take, &writing);
	result = import_all(options, stream, &writing, &import, error);
	if (result)
		profile_file_discard(writing.file);
	else
		profile_file_close(writing.file);
	if (!result && options->json)
		say_json(&import, options->format, path);
	else if (!result)
		say(&import, path);
	import_done(&import);
	profile_free(writing.profile);
	return result;
}

int command_import(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "FILE",
		.doc = documentation,
	};
	struct import_options options = {.metric = "samples", .unit = "count"};
	struct error error = {""};
	FILE *stream;
	char *path;
	int result;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	stream = open_input(&options, &error);
	if (!stream) {
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
		return 1;
	}
	path = output_path(&options);
	result = write_profile(&options, stream, path, &error);
	if (result)
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
	free(path);
	fclose(stream);
	return result ? 1 : 0;
}
