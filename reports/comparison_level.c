/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_level: see comparison_level.h. */
#include "reports/comparison_level.h"

#include "collector/base/xalloc.h"

enum {
	UNNAMED_SAMPLES = 25 /* of a module in one run, below which its names may be chance */
};

/* What the runs know of one function by name and module; or of a module's names. */
struct known {
	UT_hash_handle hh;
	char *key;    /* "name\nmodule", or "\nmodule" */
	size_t known; /* 1 + number of the last run that knows it, and of the last that does not */
	size_t unknown;
	size_t lacking; /* 1 + number of a run that has it and does not know it; 0 none */
	char *file;	/* of the function in run file_run, or NULL; of its module: never known */
	size_t file_run;
	bool has_moved, is_twice; /* two runs have it in two files; one run has it in two */
};

static struct known *note(struct known **index, char *key, size_t run, bool is_known)
{
	struct known *row;

	HASH_FIND_STR(*index, key, row);
	if (row) {
		free(key);
	} else {
		row = xcalloc(1, sizeof(*row));
		row->key = key;
		HASH_ADD_KEYPTR(hh, *index, row->key, strlen(row->key), row);
	}
	*(is_known ? &row->known : &row->unknown) = run + 1;
	return row;
}

/* Notes the source file of a function in one run. */
static void note_file(struct known *row, const char *file, size_t run)
{
	if (row->file && strcmp(row->file, file) != 0) {
		row->is_twice |= row->file_run == run;
		row->has_moved = true;
	}
	free(row->file);
	row->file = xstrdup(file);
	row->file_run = run;
}

static char *copy(const char *start, const char *end)
{
	char *text = xcalloc((size_t)(end - start) + 1, 1);

	memcpy(text, start, (size_t)(end - start));
	return text;
}

/* Notes what one run knows of one of its functions. */
static void note_function(struct known **index, const struct comparison_function *function,
			  uint32_t samples, size_t run)
{
	const char *file = strrchr(function->key, '\n'), *module = file;
	bool is_named = strncmp(function->key, "[no symbol]\n", strlen("[no symbol]\n")) != 0;

	struct known *row;

	while (module[-1] != '\n')
		module--;
	if (is_named) {
		row = note(index, copy(function->key, file), run, file[1]);
		if (file[1])
			note_file(row, file + 1, run);
	}
	if (is_named || samples >= UNNAMED_SAMPLES)
		note(index, copy(module - 1, file), run, is_named);
}

static void note_run(struct known **index, const struct comparison_names *names,
		     const struct comparison_run *run, size_t number)
{
	struct known *row, *next;

	for (uint32_t i = 0; i < run->costs_count; i++)
		if (run->costs[i].total_samples)
			note_function(index, names->rows[i], run->costs[i].total_samples, number);
	for (size_t i = 0; i < run->counts_count; i++)
		if (run->counts[i].function != UINT32_MAX)
			note_function(index, names->rows[run->counts[i].function], 0, number);
	HASH_ITER (hh, *index, row, next)
		if (row->unknown == number + 1 && row->known != number + 1)
			row->lacking = number + 1;
}

/* Returns true when that was not known yet. */
static bool mark(struct comparison_names *names, const struct known *row,
		 const struct comparison_run *run)
{
	const char *module = strrchr(row->key, '\n') + 1;
	bool has_names = row->key[0] != '\n';
	struct comparison_coarse *coarse;

	HASH_FIND_STR(names->coarse, module, coarse);
	if (coarse && (!coarse->has_names || has_names))
		return false;
	if (!coarse) {
		coarse = xcalloc(1, sizeof(*coarse));
		coarse->module = xstrdup(module);
		HASH_ADD_KEYPTR(hh, names->coarse, coarse->module, strlen(coarse->module), coarse);
	}
	free(coarse->path);
	coarse->path = xstrdup(run->path);
	coarse->has_names = has_names;
	return true;
}

/* A function that is in one file in some runs and in another in others. Returns true when that was
 * not known yet. */
static bool mark_wanderer(struct comparison_names *names, const struct known *row)
{
	struct comparison_wanderer *wanderer;

	HASH_FIND_STR(names->wanderers, row->key, wanderer);
	if (wanderer || !row->has_moved || row->is_twice)
		return false;
	wanderer = xcalloc(1, sizeof(*wanderer));
	wanderer->key = xstrdup(row->key);
	HASH_ADD_KEYPTR(hh, names->wanderers, wanderer->key, strlen(wanderer->key), wanderer);
	return true;
}

bool comparison_level_settle(struct comparison_names *names, struct comparison_run *runs,
			     size_t count)
{
	struct known *index = NULL, *row, *next;
	bool is_new = false;

	for (size_t i = 0; i < count; i++)
		note_run(&index, names, &runs[i], i);
	HASH_ITER (hh, index, row, next) {
		if (row->lacking && row->known)
			is_new |= mark(names, row, &runs[row->lacking - 1]);
		is_new |= mark_wanderer(names, row);
		HASH_DEL(index, row);
		free(row->file);
		free(row->key);
		free(row);
	}
	for (size_t i = 0; i < count && is_new; i++)
		comparison_run_done(&runs[i]);
	if (is_new)
		comparison_names_forget(names);
	return is_new;
}

const struct comparison_coarse *comparison_level_find(const struct comparison_names *names,
						      const char *module)
{
	struct comparison_coarse *coarse;

	HASH_FIND_STR(names->coarse, module, coarse);
	return coarse;
}

const char *comparison_level_file(const struct comparison_names *names, const char *name,
				  const char *module, const char *file)
{
	struct comparison_wanderer *wanderer = NULL;
	char *key = xasprintf("%s\n%s", name, module);

	HASH_FIND_STR(names->wanderers, key, wanderer);
	free(key);
	return wanderer || comparison_level_find(names, module) ? "" : symbol_base_name(file);
}

char *comparison_level_clause(const struct comparison_coarse *coarse)
{
	const char *lacks = coarse->has_names ? "debug information" : "symbols";
	const char *therefore = coarse->has_names ? "functions there are paired by name, with what "
						    "is inlined into them"
						  : "it is compared as one function";
	return xasprintf("the builds differ in %s: %s has none of %s, so %s", lacks, coarse->path,
			 coarse->module, therefore);
}

void comparison_level_lower(const struct comparison_names *names, struct report *report)
{
	struct profile *profile = report->profile;

	for (uint32_t i = 1; names->coarse && i < profile->frames_count; i++) {
		struct profile_frame *frame = &profile->frames[i];

		if (frame->line_count < 2 ||
		    !comparison_level_find(names, comparison_module_name(report, frame->module)))
			continue;
		frame->first_line += frame->line_count - 1;
		frame->line_count = 1;
	}
}

void comparison_level_done(struct comparison_names *names)
{
	struct comparison_wanderer *wanderer, *next_wanderer;
	struct comparison_coarse *coarse, *next;

	HASH_ITER (hh, names->coarse, coarse, next) {
		HASH_DEL(names->coarse, coarse);
		free(coarse->module);
		free(coarse->path);
		free(coarse);
	}
	HASH_ITER (hh, names->wanderers, wanderer, next_wanderer) {
		HASH_DEL(names->wanderers, wanderer);
		free(wanderer->key);
		free(wanderer);
	}
}

int comparison_runs_load(struct comparison_run *runs, const char *const *paths, size_t count,
			 size_t *loaded, struct comparison_names *names, struct error *error)
{
	do {
		for (*loaded = 0; *loaded < count; (*loaded)++) {
			int result =
				comparison_run_load(&runs[*loaded], paths[*loaded], names, error);

			if (result)
				return result;
		}
	} while (comparison_level_settle(names, runs, count));
	return 0;
}
