/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debug_section: debug information that is compressed in a way which libelf does not know.
 *
 * elfutils 0.188 inflates sections compressed by zlib; those by zstd (ELFCOMPRESS_ZSTD, made by
 * `ld --compress-debug-sections=zstd`) it takes for absent.
 * Source: System V ABI, chapter 4, "Section Compression".
 */
#pragma once

#include <libelf.h>

/* The bytes of sections that were unpacked; zero-initialised by the owner. */
struct debug_sections {
	void **list;
	size_t count, capacity;
};

/* Gives sections of @elf that zstd compressed their own bytes, for whoever reads them from now on.
 * One that is damaged, or claims more bytes than can be true, stays as it is. */
void debug_sections_unpack(struct debug_sections *sections, Elf *elf);

/* Releases the bytes; after elf_end of all that were unpacked. */
void debug_sections_done(struct debug_sections *sections);
