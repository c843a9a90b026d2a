/* SPDX-License-Identifier: GPL-3.0-or-later */
/* variable: see variable.h. Source: elf(5), Symbol Table. */
#include "collector/resolve/variable.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_file.h"

#include <gelf.h>

struct variable {
	uint64_t start, bytes;
	char *name;
};

struct table {
	struct table *next;
	const struct module *module;
	struct variable *variables; /* by address */
	size_t count, capacity;
};

struct variable_names {
	struct table *tables;
};

struct variable_names *variable_names_new(void)
{
	return xcalloc(1, sizeof(struct variable_names));
}

void variable_names_free(struct variable_names *names)
{
	struct table *next;

	if (!names)
		return;
	for (struct table *table = names->tables; table; table = next) {
		next = table->next;
		for (size_t i = 0; i < table->count; i++)
			free(table->variables[i].name);
		free(table->variables);
		free(table);
	}
	free(names);
}

static Elf_Scn *find_section(Elf *elf, GElf_Word type, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while (elf && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, header) && header->sh_type == type)
			return section;
	return NULL;
}

static void add(struct table *table, Elf *elf, const GElf_Shdr *header, const GElf_Sym *symbol)
{
	const char *name = elf_strptr(elf, header->sh_link, symbol->st_name);

	if (GELF_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_shndx == SHN_UNDEF ||
	    !symbol->st_size || !name || !*name)
		return;
	xgrow(table->variables, table->count, table->capacity);
	table->variables[table->count++] =
		(struct variable){symbol->st_value, symbol->st_size, xstrdup(name)};
}

static bool read_symbols(struct table *table, Elf *elf, GElf_Word type)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(elf, type, &header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	size_t count = data && header.sh_entsize ? header.sh_size / header.sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; i < count; i++)
		if (gelf_getsym(data, (int)i, &symbol))
			add(table, elf, &header, &symbol);
	return count > 0;
}

/* By address; at one address the smaller variable, then the first name. */
static int compare(const void *a, const void *b)
{
	const struct variable *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? -1 : 1;
	return strcmp(left->name, right->name);
}

static struct table *read_module(const struct module *module)
{
	struct table *table = xcalloc(1, sizeof(*table));
	struct debug_file file;

	table->module = module;
	if (module->fd < 0)
		return table;
	debug_file_open(&file, module->fd, module->path);
	if (!read_symbols(table, file.symbols, SHT_SYMTAB))
		read_symbols(table, file.elf, SHT_DYNSYM);
	debug_file_close(&file);
	if (table->count)
		qsort(table->variables, table->count, sizeof(*table->variables), compare);
	return table;
}

static const struct table *get(struct variable_names *names, const struct module *module)
{
	struct table *table = names->tables;

	while (table && table->module != module)
		table = table->next;
	if (!table) {
		table = read_module(module);
		table->next = names->tables;
		names->tables = table;
	}
	return table;
}

bool variable_name(struct variable_names *names, const struct module *module, uint64_t elf_address,
		   char *text, size_t bytes)
{
	const struct table *table = get(names, module);
	const struct variable *found = NULL;
	size_t first = 0, end = table->count;

	while (first < end) { /* the last one that begins at or below the address */
		size_t middle = first + (end - first) / 2;

		if (table->variables[middle].start <= elf_address)
			first = middle + 1;
		else
			end = middle;
	}
	while (first > 0 && (!found || table->variables[first - 1].start == found->start)) {
		const struct variable *variable = &table->variables[--first];

		if (elf_address - variable->start < variable->bytes)
			found = variable;
		else if (!found)
			break;
	}
	if (!found)
		return false;
	if (elf_address == found->start)
		snprintf(text, bytes, "%s", found->name);
	else
		snprintf(text, bytes, "%s+0x%llx", found->name,
			 (unsigned long long)(elf_address - found->start));
	return true;
}
