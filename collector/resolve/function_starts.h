/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * function_starts: where the functions of a file begin and end, by its .symtab alone.
 *
 * For the unwinder, which needs no names and must not wait: 20 ms for a hundred thousand symbols.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct function_starts {
	struct function_extent *extents; /* sorted */
	size_t count;
	bool was_read;
};

/* Reads the symbols of functions with a size, once. @fd  the file; what cannot be read is missing.
 * Zero-initialised by its owner, released with function_starts_done. */
void function_starts_read(struct function_starts *starts, int fd);
void function_starts_done(struct function_starts *starts);

/* Finds the function around @address: its first elf address. Returns false when there is none, or
 * the symbols disagree about it. */
bool function_starts_find(const struct function_starts *starts, uint64_t address, uint64_t *start);
