/* SPDX-License-Identifier: GPL-3.0-or-later */
/* symbol_table: see symbol_table.h. */
#include "collector/resolve/symbol_table.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/address_ranges.h"
#include "collector/resolve/debug_file.h"
#include "collector/resolve/plt.h"

#include <gelf.h>

enum {
	RANK_GLOBAL,
	RANK_WEAK,
	RANK_LOCAL
};

/* A symbol as its table states it. */
struct entry {
	Elf *elf;
	uint32_t strings; /* section index of the string table */
	uint32_t name;	  /* offset in it */
	uint8_t rank;
};

struct symbol_table {
	struct entry *entries;
	size_t entry_count, entry_capacity;
	struct address_ranges sized;
	struct address_ranges unsized;
	struct plt *plt;
	char *name; /* of the last symbol found */
};

/* The sections of one file that hold code, by section index. */
struct code_sections {
	uint64_t *ends; /* end address; 0 for a section without code */
	size_t count;
};

static struct code_sections code_sections(Elf *elf)
{
	struct code_sections code = {0};
	Elf_Scn *section = NULL;

	if (elf_getshdrnum(elf, &code.count) != 0)
		code.count = 0;
	code.ends = xcalloc(code.count, sizeof(*code.ends));
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;

		if (elf_ndxscn(section) < code.count && gelf_getshdr(section, &shdr) &&
		    shdr.sh_flags & SHF_EXECINSTR)
			code.ends[elf_ndxscn(section)] = shdr.sh_addr + shdr.sh_size;
	}
	return code;
}

/* Returns the end of the code section that @symbol names, 0 when it names no code. */
static uint64_t code_end(const struct code_sections *code, const GElf_Sym *symbol)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	if (type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC)
		return 0;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= code->count)
		return 0;
	return code->ends[symbol->st_shndx];
}

/* Copies a symbol into the table. */
static void add_symbol(void *context, const struct symbol_row *row)
{
	struct symbol_table *table = context;
	uint32_t index = (uint32_t)table->entry_count;

	xgrow(table->entries, table->entry_count, table->entry_capacity);
	table->entries[table->entry_count++] = (struct entry){
		.elf = row->elf,
		.strings = row->strings,
		.name = row->name,
		.rank = row->binding == STB_LOCAL  ? RANK_LOCAL
			: row->binding == STB_WEAK ? RANK_WEAK
						   : RANK_GLOBAL,
	};
	if (row->bytes)
		address_ranges_add(&table->sized, row->start, row->start + row->bytes, index);
	else
		address_ranges_add(&table->unsized, row->start,
				   row->is_full ? row->section_end : row->start + 1, index);
}

/* Tells the function symbols of @elf's sections of @type; returns whether there was such one. */
static bool scan_sections(Elf *elf, uint32_t type, symbol_take *take, void *context)
{
	struct code_sections code = code_sections(elf);
	Elf_Scn *section = NULL;
	bool found = false;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;
		Elf_Data *data;
		size_t count;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != type || !shdr.sh_entsize ||
		    !(data = elf_getdata(section, NULL)))
			continue;
		count = data->d_size / shdr.sh_entsize;
		for (size_t i = 0; i < count; i++) {
			GElf_Sym symbol;
			uint64_t end;

			if (!gelf_getsym(data, (int)i, &symbol))
				break;
			end = code_end(&code, &symbol);
			if (symbol.st_name == 0 || symbol.st_value >= end)
				continue;
			take(context, &(struct symbol_row){
					      .elf = elf,
					      .strings = shdr.sh_link,
					      .name = symbol.st_name,
					      .start = symbol.st_value,
					      .bytes = symbol.st_size,
					      .section_end = end,
					      .type = GELF_ST_TYPE(symbol.st_info),
					      .binding = GELF_ST_BIND(symbol.st_info),
					      .is_full = type == SHT_SYMTAB,
				      });
		}
		found = found || count;
	}
	free(code.ends);
	return found;
}

void symbol_table_scan(Elf *elf, Elf *symbols, symbol_take *take, void *context)
{
	/* The exported ones were cut out of what a file carries compressed. */
	if (!symbols || !scan_sections(symbols, SHT_SYMTAB, take, context) ||
	    (symbols != elf && debug_file_section(elf, ".gnu_debugdata")))
		scan_sections(elf, SHT_DYNSYM, take, context);
}

static const char *entry_name(const struct symbol_table *table, uint32_t index)
{
	const struct entry *entry = &table->entries[index];
	const char *name = elf_strptr(entry->elf, entry->strings, entry->name);

	return name ? name : "";
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

bool symbol_table_prefers(const char *a, int a_rank, const char *b, int b_rank)
{
	if (!*a || !*b)
		return *a;
	if ((a_rank == RANK_LOCAL) != (b_rank == RANK_LOCAL))
		return b_rank == RANK_LOCAL;
	if (underscores(a) != underscores(b))
		return underscores(a) < underscores(b);
	if (a_rank != b_rank)
		return a_rank < b_rank;
	if (strlen(a) != strlen(b))
		return strlen(a) < strlen(b);
	return strcmp(a, b) < 0;
}

static int prefer(uint32_t a, uint32_t b, void *context)
{
	const struct symbol_table *table = context;

	return symbol_table_prefers(entry_name(table, a), table->entries[a].rank,
				    entry_name(table, b), table->entries[b].rank);
}

/* Ends each symbol of size 0 where the next symbol starts. */
static void bound_unsized(struct symbol_table *table)
{
	struct address_ranges *unsized = &table->unsized;

	for (size_t i = 0; i < unsized->count; i++) {
		struct address_range *range = &unsized->list[i];
		uint64_t next = address_ranges_next(&table->sized, range->start);
		uint64_t next_unsized = address_ranges_next(unsized, range->start);

		if (next_unsized < next)
			next = next_unsized;
		if (next < range->end)
			range->end = next;
	}
	address_ranges_sort(unsized, prefer, table);
}

struct symbol_table *symbol_table_new(Elf *elf, Elf *symbols)
{
	struct symbol_table *table = xcalloc(1, sizeof(*table));

	table->plt = plt_new(elf);
	symbol_table_scan(elf, symbols, add_symbol, table);
	address_ranges_sort(&table->sized, prefer, table);
	address_ranges_sort(&table->unsized, prefer, table);
	bound_unsized(table);
	return table;
}

void symbol_table_free(struct symbol_table *table)
{
	if (!table)
		return;
	plt_free(table->plt);
	address_ranges_done(&table->sized);
	address_ranges_done(&table->unsized);
	free(table->entries);
	free(table->name);
	free(table);
}

/* Keeps @name without its version ("memcpy@@GLIBC_2.14") and with @suffix. */
static const char *keep_name(struct symbol_table *table, const char *name, const char *suffix)
{
	int length = (int)strcspn(name + 1, "@") + 1;

	free(table->name);
	table->name = xasprintf("%.*s%s", length, name, suffix);
	return table->name;
}

bool symbol_table_find(struct symbol_table *table, uint64_t address, struct symbol *symbol)
{
	const struct address_range *range = address_ranges_find(&table->sized, address);
	bool sized = range;
	const char *name;
	uint64_t start;

	if (!range) {
		name = plt_find(table->plt, address, &start);
		if (name) {
			*symbol =
				(struct symbol){keep_name(table, name, "@plt"), start, true, false};
			return true;
		}
		range = address_ranges_find(&table->unsized, address);
	}
	if (!range)
		return false;
	name = entry_name(table, range->value);
	if (!*name)
		return false;
	*symbol = (struct symbol){
		.name = keep_name(table, name, ""),
		.start = range->start,
		.sized = sized,
		.exported = table->entries[range->value].rank != RANK_LOCAL,
	};
	return true;
}
