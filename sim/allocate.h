/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * allocate: memory or a sentence on stderr and the end of the program.
 *
 * Everything is allocated when the world is made or when an array doubles, never in an agent's
 * turn; a simulation that has no memory for its next agent has nothing better to do than to say so.
 * This is the one place below main that prints and exits.
 */
#pragma once

#include <stddef.h>

/* Zeroed memory for @count elements of @bytes each. Owned by the caller, freed with free(). */
void *allocate(size_t count, size_t bytes);

/*
 * Bytes that can still be had without taking them from anybody, free swap included, as the kernel
 * estimates it; infinite where it does not say. What a container is limited to is not in it.
 * Source: proc_meminfo(5).
 */
double allocate_available(void);

/* The same memory with room for @count elements, the new ones not initialised. */
void *reallocate(void *memory, size_t count, size_t bytes);
