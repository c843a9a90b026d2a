/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_unfound: see timing_unfound.h. */
#include "collector/timing_unfound.h"

#include "collector/base/near_names.h"

#include <errno.h>
#include <string.h>

/* Of files that functions come from the nearest to the one that was named, else some of them. */
static int unfound_file(const struct pattern *pattern, struct function_list *list,
			struct error *error)
{
	const char *some[NEAR_NAMES] = {0}, *file = basename(list->module->path);
	struct near_names near;
	size_t count = 0;
	char text[300];

	near_names_init(&near, basename(pattern->source));
	for (size_t i = 0; i < list->count; i++) {
		const char *source = function_list_source(list, &list->functions[i]);
		bool is_new = source;

		if (!source)
			continue;
		source = basename(source);
		near_names_add(&near, source, source);
		for (size_t j = 0; j < count; j++)
			is_new &= strcmp(some[j], source) != 0;
		if (is_new && count < NEAR_NAMES)
			some[count++] = source;
	}
	if (*near_names_write(&near, text, sizeof(text)))
		return fail(error, -ENOENT,
			    "no function of %s is of a source file '%s'; did you mean %s?", file,
			    pattern->source, text);
	return fail(error, -ENOENT,
		    "no function of %s is of a source file '%s', but of %s%s%s%s%s for instance",
		    file, pattern->source, count ? some[0] : "none that is known",
		    count > 1 ? ", " : "", count > 1 ? some[1] : "", count > 2 ? ", " : "",
		    count > 2 ? some[2] : "");
}

/* Its file has functions, or nothing is of such a file. */
static int unfound_in_source(const struct pattern *pattern, struct function_list *list,
			     struct error *error)
{
	for (size_t i = 0; i < list->count; i++)
		if (pattern_takes_source(pattern, list, &list->functions[i]))
			return 0;
	return unfound_file(pattern, list, error);
}

int timing_unfound_in_file(const struct pattern *pattern, struct function_list *list,
			   struct error *error)
{
	const char *file = basename(list->module->path);
	char text[300];

	if (list->module->problem)
		return fail(error, -ENOENT, "functions of %s cannot be timed: %s", file,
			    list->module->problem);
	if (pattern_is_exact(pattern) && timing_search_has_chosen(pattern, list))
		return fail(error, -ENOENT,
			    "'%s' of %s is chosen among several when the program starts (ifunc); "
			    "time the one that is used, for instance '%s:*%s*'",
			    pattern->name, file, pattern->library ? pattern->library : file,
			    pattern->name);
	if (pattern_is_exact(pattern) &&
	    function_list_inlined(list, pattern->name, text, sizeof(text)))
		return fail(error, -ENOENT,
			    "'%s' has no code of its own in %s: it was inlined at %s; time what "
			    "calls it",
			    pattern->name, file, text);
	if (pattern->source && !function_list_has_source(list))
		return fail(error, -ENOENT,
			    "%s has no debug information, so source files like '%s' are not known; "
			    "build it with -g, or name functions",
			    file, pattern->source);
	if (!list->count)
		return fail(error, -ENOENT,
			    "%s is stripped: it names no functions; install its debug symbols or "
			    "build it without -s",
			    file);
	return pattern->source ? unfound_in_source(pattern, list, error) : 0;
}

int timing_unfound(const struct pattern *pattern, struct timing_search *search, struct error *error)
{
	const char *program;
	struct near_names near;
	char text[300];
	int result = 0;

	if (!search->files->count)
		return fail(error, -ENOENT,
			    "there is no program with a function '%s': it is not found, or not a "
			    "64-bit program for x86-64 (for a script name its interpreter)",
			    pattern->name);
	program = basename(search->files->modules[0]->path);
	near_names_init(&near, pattern->name);
	for (size_t i = 0; i < search->files->count && !result; i++) {
		struct function_list *list;

		if (!timing_search_takes(pattern, search->files->modules[i]) ||
		    (i && pattern->source))
			continue;
		list = timing_search_list(search, i);
		if (i == 0 || pattern->library)
			result = timing_unfound_in_file(pattern, list, error);
		if (pattern_is_exact(pattern))
			pattern_add_near(pattern, list, &near);
	}
	if (result)
		return result;
	if (!pattern_is_exact(pattern))
		return fail(error, -ENOENT, "'%s' matches no function of %s%s%s", pattern->text,
			    pattern->source    ? pattern->source
			    : pattern->library ? pattern->library
					       : program,
			    pattern->source || pattern->library ? ""
								: "; for a library write LIBRARY:",
			    pattern->source || pattern->library ? "" : pattern->name);
	near_names_write(&near, text, sizeof(text));
	return fail(error, -ENOENT, "there is no function '%s' in %s%s%s%s%s%s%s", pattern->name,
		    pattern->source ? pattern->source : "", pattern->source ? " of " : "",
		    pattern->library ? pattern->library : program,
		    pattern->library || pattern->source ? "" : " or its libraries",
		    *text ? "; did you mean " : "", text,
		    *text ? "?"
		    : function_list_is_full(timing_search_list(search, 0))
			    ? ""
			    : "; the program is stripped of most names");
}

int timing_unfound_ambiguous(const struct pattern *pattern, const char *first, const char *second,
			     struct error *error)
{
	return fail(error, -ENOTUNIQ, "'%s' is in %s and in %s; write %.*s:%s or %.*s:%s",
		    pattern->name, first, second, (int)strcspn(first, "."), first, pattern->name,
		    (int)strcspn(second, "."), second, pattern->name);
}
