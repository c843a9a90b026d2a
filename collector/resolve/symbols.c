/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * symbols: see symbols.h.
 *
 * The problem. A recording has some thousand distinct addresses in a dozen files. Each shall get
 * the name its author would give it, and every function that was inlined around it, and no name
 * that is merely near: in a stripped library the exported symbols are islands, and the nearest one
 * below an address is usually the wrong one. The obvious way to ask libdw (address by address,
 * dwfl_module_addrinfo and dwarf_getscopes) costs 5-45 milliseconds an address in big files and
 * finds nothing in C++ and Rust namespaces, in nested functions, and without .debug_aranges.
 *
 * The method. Frames are grouped by file and sorted by address; files are named at the same time,
 * one for each processor, as far as their debug information fits a budget of memory, and each in a
 * profile of its own, so that threads share nothing. One file is
 *
 *     debug_file     the file, its separate debug file, and what dwz shared
 *     symbol_table   address → linkage name             (sized symbols, call stubs, assembly)
 *     debug_lines    address → functions and lines      (unit → function → inlined calls)
 *     demangle       linkage name → name
 *
 * and for each address, in this order:
 *   1. debug information: one line of the frame for each inlined call and one for the real
 * function. The real function's linkage name is its symbol's, which tells copies and parts apart
 *      ("step.part.0"); the name is the declared one. A private name that has a plain public alias
 *      ("__libc_pwrite64") takes that, so that a profile reads the same with and without libc6-dbg.
 *   2. a symbol whose size covers the address, or a call stub ("memcpy@plt").
 *   3. a symbol without size, as hand-written assembly has them, unless call frame information
 *      knows a function that starts between the symbol and the address.
 *   4. in a stripped program of Go's, the name in the table that its runtime needs.
 *   5. the file and the start of the function by call frame information ("libx.so+0x1230"), else
 *      the address itself; `named` is false, and reports count it.
 *
 * Cost, measured (CPU time, 2.8 GHz Xeon, random addresses, open to close):
 *
 *     collector, -O2 -g                          999 addresses       3 ms
 *     C++ program, -O2 -g, 3.7 lines a frame     940                 6 ms
 *     Rust program with its standard library     996                29 ms
 *     libsqlite3, stripped                       999               0.8 ms
 *     libopenblas, stripped, 15,000 symbols      300               2.4 ms
 *     libLLVM-14, stripped                     5,000                18 ms
 *     libc with libc6-dbg                        500                65 ms (half of it inflating)
 *
 * It grows with the symbols of a file (0.2 us each), with the units it has (3 us each) and most of
 * all with the units that are hit, whose line programs libdw reads whole.
 *
 * Hostile files. Names are cut, ranges are limited, trees are walked by loops that always advance.
 * libdw itself survived 130,000 damaged files except for two faults that are avoided:
 * an assertion in dwarf_decl_file and strings without end (debug_file_strings_end). So names are
 * made in this process; a child that returns them over a pipe would cost more code than it saves.
 *
 * Rejected: libdwfl (it maps files, searches symbols linearly, and asks the network when
 * DEBUGINFOD_URLS is set); libbacktrace and addr2line (no separate files of dwz, a process per
 * file); an own DWARF reader (libdw's forms, indices and split units are worth the dependency).
 *
 * Not covered: functions in dwz's partial units, units that state no ranges, and prelinked files.
 */
#include "collector/resolve/symbols.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_file.h"
#include "collector/resolve/debug_lines.h"
#include "collector/resolve/debug_problems.h"
#include "collector/resolve/debuginfod.h"
#include "collector/resolve/demangle.h"
#include "collector/resolve/parallel.h"
#include "collector/resolve/perf_map.h"
#include "collector/resolve/symbol_table.h"

#include <inttypes.h>

/* Bytes of files with debug information that are open at a time, by all threads. What is read of
 * them takes up to three times that. */
#define DEBUG_BUDGET (128u << 20)

/* A frame without a name. */
struct nameless {
	uint64_t address;
	uint32_t module;
	uint32_t frame;
};

/* The frames of one file, and what they are called. */
struct file_names {
	const struct module *module;
	const struct nameless *list;
	size_t count;
	struct profile *profile; /* of its own: frame i + 1 is list[i] */
	struct debug_problems problems;
};

/* What is open while the frames of one file are named. */
struct naming {
	struct profile *profile;
	const struct module *module;
	const char *base_name;
	struct symbol_table *symbols;
	struct debug_lines *debug_lines;
	struct profile_line *lines; /* of the frame being named */
	size_t line_count, line_capacity;
};

static int compare_nameless(const void *left, const void *right)
{
	const struct nameless *a = left, *b = right;

	if (a->module != b->module)
		return a->module < b->module ? -1 : 1;
	return (a->address > b->address) - (a->address < b->address);
}

/* Lists the frames without lines, by module and address. The caller frees the list. */
static struct nameless *list_nameless(const struct profile *profile, size_t *count)
{
	struct nameless *list = xcalloc(profile->frames_count, sizeof(*list));

	*count = 0;
	for (uint32_t i = 1; i < profile->frames_count; i++)
		if (profile->frames[i].line_count == 0)
			list[(*count)++] = (struct nameless){
				.address = profile->frames[i].address,
				.module = profile->frames[i].module,
				.frame = i,
			};
	qsort(list, *count, sizeof(*list), compare_nameless);
	return list;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Names all frames of a list as one function that stands for code nobody can name. */
static void name_all(struct profile *profile, const struct nameless *list, size_t count,
		     const char *name)
{
	struct profile_line line = {
		.function = profile_function(profile, name, NULL, list->module, 0, 0, false),
	};

	for (size_t i = 0; i < count; i++)
		profile_frame_set_lines(profile, list[i].frame, &line, 1);
}

/* Finds the symbol that counts for @address; see the essay. */
static bool find_symbol(struct naming *naming, uint64_t address, struct symbol *symbol)
{
	uint64_t start;
	bool has_start, found;

	if (!naming->symbols)
		return false;
	found = symbol_table_find(naming->symbols, address, symbol);
	if (found && symbol->sized)
		return true;
	has_start = module_function_start(naming->module, address, &start);
	if (found && (!has_start || start <= symbol->start))
		return true;
	return has_start && symbol_table_find(naming->symbols, start, symbol) && !symbol->sized &&
	       symbol->start == start;
}

/* Finds the name that Go's own table has for @address; returns false when there is none. */
static bool find_go_function(const struct naming *naming, uint64_t address, struct symbol *symbol)
{
	*symbol = (struct symbol){.sized = true};
	return naming->module->go &&
	       go_table_function(naming->module->go, address, &symbol->start, &symbol->name) &&
	       symbol->name;
}

/* Makes the function of an address that only the module's call frame information may know. */
static uint32_t start_function(struct naming *naming, uint64_t address)
{
	uint64_t start = address;
	uint32_t function;
	char *name;

	module_function_start(naming->module, address, &start);
	name = xasprintf("%s+0x%" PRIx64, naming->base_name, start);
	function = profile_function(naming->profile, name, NULL, naming->module->id, 0, 0, false);
	free(name);
	return function;
}

/* Returns the profile's row of a source file. */
static uint32_t source_file(struct naming *naming, const char *folder, const char *name)
{
	char *path = debug_lines_path(folder, name);
	uint32_t file = profile_file_name(naming->profile, path);

	free(path);
	return file;
}

/* @file  row of the source file; 0: not known */
static uint32_t symbol_function(struct naming *naming, const struct symbol *symbol, uint32_t file)
{
	char *name = demangle(symbol->name);
	const char *linkage_name = strcmp(name, symbol->name) ? symbol->name : NULL;
	uint32_t function = profile_function(naming->profile, name, linkage_name,
					     naming->module->id, file, 0, true);

	free(name);
	return function;
}

/* Says whether @name is the linkage name @stem with or without a compiler's suffixes. */
static bool is_copy_of(const char *name, const char *stem)
{
	size_t length = demangle_stem(name);

	return length == strlen(stem) && !memcmp(name, stem, length);
}

/*
 * Returns the profile's function for one of the debug information.
 *
 * @linkage_name  what the linker calls the code, when that is more than the declaration knows
 *                ("step.part.0"); NULL otherwise
 */
static uint32_t declared_function(struct naming *naming, const struct debug_function *declared,
				  const char *linkage_name)
{
	uint32_t file = source_file(naming, declared->folder, declared->file);
	char *demangled = declared->linkage_name ? demangle(declared->linkage_name) : NULL;
	const char *name = declared->name ? declared->name : declared->linkage_name;
	uint32_t function;

	if (!linkage_name)
		linkage_name = declared->linkage_name;
	if (demangled && strcmp(demangled, declared->linkage_name))
		name = demangled;
	if (linkage_name && !strcmp(linkage_name, name))
		linkage_name = NULL;
	function = profile_function(naming->profile, name, linkage_name, naming->module->id, file,
				    declared->line, true);
	free(demangled);
	return function;
}

/* Returns the profile's function for a real (not inlined) function that covers @address. */
static uint32_t real_function(struct naming *naming, const struct debug_function *declared,
			      uint64_t address)
{
	const char *stem = declared->linkage_name ? declared->linkage_name : declared->name;
	struct debug_function public_function = *declared;
	struct symbol symbol;

	if (!find_symbol(naming, address, &symbol))
		return stem ? declared_function(naming, declared, NULL)
			    : start_function(naming, address);
	if (!stem)
		return symbol_function(naming, &symbol,
				       source_file(naming, declared->folder, declared->file));
	if (is_copy_of(symbol.name, stem))
		return declared_function(naming, declared, symbol.name);
	if (!declared->linkage_name && symbol.exported &&
	    symbol_table_prefers(symbol.name, 0, declared->name, 0) && *declared->name == '_') {
		public_function.name = symbol.name;
		return declared_function(naming, &public_function, NULL);
	}
	return declared_function(naming, declared, NULL);
}

static void add_line(struct naming *naming, uint32_t function, uint32_t line)
{
	xgrow(naming->lines, naming->line_count, naming->line_capacity);
	naming->lines[naming->line_count++] = (struct profile_line){function, line};
}

/* Names an address by its debug information; returns false when there is none for it. */
static bool add_declared(struct naming *naming, uint64_t address)
{
	struct debug_place place;
	struct symbol symbol;
	size_t last;

	if (!naming->debug_lines || !debug_lines_find(naming->debug_lines, address, &place))
		return false;
	if (place.count == 0) {
		if (!find_symbol(naming, address, &symbol))
			return false;
		add_line(naming,
			 symbol_function(naming, &symbol,
					 source_file(naming, place.folder, place.file)),
			 place.line);
		return true;
	}
	last = place.count - 1;
	for (size_t i = 0; i < last; i++) {
		struct debug_function *function = place.calls[i].function;

		if (!function->name && !function->linkage_name)
			continue;
		if (!function->id)
			function->id = declared_function(naming, function, NULL);
		add_line(naming, function->id, place.calls[i].line);
	}
	add_line(naming, real_function(naming, place.calls[last].function, address),
		 place.calls[last].line);
	return true;
}

static void name_frame(struct naming *naming, const struct nameless *nameless)
{
	uint32_t frame = profile_frame(naming->profile, nameless->module, nameless->address);
	struct symbol symbol;

	naming->line_count = 0;
	if (!add_declared(naming, nameless->address)) {
		if (find_symbol(naming, nameless->address, &symbol) ||
		    find_go_function(naming, nameless->address, &symbol))
			add_line(naming, symbol_function(naming, &symbol, 0), 0);
		else
			add_line(naming, start_function(naming, nameless->address), 0);
	}
	profile_frame_set_lines(naming->profile, frame, naming->lines,
				(uint32_t)naming->line_count);
}

/* Opens what names are taken from. Returns the bytes to give back to the budget. */
static uint64_t open_tables(struct naming *naming, struct debug_file *file)
{
	uint64_t bytes;
	Dwarf *dwarf;

	if (!file->elf)
		return 0;
	bytes = debug_file_dwarf_bytes(file);
	parallel_budget_take(bytes, DEBUG_BUDGET);
	naming->symbols = symbol_table_new(file->elf, file->symbols);
	dwarf = debug_file_dwarf(file);
	if (dwarf)
		naming->debug_lines = debug_lines_new(dwarf);
	return bytes;
}

/* Names the frames of one file in a profile of its own. */
static void name_file(void *context, size_t index)
{
	struct file_names *names = (struct file_names *)context + index;
	const struct module *module = names->module;
	struct naming naming = {
		.profile = profile_new(),
		.module = module,
		.base_name = base_name(module->path),
	};
	struct debug_file file = {0};
	uint64_t bytes;

	if (module->kind == PROFILE_MODULE_VDSO)
		debug_file_open_vdso(&file);
	else if (module->fd >= 0)
		debug_file_open(&file, module->fd, module->path);
	bytes = open_tables(&naming, &file);
	for (size_t i = 0; i < names->count; i++)
		name_frame(&naming, &names->list[i]);
	debug_problems_note(&names->problems, &file, naming.debug_lines);
	free(naming.lines);
	debug_lines_free(naming.debug_lines);
	symbol_table_free(naming.symbols);
	debug_file_close(&file);
	if (file.elf)
		parallel_budget_give(bytes);
	names->profile = naming.profile;
}

/* Copies a function; @ids has the copies made already. */
static uint32_t copy_function(struct profile *profile, const struct profile *from, uint32_t id,
			      uint32_t *ids)
{
	const struct profile_function *row = &from->functions[id];

	if (!ids[id])
		ids[id] = profile_function(
			profile, row->name, row->linkage_name, row->module,
			row->file ? profile_file_name(profile, from->files[row->file]) : 0,
			row->line, row->named);
	return ids[id];
}

/* Gives the frames of one file their names. */
static void take_names(struct profile *profile, const struct file_names *names)
{
	const struct profile *from = names->profile;
	uint32_t *ids = xcalloc(from->functions_count, sizeof(*ids));
	struct profile_line *lines = NULL;
	size_t capacity = 0;

	for (size_t i = 0; i < names->count; i++) {
		const struct profile_frame *frame = &from->frames[i + 1];
		size_t count = 0;

		for (uint32_t depth = 0; depth < frame->line_count; depth++) {
			const struct profile_line *line = &from->lines[frame->first_line + depth];

			xgrow(lines, count, capacity);
			lines[count++] = (struct profile_line){
				copy_function(profile, from, line->function, ids), line->line};
		}
		profile_frame_set_lines(profile, names->list[i].frame, lines, (uint32_t)count);
	}
	free(lines);
	free(ids);
}

/* Returns the name of an entry; of both functions whose code was at one address, since nothing
 * tells which it was when the sample was taken. The caller frees it. */
static char *generated_name(const struct perf_map_entry *entry)
{
	if (entry->other)
		return xasprintf("%.*s or %.*s%s", entry->other_bytes, entry->other,
				 entry->name_bytes, entry->name,
				 entry->has_more ? " or others" : "");
	return xasprintf("%.*s", entry->name_bytes, entry->name);
}

/* Names one frame of generated code by its entry in the engine's map. */
static void name_generated_frame(struct profile *profile, const struct nameless *nameless,
				 const struct perf_map_entry *entry)
{
	bool is_certain = !entry->other;
	char *name = generated_name(entry);
	char *file = strndup(entry->file_bytes ? entry->file : "", (size_t)entry->file_bytes);
	struct profile_line line = {0};

	line.function =
		profile_function(profile, name, NULL, nameless->module,
				 profile_file_name(profile, is_certain ? xalloc_checked(file) : ""),
				 is_certain ? entry->line : 0, true);
	profile_frame_set_lines(profile, nameless->frame, &line, 1);
	free(name);
	free(file);
}

/* Names the frames of code that a process generated, those its map does not know as "[jit]". */
static void name_generated(struct profile *profile, struct module *module,
			   const struct nameless *list, size_t count)
{
	struct perf_map_entry *entries = xcalloc(count, sizeof(*entries));
	uint64_t *addresses = xcalloc(count, sizeof(*addresses));
	char *text = NULL;
	size_t bytes;

	module_open_map(module);
	if (module->fd >= 0)
		text = perf_map_read(module->fd, &bytes);
	for (size_t i = 0; i < count; i++)
		addresses[i] = list[i].address;
	if (text)
		perf_map_find(text, bytes, addresses, count, entries);
	for (size_t i = 0; i < count; i++)
		if (entries[i].name)
			name_generated_frame(profile, &list[i], &entries[i]);
		else
			name_all(profile, &list[i], 1, "[jit]");
	free(text);
	free(addresses);
	free(entries);
}

/* Names the frames of what is no file, or of a file that nobody knows. */
static void name_module(struct modules *modules, struct profile *profile,
			const struct nameless *list, size_t count)
{
	struct module *module = modules_find(modules, list->module);

	switch (profile->modules[list->module].kind) {
	case PROFILE_MODULE_JIT:
		if (module)
			name_generated(profile, module, list, count);
		else
			name_all(profile, list, count, "[jit]");
		break;
	case PROFILE_MODULE_KERNEL:
		break; /* kernel_symbols names these */
	case PROFILE_MODULE_ELF:
	case PROFILE_MODULE_VDSO:
	case PROFILE_MODULE_UNKNOWN:
	case PROFILE_MODULE_NOTE:
		name_all(profile, list, count, "[unknown]");
		break;
	}
}

/* Says whether frames of a module are named from a file. */
static bool has_file(const struct profile *profile, uint32_t module)
{
	enum profile_module_kind kind = profile->modules[module].kind;

	return kind == PROFILE_MODULE_ELF || kind == PROFILE_MODULE_VDSO;
}

/* Returns the end of the frames of list[first]'s module. */
static size_t module_end(const struct nameless *list, size_t count, size_t first)
{
	size_t end = first + 1;

	while (end < count && list[end].module == list[first].module)
		end++;
	return end;
}

static void describe_fetching(struct profile *profile)
{
	char problem[128];

	if (debuginfod_problem(problem, sizeof(problem)))
		profile_set_text(profile, "fetch_problem", problem);
}

void symbols_name(struct modules *modules, struct profile *profile)
{
	size_t count, file_count = 0;
	struct nameless *list = list_nameless(profile, &count);
	struct file_names *files = xcalloc(profile->modules_count, sizeof(*files));

	for (size_t first = 0, end; first < count; first = end) {
		const struct module *module = modules_find(modules, list[first].module);

		end = module_end(list, count, first);
		if (has_file(profile, list[first].module) && module)
			files[file_count++] = (struct file_names){
				.module = module, .list = list + first, .count = end - first};
		else
			name_module(modules, profile, list + first, end - first);
	}
	parallel_run(file_count, name_file, files);
	describe_fetching(profile);
	/* In the order of the files, whichever was done first. */
	for (size_t i = 0; i < file_count; i++) {
		take_names(profile, &files[i]);
		profile_free(files[i].profile);
		debug_problems_tell(&files[i].problems, files[i].module->path, profile);
	}
	free(files);
	free(list);
}
