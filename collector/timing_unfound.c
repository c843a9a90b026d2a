/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_unfound: see timing_unfound.h. */
#include "collector/timing_unfound.h"

#include <errno.h>
#include <string.h>

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
	pattern_nearest(pattern, list, text, sizeof(text));
	if (pattern_is_exact(pattern) && *text)
		return fail(error, -ENOENT, "there is no function '%s' in %s; did you mean %s?",
			    pattern->name, file, text);
	return 0;
}

int timing_unfound(const struct pattern *pattern, struct timing_search *search, struct error *error)
{
	const char *program;
	struct function_list *list;
	int result = 0;

	if (!search->files->count)
		return fail(error, -ENOENT,
			    "there is no program with a function '%s': it is not found, or not a "
			    "64-bit program for x86-64 (for a script name its interpreter)",
			    pattern->name);
	program = basename(search->files->modules[0]->path);
	for (size_t i = 0; i < search->files->count && !result; i++)
		if (timing_search_takes(pattern, search->files->modules[i]) &&
		    (i == 0 || pattern->library))
			result = timing_unfound_in_file(pattern, timing_search_list(search, i),
							error);
	if (result)
		return result;
	if (!pattern_is_exact(pattern))
		return fail(error, -ENOENT,
			    "'%s' matches no function of %s; for a library write LIBRARY:%s",
			    pattern->text, pattern->library ? pattern->library : program,
			    pattern->name);
	list = timing_search_list(search, 0);
	return fail(error, -ENOENT, "there is no function '%s' in %s%s%s", pattern->name,
		    pattern->library ? pattern->library : program,
		    pattern->library ? "" : " or its libraries",
		    list->count < 10 ? "; the program is stripped of most names" : "");
}

int timing_unfound_ambiguous(const struct pattern *pattern, const char *first, const char *second,
			     struct error *error)
{
	return fail(error, -ENOTUNIQ, "'%s' is in %s and in %s; write %.*s:%s or %.*s:%s",
		    pattern->name, first, second, (int)strcspn(first, "."), first, pattern->name,
		    (int)strcspn(second, "."), second, pattern->name);
}
