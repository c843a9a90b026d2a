/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * symbol_table: the functions that a file's ELF symbols name, searchable by address.
 *
 * Symbols are copied once into sorted ranges, because libdwfl's own search is linear. An address
 * belongs to a symbol only within its size; there is no "nearest symbol".
 *
 * Symbols of size 0 come from hand-written assembly and from crtstuff.c. In a full table (.symtab)
 * one of them reaches to the next symbol or to the end of its section, but is reported as `sized`
 * = false: the caller must check that no other function starts in between. In .dynsym, which
 * lacks all local functions, it names its own first byte only.
 *
 * Of several names for one range the preference is: exported before local; fewer leading
 * underscores; global before weak; shorter; alphabetical. So the 12 aliases of a libc function
 * always give its plain public name.
 */
#pragma once

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct symbol_table;

/* A function symbol as its table states it. */
struct symbol_row {
	Elf *elf;	  /* whose it is */
	uint32_t strings; /* section index of the string table */
	uint32_t name;	  /* offset in it */
	uint64_t start;	  /* elf address */
	uint64_t bytes;	  /* 0: not known */
	uint64_t section_end;
	uint8_t type;	 /* STT_FUNC, STT_NOTYPE or STT_GNU_IFUNC */
	uint8_t binding; /* STB_GLOBAL … */
	bool is_full;	 /* from .symtab, which has all */
};

typedef void symbol_take(void *context, const struct symbol_row *row);

/* Tells all function symbols of a file, aliases too: those of .symtab, where there is one in
 * @symbols (which may be NULL), else those of .dynsym in @elf. */
void symbol_table_scan(Elf *elf, Elf *symbols, symbol_take *take, void *context);

struct symbol {
	const char *name; /* linkage name, "memcpy@plt" for a stub; borrowed until the next find */
	uint64_t start;	  /* elf address */
	bool sized;
	bool exported; /* global or weak */
};

/*
 * @elf      the file that runs: .dynsym and the call stubs; borrowed, outlives the table
 * @symbols  the file that holds .symtab, often the same or a separate debug file; NULL when there
 *           is none; borrowed likewise
 * Never fails: what cannot be read is missing.
 * Cost: about 0.2 us a symbol.
 */
struct symbol_table *symbol_table_new(Elf *elf, Elf *symbols);
void symbol_table_free(struct symbol_table *table);

/* Finds the symbol around @address; returns false when no symbol counts for it. */
bool symbol_table_find(struct symbol_table *table, uint64_t address, struct symbol *symbol);

/*
 * Says whether name @a is preferable to @b for the same code, by the rules above.
 *
 * @a_rank, @b_rank  0 global, 1 weak, 2 local
 */
bool symbol_table_prefers(const char *a, int a_rank, const char *b, int b_rank);
