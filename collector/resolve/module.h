/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * module: the files (and the vDSO) that executed code comes from, each opened once.
 *
 * A module is opened when the first sample lands in it, while the file is most likely still the
 * one that was mapped: its identity (build-id, else inode) is compared with what the kernel
 * reported at mmap time, and a file that differs is never used for rules or names; its frames keep
 * addresses only. Call frame information is read (pread) into memory of our own: a file that is
 * truncated under us can not kill the collector with SIGBUS.
 *
 * Three words for an address, never mixed: run address (in the process), elf address (as stated
 * in the file, what tools print), file offset.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/cfi/cfi.h"
#include "collector/profile/profile.h"
#include "collector/resolve/epilogue.h"
#include "collector/resolve/function_starts.h"
#include "collector/resolve/go_table.h"

#include <sys/types.h>

/* What the kernel (MMAP2 record or /proc/PID/maps) says of a mapped file. */
struct module_identity {
	const char *path;    /* as the target sees it; borrowed for the call */
	uint64_t inode;	     /* 0: not known */
	uint64_t device;     /* its file system; 0: not known, any */
	uint64_t start, end; /* where the process has it mapped; 0: not told */
	uint8_t build_id[20];
	uint8_t build_id_bytes; /* 0: not known; then the inode decides */
};

/* An executable segment of the file. */
struct module_segment {
	uint64_t address; /* elf address */
	uint64_t offset;  /* file offset */
	uint64_t bytes;	  /* in the file */
};

struct module {
	uint32_t id;		       /* row in profile->modules; 0 until module_open */
	enum profile_module_kind kind; /* of a file in memory known when it is open */
	char *path;		       /* as the target sees it */
	int fd; /* the verified file, open for reading; of generated code, the map that names it; -1
		   when there is none */
	char *problem; /* why there is no file: one sentence; NULL when all is well */
	struct module_segment *segments;
	size_t segment_count;
	uint64_t entry;			  /* elf address where a process starts in it; 0: none */
	struct cfi_section cfi[2];	  /* .eh_frame, .debug_frame; bytes 0 when absent */
	struct go_table *go;		  /* NULL: not made by Go */
	struct epilogue_memory epilogues; /* of code that none of these covers, */
	struct function_starts starts;	  /* and the same */
};

struct modules;

/* @profile  receives a row per module; borrowed, outlives the modules */
struct modules *modules_new(struct profile *profile);
void modules_free(struct modules *modules);

/* Says whether a file that was opened so far was made by Go. */
bool modules_have_go(const struct modules *modules);

/*
 * Returns the module of a mapping, the same one for the same identity. Never NULL: a path that is
 * no file ("//anon", "[heap]", "anon_inode:…") gives a PROFILE_MODULE_JIT module without rules,
 * another one for each process. Nothing is opened yet.
 *
 * @pid  a live process that has the mapping, for paths in other mount namespaces
 */
struct module *modules_get(struct modules *modules, const struct module_identity *identity,
			   pid_t pid);

/* Returns the opened module with profile id @id, or NULL. */
struct module *modules_find(const struct modules *modules, uint32_t id);

/*
 * Opens and verifies the file, reads segments and CFI, and adds the row of the profile; called
 * once, further calls return the same answer.
 *
 * The file is looked for under its path, under the process's root (another mount namespace) and,
 * for one that was deleted, where the kernel still has it: /proc/PID/map_files (root only) and, a
 * main program, /proc/PID/exe. Where no build-id was told /proc/PID/map_files comes first, since
 * an inode is only a number, and other file systems have the same. One in memory (memfd_create(2))
 * is looked for in these two only, and is generated code unless an ELF file is found there. The
 * vDSO is taken from our own process, where the kernel maps the same one.
 * Returns 0, or -1 with module->problem set. Cost: some preads and one copy of .eh_frame, 0.05 ms
 * and 0.3 ms a megabyte of it; a file without .eh_frame_hdr costs a scan besides.
 */
int module_open(struct module *module);

/*
 * Says which files that frames lie in could not be used, in meta rows of the profile:
 * file_problems their number and, when there are any, file_problem the first one's sentence.
 */
void modules_describe(const struct modules *modules);

/* Opens the map that names generated code (perf_map.h), when it is not open yet. Done by
 * module_open, while the process lives; a process may write it later. */
void module_open_map(struct module *module);

/* Translates a file offset of an executable segment; returns false when none contains it. */
bool module_elf_address(const struct module *module, uint64_t file_offset, uint64_t *elf_address);

/*
 * Finds the rule for an elf address: by .eh_frame, Go's table, .debug_frame, else by its bytes
 * whether it is the trampoline that handlers of signals return to. Kind CFI_NO_RULE when none
 * covers it. An address just before a trampoline gives the trampoline's rule: it is what a handler
 * returns to, less one.
 *
 * @stack  receives what Go's function there does with its caller's stack
 */
void module_rule(const struct module *module, uint64_t elf_address, struct cfi_rule *rule,
		 enum go_stack *stack);

/*
 * Says whether glibc's __start_context begins just behind @elf_address: what the first function of
 * a coroutine (makecontext) returns to. Nothing called it, and what stands above is no return
 * address, whatever its call frame information says. Known by its first instructions.
 * Source: glibc, sysdeps/unix/sysv/linux/x86_64/__start_context.S.
 */
bool module_is_before_root(const struct module *module, uint64_t elf_address);

/* Reads what the file holds at @elf_address. Returns the number of bytes, at most @bytes; 0 outside
 * the loadable segments. */
size_t module_read(const struct module *module, uint64_t elf_address, uint8_t *buffer,
		   size_t bytes);

/* Finds the function around @elf_address by its frame description entry or Go's table: its first
 * address, which names functions of files without symbols. Returns false when none covers it. */
bool module_function_start(const struct module *module, uint64_t elf_address, uint64_t *start);
