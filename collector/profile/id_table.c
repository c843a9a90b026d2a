/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id_table: see id_table.h. */
#include "collector/profile/id_table.h"

#include "collector/base/xalloc.h"

#define FIRST_CAPACITY 256

void id_table_done(struct id_table *table)
{
	free(table->entries);
	*table = (struct id_table){0};
}

/* Multiply and fold: neighbouring ids and addresses, the usual keys, spread over the table. */
static size_t hash_of(uint64_t first, uint64_t second)
{
	uint64_t hash = (first ^ (second << 32 | second >> 32)) * 0x9e3779b97f4a7c15u;

	return hash ^ hash >> 29;
}

static struct id_table_entry *find(const struct id_table *table, uint64_t first, uint64_t second)
{
	size_t mask = table->capacity - 1;
	size_t at = hash_of(first, second) & mask;

	for (;; at = (at + 1) & mask) {
		struct id_table_entry *entry = &table->entries[at];

		if (!entry->id || (entry->first == first && entry->second == second))
			return entry;
	}
}

static void grow(struct id_table *table)
{
	struct id_table old = *table;

	table->capacity = old.capacity ? 2 * old.capacity : FIRST_CAPACITY;
	table->entries = xcalloc(table->capacity, sizeof(*table->entries));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.entries[i].id)
			*find(table, old.entries[i].first, old.entries[i].second) = old.entries[i];
	free(old.entries);
}

uint32_t *id_table_slot(struct id_table *table, uint64_t first, uint64_t second)
{
	struct id_table_entry *entry;

	if (3 * (table->count + 1) > 2 * table->capacity)
		grow(table);
	entry = find(table, first, second);
	if (!entry->id) {
		entry->first = first;
		entry->second = second;
		table->count++;
	}
	return &entry->id;
}
