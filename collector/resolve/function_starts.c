/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_starts: see function_starts.h. */
#include "collector/resolve/function_starts.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/elf_image.h"

#define TABLE_LIMIT (256U << 20)

struct function_extent {
	uint64_t start;
	uint64_t end;
};

static int compare(const void *left, const void *right)
{
	const struct function_extent *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->end > b->end) - (a->end < b->end);
}

static void take_symbols(struct function_starts *starts, const Elf64_Sym *symbols, size_t count)
{
	starts->extents = xcalloc(count, sizeof(*starts->extents));
	for (size_t i = 0; i < count; i++) {
		const Elf64_Sym *symbol = &symbols[i];

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
		    symbol->st_size && symbol->st_value + symbol->st_size > symbol->st_value)
			starts->extents[starts->count++] = (struct function_extent){
				symbol->st_value, symbol->st_value + symbol->st_size};
	}
	if (starts->count)
		qsort(starts->extents, starts->count, sizeof(*starts->extents), compare);
}

void function_starts_read(struct function_starts *starts, int fd)
{
	const Elf64_Shdr *section;
	struct elf_image image;
	struct error error;
	void *symbols;

	if (starts->was_read)
		return;
	starts->was_read = true;
	if (fd < 0 || elf_image_init(&image, fd, NULL, 0, &error) < 0)
		return;
	section = elf_image_section(&image, ".symtab");
	symbols =
		section ? elf_image_load(&image, section->sh_offset, section->sh_size, TABLE_LIMIT)
			: NULL;
	if (symbols)
		take_symbols(starts, symbols, section->sh_size / sizeof(Elf64_Sym));
	free(symbols);
	elf_image_done(&image);
}

void function_starts_done(struct function_starts *starts)
{
	free(starts->extents);
	*starts = (struct function_starts){0};
}

bool function_starts_find(const struct function_starts *starts, uint64_t address, uint64_t *start)
{
	size_t low = 0, high = starts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (starts->extents[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address >= starts->extents[low - 1].end)
		return false;
	*start = starts->extents[low - 1].start;
	return true;
}
