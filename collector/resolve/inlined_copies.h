/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inlined_copies: where functions that have code of their own were inlined besides, by DWARF. What
 * is executed there does not come to their first instruction.
 *
 * Only copies that have code count: a call that was optimised away has none. Copies of one function
 * in several units (inline functions of headers) are told by their name and place of declaration.
 * Source: DWARF 5, 3.3.8.
 */
#pragma once

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

struct inlined_copies;

/* Reads them all, once. @dwarf: borrowed, outlives the result; NULL: nothing is known. Cost: a
 * microsecond for each entry of the debug information. */
struct inlined_copies *inlined_copies_new(Dwarf *dwarf);
void inlined_copies_free(struct inlined_copies *copies); /* accepts NULL */

/*
 * Writes where the function that begins at an elf address was inlined: "world.c:120 in world_step,
 * …", up to @bytes. Returns the number of places; 0: nowhere, or nothing tells.
 */
size_t inlined_copies_find(const struct inlined_copies *copies, uint64_t address, char *places,
			   size_t bytes);
