/* SPDX-License-Identifier: GPL-3.0-or-later */
/* go_table: see go_table.h. */
#include "collector/resolve/go_table.h"

#include "collector/base/xalloc.h"
#include "collector/cfi/cursor.h"

#define TABLE_LIMIT (256U << 20) /* the largest programs have 100 MB */

#define MAGIC_1_18 0xfffffff0
#define MAGIC_1_20 0xfffffff1

/* Offsets in pcHeader; the pointer size is 8. */
enum {
	HEADER_QUANTUM = 6, /* smallest instruction */
	HEADER_POINTER = 7, /* bytes of a pointer */
	HEADER_COUNT = 8,
	HEADER_TEXT = 24,
	HEADER_NAMES = 32,
	HEADER_VALUES = 56, /* tables of values by instruction */
	HEADER_FUNCTIONS = 64,
	HEADER_BYTES = 72,
};

/* Offsets in _func. */
enum {
	FUNCTION_NAME = 4,
	FUNCTION_DELTAS = 16,
	FUNCTION_FLAG_1_18 = 37,
	FUNCTION_FLAG_1_20 = 41,
};

enum {
	FLAG_TOP = 1,
	FLAG_WRITES_SP = 2,
};

struct go_table {
	uint8_t *data;
	size_t bytes;
	uint64_t text; /* elf address that functions count from */
	size_t count;
	uint64_t names, values, functions; /* offsets in data */
	uint32_t flag;			   /* offset in a function's record */
};

static uint64_t number(const struct go_table *table, uint64_t offset, unsigned int bytes)
{
	struct cursor cursor = {table->data, table->data + table->bytes, false};

	cursor_skip(&cursor, offset);
	return cursor_unsigned(&cursor, bytes);
}

/* In a position-independent program the file says 0: the loader would fill it in. */
static uint64_t text_start(const struct go_table *table, const struct elf_image *image)
{
	uint64_t start = number(table, HEADER_TEXT, 8);
	const Elf64_Shdr *text = elf_image_section(image, ".text");

	return start || !text ? start : text->sh_addr;
}

static bool read_header(struct go_table *table, const struct elf_image *image)
{
	uint32_t magic = (uint32_t)number(table, 0, 4);

	if (table->bytes < HEADER_BYTES || (magic != MAGIC_1_18 && magic != MAGIC_1_20) ||
	    table->data[HEADER_QUANTUM] != 1 || table->data[HEADER_POINTER] != 8)
		return false;
	table->flag = magic == MAGIC_1_18 ? FUNCTION_FLAG_1_18 : FUNCTION_FLAG_1_20;
	table->text = text_start(table, image);
	table->names = number(table, HEADER_NAMES, 8);
	table->values = number(table, HEADER_VALUES, 8);
	table->functions = number(table, HEADER_FUNCTIONS, 8);
	table->count = number(table, HEADER_COUNT, 8);
	/* Pairs of 32-bit numbers, and one more start that ends the last function. */
	return table->functions <= table->bytes && table->names <= table->bytes &&
	       table->values <= table->bytes && table->count &&
	       table->count <= (table->bytes - table->functions) / 8;
}

struct go_table *go_table_new(const struct elf_image *image)
{
	const Elf64_Shdr *section = elf_image_section(image, ".gopclntab");
	struct go_table *table;

	if (!section)
		section = elf_image_section(image, ".data.rel.ro.gopclntab");
	if (!section)
		return NULL;
	table = xcalloc(1, sizeof(*table));
	table->data = elf_image_load(image, section->sh_offset, section->sh_size, TABLE_LIMIT);
	table->bytes = table->data ? section->sh_size : 0;
	if (table->data && read_header(table, image))
		return table;
	go_table_free(table);
	return NULL;
}

void go_table_free(struct go_table *table)
{
	if (!table)
		return;
	free(table->data);
	free(table);
}

static uint64_t function_start(const struct go_table *table, size_t i)
{
	return number(table, table->functions + 8 * i, 4);
}

/* Finds the function around @address. @record receives the offset of its record, @start where it
 * begins, counted from the text. */
static bool find(const struct go_table *table, uint64_t address, uint64_t *record, uint64_t *start)
{
	uint64_t wanted = address - table->text;
	size_t low = 0, high = table->count;

	if (wanted >= function_start(table, table->count) || wanted < function_start(table, 0))
		return false;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (function_start(table, middle) <= wanted)
			low = middle;
		else
			high = middle;
	}
	*start = function_start(table, low);
	*record = table->functions + number(table, table->functions + 8 * low + 4, 4);
	return *record < table->bytes;
}

/* Finds how far the return address is above the stack pointer at @distance bytes into a function:
 * pairs of (change of the value, zigzag; bytes of code it holds for). */
static bool find_delta(const struct go_table *table, uint64_t record, uint64_t distance,
		       int64_t *delta)
{
	uint64_t offset = number(table, record + FUNCTION_DELTAS, 4), end = 0;
	struct cursor cursor = {table->data, table->data + table->bytes, false};

	*delta = -1;
	if (!offset)
		return false;
	cursor_skip(&cursor, table->values + offset);
	do {
		uint64_t change = cursor_uleb(&cursor);

		if (cursor.failed || (!change && end))
			return false;
		*delta += (int64_t)(change >> 1) ^ -(int64_t)(change & 1);
		end += cursor_uleb(&cursor);
	} while (!cursor.failed && distance >= end);
	return !cursor.failed && *delta >= 0 && *delta <= INT32_MAX - 16;
}

static enum go_stack stack_after(const struct go_table *table, uint64_t address)
{
	const char *name;
	uint64_t start;

	return go_table_function(table, address, &start, &name) && name &&
			       !strcmp(name, "runtime.mcall")
		       ? GO_STACK_LEFT
		       : GO_STACK_SWITCHED;
}

bool go_table_rule(const struct go_table *table, uint64_t address, struct cfi_rule *rule,
		   enum go_stack *stack)
{
	uint64_t record, start;
	int64_t delta;
	uint8_t flags;

	if (!find(table, address, &record, &start))
		return false;
	*stack = GO_STACK_KEPT;
	*rule = (struct cfi_rule){.kind = CFI_NO_RULE};
	flags = (uint8_t)number(table, record + table->flag, 1);
	if (flags & FLAG_TOP) {
		rule->kind = CFI_END;
		return true;
	}
	if (!find_delta(table, record, address - table->text - start, &delta))
		return true;
	if (flags & FLAG_WRITES_SP)
		*stack = stack_after(table, address);
	*rule = (struct cfi_rule){
		.kind = CFI_REGISTER,
		.cfa_register = CFI_SP,
		.cfa_offset = (int32_t)delta + 8,
		.bp_saved = delta >= 8 ? CFI_AT_CFA : CFI_SAME,
		.bp_offset = -16,
		.bx_saved = CFI_LOST,
		.ip_saved = CFI_AT_CFA,
		.ip_offset = -8,
	};
	if (flags & FLAG_WRITES_SP && delta) {
		rule->cfa_register = CFI_BP;
		rule->cfa_offset = 16;
	}
	return true;
}

bool go_table_function(const struct go_table *table, uint64_t address, uint64_t *start,
		       const char **name)
{
	uint64_t record, offset;

	if (!find(table, address, &record, start))
		return false;
	*start += table->text;
	offset = table->names + number(table, record + FUNCTION_NAME, 4);
	*name = NULL;
	if (offset < table->bytes && memchr(table->data + offset, 0, table->bytes - offset) &&
	    table->data[offset])
		*name = (const char *)table->data + offset;
	return true;
}
