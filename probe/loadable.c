/* SPDX-License-Identifier: MIT */
/* loadable: see loadable.h. Sources: elf(5), execve(2) (scripts), execvp(3) (search). */
#include "probe/loadable.h"

#include "probe/raw.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#define MOST_SCRIPTS 4
#define PATH_BYTES   512u /* longer paths are not judged */
#define LINE_BYTES   256u /* the kernel reads no more of a script's first line */

/* Reads from a file, whose position stays; returns whether all of it was there. */
static bool read_at(int fd, uint64_t offset, void *to, uint64_t bytes)
{
	return RAW_4(SYS_pread64, fd, to, bytes, offset) == (long)bytes;
}

static bool begins_with(const char *text, uint64_t bytes, const char *start)
{
	uint64_t i = 0;

	while (i < bytes && start[i] && text[i] == start[i])
		i++;
	return !start[i];
}

static bool contains(const char *text, uint64_t bytes, const char *part)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (begins_with(text + i, bytes - i, part))
			return true;
	return false;
}

/* Reads the first segment of a type, or, for PT_LOAD, the one that holds @address. */
static bool find_segment(int fd, const Elf64_Ehdr *header, uint32_t type, uint64_t address,
			 Elf64_Phdr *segment)
{
	for (uint64_t i = 0; i < header->e_phnum; i++) {
		if (!read_at(fd, header->e_phoff + i * sizeof(*segment), segment, sizeof(*segment)))
			return false;
		if (segment->p_type == type &&
		    (type != PT_LOAD || address - segment->p_vaddr < segment->p_filesz))
			return true;
	}
	return false;
}

/* Finds an entry of the dynamic section; @index is where to begin, and receives where it was. */
static bool find_entry(int fd, const Elf64_Phdr *dynamic, Elf64_Sxword tag, uint64_t *index,
		       Elf64_Dyn *entry)
{
	for (; *index < dynamic->p_filesz / sizeof(*entry); ++*index) {
		if (!read_at(fd, dynamic->p_offset + *index * sizeof(*entry), entry,
			     sizeof(*entry)) ||
		    entry->d_tag == DT_NULL)
			return false;
		if (entry->d_tag == tag)
			return true;
	}
	return false;
}

/* Says whether the program needs a library that must be loaded first. */
static bool needs_sanitizer(int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr dynamic = {0}, segment = {0};
	uint64_t index = 0, strings;
	Elf64_Dyn entry = {0};
	char name[10] = "";

	if (!find_segment(fd, header, PT_DYNAMIC, 0, &dynamic) ||
	    !find_entry(fd, &dynamic, DT_STRTAB, &index, &entry) ||
	    !find_segment(fd, header, PT_LOAD, entry.d_un.d_ptr, &segment))
		return false;
	strings = segment.p_offset + (entry.d_un.d_ptr - segment.p_vaddr);
	for (index = 0; find_entry(fd, &dynamic, DT_NEEDED, &index, &entry); index++)
		if (read_at(fd, strings + entry.d_un.d_val, name, sizeof(name)) &&
		    (begins_with(name, sizeof(name), "libasan.so") ||
		     begins_with(name, sizeof(name), "libtsan.so")))
			return true;
	return false;
}

static bool judge_elf(int fd, const Elf64_Ehdr *header)
{
	Elf64_Phdr segment = {0};
	char linker[64] = "";

	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return false;
	if (find_segment(fd, header, PT_INTERP, 0, &segment) &&
	    segment.p_filesz <= sizeof(linker) &&
	    read_at(fd, segment.p_offset, linker, segment.p_filesz) &&
	    contains(linker, segment.p_filesz, "ld-musl"))
		return false;
	return !needs_sanitizer(fd, header);
}

/* Copies the path of a script's interpreter out of its first line. */
static void take_interpreter(const char *line, uint64_t bytes, char path[PATH_BYTES])
{
	uint64_t i = 2, used = 0;

	while (i < bytes && (line[i] == ' ' || line[i] == '\t'))
		i++;
	while (i < bytes && used < PATH_BYTES - 1 && line[i] != ' ' && line[i] != '\t' &&
	       line[i] != '\n')
		path[used++] = line[i++];
	path[used] = '\0';
}

/* Judges an open file. For a script @next receives the path of its interpreter, else "". */
static bool judge(int fd, char next[PATH_BYTES])
{
	union {
		Elf64_Ehdr header;
		char line[LINE_BYTES];
	} start = {.line = ""};
	long bytes = RAW_4(SYS_pread64, fd, &start, sizeof(start), 0);

	*next = '\0';
	if (bytes >= 3 && begins_with(start.line, (uint64_t)bytes, "#!"))
		take_interpreter(start.line, (uint64_t)bytes, next);
	if (bytes < (long)sizeof(start.header) || !begins_with(start.line, SELFMAG, ELFMAG))
		return true;
	return judge_elf(fd, &start.header);
}

static uint64_t append(char path[PATH_BYTES], uint64_t used, const char *text, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes && text[i] && used < PATH_BYTES - 1; i++)
		path[used++] = text[i];
	path[used] = '\0';
	return used;
}

/* Writes the path of the file that execvp would find; returns whether there is one. */
static bool find(const char *name, char path[PATH_BYTES])
{
	const char *folders = NULL;

	for (char **entry = environ; entry && *entry; entry++)
		if (begins_with(*entry, 5, "PATH="))
			folders = *entry + 5;
	while (folders && *folders) {
		uint64_t bytes = 0, used;

		while (folders[bytes] && folders[bytes] != ':')
			bytes++;
		used = append(path, 0, folders, bytes);
		used = append(path, used, "/", used > 0);
		if (append(path, used, name, PATH_BYTES) < PATH_BYTES - 1 &&
		    !RAW_2(SYS_access, path, X_OK))
			return true;
		folders += bytes + (folders[bytes] == ':');
	}
	return false;
}

bool loadable_fd(int fd)
{
	char next[PATH_BYTES];

	return judge(fd, next) && (!*next || loadable(next, false));
}

/* Judges a file, and for a script the interpreter's; what cannot be opened is let be. */
static bool judge_path(int folder, const char *path)
{
	char next[PATH_BYTES], now[PATH_BYTES];
	bool is_loadable = true;

	if (append(now, 0, path, PATH_BYTES) == PATH_BYTES - 1)
		return true;
	for (int i = 0; i <= MOST_SCRIPTS && *now && is_loadable; i++) {
		long fd = RAW_4(SYS_openat, i ? AT_FDCWD : folder, now,
				O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

		if (fd < 0)
			return true;
		is_loadable = judge((int)fd, next);
		RAW_1(SYS_close, fd);
		append(now, 0, next, PATH_BYTES);
	}
	return is_loadable;
}

bool loadable_at(int folder, const char *path, int flags)
{
	if (!path)
		return true;
	return flags & AT_EMPTY_PATH && !*path ? loadable_fd(folder) : judge_path(folder, path);
}

bool loadable(const char *file, bool search)
{
	char path[PATH_BYTES];

	if (!file)
		return true;
	for (const char *c = file; *c; c++)
		search &= *c != '/';
	if (!search)
		return judge_path(AT_FDCWD, file);
	return !find(file, path) || judge_path(AT_FDCWD, path);
}
