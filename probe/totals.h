/* SPDX-License-Identifier: MIT */
/*
 * totals: what the process has done since its beginning, in sums (enum wire_total), for the figures
 * of each step of a simulation.
 *
 * The collector's probe at the step function reads them in the process's own memory, as a step
 * begins and as it ends, and adds what the process's living threads have (struct wire_slot). It
 * learns where they are by a probe on totals_told, which is there for that: so it knows before the
 * program's first instruction.
 */
#pragma once

#include "probe/wire.h"

/* Of the process; NULL before it begins. */
extern _Atomic uint64_t *totals __attribute__((visibility("hidden")));

/* The process begins, with this row. */
void totals_begin(struct wire_process *row);

/* Does nothing; a probe on it finds the process's number, as 32 bits, its sums, the slots of all
 * threads, and how many of those may be in use. */
void totals_told(const int32_t *pid, const _Atomic uint64_t *sums, const struct wire_slot *slots,
		 const _Atomic uint32_t *slot_limit);

static inline void totals_add(enum wire_total total, uint64_t value)
{
	if (value)
		atomic_fetch_add_explicit(&totals[total], value, memory_order_relaxed);
}
