/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_list: see function_list.h. */
#include "collector/resolve/function_list.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_lines.h"
#include "collector/resolve/demangle.h"
#include "collector/resolve/inlined_copies.h"
#include "collector/resolve/symbol_table.h"

#include <dwarf.h>
#include <gelf.h>

/* ---- symbols ------------------------------------------------------------------------------- */

/* Cuts the parameters off a demangled name: "world::step(int) const" → "world::step". Templates may
 * have parentheses in them, and an operator may be one. */
static void cut_parameters(char *name)
{
	int depth = 0;

	for (char *at = name; *at; at++) {
		if (!strncmp(at, "operator()", 10))
			at += 10;
		if (*at == '<')
			depth++;
		else if (*at == '>' && at > name && at[-1] != '-')
			depth--;
		else if (*at == '(' && depth <= 0 && at > name &&
			 strncmp(at, "(anonymous namespace)", 21)) {
			*at = '\0';
			return;
		}
		if (!*at)
			return;
	}
}

static bool is_part(const char *name)
{
	return strstr(name, ".cold") != NULL;
}

static void take_symbol(void *context, const struct symbol_row *row)
{
	struct function_list *list = context;
	const char *stated = elf_strptr(row->elf, row->strings, row->name);
	struct function *function;

	if (!stated || !*stated || row->type == STT_NOTYPE)
		return;
	xgrow(list->functions, list->count, list->capacity);
	function = &list->functions[list->count++];
	*function = (struct function){
		.name = xstrdup(stated),
		.address = row->start,
		.bytes = row->bytes,
		.is_chosen = row->type == STT_GNU_IFUNC,
	};
	function->name[strcspn(function->name + 1, "@") + 1] = '\0';
	function->is_part = is_part(function->name);
	function->plain = demangle(function->name);
	cut_parameters(function->plain);
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (symbol_table_prefers(a->name, 0, b->name, 0))
		return -1;
	return symbol_table_prefers(b->name, 0, a->name, 0);
}

static void drop_repetitions(struct function_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct function *function = &list->functions[i];

		if (kept && list->functions[kept - 1].address == function->address &&
		    !strcmp(list->functions[kept - 1].name, function->name)) {
			free(function->name);
			free(function->plain);
			continue;
		}
		list->functions[kept++] = *function;
	}
	list->count = kept;
}

void function_list_init(struct function_list *list, const struct module *module)
{
	*list = (struct function_list){.module = module, .throws = -1};
	if (module->fd < 0)
		return;
	debug_file_open(&list->file, module->fd, module->path);
	if (!list->file.elf)
		return;
	symbol_table_scan(list->file.elf, list->file.symbols, take_symbol, list);
	qsort(list->functions, list->count, sizeof(*list->functions), compare_functions);
	drop_repetitions(list);
}

void function_list_done(struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->functions[i].name);
		free(list->functions[i].plain);
	}
	free(list->functions);
	debug_lines_free(list->lines);
	inlined_copies_free(list->copies);
	if (list->module && list->module->fd >= 0)
		debug_file_close(&list->file);
	*list = (struct function_list){0};
}

bool function_list_is_full(const struct function_list *list)
{
	return list->file.symbols;
}

static bool is_of_runtime(const char *name)
{
	static const char *const names[] = {"__gxx_personality_v0", "__cxa_throw",
					    "__cxa_begin_catch", "rust_eh_personality"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Looks through all symbols of a section, also those that other files define. */
static bool names_runtime(Elf *elf, Elf_Scn *section)
{
	GElf_Shdr shdr;
	GElf_Sym symbol;
	Elf_Data *data;

	if (!gelf_getshdr(section, &shdr) || !shdr.sh_entsize ||
	    (shdr.sh_type != SHT_DYNSYM && shdr.sh_type != SHT_SYMTAB) ||
	    !(data = elf_getdata(section, NULL)))
		return false;
	for (size_t i = 0; i < data->d_size / shdr.sh_entsize; i++) {
		const char *name;

		if (!gelf_getsym(data, (int)i, &symbol))
			return false;
		name = elf_strptr(elf, shdr.sh_link, symbol.st_name);
		if (name && is_of_runtime(name))
			return true;
	}
	return false;
}

bool function_list_throws(struct function_list *list)
{
	Elf *elf = list->file.elf;
	Elf_Scn *section = NULL;

	if (list->throws < 0) {
		list->throws = 0;
		while (elf && !list->throws && (section = elf_nextscn(elf, section)))
			list->throws = names_runtime(elf, section);
	}
	return list->throws;
}

/* ---- debug information --------------------------------------------------------------------- */

static Dwarf *dwarf_of(struct function_list *list)
{
	return list->file.elf ? debug_file_dwarf(&list->file) : NULL;
}

struct debug_lines *function_list_lines(struct function_list *list)
{
	if (!list->has_lines) {
		Dwarf *dwarf = dwarf_of(list);

		list->has_lines = true;
		list->lines = dwarf ? debug_lines_new(dwarf) : NULL;
	}
	return list->lines;
}

bool function_list_has_source(struct function_list *list)
{
	return function_list_lines(list);
}

const char *function_list_source(struct function_list *list, const struct function *function)
{
	struct debug_place place;

	if (!function_list_has_source(list) ||
	    !debug_lines_find(list->lines, function->address, &place))
		return NULL;
	if (place.count == 0)
		return place.file;
	return place.calls[place.count - 1].function->file;
}

size_t function_list_copies(struct function_list *list, const struct function *function,
			    char *places, size_t bytes)
{
	if (!list->copies)
		list->copies = inlined_copies_new(dwarf_of(list));
	return inlined_copies_find(list->copies, function->address, places, bytes);
}

/* What is looked for, and the places found so far. */
struct inlining {
	const char *name;
	FILE *stream;
	size_t count;
};

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Returns the name of the nearest real or inlined function around a place. */
static const char *function_around(Dwarf_Die *die)
{
	Dwarf_Die *scopes = NULL;
	const char *name = NULL;
	int count = dwarf_getscopes_die(die, &scopes);

	for (int i = 1; i < count && !name; i++)
		if (is_function(&scopes[i]))
			name = dwarf_diename(&scopes[i]);
	free(scopes);
	return name;
}

static int take_instance(Dwarf_Die *die, void *context)
{
	struct inlining *inlining = context;
	Dwarf_Attribute attribute;
	Dwarf_Word line = 0, file = 0;
	const char *around = function_around(die), *path = NULL;
	Dwarf_Files *files;
	Dwarf_Die unit;

	dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line);
	dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file);
	if (dwarf_diecu(die, &unit, NULL, NULL) && !dwarf_getsrcfiles(&unit, &files, NULL))
		path = dwarf_filesrc(files, file, NULL, NULL);
	if (inlining->count++ >= 3)
		return DWARF_CB_OK;
	if (path && strrchr(path, '/'))
		path = strrchr(path, '/') + 1;
	fprintf(inlining->stream, "%s%s:%u%s%s", inlining->count > 1 ? ", " : "", path ? path : "?",
		(unsigned)line, around ? " in " : "", around ? around : "");
	return DWARF_CB_OK;
}

static int take_function(Dwarf_Die *die, void *context)
{
	struct inlining *inlining = context;
	const char *name = dwarf_diename(die);

	if (name && !strcmp(name, inlining->name) && dwarf_func_inline(die))
		dwarf_func_inline_instances(die, take_instance, inlining);
	return DWARF_CB_OK;
}

size_t function_list_inlined(struct function_list *list, const char *name, char *places,
			     size_t bytes)
{
	Dwarf *dwarf = dwarf_of(list);
	struct inlining inlining = {.name = name};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	*places = '\0';
	inlining.stream = dwarf ? fmemopen(places, bytes, "w") : NULL;
	if (!inlining.stream)
		return 0;
	while (!dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL))
		dwarf_getfuncs(&die, take_function, &inlining, 0);
	if (inlining.count > 3)
		fprintf(inlining.stream, " and %zu more", inlining.count - 3);
	fclose(inlining.stream);
	return inlining.count;
}
