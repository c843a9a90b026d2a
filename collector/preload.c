/* SPDX-License-Identifier: GPL-3.0-or-later */
/* preload: see preload.h. Sources: ld.so(8), LD_PRELOAD and secure execution; execve(2), scripts.
 */
#include "collector/preload.h"

#include "collector/base/xalloc.h"
#include "collector/sibling.h"
#include "probe/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIBRARY	       "libprobe.so"
#define MOST_SCRIPTS   4   /* a script's interpreter may be a script: the kernel's own limit */
#define SCRIPT_LINE    256 /* the kernel reads no more of it */
#define PRELOAD	       "LD_PRELOAD"
#define MOST_CANDIDATE PATH_MAX

int preload_find(char path[PATH_MAX], struct error *error)
{
	if (!sibling_find(LIBRARY, path) && !sibling_find("../lib/" LIBRARY, path))
		return fail(error, -ENOENT,
			    LIBRARY " is missing; it belongs beside collector, or in ../lib from "
				    "there");
	if (strpbrk(path, " :"))
		return fail(error, -EINVAL,
			    "%s cannot be preloaded, because there is a blank or a colon in its "
			    "path",
			    path);
	return 0;
}

/* ---- judging a program -------------------------------------------------------------------- */

/* Writes the path of the file that execvp would execute; returns whether there is one. */
static bool search(const char *program, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");

	if (strchr(program, '/'))
		return snprintf(path, PATH_MAX, "%s", program) < PATH_MAX;
	for (folders = folders ? folders : "/bin:/usr/bin"; *folders;) {
		int bytes = (int)strcspn(folders, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", bytes, folders, bytes ? "/" : "",
			     program) < PATH_MAX &&
		    !access(path, X_OK))
			return true;
		folders += bytes + (folders[bytes] == ':');
	}
	return false;
}

/* Replaces the path of a script by its interpreter's; returns false when it is none. */
static bool follow_script(int fd, char path[PATH_MAX])
{
	char line[SCRIPT_LINE + 1], *start;
	ssize_t bytes = pread(fd, line, SCRIPT_LINE, 0);

	if (bytes < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[bytes] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	snprintf(path, PATH_MAX, "%s", start);
	return *start;
}

/* Says whether the kernel would raise the program's rights, so that ld.so ignores LD_PRELOAD. */
static bool is_secure(const struct stat *status, int fd)
{
	return (status->st_mode & S_ISUID && status->st_uid != geteuid()) ||
	       (status->st_mode & S_ISGID && status->st_mode & S_IXGRP &&
		status->st_gid != getegid()) ||
	       (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0);
}

/* Copies the path of the program's dynamic linker; returns false when it has none. */
static bool dynamic_linker(Elf *elf, char linker[PATH_MAX])
{
	size_t count = 0;
	GElf_Phdr header;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count; i++) {
		size_t bytes;
		const char *raw;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_INTERP)
			continue;
		raw = elf_rawfile(elf, &bytes);
		if (!raw || header.p_offset >= bytes || header.p_filesz > bytes - header.p_offset ||
		    header.p_filesz >= PATH_MAX)
			return false;
		snprintf(linker, PATH_MAX, "%.*s", (int)header.p_filesz, raw + header.p_offset);
		return true;
	}
	return false;
}

/* Says whether the program needs a library whose name begins like this. */
static bool needs(Elf *elf, const char *library)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Dyn entry;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL;
		     i++) {
			const char *name =
				entry.d_tag == DT_NEEDED
					? elf_strptr(elf, header.sh_link, entry.d_un.d_val)
					: NULL;

			if (name && !strncmp(name, library, strlen(library)))
				return true;
		}
	}
	return false;
}

static int judge_elf(Elf *elf, const char *path, struct error *error)
{
	char linker[PATH_MAX];
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return 0; /* execve says what is wrong with it */
	if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64)
		return fail(error, -ENOEXEC,
			    LIBRARY " cannot be loaded into %s, which is not a 64-bit program for "
				    "x86-64",
			    path);
	if (!dynamic_linker(elf, linker))
		return fail(error, -ENOEXEC,
			    LIBRARY " cannot be loaded into %s, which is statically linked", path);
	if (strstr(linker, "ld-musl"))
		return fail(error, -ENOEXEC,
			    LIBRARY " cannot be loaded into %s, which uses another C library (%s)",
			    path, linker);
	if (needs(elf, "libasan.so") || needs(elf, "libtsan.so"))
		return fail(error, -ENOEXEC,
			    LIBRARY
			    " cannot be loaded into %s, whose sanitizer must be loaded first",
			    path);
	return 0;
}

static int judge(int fd, const char *path, struct error *error)
{
	struct stat status;
	Elf *elf;
	int result;

	if (fstat(fd, &status))
		return 0;
	if (is_secure(&status, fd))
		return fail(error, -ENOEXEC,
			    LIBRARY " cannot be loaded into %s, which runs with rights of its own "
				    "(set-user-id, set-group-id or capabilities)",
			    path);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	result = elf ? judge_elf(elf, path, error) : 0;
	elf_end(elf);
	return result;
}

int preload_check(const char *program, struct error *error)
{
	char path[PATH_MAX];
	int result = 0;

	if (!search(program, path))
		return 0;
	for (int i = 0; i <= MOST_SCRIPTS; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		bool is_script = fd >= 0 && follow_script(fd, path);

		if (fd >= 0 && !is_script)
			result = judge(fd, path, error);
		if (fd >= 0)
			close(fd);
		if (!is_script)
			break;
	}
	return result;
}

/* ---- environment -------------------------------------------------------------------------- */

static bool names(const char *entry, const char *variable)
{
	size_t length = strlen(variable);

	return !strncmp(entry, variable, length) && entry[length] == '=';
}

static char *joined(const char *name, const char *value, const char *rest)
{
	return xasprintf("%s=%s%s%s", name, value, rest && *rest ? ":" : "", rest ? rest : "");
}

char **preload_environment(const char *library, const char *memory_path)
{
	size_t count = 0, used = 0;
	char **environment;

	while (environ && environ[count])
		count++;
	environment = xcalloc(count + 3, sizeof(*environment));
	environment[used++] = joined(PRELOAD, library, getenv(PRELOAD));
	environment[used++] = joined(WIRE_VARIABLE, memory_path, NULL);
	for (size_t i = 0; i < count; i++)
		if (!names(environ[i], PRELOAD) && !names(environ[i], WIRE_VARIABLE))
			environment[used++] = xstrdup(environ[i]);
	return environment;
}

void preload_free(char **environment)
{
	for (char **entry = environment; entry && *entry; entry++)
		free(*entry);
	free(environment);
}
