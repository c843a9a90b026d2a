/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * function_list: the functions of a file that can be asked for by name.
 *
 * They are those of its symbol table, under all their names. What the compiler split off a function
 * ("step.cold") is no function of its own, but is kept for those who read the code.
 */
#pragma once

#include "collector/resolve/debug_file.h"
#include "collector/resolve/module.h"

struct function {
	char *name;	  /* linkage name without version, "step.part.0" */
	char *plain;	  /* as people write it, without parameters: "world::step", "step" */
	uint64_t address; /* elf address */
	uint64_t bytes;	  /* 0: not known (assembly) */
	bool is_chosen;	  /* by the loader when the program starts (ifunc): no code of its own */
	bool is_part;	  /* split off another function */
};

struct function_list {
	struct function *functions; /* by address; aliases side by side, the best name first */
	size_t count, capacity;
	/* private */
	const struct module *module;
	struct debug_file file;
	struct debug_lines *lines;
	bool has_lines;		       /* they were looked for */
	struct inlined_copies *copies; /* NULL: not read yet */
	int throws;		       /* likewise; -1: not yet */
};

/*
 * Reads the functions of an opened module. Always succeeds: a stripped file has those of .dynsym,
 * or none. Cost: some microseconds a symbol. function_list_done releases.
 *
 * @module  borrowed until then
 */
void function_list_init(struct function_list *list, const struct module *module);
void function_list_done(struct function_list *list);

/* Returns the source file of a function, borrowed; NULL when debug information does not tell. */
const char *function_list_source(struct function_list *list, const struct function *function);

/* Says whether the file names all its functions; else only those that others may call. */
bool function_list_is_full(const struct function_list *list);

/* Says whether the file has debug information. */
bool function_list_has_source(struct function_list *list);

/* Returns its lines, borrowed; NULL when it has none. */
struct debug_lines *function_list_lines(struct function_list *list);

/*
 * Says whether the file has code of a language with exceptions (C++, Rust), by the functions of
 * their runtimes that it names. An unwinder that passes its functions must find real return
 * addresses. Source: Itanium C++ ABI: Exception Handling, 1.6 and 2.4.
 */
bool function_list_throws(struct function_list *list);

/*
 * Writes where a function was inlined besides, as inlined_copies_find. Returns the number of
 * places.
 */
size_t function_list_copies(struct function_list *list, const struct function *function,
			    char *places, size_t bytes);

/*
 * Writes where a function was inlined that has no code of its own: "world.c:120 in world_step, …",
 * up to @bytes. Returns the number of places; 0 when it was not, or nothing tells.
 */
size_t function_list_inlined(struct function_list *list, const char *name, char *places,
			     size_t bytes);
