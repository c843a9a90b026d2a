/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debug_section: see debug_section.h. */
#include "collector/resolve/debug_section.h"

#include "collector/base/xalloc.h"

#include <gelf.h>
#include <stdint.h>
#include <zstd.h>

#define ZSTD	   2	/* ELFCOMPRESS_ZSTD, which the C library of Debian 12 does not name */
#define MOST_RATIO 2048 /* of bytes to compressed ones; debug information has a tenth of it */

/* Returns @bytes of what is behind a compressed section's header; NULL when it is not that. The
 * caller frees it. */
static void *unpack(const Elf_Data *packed, size_t header_bytes, uint64_t bytes)
{
	size_t packed_bytes = packed->d_size - header_bytes;
	void *data;

	if (bytes / MOST_RATIO > packed_bytes)
		return NULL;
	data = malloc(bytes ? bytes : 1);
	if (data && ZSTD_decompress(data, bytes, (const uint8_t *)packed->d_buf + header_bytes,
				    packed_bytes) == bytes)
		return data;
	free(data);
	return NULL;
}

static void unpack_section(struct debug_sections *sections, Elf_Scn *section, size_t header_bytes)
{
	GElf_Shdr header;
	GElf_Chdr compression;
	Elf_Data *data;
	void *bytes;

	if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_COMPRESSED) ||
	    !gelf_getchdr(section, &compression) || compression.ch_type != ZSTD)
		return;
	data = elf_getdata(section, NULL);
	bytes = data && data->d_size > header_bytes
			? unpack(data, header_bytes, compression.ch_size)
			: NULL;
	if (!bytes)
		return;
	xgrow(sections->list, sections->count, sections->capacity);
	sections->list[sections->count++] = bytes;
	data->d_buf = bytes;
	data->d_size = header.sh_size = compression.ch_size;
	data->d_align = header.sh_addralign = compression.ch_addralign;
	header.sh_flags &= ~(GElf_Xword)SHF_COMPRESSED;
	gelf_update_shdr(section, &header);
}

void debug_sections_unpack(struct debug_sections *sections, Elf *elf)
{
	size_t header_bytes =
		gelf_getclass(elf) == ELFCLASS32 ? sizeof(Elf32_Chdr) : sizeof(Elf64_Chdr);
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)))
		unpack_section(sections, section, header_bytes);
}

void debug_sections_done(struct debug_sections *sections)
{
	for (size_t i = 0; i < sections->count; i++)
		free(sections->list[i]);
	free(sections->list);
	*sections = (struct debug_sections){0};
}
