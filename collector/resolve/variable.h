/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * variable: the names of variables, by their addresses in an ELF file.
 *
 * By the symbols of kind STT_OBJECT, of .symtab, be it in a file of its own (debug_file.h), else of
 * .dynsym. An address belongs to a variable within its size.
 */
#pragma once

#include "collector/resolve/module.h"

struct variable_names; /* of the modules that were asked for */

struct variable_names *variable_names_new(void);
void variable_names_free(struct variable_names *names); /* accepts NULL */

/*
 * Writes "name", or "name+0x18" where the address lies inside.
 *
 * @module  opened
 * Returns false when there is no such variable.
 * Cost: at a module's first time its symbols are read, about 0.1 us each; then a binary search.
 */
bool variable_name(struct variable_names *names, const struct module *module, uint64_t elf_address,
		   char *text, size_t bytes);
