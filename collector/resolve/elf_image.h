/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * elf_image: the headers of an ELF file, and bounded reads from it.
 *
 * The file is untrusted and may change or shrink while we look at it: it is read with pread into
 * memory of our own, never mapped, and every offset and count is checked against its size.
 */
#pragma once

#include "collector/base/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_IMAGE_BUILD_ID 20 /* bytes that are kept of a build-id, as the kernel does */

struct elf_image {
	int fd;		       /* -1: `memory` is read instead */
	const uint8_t *memory; /* borrowed */
	uint64_t bytes;	       /* of the file */
	uint64_t entry;	       /* elf address */
	Elf64_Phdr *segments;
	size_t segment_count;
	Elf64_Shdr *sections; /* none when they are missing or cut off */
	size_t section_count;
	char *names; /* section names, zero-terminated */
	size_t names_bytes;
};

/*
 * Reads the headers of a 64-bit x86 ELF file.
 *
 * @fd      open for reading, stays the caller's; -1 to read @memory of @bytes instead
 * Returns 0 or a negative errno; -ENOEXEC: not such a file. elf_image_done releases the headers.
 */
int elf_image_init(struct elf_image *image, int fd, const void *memory, size_t bytes,
		   struct error *error);
void elf_image_done(struct elf_image *image);

/* Reads exactly @bytes at file offset @offset; returns false when the file has no such bytes. */
bool elf_image_read(const struct elf_image *image, uint64_t offset, void *buffer, size_t bytes);

/* Reads bytes into memory that the caller frees; returns NULL when they are not all there or are
 * more than @limit. */
void *elf_image_load(const struct elf_image *image, uint64_t offset, uint64_t bytes,
		     uint64_t limit);

/* Finds a section with bytes in the file by its name, or returns NULL. By name, since linkers
 * disagree about the type of .eh_frame. */
const Elf64_Shdr *elf_image_section(const struct elf_image *image, const char *name);

/* Finds the first segment of a type, or returns NULL. */
const Elf64_Phdr *elf_image_segment(const struct elf_image *image, uint32_t type);

/* Finds the loadable segment whose bytes in the file contain @address, or returns NULL. */
const Elf64_Phdr *elf_image_loaded(const struct elf_image *image, uint64_t address);

/* Copies the build-id; returns its length, 0 when there is none. */
size_t elf_image_build_id(const struct elf_image *image, uint8_t build_id[ELF_IMAGE_BUILD_ID]);

/* Copies the name under which programs ask for a library. Returns whether there is one that fits.
 */
bool elf_image_soname(const struct elf_image *image, char *name, size_t bytes);
