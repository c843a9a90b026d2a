/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slot_keeper: frees the slots of threads that are gone (probe/wire.h), where no source reads their
 * rings.
 */
#pragma once

#include "collector/capture/probe_memory.h"

struct slot_keeper {
	uint64_t check_ns; /* of the last look for threads that ended without a word */
};

/* Looks; @now_ns  CLOCK_MONOTONIC. Cost: one load for each slot in use; ten times a second a system
 * call for each. */
void slot_keeper_look(struct slot_keeper *keeper, const struct probe_memory *memory,
		      uint64_t now_ns);
