/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_image: see elf_image.h. */
#include "collector/resolve/elf_image.h"
#include "collector/base/xalloc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any linker writes; a hostile header must not make us allocate by its word. */
#define NAMES_LIMIT (16U << 20)
#define NOTES_LIMIT (64U << 10)

bool elf_image_read(const struct elf_image *image, uint64_t offset, void *buffer, size_t bytes)
{
	if (offset > image->bytes || bytes > image->bytes - offset)
		return false;
	if (image->fd < 0) {
		memcpy(buffer, image->memory + offset, bytes);
		return true;
	}
	while (bytes) {
		ssize_t count = pread(image->fd, buffer, bytes, (off_t)offset);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		buffer = (char *)buffer + count;
		offset += (uint64_t)count;
		bytes -= (size_t)count;
	}
	return true;
}

void *elf_image_load(const struct elf_image *image, uint64_t offset, uint64_t bytes, uint64_t limit)
{
	void *buffer;

	if (!bytes || bytes > limit || offset > image->bytes || bytes > image->bytes - offset)
		return NULL;
	buffer = xmalloc(bytes);
	if (elf_image_read(image, offset, buffer, bytes))
		return buffer;
	free(buffer);
	return NULL;
}

static void read_sections(struct elf_image *image, const Elf64_Ehdr *header)
{
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return;
	image->sections = elf_image_load(image, header->e_shoff,
					 header->e_shnum * sizeof(Elf64_Shdr), UINT32_MAX);
	if (!image->sections)
		return;
	image->section_count = header->e_shnum;
	if (header->e_shstrndx >= image->section_count)
		return;
	names = &image->sections[header->e_shstrndx];
	image->names = elf_image_load(image, names->sh_offset, names->sh_size, NAMES_LIMIT);
	if (!image->names)
		return;
	image->names_bytes = names->sh_size;
	image->names[image->names_bytes - 1] = '\0';
}

int elf_image_init(struct elf_image *image, int fd, const void *memory, size_t bytes,
		   struct error *error)
{
	Elf64_Ehdr header;
	struct stat status;

	*image = (struct elf_image){.fd = fd, .memory = memory, .bytes = bytes};
	if (fd >= 0) {
		if (fstat(fd, &status) < 0)
			return fail(error, -errno, "cannot examine the file: %m");
		image->bytes = (uint64_t)status.st_size;
	}
	if (!elf_image_read(image, 0, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return fail(error, -ENOEXEC, "it is not an ELF file");
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_X86_64)
		return fail(error, -ENOEXEC, "it is not a 64-bit x86 ELF file");
	if (header.e_phentsize == sizeof(Elf64_Phdr))
		image->segments = elf_image_load(image, header.e_phoff,
						 header.e_phnum * sizeof(Elf64_Phdr), UINT32_MAX);
	if (!image->segments)
		return fail(error, -ENOEXEC, "its ELF program headers are cut off");
	image->segment_count = header.e_phnum;
	image->entry = header.e_entry;
	read_sections(image, &header);
	return 0;
}

void elf_image_done(struct elf_image *image)
{
	free(image->segments);
	free(image->sections);
	free(image->names);
	image->segments = NULL;
	image->sections = NULL;
	image->names = NULL;
	image->segment_count = image->section_count = image->names_bytes = 0;
}

const Elf64_Shdr *elf_image_section(const struct elf_image *image, const char *name)
{
	for (size_t i = 0; i < image->section_count; i++) {
		const Elf64_Shdr *section = &image->sections[i];

		if (section->sh_type != SHT_NOBITS && section->sh_name < image->names_bytes &&
		    strcmp(image->names + section->sh_name, name) == 0)
			return section;
	}
	return NULL;
}

const Elf64_Phdr *elf_image_segment(const struct elf_image *image, uint32_t type)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == type)
			return &image->segments[i];
	return NULL;
}

const Elf64_Phdr *elf_image_loaded(const struct elf_image *image, uint64_t address)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment;
	}
	return NULL;
}

/* Looks through one note segment; returns the build-id's length or 0. */
static size_t find_build_id(const uint8_t *notes, size_t bytes, uint8_t *build_id)
{
	size_t at = 0;

	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, description;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		description = name + (((uint64_t)note.n_namesz + 3) & ~3ULL);
		if (description > bytes || note.n_descsz > bytes - description)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz &&
		    memcmp(notes + name, "GNU", 4) == 0) {
			size_t kept = note.n_descsz;

			if (kept > ELF_IMAGE_BUILD_ID)
				kept = ELF_IMAGE_BUILD_ID;
			memcpy(build_id, notes + description, kept);
			return kept;
		}
		description += ((uint64_t)note.n_descsz + 3) & ~3ULL;
		if (description > bytes)
			return 0;
		at = description;
	}
	return 0;
}

size_t elf_image_build_id(const struct elf_image *image, uint8_t build_id[ELF_IMAGE_BUILD_ID])
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		uint8_t *notes;
		size_t length;

		if (segment->p_type != PT_NOTE)
			continue;
		notes = elf_image_load(image, segment->p_offset, segment->p_filesz, NOTES_LIMIT);
		if (!notes)
			continue;
		length = find_build_id(notes, segment->p_filesz, build_id);
		free(notes);
		if (length)
			return length;
	}
	return 0;
}

/* Finds an entry of the dynamic section. */
static bool find_dynamic(const struct elf_image *image, const Elf64_Phdr *segment, Elf64_Sxword tag,
			 uint64_t *value)
{
	Elf64_Dyn entry;

	for (uint64_t at = 0; at + sizeof(entry) <= segment->p_filesz; at += sizeof(entry)) {
		if (!elf_image_read(image, segment->p_offset + at, &entry, sizeof(entry)) ||
		    entry.d_tag == DT_NULL)
			return false;
		if (entry.d_tag == tag) {
			*value = entry.d_un.d_val;
			return true;
		}
	}
	return false;
}

bool elf_image_soname(const struct elf_image *image, char *name, size_t bytes)
{
	const Elf64_Phdr *dynamic = elf_image_segment(image, PT_DYNAMIC), *strings;
	uint64_t table, offset, left;

	if (!dynamic || !find_dynamic(image, dynamic, DT_STRTAB, &table) ||
	    !find_dynamic(image, dynamic, DT_SONAME, &offset) || table + offset < table)
		return false;
	strings = elf_image_loaded(image, table + offset);
	if (!strings)
		return false;
	offset = table + offset - strings->p_vaddr;
	left = strings->p_filesz - offset;
	if (left > bytes)
		left = bytes;
	return elf_image_read(image, strings->p_offset + offset, name, left) &&
	       memchr(name, '\0', left) && *name;
}
