/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debug_file: an ELF file and the file that holds its symbols and debug information, which
 * distributions ship separately.
 *
 * Looked for in this order, and accepted only when it belongs to the file:
 *   1. the file itself, when it has .debug_info;
 *   2. /usr/lib/debug/.build-id/xx/yyyy.debug, by build-id;
 *   3. the name in .gnu_debuglink, beside the file, in .debug/ beside it, and below
 *      /usr/lib/debug, by build-id or checksum, and never the file itself;
 *   4. the servers in DEBUGINFOD_URLS, when that is set (debuginfod.h); nothing else is fetched.
 * A dwz file that it shares with others (.gnu_debugaltlink) is attached, too. Where none of them
 * has symbols, those that the file carries compressed in .gnu_debugdata count, besides its exported
 * ones.
 *
 * All files are read (ELF_C_READ), never mapped: one that is truncated meanwhile gives an error
 * instead of SIGBUS. Split units (.dwo) are the exception: libdw opens those itself, mapped.
 */
#pragma once

#include "collector/resolve/debug_section.h"

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct debug_file {
	Elf *elf;      /* the file itself; NULL when it is no ELF file */
	Elf *symbols;  /* where .symtab is: elf, the separate or the embedded file, or NULL */
	char *foreign; /* "is of another build (PATH)": why a separate file that is there was not
			  taken; NULL: there is none, or another was taken */
	/* private */
	int fd; /* borrowed; -1: none */
	char *path;
	void *memory; /* of the vDSO, or of the embedded file */
	Elf *embedded;
	int separate_fd;
	Elf *separate;
	Dwarf *dwarf;
	int shared_fd;
	Elf *shared_elf;
	Dwarf *shared;
	struct debug_sections unpacked;
};

/*
 * @fd    open for reading; borrowed until debug_file_close
 * @path  where it lies, for finding files beside it
 * Always succeeds; members are NULL for what does not exist. debug_file_close releases.
 */
void debug_file_open(struct debug_file *file, int fd, const char *path);
void debug_file_close(struct debug_file *file);

/* Finds a section with bytes in the file by its name, or returns NULL. */
Elf_Scn *debug_file_section(Elf *elf, const char *name);

/* Opens the vDSO of this process, which the kernel maps into every process. */
void debug_file_open_vdso(struct debug_file *file);

/*
 * Says whether libdw can be trusted with the debug information of @elf (after dwarf_begin_elf,
 * which decompresses it): libdw takes strings by their offset and does not check that the last one
 * of its section ends.
 */
bool debug_file_strings_end(Elf *elf);

/* Returns how many bytes the file of the debug information has; 0: there is none. */
uint64_t debug_file_dwarf_bytes(const struct debug_file *file);

/*
 * Returns the debug information, borrowed until debug_file_close, or NULL when there is none.
 * Cost: compressed sections are decompressed whole, 10 ms a megabyte of the file (38 ms for
 * libc6-dbg).
 */
Dwarf *debug_file_dwarf(struct debug_file *file);
