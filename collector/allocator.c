/* SPDX-License-Identifier: GPL-3.0-or-later */
/* allocator: see allocator.h. Source: proc(5), /proc/pid/maps and map_files with the capabilities
 * that opening there takes. */
#include "collector/allocator.h"

#include "collector/resolve/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_TABLE_BYTES (256u << 20)

/* What is built on others of them (reallocarray, strdup) is seen through these. */
static const struct {
	const char *name;
	enum heap_size size;
} functions[HEAP_FUNCTIONS] = {
	{"malloc", HEAP_FIRST},		{"calloc", HEAP_PRODUCT},  {"realloc", HEAP_AGAIN},
	{"aligned_alloc", HEAP_SECOND}, {"memalign", HEAP_SECOND}, {"posix_memalign", HEAP_THIRD},
	{"valloc", HEAP_FIRST},		{"pvalloc", HEAP_FIRST},
};

/* @is_first  malloc itself, which is called most: it stands for all where one has to */
static void add_place(struct heap_file *file, uint64_t offset, enum heap_size size, bool is_first)
{
	size_t place = is_first ? 0 : file->count;

	/* Two names of one function. */
	for (size_t i = 0; i < file->count; i++)
		if (file->offsets[i] == offset)
			return;
	if (file->count == HEAP_FUNCTIONS)
		return;
	file->offsets[file->count] = file->offsets[place];
	file->cookies[file->count++] = file->cookies[place];
	file->offsets[place] = offset;
	file->cookies[place] = size;
}

/* Looks at one table of symbols; returns whether malloc is in it. */
static bool find_in(const struct elf_image *image, const char *table, const char *strings,
		    struct heap_file *file)
{
	const Elf64_Shdr *section = elf_image_section(image, table);
	const Elf64_Shdr *names_section = elf_image_section(image, strings);
	Elf64_Sym *symbols = NULL;
	char *names = NULL;
	bool has_malloc = false;

	if (section && names_section && names_section->sh_size) {
		symbols = elf_image_load(image, section->sh_offset, section->sh_size,
					 MOST_TABLE_BYTES);
		names = elf_image_load(image, names_section->sh_offset, names_section->sh_size,
				       MOST_TABLE_BYTES);
	}
	if (names)
		names[names_section->sh_size - 1] = '\0';
	for (size_t i = 0; symbols && names && i < section->sh_size / sizeof(*symbols); i++) {
		const Elf64_Sym *symbol = &symbols[i];
		const Elf64_Phdr *segment;

		if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || !symbol->st_shndx ||
		    symbol->st_name >= names_section->sh_size)
			continue;
		segment = elf_image_loaded(image, symbol->st_value);
		for (size_t j = 0; segment && j < HEAP_FUNCTIONS; j++) {
			if (strcmp(names + symbol->st_name, functions[j].name) != 0)
				continue;
			has_malloc = has_malloc || !j;
			add_place(file, symbol->st_value - segment->p_vaddr + segment->p_offset,
				  functions[j].size, !j);
		}
	}
	free(symbols);
	free(names);
	return has_malloc;
}

static bool find_in_file(int fd, struct heap_file *file)
{
	struct elf_image image;
	struct error error;
	bool found;

	file->count = 0;
	if (elf_image_init(&image, fd, NULL, 0, &error))
		return false;
	found = find_in(&image, ".dynsym", ".dynstr", file) ||
		find_in(&image, ".symtab", ".strtab", file);
	elf_image_done(&image);
	return found;
}

static bool is_libc(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strncmp(name, "/libc.so.", 9);
}

/* Takes a file of the process if it is a better one than @file has. Returns 0, or the negative
 * errno with which it could not be opened. */
static int consider(pid_t pid, unsigned long start, unsigned long end, const char *path,
		    struct heap_file *file)
{
	struct heap_file other = {0};
	char link[PATH_MAX];

	/* Its names have no leading zeros; the ranges of maps have up to eight digits. */
	snprintf(link, sizeof(link), "/proc/%d/map_files/%lx-%lx", pid, start, end);
	other.fd = open(link, O_RDONLY | O_CLOEXEC);
	if (other.fd < 0)
		return -errno;
	other.is_libc = is_libc(path);
	if (!find_in_file(other.fd, &other) || (file->count && !file->is_libc)) {
		close(other.fd);
		return 0;
	}
	if (file->count)
		close(file->fd);
	*file = other;
	snprintf(file->name, sizeof(file->name), "%s", strrchr(path, '/') + 1);
	return 0;
}

int allocator_find(pid_t pid, struct heap_file *file, struct error *error)
{
	char maps[64], line[PATH_MAX + 256];
	int refusal = 0;
	FILE *stream;

	*file = (struct heap_file){.fd = -1};
	snprintf(maps, sizeof(maps), "/proc/%d/maps", pid);
	stream = fopen(maps, "re");
	if (!stream)
		return fail(error, -errno, "cannot see what process %d has in memory: %m", pid);
	while (fgets(line, sizeof(line), stream)) {
		unsigned long start, end;
		char rights[8], path[PATH_MAX];
		int result = 0;

		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %4095s", &start, &end, rights, path) ==
			    4 &&
		    rights[2] == 'x' && *path == '/' && (!file->count || file->is_libc))
			result = consider(pid, start, end, path, file);
		if (result && result != -ENOENT) /* what is unmapped meanwhile is not there */
			refusal = result;
	}
	fclose(stream);
	if (file->count)
		return 0;
	if (refusal && refusal != -EPERM && refusal != -EACCES)
		return fail(
			error, refusal,
			"cannot see what process %d allocates: a file of it cannot be opened: %s",
			pid, strerror(-refusal));
	if (refusal)
		return fail(error, refusal,
			    "cannot see what process %d allocates: the kernel refuses to open its "
			    "files (%s); run as root, or with the capabilities "
			    "CAP_CHECKPOINT_RESTORE, CAP_BPF and CAP_PERFMON",
			    pid, strerror(-refusal));
	return fail(error, -ENOENT,
		    "cannot see what process %d allocates: no file of it has a function malloc in "
		    "its symbols",
		    pid);
}

struct heap *allocator_watch(const struct heap_options *options, const pid_t *pids, size_t count,
			     struct error *error)
{
	struct heap_file file;
	int result = allocator_find(pids[0], &file, error);

	errno = -result;
	return result ? NULL : heap_open(options, pids, count, &file, error);
}
