/* SPDX-License-Identifier: GPL-3.0-or-later */
/* module_cfi: see module_cfi.h. */
#include "collector/resolve/module_cfi.h"
#include "collector/base/xalloc.h"

#include <string.h>
#include <zlib.h>

/* Large programs have 30 MB; offsets in the table are 32 bits. */
#define SECTION_LIMIT (256U << 20)

/* .eh_frame_hdr as all linkers write it: pointer to .eh_frame (pcrel, sdata4), number of entries
 * (udata4), then pairs of 32-bit offsets from the header itself (datarel, sdata4). */
struct header {
	uint8_t version;
	uint8_t pointer_encoding;
	uint8_t count_encoding;
	uint8_t table_encoding;
	int32_t pointer;
	uint32_t count;
};

enum {
	POINTER_ENCODING = 0x1b,
	COUNT_ENCODING = 0x03,
	TABLE_ENCODING = 0x3b,
};

/* Reads the fixed part of .eh_frame_hdr; returns its segment, or NULL when it is unusual. */
static const Elf64_Phdr *read_header(const struct elf_image *image, struct header *header)
{
	const Elf64_Phdr *segment = elf_image_segment(image, PT_GNU_EH_FRAME);

	if (!segment || segment->p_filesz < sizeof(*header) ||
	    !elf_image_read(image, segment->p_offset, header, sizeof(*header)) ||
	    header->version != 1 || header->pointer_encoding != POINTER_ENCODING)
		return NULL;
	return segment;
}

/* Finds .eh_frame's place in the file. */
static bool locate(const struct elf_image *image, const Elf64_Phdr *hdr,
		   const struct header *header, uint64_t *offset, uint64_t *bytes,
		   uint64_t *address)
{
	const Elf64_Shdr *named = elf_image_section(image, ".eh_frame");
	const Elf64_Phdr *loaded;

	if (named) {
		*offset = named->sh_offset;
		*bytes = named->sh_size;
		*address = named->sh_addr;
		return true;
	}
	if (!hdr)
		return false;
	*address = hdr->p_vaddr + offsetof(struct header, pointer) +
		   (uint64_t)(int64_t)header->pointer;
	loaded = elf_image_loaded(image, *address);
	if (!loaded)
		return false;
	/* Its end is not stated: the segment's end is a bound. */
	*offset = loaded->p_offset + (*address - loaded->p_vaddr);
	*bytes = loaded->p_filesz - (*address - loaded->p_vaddr);
	return true;
}

static int compare_entries(const void *left, const void *right)
{
	const struct cfi_table_entry *a = left;
	const struct cfi_table_entry *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Makes the table from the entries themselves; its offsets are from the section's address. */
static void scan(struct cfi_section *section)
{
	struct cfi_table_entry *table = NULL;
	size_t capacity = 0, count = 0;
	struct cfi_range range;
	size_t offset = 0, at;

	section->table_address = section->address;
	while (cfi_next(section, &offset, &at, &range)) {
		int64_t start = (int64_t)(range.start - section->table_address);

		if (start != (int32_t)start)
			continue;
		xgrow(table, count, capacity);
		table[count++] = (struct cfi_table_entry){(int32_t)start, (int32_t)at};
	}
	if (count)
		qsort(table, count, sizeof(*table), compare_entries);
	section->table = table;
	section->table_count = count;
}

/* Takes the table of .eh_frame_hdr; returns false when there is none to take. */
static bool take_table(const struct elf_image *image, const Elf64_Phdr *hdr,
		       const struct header *header, struct cfi_section *section)
{
	uint64_t room;

	if (!hdr || header->count_encoding != COUNT_ENCODING ||
	    header->table_encoding != TABLE_ENCODING || !header->count)
		return false;
	room = (hdr->p_filesz - sizeof(*header)) / sizeof(struct cfi_table_entry);
	if (header->count > room)
		return false;
	section->table =
		elf_image_load(image, hdr->p_offset + sizeof(*header),
			       header->count * sizeof(struct cfi_table_entry), SECTION_LIMIT);
	if (!section->table)
		return false;
	section->table_count = header->count;
	section->table_address = hdr->p_vaddr;
	return true;
}

void module_cfi_read_eh_frame(const struct elf_image *image, struct cfi_section *section)
{
	uint64_t offset, bytes, address;
	const Elf64_Phdr *hdr;
	struct header header;

	*section = (struct cfi_section){0};
	hdr = read_header(image, &header);
	if (!locate(image, hdr, &header, &offset, &bytes, &address))
		return;
	section->data = elf_image_load(image, offset, bytes, SECTION_LIMIT);
	if (!section->data)
		return;
	section->bytes = bytes;
	section->address = address;
	if (!take_table(image, hdr, &header, section))
		scan(section);
}

/* Inflates a section (freed) that begins with a compression header; returns NULL when it is damaged
 * or compressed in another way. @bytes  of the section; receives those of the result. */
static uint8_t *inflate_section(uint8_t *section, size_t *bytes)
{
	uint8_t *inflated = NULL;
	Elf64_Chdr header = {0};
	uLongf count;

	if (*bytes > sizeof(header))
		memcpy(&header, section, sizeof(header));
	if (header.ch_type == ELFCOMPRESS_ZLIB && header.ch_size &&
	    header.ch_size <= SECTION_LIMIT) {
		count = header.ch_size;
		inflated = xmalloc(count);
		if (uncompress(inflated, &count, section + sizeof(header),
			       *bytes - sizeof(header)) != Z_OK) {
			free(inflated);
			inflated = NULL;
		}
		*bytes = count;
	}
	free(section);
	return inflated;
}

void module_cfi_read_debug_frame(const struct elf_image *image, struct cfi_section *section)
{
	const Elf64_Shdr *named = elf_image_section(image, ".debug_frame");
	const Elf64_Phdr *loaded = elf_image_segment(image, PT_LOAD);
	uint8_t *data;
	size_t bytes;

	*section = (struct cfi_section){.is_debug_frame = true};
	if (!named || !loaded)
		return;
	bytes = named->sh_size;
	data = elf_image_load(image, named->sh_offset, bytes, SECTION_LIMIT);
	if (data && named->sh_flags & SHF_COMPRESSED)
		data = inflate_section(data, &bytes);
	if (!data)
		return;
	section->data = data;
	section->bytes = bytes;
	/* It is not loaded, so it has no address: one near the code keeps the table's offsets
	 * small. */
	section->address = loaded->p_vaddr;
	scan(section);
}

void module_cfi_done(struct cfi_section *section)
{
	free((void *)section->data);
	free((void *)section->table);
	*section = (struct cfi_section){0};
}
