/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern: see pattern.h. */
#include "collector/resolve/pattern.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <fnmatch.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && !strcmp(text + length - end_length, end);
}

static bool is_source_name(const char *name)
{
	static const char *const endings[] = {".c",  ".cc",  ".cpp", ".cxx", ".C", ".h",
					      ".hh", ".hpp", ".rs",  ".S",   ".s"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (ends_with(name, endings[i]))
			return true;
	return false;
}

/* Returns the colon between file and function, NULL when there is none: "::" belongs to names. */
static const char *find_colon(const char *text)
{
	for (const char *at = text; (at = strchr(at, ':')); at += 2)
		if (at[1] != ':')
			return at;
	return NULL;
}

static int compile(struct pattern *pattern, struct error *error)
{
	size_t length = strlen(pattern->name);
	char message[100];
	int code;

	if (length < 2 || *pattern->name != '/' || pattern->name[length - 1] != '/') {
		pattern->is_glob = strpbrk(pattern->name, "*?[");
		return 0;
	}
	pattern->name[length - 1] = '\0';
	memmove(pattern->name, pattern->name + 1, length - 1);
	code = regcomp(&pattern->regex, pattern->name, REG_EXTENDED | REG_NOSUB);
	if (code) {
		regerror(code, &pattern->regex, message, sizeof(message));
		return fail(error, -EINVAL, "'%s' is no regular expression: %s", pattern->text,
			    message);
	}
	pattern->is_regex = true;
	return 0;
}

int pattern_init(struct pattern *pattern, const char *text, struct error *error)
{
	const char *colon = *text == '/' ? NULL : find_colon(text);
	char *file = NULL;
	int result;

	*pattern = (struct pattern){.text = xstrdup(text)};
	if (colon) {
		file = xstrdup(text);
		file[colon - text] = '\0';
		if (is_source_name(file))
			pattern->source = file;
		else
			pattern->library = file;
		pattern->is_library_glob = pattern->library && strpbrk(file, "*?[");
	}
	pattern->name = xstrdup(colon ? colon + 1 : text);
	if (!*pattern->name || (file && !*file))
		result = fail(error, -EINVAL,
			      "'%s' names no function; for instance world_step, 'world_*', "
			      "/^world_/, libm:exp or 'world.c:*'",
			      text);
	else
		result = compile(pattern, error);
	if (result)
		pattern_done(pattern);
	return result;
}

void pattern_done(struct pattern *pattern)
{
	if (pattern->is_regex)
		regfree(&pattern->regex);
	free(pattern->text);
	free(pattern->library);
	free(pattern->source);
	free(pattern->name);
	*pattern = (struct pattern){0};
}

bool pattern_is_exact(const struct pattern *pattern)
{
	return !pattern->is_glob && !pattern->is_regex;
}

/* Where the name of a library ends in that of its file: "libm" of libm.so.6 and of libm-2.36.so. */
static size_t library_bytes(const char *base)
{
	const char *end = strstr(base, ".so");
	size_t bytes = end ? (size_t)(end - base) : strlen(base), dash = bytes;

	while (dash && base[dash - 1] != '-')
		dash--;
	return dash && base[dash] >= '0' && base[dash] <= '9' ? dash - 1 : bytes;
}

static bool library_glob_takes(const struct pattern *pattern, const char *base)
{
	char *library = xstrdup(base);
	bool takes = !fnmatch(pattern->library, base, 0);

	library[library_bytes(base)] = '\0';
	takes |= !fnmatch(pattern->library, library, 0);
	free(library);
	return takes;
}

bool pattern_takes_file(const struct pattern *pattern, const char *path)
{
	const char *base = base_name(path);
	size_t length;

	if (!pattern->library)
		return true;
	if (pattern->is_library_glob)
		return library_glob_takes(pattern, base);
	length = strlen(pattern->library);
	if (strncmp(base, pattern->library, length) != 0)
		return false;
	/* The rest of "libm", of "libsqlite3.so" or of "libsqlite3.so.0". */
	return !base[length] || !strncmp(base + length, ".so", 3) || base[length] == '-' ||
	       (base[length] == '.' && strstr(pattern->library, ".so"));
}

static bool name_matches(const struct pattern *pattern, const char *name)
{
	if (pattern->is_regex)
		return !regexec(&pattern->regex, name, 0, NULL, 0);
	if (pattern->is_glob)
		return !fnmatch(pattern->name, name, 0);
	return !strcmp(pattern->name, name);
}

bool pattern_takes_source(const struct pattern *pattern, struct function_list *list,
			  const struct function *function)
{
	const char *source;

	if (!pattern->source)
		return true;
	source = function_list_source(list, function);
	if (!source)
		return false;
	return strchr(pattern->source, '/') ? ends_with(source, pattern->source)
					    : !strcmp(base_name(source), pattern->source);
}

bool pattern_takes(const struct pattern *pattern, struct function_list *list,
		   const struct function *function)
{
	return !function->is_part &&
	       (name_matches(pattern, function->name) || name_matches(pattern, function->plain)) &&
	       pattern_takes_source(pattern, list, function);
}

void pattern_add_near(const struct pattern *pattern, struct function_list *list,
		      struct near_names *near)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->functions[i].is_part &&
		    pattern_takes_source(pattern, list, &list->functions[i]))
			near_names_add(near, list->functions[i].plain, list->functions[i].plain);
}
