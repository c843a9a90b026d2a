/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debug_lines: see debug_lines.h. */
#include "collector/resolve/debug_lines.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_unit.h"

#include <dwarf.h>
#include <uthash.h>

/* Address ranges kept for one file; the biggest real files have a few 100,000. */
#define RANGES_LIMIT (4u << 20)

/* A declaration that was met, by the place of its entry in the debug information. */
struct declaration {
	const void *entry;
	struct debug_function function;
	UT_hash_handle hh;
};

struct debug_lines {
	struct debug_unit *units;
	size_t unit_count, unit_capacity;
	struct address_ranges ranges; /* of units; value = index */
	struct declaration *declarations;
	struct debug_call *calls; /* of the last place found */
	size_t call_count, call_capacity;
	size_t budget;
};

static void add_unit(struct debug_lines *lines, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;

	while (lines->budget && (offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
		lines->budget--;
		if (low > 1) /* else discarded by the linker */
			address_ranges_add(&lines->ranges, low, high, (uint32_t)lines->unit_count);
	}
	xgrow(lines->units, lines->unit_count, lines->unit_capacity);
	lines->units[lines->unit_count++] = (struct debug_unit){.die = *die};
}

struct debug_lines *debug_lines_new(Dwarf *dwarf)
{
	struct debug_lines *lines = xcalloc(1, sizeof(*lines));
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t type;

	lines->budget = RANGES_LIMIT;
	while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0)
		if (die.addr && (type == DW_UT_compile || type == DW_UT_skeleton))
			add_unit(lines, &die);
	address_ranges_sort(&lines->ranges, NULL, NULL);
	return lines;
}

bool debug_lines_lack_units(const struct debug_lines *lines)
{
	for (size_t i = 0; i < lines->unit_count; i++)
		if (lines->units[i].lacks_tree)
			return true;
	return false;
}

const char *debug_lines_foreign_unit(const struct debug_lines *lines)
{
	for (size_t i = 0; i < lines->unit_count; i++)
		if (lines->units[i].has_foreign_tree)
			return debug_unit_split_name(&lines->units[i].die);
	return NULL;
}

void debug_lines_free(struct debug_lines *lines)
{
	struct declaration *declaration, *next;

	if (!lines)
		return;
	HASH_ITER (hh, lines->declarations, declaration, next) {
		HASH_DEL(lines->declarations, declaration);
		free(declaration);
	}
	for (size_t i = 0; i < lines->unit_count; i++)
		debug_unit_done(&lines->units[i]);
	address_ranges_done(&lines->ranges);
	free(lines->units);
	free(lines->calls);
	free(lines);
}

/* Returns the name of file @index in the unit's table, or NULL. */
static const char *file_name(Dwarf_Die *unit, uint32_t index)
{
	Dwarf_Files *files;
	const char *name;
	size_t count;

	if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index >= count)
		return NULL;
	name = dwarf_filesrc(files, index, NULL, NULL);
	return name && strcmp(name, "???") ? name
					   : NULL; /* libdw's word for file 0 before DWARF 5 */
}

/* Returns the folder in which a unit was compiled, or NULL. */
static const char *unit_folder(Dwarf_Die *unit)
{
	Dwarf_Attribute value;

	return dwarf_attr(unit, DW_AT_comp_dir, &value) ? dwarf_formstring(&value) : NULL;
}

/* dwarf_decl_file would do, but ends the program where the unit's table of files is missing. */
static const char *declared_file(Dwarf_Die *die, const char **folder)
{
	Dwarf_Attribute value;
	Dwarf_Word index;
	Dwarf_Die unit;

	if (!dwarf_attr_integrate(die, DW_AT_decl_file, &value) ||
	    dwarf_formudata(&value, &index) != 0 || index > UINT32_MAX ||
	    !dwarf_cu_die(value.cu, &unit, NULL, NULL, NULL, NULL, NULL, NULL))
		return NULL;
	*folder = unit_folder(&unit);
	return file_name(&unit, (uint32_t)index);
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute value;

	if (!dwarf_attr_integrate(die, DW_AT_linkage_name, &value) &&
	    !dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &value))
		return NULL;
	return dwarf_formstring(&value);
}

/* Returns the declaration of a function's copy. */
static struct debug_function *declared(struct debug_lines *lines, struct debug_unit *unit,
				       Dwarf_Die *copy)
{
	struct declaration *declaration;
	Dwarf_Attribute value;
	Dwarf_Die die = *copy, origin;
	int line;

	if (dwarf_attr(copy, DW_AT_abstract_origin, &value) && dwarf_formref_die(&value, &origin))
		die = origin;
	HASH_FIND_PTR(lines->declarations, (const void *const *)&die.addr, declaration);
	if (declaration)
		return &declaration->function;
	declaration = xcalloc(1, sizeof(*declaration));
	declaration->entry = die.addr;
	declaration->function = (struct debug_function){
		.name = dwarf_diename(&die),
		.linkage_name = linkage_name(&die),
	};
	declaration->function.file = declared_file(&die, &declaration->function.folder);
	if (!declaration->function.folder) /* a split unit leaves it to its skeleton */
		declaration->function.folder = unit_folder(&unit->die);
	if (dwarf_decl_line(&die, &line) == 0 && line > 0)
		declaration->function.line = (uint32_t)line;
	HASH_ADD_PTR(lines->declarations, entry, declaration);
	return &declaration->function;
}

static void find_line(struct debug_unit *unit, uint64_t address, struct debug_place *place)
{
	Dwarf_Line *row = dwarf_getsrc_die(&unit->die, address);
	int line;

	if (!row)
		return;
	place->folder = unit_folder(&unit->die);
	place->file = dwarf_linesrc(row, NULL, NULL);
	if (place->file && dwarf_lineno(row, &line) == 0 && line > 0)
		place->line = (uint32_t)line;
}

/* Returns @line if it is one of the function's own file, else 0. A function that states no file,
 * as GCC's lambdas, takes that of its first line. */
static uint32_t line_in(struct debug_function *function, const char *folder, const char *file,
			uint32_t line)
{
	if (!file)
		return 0;
	if (!function->file) {
		function->folder = folder;
		function->file = file;
	}
	return file == function->file || !strcmp(file, function->file) ? line : 0;
}

static void add_call(struct debug_lines *lines, struct debug_function *function)
{
	xgrow(lines->calls, lines->call_count, lines->call_capacity);
	lines->calls[lines->call_count++] = (struct debug_call){.function = function};
}

/*
 * Lists the function and, outermost first, the inlined calls around @address. Every one gives its
 * caller the line it was called from; the innermost gets the line of the address itself.
 */
static void list_calls(struct debug_lines *lines, struct debug_unit *unit,
		       struct debug_concrete *function, uint64_t address)
{
	size_t end, i = 0;

	lines->call_count = 0;
	add_call(lines, declared(lines, unit, &function->die));
	debug_unit_read_inlined(function, &lines->budget);
	end = function->inlined_count;
	while (i < end) {
		struct debug_inlined *inlined = &function->inlined[i];
		struct debug_call *caller = &lines->calls[lines->call_count - 1];

		if (!debug_unit_covers(function, inlined, address)) {
			i = inlined->next;
			continue;
		}
		caller->line =
			line_in(caller->function, unit_folder(&unit->die),
				file_name(&unit->tree, inlined->call_file), inlined->call_line);
		add_call(lines, declared(lines, unit, &inlined->die));
		end = inlined->next;
		i++;
	}
}

static void reverse(struct debug_call *calls, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct debug_call swap = calls[i];

		calls[i] = calls[count - 1 - i];
		calls[count - 1 - i] = swap;
	}
}

bool debug_lines_find(struct debug_lines *lines, uint64_t address, struct debug_place *place)
{
	const struct address_range *range = address_ranges_find(&lines->ranges, address);
	struct debug_concrete *function;
	struct debug_unit *unit;

	*place = (struct debug_place){0};
	if (!range)
		return false;
	unit = &lines->units[range->value];
	find_line(unit, address, place);
	function = debug_unit_function(unit, address, &lines->budget);
	if (function) {
		struct debug_call *innermost;

		list_calls(lines, unit, function, address);
		innermost = &lines->calls[lines->call_count - 1];
		innermost->line =
			line_in(innermost->function, place->folder, place->file, place->line);
		reverse(lines->calls, lines->call_count);
		place->calls = lines->calls;
		place->count = lines->call_count;
	}
	return function || place->file;
}

void debug_lines_rows(struct debug_lines *lines, uint64_t start, uint64_t end,
		      void (*take)(void *context, const struct debug_row *row), void *context)
{
	const struct address_range *range = address_ranges_find(&lines->ranges, start);
	Dwarf_Die *unit = range ? &lines->units[range->value].die : NULL;
	Dwarf_Lines *rows;
	size_t count;

	if (!unit || dwarf_getsrclines(unit, &rows, &count) != 0)
		return;
	for (size_t i = 0; i + 1 < count; i++) {
		Dwarf_Line *row = dwarf_onesrcline(rows, i);
		struct debug_row found = {.folder = unit_folder(unit)};
		bool ends = true;
		int line;

		if (dwarf_lineaddr(row, &found.start) != 0 ||
		    dwarf_lineaddr(dwarf_onesrcline(rows, i + 1), &found.end) != 0 ||
		    dwarf_lineendsequence(row, &ends) != 0 || ends || found.start >= end)
			continue;
		if (dwarf_linebeginstatement(row, &found.is_statement) != 0)
			found.is_statement = false;
		/* Of several rows of one address the last speaks of the code, the others of
		 * statements that have none. */
		if (found.end <= found.start ? found.start < start || !found.is_statement
					     : found.end <= start)
			continue;
		found.file = dwarf_linesrc(row, NULL, NULL);
		if (found.file && dwarf_lineno(row, &line) == 0 && line > 0)
			found.line = (uint32_t)line;
		take(context, &found);
	}
}

char *debug_lines_path(const char *folder, const char *file)
{
	if (!file || *file == '/' || !folder || *folder != '/')
		return xstrdup(file ? file : "");
	while (!strncmp(file, "./", 2))
		file += 2;
	return xasprintf("%s/%s", folder, file);
}
