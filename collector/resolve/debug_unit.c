/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debug_unit: see debug_unit.h. */
#include "collector/resolve/debug_unit.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_file.h"

#include <dwarf.h>
#include <limits.h>
#include <unistd.h>

bool debug_unit_sibling(Dwarf_Die *die)
{
	const char *here = die->addr;
	Dwarf_Die next;

	if (dwarf_siblingof(die, &next) != 0 || (const char *)next.addr <= here)
		return false;
	*die = next;
	return true;
}

/* The linker moves the code of functions it discards to address 0 or 1. */
static bool is_discarded(uint64_t low)
{
	return low <= 1;
}

static void add_function(struct debug_unit *unit, Dwarf_Die *die, size_t *budget)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;
	bool added = false;

	while (*budget && (offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
		--*budget;
		if (is_discarded(low))
			continue;
		address_ranges_add(&unit->ranges, low, high, (uint32_t)unit->function_count);
		added = true;
	}
	if (!added)
		return;
	xgrow(unit->functions, unit->function_count, unit->function_capacity);
	unit->functions[unit->function_count++] = (struct debug_concrete){.die = *die};
}

/* Adds the functions below @parent: of namespaces only, or of everything when @deep. */
static void read_functions(struct debug_unit *unit, Dwarf_Die *parent, bool deep, int depth,
			   size_t *budget)
{
	Dwarf_Die child;

	if (depth > DEBUG_UNIT_DEPTH || dwarf_child(parent, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_subprogram)
			add_function(unit, &child, budget);
		if (deep || tag == DW_TAG_namespace || tag == DW_TAG_module)
			read_functions(unit, &child, deep, depth + 1, budget);
	} while (debug_unit_sibling(&child));
}

static void forget_functions(struct debug_unit *unit)
{
	for (size_t i = 0; i < unit->function_count; i++) {
		free(unit->functions[i].inlined);
		free(unit->functions[i].ranges);
	}
	unit->function_count = 0;
	address_ranges_done(&unit->ranges);
}

void debug_unit_done(struct debug_unit *unit)
{
	forget_functions(unit);
	free(unit->functions);
}

/* Says whether there is a file where the other part of the unit with this root should be. */
static bool has_split_file(Dwarf_Die *root)
{
	Dwarf_Attribute attribute;
	const char *folder = dwarf_formstring(dwarf_attr(root, DW_AT_comp_dir, &attribute));
	const char *name = debug_unit_split_name(root);
	char path[PATH_MAX];

	if (!name)
		return false;
	if (*name == '/')
		return !access(name, F_OK);
	snprintf(path, sizeof(path), "%s/%s", folder ? folder : ".", name);
	return !access(path, F_OK);
}

const char *debug_unit_split_name(Dwarf_Die *root)
{
	Dwarf_Attribute attribute;

	if (!dwarf_attr(root, DW_AT_dwo_name, &attribute) &&
	    !dwarf_attr(root, DW_AT_GNU_dwo_name, &attribute))
		return NULL;
	return dwarf_formstring(&attribute);
}

/* Finds the root of a unit's tree, which a split unit has in a file of its own (.dwo). */
static void find_tree(struct debug_unit *unit)
{
	Dwarf_Die root, split;
	uint8_t type;

	unit->tree = unit->die;
	if (dwarf_cu_info(unit->die.cu, NULL, &type, &root, &split, NULL, NULL, NULL) != 0 ||
	    type != DW_UT_skeleton)
		return;
	unit->lacks_tree =
		!split.addr || !debug_file_strings_end(dwarf_getelf(dwarf_cu_getdwarf(split.cu)));
	if (!unit->lacks_tree)
		unit->tree = split;
	else
		unit->has_foreign_tree = has_split_file(&root);
}

static void read_unit(struct debug_unit *unit, bool deep, size_t *budget)
{
	forget_functions(unit);
	find_tree(unit);
	read_functions(unit, &unit->tree, deep, 0, budget);
	address_ranges_sort(&unit->ranges, NULL, NULL);
	unit->read = true;
	unit->read_deep = deep;
}

struct debug_concrete *debug_unit_function(struct debug_unit *unit, uint64_t address,
					   size_t *budget)
{
	const struct address_range *range;

	if (!unit->read)
		read_unit(unit, false, budget);
	range = address_ranges_find(&unit->ranges, address);
	if (!range && !unit->read_deep) {
		read_unit(unit, true, budget);
		range = address_ranges_find(&unit->ranges, address);
	}
	return range ? &unit->functions[range->value] : NULL;
}

static uint32_t number(Dwarf_Die *die, unsigned int attribute)
{
	Dwarf_Attribute value;
	Dwarf_Word word;

	if (!dwarf_attr(die, attribute, &value) || dwarf_formudata(&value, &word) != 0 ||
	    word > UINT32_MAX)
		return 0;
	return (uint32_t)word;
}

/* Appends @die, whose own inlined calls are appended after it, and returns its index. */
static size_t add_inlined(struct debug_concrete *function, Dwarf_Die *die, size_t *budget)
{
	struct debug_inlined inlined = {
		.die = *die,
		.low = UINT64_MAX,
		.range = (uint32_t)function->range_count,
		.call_line = number(die, DW_AT_call_line),
		.call_file = number(die, DW_AT_call_file),
	};
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;

	while (*budget && (offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
		--*budget;
		if (low < inlined.low)
			inlined.low = low;
		if (high > inlined.high)
			inlined.high = high;
		xgrow(function->ranges, function->range_count, function->range_capacity);
		function->ranges[function->range_count++] = (struct debug_range){low, high};
		inlined.range_count++;
	}
	xgrow(function->inlined, function->inlined_count, function->inlined_capacity);
	function->inlined[function->inlined_count] = inlined;
	return function->inlined_count++;
}

static bool is_block(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static void read_inlined(struct debug_concrete *function, Dwarf_Die *parent, int depth,
			 size_t *budget)
{
	Dwarf_Die child;

	if (depth > DEBUG_UNIT_DEPTH || dwarf_child(parent, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_inlined_subroutine) {
			size_t index = add_inlined(function, &child, budget);

			read_inlined(function, &child, depth + 1, budget);
			function->inlined[index].next = (uint32_t)function->inlined_count;
		} else if (is_block(tag)) {
			read_inlined(function, &child, depth + 1, budget);
		}
	} while (debug_unit_sibling(&child));
}

void debug_unit_read_inlined(struct debug_concrete *function, size_t *budget)
{
	if (function->read)
		return;
	function->read = true;
	read_inlined(function, &function->die, 0, budget);
}

bool debug_unit_covers(const struct debug_concrete *function, const struct debug_inlined *inlined,
		       uint64_t address)
{
	const struct debug_range *range = function->ranges + inlined->range;

	if (address < inlined->low || address >= inlined->high)
		return false;
	for (uint32_t i = 0; i < inlined->range_count; i++)
		if (address >= range[i].low && address < range[i].high)
			return true;
	return false;
}
