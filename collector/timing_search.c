/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_search: see timing_search.h. */
#include "collector/timing_search.h"

#include "collector/base/xalloc.h"

void timing_search_init(struct timing_search *search, const struct program_files *files)
{
	*search = (struct timing_search){
		.files = files,
		.lists = xcalloc(files->count, sizeof(*search->lists)),
		.is_read = xcalloc(files->count, sizeof(*search->is_read)),
	};
}

void timing_search_done(struct timing_search *search)
{
	for (size_t i = 0; i < search->files->count; i++)
		if (search->is_read[i])
			function_list_done(&search->lists[i]);
	free(search->lists);
	free(search->is_read);
}

struct function_list *timing_search_list(struct timing_search *search, size_t file)
{
	if (!search->is_read[file]) {
		search->is_read[file] = true;
		module_open(search->files->modules[file]);
		function_list_init(&search->lists[file], search->files->modules[file]);
	}
	return &search->lists[file];
}

bool timing_search_takes(const struct pattern *pattern, const struct module *module)
{
	char name[256];

	return pattern_takes_file(pattern, module->path) ||
	       (program_soname(module->path, name, sizeof(name)) &&
		pattern_takes_file(pattern, name));
}

bool timing_search_has_chosen(const struct pattern *pattern, const struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->functions[i].is_chosen && !strcmp(list->functions[i].name, pattern->name))
			return true;
	return false;
}
