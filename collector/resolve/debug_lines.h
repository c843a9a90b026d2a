/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debug_lines: what DWARF (versions 2 to 5) says of an address: function, source line, and the
 * functions whose inlined code it lies in.
 *
 * libdw answers address by address in milliseconds, because it walks the whole tree of a
 * compilation unit each time. Here every part of the tree is read once and only when an address
 * needs it:
 *
 *     file      ranges of all units           ─→ unit       (.debug_aranges is not needed)
 *     unit      its top level and namespaces  ─→ function
 *     function  its blocks and inlined calls  ─→ chain of calls
 *
 * Measured and compared with libdw's own answers in the essay of symbols.c.
 */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function as its declaration states it, one object for all its copies. Strings are borrowed
 * from the debug information and may be NULL. */
struct debug_function {
	const char *name;
	const char *linkage_name;
	const char *folder; /* where the compiler ran: what a relative @file is relative to */
	const char *file;
	uint32_t line;
	uint32_t id; /* the caller's; 0 at first */
};

struct debug_call {
	struct debug_function *function;
	/* In function->file; 0 when unknown or when it is a line of another file (a body that was
	 * included or generated), which a number alone would misattribute. */
	uint32_t line;
};

struct debug_place {
	const struct debug_call *calls; /* innermost first; the last one is a real function */
	size_t count;			/* 0: no function covers the address (assembly) */
	const char *folder;		/* as of a function */
	const char *file;		/* of the line, or NULL */
	uint32_t line;			/* or 0 */
};

struct debug_lines;

/* A row of the line table. */
struct debug_row {
	uint64_t start, end; /* elf addresses that it speaks of */
	const char *folder;  /* as of a function */
	const char *file;    /* or NULL */
	uint32_t line;	     /* or 0 */
	bool is_statement;   /* where a debugger would stop for the line */
};

/* @dwarf  borrowed, outlives the result. Cost: 3 us a unit. */
struct debug_lines *debug_lines_new(Dwarf *dwarf);
void debug_lines_free(struct debug_lines *lines);

/* Says whether split units (.dwo) of addresses that were asked for were not found. */
bool debug_lines_lack_units(const struct debug_lines *lines);

/* Returns the name of the first file of those that is there all the same, but of another build or
 * cut; borrowed until debug_lines_free, or NULL. */
const char *debug_lines_foreign_unit(const struct debug_lines *lines);

/*
 * Finds what stands at @address.
 *
 * @place  receives it; borrowed until the next call, functions until debug_lines_free
 * Returns false when the debug information does not cover the address.
 */
bool debug_lines_find(struct debug_lines *lines, uint64_t address, struct debug_place *place);

/* Calls @take for each row of the line table that speaks of addresses in [start, end), in their
 * order. The strings are borrowed from the debug information. */
void debug_lines_rows(struct debug_lines *lines, uint64_t start, uint64_t end,
		      void (*take)(void *context, const struct debug_row *row), void *context);

/*
 * Returns the path of a source file, which the caller frees: relative ones below the folder they
 * were compiled in when that is known; it is not where the sources were prefix-mapped, as in
 * distributions. Both may be NULL.
 */
char *debug_lines_path(const char *folder, const char *file);
