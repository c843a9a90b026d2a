/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_steps: see timing_steps.h. */
#include "collector/timing_steps.h"

#include "probe/wire.h"

#include <stddef.h>

_Static_assert(UPROBE_TOTALS == WIRE_TOTALS && !WIRE_TOTAL_ALLOCATIONS &&
		       WIRE_TOTAL_ALLOCATED == 1 && UPROBE_SLOT_BYTES == sizeof(struct wire_slot) &&
		       UPROBE_SLOT_PID == offsetof(struct wire_slot, pid) &&
		       UPROBE_SLOT_SUMS == offsetof(struct wire_slot, allocations),
	       "the same sums on both sides");

static const struct {
	uint32_t mode;
	const char *name, *unit;
	int shift; /* where allocations are sampled */
} rows[WIRE_TOTALS] = {
	[WIRE_TOTAL_ALLOCATIONS] = {WIRE_MODE_MEMORY, "step allocations", "count",
				    WIRE_COUNT_SHIFT},
	[WIRE_TOTAL_ALLOCATED] = {WIRE_MODE_MEMORY, "step allocated", "bytes", WIRE_BYTES_SHIFT},
	[WIRE_TOTAL_LOCK_WAIT] = {WIRE_MODE_LOCKS, "step lock-wait", "ns", 0},
	[WIRE_TOTAL_AWAIT] = {WIRE_MODE_LOCKS, "step await", "ns", 0},
	[WIRE_TOTAL_IO_TIME] = {WIRE_MODE_IO, "step io-time", "ns", 0},
	[WIRE_TOTAL_IO_BYTES] = {WIRE_MODE_IO, "step io-bytes", "bytes", 0},
	[WIRE_TOTAL_SQL_TIME] = {WIRE_MODE_SQL, "step sql-time", "ns", 0},
	[WIRE_TOTAL_EXECUTIONS] = {WIRE_MODE_SQL, "step executions", "count", 0},
};

void timing_steps_take(struct timing_steps *steps, struct profile *profile,
		       const struct uprobe_step *step, uint64_t end_ns)
{
	if (!step->has_totals)
		return;
	/* Two steps of one moment are kept apart. */
	steps->latest_ns = end_ns > steps->latest_ns ? end_ns : steps->latest_ns + 1;
	for (int i = 0; i < WIRE_TOTALS; i++) {
		uint64_t amount = step->totals[i] >> (steps->is_sampled ? rows[i].shift : 0);

		/* The target may have written anything there. */
		if (!(steps->modes & rows[i].mode) || amount > INT64_MAX)
			continue;
		profile_point_add(profile,
				  profile_series(profile, rows[i].name, rows[i].unit, false),
				  steps->latest_ns, (int64_t)amount);
	}
}
