/* SPDX-License-Identifier: GPL-3.0-or-later */
/* component_map: see component_map.h. */
#include "reports/component_map.h"

#include "collector/base/xalloc.h"
#include "reports/component.h"
#include "reports/engine.h"

#include <fnmatch.h>

void component_map_init(struct component_map *map, const json_t *components)
{
	const char *name;
	json_t *value;

	*map = (struct component_map){.names = {"other"}, .count = 1};
	if (!json_object_size(components))
		return;
	map->patterns = components;
	json_object_foreach ((json_t *)components, name, value) {
		if (map->count < COMPONENT_MAP_LIMIT)
			map->names[map->count++] = name;
	}
}

void component_map_done(struct component_map *map)
{
	for (int i = 0; i < map->count; i++)
		free(map->owned[i]);
}

/* Whether @path ends with @pattern at the start of a name; a pattern that ends with a slash is a
 * folder. */
static bool matches_path(const char *pattern, const char *path)
{
	char wide[512];
	size_t length = strlen(pattern);
	bool is_folder = length && pattern[length - 1] == '/';

	snprintf(wide, sizeof(wide), "%s%s", pattern, is_folder ? "*" : "");
	if (!fnmatch(wide, path, 0))
		return true;
	snprintf(wide, sizeof(wide), "*/%s%s", pattern, is_folder ? "*" : "");
	return !fnmatch(wide, path, 0);
}

/* Names of C++ also without their parameters. */
static bool matches_name(const char *pattern, const char *label)
{
	size_t length = strcspn(label, "(");
	char name[512];

	if (!fnmatch(pattern, label, 0))
		return true;
	if (!label[length] || !length || length >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)length, label);
	return !fnmatch(pattern, name, 0);
}

static bool matches(const char *pattern, const struct report *report, const struct symbol *symbol)
{
	const struct profile *profile = report->profile;

	if (strstr(pattern, ".so"))
		return !fnmatch(pattern, symbol_base_name(profile->modules[symbol->module].path),
				0);
	if (strchr(pattern, '/') || strchr(pattern, '.'))
		return symbol->file && matches_path(pattern, profile->files[symbol->file]);
	return symbol->named && matches_name(pattern, symbol->label);
}

static int find(const struct component_map *map, const json_t *const *lists,
		const struct report *report, const struct symbol *symbol)
{
	const json_t *pattern;
	size_t k;

	for (int i = 1; i < map->count; i++)
		json_array_foreach (lists[i], k, pattern) {
			if (matches(json_string_value(pattern), report, symbol))
				return i;
		}
	return 0;
}

static int by_name(struct component_map *map, const char *name)
{
	for (int i = 0; i < map->count; i++)
		if (!strcmp(map->names[i], name))
			return i;
	if (map->count == COMPONENT_MAP_LIMIT)
		return 0;
	map->owned[map->count] = xstrdup(name);
	map->names[map->count] = map->owned[map->count];
	return map->count++;
}

static bool is_program(const struct report *report, const struct symbol *symbol)
{
	const struct profile_module *module = &report->profile->modules[symbol->module];

	return !strcmp(symbol_base_name(module->path), report_program(report));
}

/* Parts that the folders of the source make; libraries serve whoever calls them. */
static void find_by_folder(struct component_map *map, const struct report *report,
			   uint8_t *of_symbol)
{
	const struct profile *profile = report->profile;
	struct call_tree *tree =
		call_tree_build(profile, &(struct call_tree_options){.metric = report->metric});
	struct component_table table;

	component_table_init(&table, report, tree);
	for (uint32_t node = 1; node < tree->count; node++) {
		uint32_t i = tree->nodes[node].symbol;

		if (is_program(report, &report->symbols.symbols[i]))
			of_symbol[i] = (uint8_t)by_name(map, table.rows[table.of_symbol[i]].name);
	}
	component_table_done(&table);
	call_tree_free(tree);
}

uint8_t *component_map_symbols(struct component_map *map, const struct report *report)
{
	uint8_t *of_symbol = xcalloc(report->symbols.count, 1);
	const json_t *lists[COMPONENT_MAP_LIMIT] = {0};

	if (!map->patterns) {
		find_by_folder(map, report, of_symbol);
		return of_symbol;
	}
	for (int i = 1; i < map->count; i++)
		lists[i] = engine_list(
			json_string_value(json_object_get(map->patterns, map->names[i])));
	for (uint32_t i = 1; i < report->symbols.count; i++)
		of_symbol[i] = (uint8_t)find(map, lists, report, &report->symbols.symbols[i]);
	for (int i = 1; i < map->count; i++)
		json_decref((json_t *)lists[i]);
	return of_symbol;
}

uint8_t *component_map_bearing(const uint8_t *components, const struct report *report)
{
	uint8_t *bearing = xcalloc(report->symbols.count, 1);

	for (uint32_t i = 1; i < report->symbols.count; i++) {
		const struct symbol *symbol = &report->symbols.symbols[i];
		uint8_t kind = report->profile->modules[symbol->module].kind;

		if (components[i])
			bearing[i] = COMPONENT_BEARS;
		/* Code that was generated is the program's, too. */
		else if (kind == PROFILE_MODULE_JIT || is_program(report, symbol))
			bearing[i] = COMPONENT_OTHER;
	}
	return bearing;
}
