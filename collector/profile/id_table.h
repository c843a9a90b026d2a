/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * id_table: a hash table from a pair of integers to a dense id.
 *
 * It interns the rows of a profile. Open addressing with linear probing, doubled at 2/3 load,
 * because the look-up for each frame of each sample is the hot path of a recording: one cache
 * line, no pointer chased. It starts small, since zeroing a large table costs a short recording
 * more than growing does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct id_table_entry {
	uint64_t first;
	uint64_t second;
	uint32_t id; /* 0: empty */
};

struct id_table {
	struct id_table_entry *entries;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void id_table_done(struct id_table *table);

/*
 * Returns the id slot of the pair (@first, @second), adding it with id 0 when it is new: the
 * caller then stores an id > 0 there at once. Borrowed until the next call.
 */
uint32_t *id_table_slot(struct id_table *table, uint64_t first, uint64_t second);
