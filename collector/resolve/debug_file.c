/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debug_file: see debug_file.h. */
#include "collector/resolve/debug_file.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/debug_section.h"
#include "collector/resolve/debuginfod.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <lzma.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define DEBUG_ROOT     "/usr/lib/debug"
#define EMBEDDED_LIMIT (256u << 20) /* bytes, and of memory to unpack them */

/* Returns a section's name, or "". */
static const char *section_name(Elf *elf, size_t names, const GElf_Shdr *shdr)
{
	const char *name = elf_strptr(elf, names, shdr->sh_name);

	return name ? name : "";
}

Elf_Scn *debug_file_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;

		if (gelf_getshdr(section, &shdr) && shdr.sh_type != SHT_NOBITS &&
		    !strcmp(section_name(elf, names, &shdr), wanted))
			return section;
	}
	return NULL;
}

static bool has_section(Elf *elf, const char *wanted)
{
	return debug_file_section(elf, wanted);
}

static bool has_debug_information(Elf *elf)
{
	return has_section(elf, ".debug_info") || has_section(elf, ".zdebug_info");
}

/* Opens @path for reading as ELF; returns NULL, with no descriptor left open, when it is none. */
static Elf *open_elf(const char *path, int *fd)
{
	struct stat status;
	Elf *elf = NULL;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return NULL;
	if (!fstat(*fd, &status) && S_ISREG(status.st_mode))
		elf = elf_begin(*fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		return elf;
	elf_end(elf);
	close(*fd);
	*fd = -1;
	return NULL;
}

static bool same_build_id(Elf *elf, const void *build_id, ssize_t bytes)
{
	const void *other;

	return dwelf_elf_gnu_build_id(elf, &other) == bytes && !memcmp(other, build_id, bytes);
}

/* The checksum of .gnu_debuglink covers the whole separate file. */
static bool same_checksum(int fd, uint32_t wanted)
{
	unsigned char buffer[65536];
	uLong checksum = crc32(0, NULL, 0);
	off_t offset = 0;
	ssize_t bytes;

	while ((bytes = pread(fd, buffer, sizeof(buffer), offset)) > 0) {
		checksum = crc32(checksum, buffer, (uInt)bytes);
		offset += bytes;
	}
	return bytes == 0 && checksum == wanted;
}

/* Returns DEBUG_ROOT/.build-id/xx/yyyy.debug; the caller frees it. */
static char *build_id_path(const uint8_t *build_id, ssize_t bytes)
{
	char *path = xmalloc(sizeof(DEBUG_ROOT "/.build-id/"
					       ".debug") +
			     2 * (size_t)bytes + 1);
	char *end = path + sprintf(path, DEBUG_ROOT "/.build-id/%02x/", build_id[0]);

	for (ssize_t i = 1; i < bytes; i++)
		end += sprintf(end, "%02x", build_id[i]);
	strcpy(end, ".debug");
	return path;
}

static bool is_same_file(int fd, int other)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Says whether the table of sections, which tools write last, reaches beyond the file's end. */
static bool is_cut(Elf *elf, int fd)
{
	struct stat status;
	GElf_Ehdr header;
	uint64_t bytes;

	if (!gelf_getehdr(elf, &header) || fstat(fd, &status))
		return true;
	bytes = (uint64_t)status.st_size;
	return header.e_shoff > bytes ||
	       (uint64_t)header.e_shnum * header.e_shentsize > bytes - header.e_shoff;
}

/* Returns why @path, of which nothing can be read as ELF, is of no use. */
static const char *why_no_elf(const char *path)
{
	struct stat status;

	if (access(path, R_OK))
		return "may not be read by you";
	return !stat(path, &status) && !S_ISREG(status.st_mode) ? "is no regular file"
								: "is no ELF file";
}

/* Returns why @elf is of no use for @file; NULL: it is its debug file. */
static const char *why_not(const struct debug_file *file, Elf *elf, int fd,
			   const uint32_t *checksum)
{
	const void *build_id;
	ssize_t bytes = dwelf_elf_gnu_build_id(file->elf, &build_id);

	if (is_cut(elf, fd))
		return "is cut";
	if (bytes > 0 ? !same_build_id(elf, build_id, bytes) : !checksum)
		return "is of another build";
	if (bytes <= 0 && !same_checksum(fd, *checksum))
		return "has another checksum";
	if (!has_debug_information(elf) && !has_section(elf, ".symtab"))
		return "has neither symbols nor debug information";
	return NULL;
}

/* Takes the file at @path (freed) as the separate debug file if it belongs to this one. */
static bool take_separate(struct debug_file *file, char *path, const uint32_t *checksum)
{
	const char *why;
	int fd;
	Elf *elf = open_elf(path, &fd);
	/* A debug file in .debug/ has the program's own name: beside it, that is the program. */
	bool is_other = elf ? !is_same_file(fd, file->fd) : !access(path, F_OK);

	why = elf ? why_not(file, elf, fd, checksum) : why_no_elf(path);
	if (why || !is_other) {
		if (elf) {
			elf_end(elf);
			close(fd);
		}
		if (is_other && !file->foreign)
			file->foreign = xasprintf("%s (%s)", why, path);
		free(path);
		return false;
	}
	free(file->foreign);
	file->foreign = NULL;
	file->separate = elf;
	file->separate_fd = fd;
	free(file->path);
	file->path = path; /* a dwz file's name may be relative to it */
	return true;
}

static char *join(const char *root, const char *folder, const char *below, const char *name)
{
	return xasprintf("%s%s%s/%s", root, folder, below, name);
}

/* Returns the folder of @path; the caller frees it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path)) : xstrdup(".");
}

static void find_separate(struct debug_file *file)
{
	const void *build_id;
	ssize_t bytes = dwelf_elf_gnu_build_id(file->elf, &build_id);
	GElf_Word checksum;
	const char *link;
	char *folder;

	if (bytes > 1 && bytes <= 64 && take_separate(file, build_id_path(build_id, bytes), NULL))
		return;
	link = dwelf_elf_gnu_debuglink(file->elf, &checksum);
	if (!link || !*link || strchr(link, '/'))
		return;
	folder = xalloc_checked(folder_of(file->path));
	if (!take_separate(file, join("", folder, "", link), &checksum) &&
	    !take_separate(file, join("", folder, "/.debug", link), &checksum))
		take_separate(file, join(DEBUG_ROOT, folder, "", link), &checksum);
	free(folder);
}

/* Asks the user's servers for the separate file. */
static void fetch_separate(struct debug_file *file)
{
	const void *build_id;
	ssize_t bytes = dwelf_elf_gnu_build_id(file->elf, &build_id);
	char *path = NULL;
	int fd;

	if (bytes <= 1 || bytes > 64)
		return;
	fd = debuginfod_fetch(build_id, (size_t)bytes, &path);
	if (fd < 0)
		return;
	close(fd);
	take_separate(file, path, NULL);
}

/* Unpacks .gnu_debugdata: an ELF file of nothing but symbols, compressed by xz. */
static void unpack_embedded(struct debug_file *file)
{
	Elf_Scn *section = debug_file_section(file->elf, ".gnu_debugdata");
	Elf_Data *packed = section ? elf_rawdata(section, NULL) : NULL;
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t capacity = 0, bytes = 0;
	uint8_t *data = NULL;
	lzma_ret result = LZMA_OK;

	if (!packed || lzma_stream_decoder(&stream, EMBEDDED_LIMIT, 0) != LZMA_OK)
		return;
	stream.next_in = packed->d_buf;
	stream.avail_in = packed->d_size;
	while (result == LZMA_OK && capacity < EMBEDDED_LIMIT) {
		capacity = capacity ? 2 * capacity : 4 * packed->d_size + 4096;
		data = xreallocarray(data, capacity, 1);
		stream.next_out = data + bytes;
		stream.avail_out = capacity - bytes;
		result = lzma_code(&stream, LZMA_FINISH);
		bytes = capacity - stream.avail_out;
	}
	lzma_end(&stream);
	if (result == LZMA_STREAM_END)
		file->embedded = elf_memory((char *)data, bytes);
	if (!file->embedded)
		free(data);
	else
		file->memory = data;
}

static bool has_symbols(Elf *elf)
{
	return has_section(elf, ".symtab");
}

void debug_file_open(struct debug_file *file, int fd, const char *path)
{
	*file = (struct debug_file){.fd = fd, .separate_fd = -1, .shared_fd = -1};
	elf_version(EV_CURRENT);
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		elf_end(file->elf);
		file->elf = NULL;
		return;
	}
	file->path = xstrdup(path);
	if (!has_debug_information(file->elf)) {
		find_separate(file);
		if (!file->separate)
			fetch_separate(file);
	}
	if (has_symbols(file->elf))
		file->symbols = file->elf;
	else if (has_symbols(file->separate))
		file->symbols = file->separate;
	else
		unpack_embedded(file);
	if (has_symbols(file->embedded))
		file->symbols = file->embedded;
}

void debug_file_open_vdso(struct debug_file *file)
{
	const Elf64_Ehdr *vdso = (const Elf64_Ehdr *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	size_t bytes;

	*file = (struct debug_file){.fd = -1, .separate_fd = -1, .shared_fd = -1};
	if (!vdso || vdso->e_shoff == 0)
		return;
	elf_version(EV_CURRENT);
	bytes = vdso->e_shoff + (size_t)vdso->e_shnum * vdso->e_shentsize; /* headers come last */
	file->memory = xmalloc(bytes);
	memcpy(file->memory, vdso, bytes);
	file->elf = elf_memory(file->memory, bytes);
}

bool debug_file_strings_end(Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;
		const char *name;
		Elf_Data *data;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		name = section_name(elf, names, &shdr);
		if (!strstr(name, "debug_str") && !strstr(name, "debug_line_str"))
			continue;
		data = elf_getdata(section, NULL);
		if (data && data->d_size && ((const char *)data->d_buf)[data->d_size - 1])
			return false;
	}
	return true;
}

/* Opens the debug information of @elf; returns NULL when there is none to be trusted. */
static Dwarf *open_dwarf(struct debug_file *file, Elf *elf)
{
	Dwarf *dwarf;

	debug_sections_unpack(&file->unpacked, elf);
	dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (dwarf && !debug_file_strings_end(elf)) {
		dwarf_end(dwarf);
		return NULL;
	}
	return dwarf;
}

/* Opens the file that dwz moved common parts to. */
static void attach_shared(struct debug_file *file)
{
	const char *name;
	const void *build_id;
	ssize_t bytes = dwelf_dwarf_gnu_debugaltlink(file->dwarf, &name, &build_id);
	char *candidates[2], *folder;

	if (bytes <= 1 || bytes > 64)
		return;
	folder = xalloc_checked(folder_of(file->path));
	candidates[0] = *name == '/' ? xstrdup(name) : join("", folder, "", name);
	candidates[1] = build_id_path(build_id, bytes);
	for (int i = 0; i < 2 && !file->shared; i++) {
		file->shared_elf = open_elf(candidates[i], &file->shared_fd);
		if (!file->shared_elf)
			continue;
		if (same_build_id(file->shared_elf, build_id, bytes))
			file->shared = open_dwarf(file, file->shared_elf);
		if (!file->shared) {
			elf_end(file->shared_elf);
			file->shared_elf = NULL;
			close(file->shared_fd);
		}
	}
	free(candidates[0]);
	free(candidates[1]);
	free(folder);
	if (file->shared)
		dwarf_setalt(file->dwarf, file->shared);
}

uint64_t debug_file_dwarf_bytes(const struct debug_file *file)
{
	Elf *elf = file->separate ? file->separate : file->elf;
	struct stat status;

	if (!has_debug_information(elf) ||
	    fstat(file->separate ? file->separate_fd : file->fd, &status) != 0)
		return 0;
	return (uint64_t)status.st_size;
}

Dwarf *debug_file_dwarf(struct debug_file *file)
{
	Elf *elf = file->separate ? file->separate : file->elf;

	if (file->dwarf || !has_debug_information(elf))
		return file->dwarf;
	file->dwarf = open_dwarf(file, elf);
	if (file->dwarf)
		attach_shared(file);
	return file->dwarf;
}

void debug_file_close(struct debug_file *file)
{
	dwarf_end(file->dwarf);
	dwarf_end(file->shared);
	elf_end(file->shared_elf);
	if (file->shared)
		close(file->shared_fd);
	elf_end(file->separate);
	if (file->separate)
		close(file->separate_fd);
	elf_end(file->embedded);
	elf_end(file->elf);
	debug_sections_done(&file->unpacked);
	free(file->memory);
	free(file->path);
	free(file->foreign);
}
