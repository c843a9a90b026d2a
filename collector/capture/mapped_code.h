/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mapped_code: the executable memory of a process, as the recorder was last told of it: so that it
 * is told of what is new, and of nothing twice.
 */
#pragma once

#include "collector/capture/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapped_range {
	uint64_t start, end;
	uint64_t file_offset;
	uint32_t round; /* when it was last told of */
	char *path;
};

struct mapped_code {
	struct mapped_range *ranges;
	size_t count, capacity;
	uint32_t round; /* grows when all that was told may be void */
};

/* Notes a mapping, which takes the place of those that it overlaps. Returns whether it is new. */
bool mapped_code_note(struct mapped_code *code, const struct event_mapping *mapping);

/* All that was told may be void: what is not told again does not count as mapped. */
void mapped_code_doubt(struct mapped_code *code);

/* Says whether code is known to be at @address. */
bool mapped_code_has(const struct mapped_code *code, uint64_t address);

/* A forked child has what its parent has. */
void mapped_code_copy(struct mapped_code *code, const struct mapped_code *parent);

/* Forgets everything, for a program that is executed, or for good. */
void mapped_code_done(struct mapped_code *code);
