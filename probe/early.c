/* SPDX-License-Identifier: MIT */
/* early: see early.h. */
#include "probe/early.h"

_Alignas(16) uint8_t early_pool[EARLY_BYTES];

static size_t used;

void *early_allocate(size_t bytes)
{
	void *block = early_pool + used;

	if (bytes > EARLY_BYTES - used)
		return NULL;
	used += (bytes + 15) & ~(size_t)15;
	if (used > EARLY_BYTES)
		used = EARLY_BYTES;
	return block;
}
