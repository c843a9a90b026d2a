/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inlined_copies: see inlined_copies.h. */
#include "collector/resolve/inlined_copies.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_unit.h"

#include <dwarf.h>
#include <string.h>

#define MOST_NAMED  3
#define MOST_ORIGIN 8 /* of an origin that is a copy itself */

/* A copy, or a function's own code, with the entry that both have in common. */
struct instance {
	Dwarf_Die origin;
	Dwarf_Die die, around; /* around: of a copy, the function that it lies in */
	uint64_t address;      /* of a function's own code */
};

struct inlined_copies {
	struct instance *functions, *copies;
	size_t function_count, function_capacity;
	size_t copy_count, copy_capacity;
};

static Dwarf_Die origin_of(const Dwarf_Die *die)
{
	Dwarf_Die origin = *die, next;
	Dwarf_Attribute attribute;

	for (int i = 0; i < MOST_ORIGIN; i++) {
		if (!dwarf_attr(&origin, DW_AT_abstract_origin, &attribute) ||
		    !dwarf_formref_die(&attribute, &next))
			break;
		origin = next;
	}
	return origin;
}

/* Returns the lowest address of an entry's code; 0: it has none, or the linker has removed it. */
static uint64_t code_of(Dwarf_Die *die)
{
	Dwarf_Addr base, low, high, entry;

	if (dwarf_ranges(die, 0, &base, &low, &high) <= 0 || low <= 1)
		return 0;
	return dwarf_tag(die) == DW_TAG_subprogram && !dwarf_entrypc(die, &entry) ? entry : low;
}

/* Says whether a copy is the rest of a function that was split, put back behind its beginning: then
 * it is called where the function is declared. */
static bool is_rest(Dwarf_Die *copy, Dwarf_Die *origin)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line;
	int declared;

	return !dwarf_formudata(dwarf_attr(copy, DW_AT_call_line, &attribute), &line) &&
	       !dwarf_decl_line(origin, &declared) && line == (Dwarf_Word)declared;
}

static void take(struct inlined_copies *copies, Dwarf_Die *die, const Dwarf_Die *around)
{
	uint64_t address = code_of(die);
	struct instance instance = {origin_of(die), *die, *around, address};

	if (!address)
		return;
	if (dwarf_tag(die) == DW_TAG_subprogram) {
		xgrow(copies->functions, copies->function_count, copies->function_capacity);
		copies->functions[copies->function_count++] = instance;
	} else if (!is_rest(die, &instance.origin)) {
		xgrow(copies->copies, copies->copy_count, copies->copy_capacity);
		copies->copies[copies->copy_count++] = instance;
	}
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEBUG_UNIT_DEPTH */
static void walk(struct inlined_copies *copies, Dwarf_Die *parent, const Dwarf_Die *around,
		 int depth)
{
	Dwarf_Die die;

	if (depth > DEBUG_UNIT_DEPTH || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);
		bool is_function = tag == DW_TAG_subprogram;

		if (is_function || tag == DW_TAG_inlined_subroutine)
			take(copies, &die, around);
		walk(copies, &die, is_function ? &die : around, depth + 1);
	} while (debug_unit_sibling(&die));
}

static int compare(const void *left, const void *right)
{
	const struct instance *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

struct inlined_copies *inlined_copies_new(Dwarf *dwarf)
{
	struct inlined_copies *copies = xcalloc(1, sizeof(*copies));
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (dwarf && !dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL))
		walk(copies, &die, &die, 0);
	if (copies->function_count)
		qsort(copies->functions, copies->function_count, sizeof(*copies->functions),
		      compare);
	return copies;
}

void inlined_copies_free(struct inlined_copies *copies)
{
	if (!copies)
		return;
	free(copies->functions);
	free(copies->copies);
	free(copies);
}

static bool are_equal(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* Says whether two entries declare the same function. */
static bool is_same(const Dwarf_Die *left, const Dwarf_Die *right)
{
	Dwarf_Die a = *left, b = *right;
	int a_line = 0, b_line = 0;

	if (a.addr == b.addr)
		return true;
	return are_equal(dwarf_diename(&a), dwarf_diename(&b)) && !dwarf_decl_line(&a, &a_line) &&
	       !dwarf_decl_line(&b, &b_line) && a_line == b_line &&
	       are_equal(dwarf_decl_file(&a), dwarf_decl_file(&b));
}

static void write_place(FILE *stream, const struct instance *copy)
{
	Dwarf_Die die = copy->die, around = copy->around, unit;
	Dwarf_Word line = 0, file = 0;
	Dwarf_Attribute attribute;
	const char *path = NULL, *name = dwarf_diename(&around);
	Dwarf_Files *files;

	dwarf_formudata(dwarf_attr(&die, DW_AT_call_line, &attribute), &line);
	dwarf_formudata(dwarf_attr(&die, DW_AT_call_file, &attribute), &file);
	if (dwarf_diecu(&die, &unit, NULL, NULL) && !dwarf_getsrcfiles(&unit, &files, NULL))
		path = dwarf_filesrc(files, file, NULL, NULL);
	if (path && strrchr(path, '/'))
		path = strrchr(path, '/') + 1;
	fprintf(stream, "%s:%u%s%s", path ? path : "?", (unsigned)line, name ? " in " : "",
		name ? name : "");
}

size_t inlined_copies_find(const struct inlined_copies *copies, uint64_t address, char *places,
			   size_t bytes)
{
	const struct instance *function =
		copies->function_count
			? bsearch(&(struct instance){.address = address}, copies->functions,
				  copies->function_count, sizeof(*copies->functions), compare)
			: NULL;
	FILE *stream = function ? fmemopen(places, bytes, "w") : NULL;
	size_t count = 0;

	*places = '\0';
	for (size_t i = 0; stream && i < copies->copy_count; i++) {
		if (!is_same(&copies->copies[i].origin, &function->origin))
			continue;
		if (count++ >= MOST_NAMED)
			continue;
		if (count > 1)
			fputs(", ", stream);
		write_place(stream, &copies->copies[i]);
	}
	if (stream && count > MOST_NAMED)
		fprintf(stream, " and %zu more", count - MOST_NAMED);
	if (stream)
		fclose(stream);
	places[bytes - 1] = '\0';
	return count;
}
