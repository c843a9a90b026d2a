/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwinding: see unwinding.h. */
#include "collector/resolve/unwinding.h"

#include <gelf.h>
#include <string.h>

/* Functions, or the beginnings of their names where a * follows. */
static const char *const unwinders[] = {
	"_Unwind_*", "__cxa_throw",    "__cxa_rethrow", "backtrace", "_ULx86_64_*", "_Ux86_64_*",
	"unw_*",     "pthread_cancel", "pthread_exit",	"thrd_exit", NULL};
static const char *const loaders[] = {"dlopen", "dlmopen", NULL};

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++) {
		size_t length = strcspn(*names, "*");

		if (!strncmp(name, *names, length) && ((*names)[length] || !name[length]))
			return true;
	}
	return false;
}

/* Looks through the symbols that a file needs from others or has for them. */
static bool names_any(const struct module *module, const char *const *names)
{
	Elf_Scn *section = NULL;
	bool is_found = false;
	Elf *elf;

	if (module->fd < 0)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(module->fd, ELF_C_READ, NULL);
	while (elf && !is_found && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr shdr;
		GElf_Sym symbol;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_DYNSYM ||
		    !(data = elf_getdata(section, NULL)))
			continue;
		for (int i = 1; !is_found && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, symbol.st_name);

			is_found = name && is_one_of(names, name);
		}
	}
	elf_end(elf);
	return is_found;
}

static bool is_system(const struct module *module)
{
	static const char *const files[] = {"libc.so.6", "libc-*",	"ld-linux-x86-64.so.2",
					    "ld-*",	 "libpthread*", NULL};
	const char *slash = strrchr(module->path, '/');

	return is_one_of(files, slash ? slash + 1 : module->path);
}

bool unwinding_by(const struct module *module)
{
	if (module->kind != PROFILE_MODULE_ELF || is_system(module))
		return false;
	return cfi_has_personality(&module->cfi[0]) || names_any(module, unwinders);
}

bool unwinding_may_come(const struct module *module)
{
	return !is_system(module) && names_any(module, loaders);
}
