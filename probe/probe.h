/* SPDX-License-Identifier: MIT */
/*
 * probe: libprobe.so inside a process of the target: start-up, and what the whole process shares.
 *
 * It lives in other people's programs. After start-up it allocates nothing from their heap, prints
 * nothing, ends nothing, takes no lock, leaves errno alone; in any trouble it is silent and counts.
 * Where the collector cannot be reached it does nothing at all: every wrapper calls straight
 * through.
 *
 * Order of one process's life:
 *
 *     constructor   map the memory, look the real functions up, the first thread's slot; or at an
 *                   allocation before it
 *     fork          child handler: the child is a process of its own, with a slot of its own
 *     raw clone     no handler runs: the word `is_alive` reads 0 in the child, and the next call
 *                   of a wrapper makes up for it (probe_is_on). vfork shares it, rightly
 *     exec          all is gone; the constructor runs again
 *     exit          destructor: how much memory it took; nothing is given back
 *     confinement   before the program forbids itself calls that this library makes, it is counted
 *                   for the last time (confine.h)
 */
#pragma once

#include "probe/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct probe {
	bool is_started;
	struct wire_header *wire; /* NULL: the probe is off */
	uint64_t mapped_bytes;	  /* may be less than the whole: rings at the end are missing */
	struct wire_slot *slots;  /* those of them that have a ring here */
	uint32_t slot_count;
	uint8_t *rings;
	uint32_t *is_alive; /* wiped by the kernel in a forked child */
	int pid;
};

extern struct probe probe;

/* Starts before the constructor's turn, which may come after other objects' constructors, when
 * those call a wrapper and the environment is known already. */
void probe_start_early(void);

/* Takes possession of a forked child. */
void probe_adopt(void);

/*
 * Goes on as if the collector were gone, for good: no call of the kernel, nothing counted, also in
 * what the process executes. Other threads may be in the middle of it, so what they work with
 * stays. That is counted.
 */
void probe_retire(void);

/*
 * Says whether the probe works in this process. Every wrapper asks this first. Cost: two loads.
 */
static inline bool probe_is_on(void)
{
	if (!probe.wire)
		return false;
	if (__builtin_expect(!*probe.is_alive, 0))
		probe_adopt();
	return true;
}

/* Counts that this program's memory is too limited for modes that are wanted (enum wire_mode). */
void probe_refuse_room(struct wire_header *wire, uint32_t modes);

/* Returns the beginning of a region of the memory, NULL when it is not here. */
void *probe_region(enum wire_region_kind kind, uint64_t *bytes);

static inline void probe_refuse(enum wire_refusal refusal)
{
	atomic_fetch_add_explicit(&probe.wire->refused[refusal], 1, memory_order_relaxed);
}
