/* SPDX-License-Identifier: GPL-3.0-or-later */
/* component: see component.h. */
#include "reports/component.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <uthash.h>

static const double enough_below = 0.9; /* of the program's functions are below its folder */

static bool is_system_source(const char *path)
{
	return *path != '/' ? !strncmp(path, "../sysdeps/", 11)
			    : !strncmp(path, "/usr/include/", 13) || !strncmp(path, "/usr/lib/", 9);
}

static bool is_main_program(const struct profile *profile, uint32_t module)
{
	const struct profile_module *row = &profile->modules[module];

	return row->kind == PROFILE_MODULE_ELF &&
	       !strcmp(symbol_base_name(row->path), profile_text(profile, "program", ""));
}

/* The source file of a function of the main program, NULL for all others. */
static const char *own_source(const struct profile *profile,
			      const struct profile_function *function)
{
	const char *path = profile->files[function->file];

	if (!function->file || is_system_source(path) ||
	    !is_main_program(profile, function->module))
		return NULL;
	return path;
}

/* Length of the folder part with its slash, 0 when there is none. */
static size_t folder_length(const char *path, size_t length)
{
	while (length && path[length - 1] != '/')
		length--;
	return length;
}

static double share_below(const struct profile *profile, const char *folder, size_t length)
{
	double below = 0, all = 0;

	for (size_t i = 1; i < profile->functions_count; i++) {
		const char *path = own_source(profile, &profile->functions[i]);

		all += path != NULL;
		below += path && !strncmp(path, folder, length);
	}
	return all > 0 ? below / all : 1;
}

/* The folder the program's components are named from, as a path and a length; NULL when unknown. */
static const char *source_folder(const struct profile *profile, size_t *length)
{
	const char *start = NULL;
	size_t shorter;

	for (size_t i = 1; i < profile->functions_count; i++) {
		const char *path = own_source(profile, &profile->functions[i]);

		if (path && !strcmp(profile->functions[i].name, "main")) {
			start = path;
			break;
		}
		if (path && !start)
			start = path;
	}
	if (!start)
		return NULL;
	*length = folder_length(start, strlen(start));
	while (share_below(profile, start, *length) < enough_below) {
		shorter = *length ? folder_length(start, *length - 1) : 0;
		if (shorter <= 1)
			break;
		*length = shorter;
	}
	return start;
}

static char *copy_name(struct obstack *names, const char *text, size_t length)
{
	obstack_grow0(names, text, length);
	return obstack_finish(names);
}

/* Folder or file below the source folder; elsewhere the folder that holds the file. */
static const char *source_component(struct obstack *names, const char *path, const char *folder,
				    size_t length)
{
	const char *slash, *stem;

	if (!strncmp(path, folder, length)) {
		path += length;
		slash = strchr(path, '/');
		if (slash && slash != path)
			return copy_name(names, path, slash - path);
	} else {
		size_t above = folder_length(path, strlen(path));
		size_t begin = above ? folder_length(path, above - 1) : 0;

		if (above > begin + 1)
			return copy_name(names, path + begin, above - begin - 1);
	}
	stem = symbol_base_name(path);
	slash = strchr(stem, '.');
	return copy_name(names, stem,
			 slash && slash != stem ? (size_t)(slash - stem) : strlen(stem));
}

/* "libsqlite3.so.0.8.6" → "libsqlite3", "libopenblasp-r0.3.21.so" → "libopenblasp". */
static const char *module_component(struct obstack *names, const struct profile_module *module)
{
	const char *name = symbol_base_name(module->path), *end;

	switch (module->kind) {
	case PROFILE_MODULE_KERNEL:
		return "kernel";
	case PROFILE_MODULE_VDSO:
		return "vdso";
	case PROFILE_MODULE_JIT:
		return "generated code";
	case PROFILE_MODULE_NOTE:
		return "cut stacks";
	case PROFILE_MODULE_UNKNOWN:
		return "unknown";
	case PROFILE_MODULE_ELF:
		break;
	}
	end = strstr(name, ".so");
	if (!end)
		return *name ? name : "unknown";
	for (const char *dash = name; (dash = strchr(dash, '-')) && dash < end; dash++)
		if (isdigit(dash[1]) || (dash[1] == 'r' && isdigit(dash[2])))
			end = dash;
	if (!strncmp(name, "ld-linux", 8))
		return "ld.so";
	return copy_name(names, name, end - name);
}

struct ranked {
	UT_hash_handle hh;
	const char *name;
	uint64_t self;
	enum component_pattern pattern;
	uint8_t row;
};

static int compare_ranked(const struct ranked *a, const struct ranked *b)
{
	if (a->self != b->self)
		return a->self < b->self ? 1 : -1;
	return strcmp(a->name, b->name);
}

static enum component_pattern module_pattern(const struct profile_module *module)
{
	switch (module->kind) {
	case PROFILE_MODULE_KERNEL:
		return COMPONENT_DOTS;
	case PROFILE_MODULE_NOTE:
	case PROFILE_MODULE_UNKNOWN:
		return COMPONENT_HATCH;
	default:
		return COMPONENT_PLAIN;
	}
}

/* Finds or adds the component of every symbol that is in the tree. */
static struct ranked *name_components(struct component_table *table, const struct report *report,
				      const struct call_tree *tree, struct ranked **of_symbol)
{
	const struct profile *profile = report->profile;
	struct ranked *all = NULL;
	size_t length = 0;
	const char *folder = source_folder(profile, &length);

	for (uint32_t i = 1; i < tree->count; i++) {
		uint32_t id = tree->nodes[i].symbol;
		const struct symbol *symbol = &report->symbols.symbols[id];
		const struct profile_module *module = &profile->modules[symbol->module];

		if (!of_symbol[id]) {
			const char *source = id < profile->functions_count
						     ? own_source(profile, &profile->functions[id])
						     : NULL;
			const char *name =
				source && folder
					? source_component(&table->names, source, folder, length)
					: module_component(&table->names, module);

			HASH_FIND_STR(all, name, of_symbol[id]);
			if (!of_symbol[id]) {
				of_symbol[id] = xcalloc(1, sizeof(*of_symbol[id]));
				of_symbol[id]->name = text_clean(&table->names, name, 32);
				of_symbol[id]->pattern = module_pattern(module);
				HASH_ADD_KEYPTR(hh, all, name, strlen(name), of_symbol[id]);
			}
		}
	}
	for (size_t i = 0; i < profile->samples_count; i++) {
		uint32_t leaf = tree->leaf_of_sample[i];

		if (leaf && leaf != CALL_TREE_OTHER)
			of_symbol[tree->nodes[leaf].symbol]->self +=
				call_tree_value(profile, &profile->samples[i]);
	}
	HASH_SORT(all, compare_ranked);
	return all;
}

static void set_fill(struct component *component, unsigned rgb)
{
	static const double lighter[COMPONENT_SHADES] = {0, 0.16, -0.03};

	for (int shade = 0; shade < COMPONENT_SHADES; shade++) {
		unsigned mixed = 0;

		for (int shift = 16; shift >= 0; shift -= 8) {
			double part = rgb >> shift & 0xff, by = lighter[shade];

			part += by > 0 ? (255 - part) * by : part * by;
			mixed = mixed << 8 | (unsigned)(part + 0.5);
		}
		snprintf(component->fill[shade], sizeof(component->fill[shade]), "#%06x", mixed);
	}
}

/* Row @row of the legend for a component; colours go by rank, patterns where they must. */
static struct component make_component(const struct ranked *ranked, int *coloured)
{
	static const unsigned palette[] = {0x77aadd, 0x44bb99, 0xee8866,
					   0xeedd88, 0xffaabb, 0xbbcc33};
	struct component component = {
		.name = ranked->name, .self = ranked->self, .pattern = ranked->pattern};

	if (ranked->pattern == COMPONENT_PLAIN) {
		component.pattern = *coloured < 6 ? COMPONENT_PLAIN : COMPONENT_STRIPES;
		set_fill(&component, palette[(*coloured)++ % 6]);
	} else {
		set_fill(&component, ranked->pattern == COMPONENT_DOTS ? 0xbbcc33 : 0xdddddd);
	}
	return component;
}

/* Shares in tenths of a percent that add up to 100 %: the largest remainders are rounded up. */
static void round_shares(struct component_table *table)
{
	uint64_t all = 0;
	int left = 1000;

	for (int i = 0; i < table->count; i++)
		all += table->rows[i].self;
	for (int i = 0; i < table->count && all; i++) {
		table->rows[i].tenths = 1000.0 * table->rows[i].self / all;
		left -= table->rows[i].tenths;
	}
	for (; all && left > 0; left--) {
		int best = 0;
		double most = -1;

		for (int i = 0; i < table->count; i++) {
			double rest = 1000.0 * table->rows[i].self / all - table->rows[i].tenths;

			if (rest > most) {
				most = rest;
				best = i;
			}
		}
		table->rows[best].tenths++;
	}
}

void component_table_init(struct component_table *table, const struct report *report,
			  const struct call_tree *tree)
{
	uint32_t count = report->symbols.count;
	struct ranked **of_symbol = xcalloc(count, sizeof(struct ranked *)), *all, *ranked, *next;
	int coloured = 0;

	*table = (struct component_table){.of_symbol = xcalloc(count, 1)};
	obstack_init(&table->names);
	all = name_components(table, report, tree, of_symbol);
	for (ranked = all; ranked; ranked = ranked->hh.next) {
		ranked->row = table->count < COMPONENT_LIMIT + 1 ? table->count : COMPONENT_LIMIT;
		if (table->count < COMPONENT_LIMIT) {
			table->rows[table->count++] = make_component(ranked, &coloured);
		} else if (table->count == COMPONENT_LIMIT) {
			ranked->name = "other";
			table->rows[table->count] = make_component(ranked, &coloured);
			table->rows[table->count].pattern = COMPONENT_PLAIN;
			set_fill(&table->rows[table->count++], 0xdddddd);
		} else {
			table->rows[COMPONENT_LIMIT].self += ranked->self;
		}
	}
	for (uint32_t i = 0; i < count; i++)
		table->of_symbol[i] = of_symbol[i] ? of_symbol[i]->row : 0;
	HASH_ITER (hh, all, ranked, next) {
		HASH_DEL(all, ranked);
		free(ranked);
	}
	free(of_symbol);
	round_shares(table);
}

void component_table_done(struct component_table *table)
{
	free(table->of_symbol);
	obstack_free(&table->names, NULL);
}

int component_shade(const char *label)
{
	unsigned hash = 0;

	for (; *label; label++)
		if ((unsigned char)*label < 128)
			hash = (hash * 31 + *label) & 0xffff;
	return hash % COMPONENT_SHADES;
}
