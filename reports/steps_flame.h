/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steps_flame: slow steps against typical ones as a flame graph of what changes between them.
 *
 * The steps of the steady part take the place of recordings (flame_change.h): typical ones are the
 * base, slow ones the new side. As one step has a few samples only, each side is dealt out into
 * groups of steps, which are the replicates that a box's change is tested with. Costs are per step.
 */
#pragma once

#include "reports/flame.h"
#include "reports/steps_contrast.h"

#define STEPS_FLAME_GROUPS 8

/*
 * Turns the report's profile into that of a change: its samples become those of the groups.
 *
 * @change  receives the profile, which stays the report's
 * Returns false, and leaves all as it is, when there are no slow or no typical steps with samples.
 */
bool steps_flame_prepare(struct flame_change *change, struct report *report,
			 const struct steps *steps, const struct steps_contrast *contrast);

/* Writes the picture of a prepared report; the caller checks @stream for errors. */
void steps_flame_write(const struct report *report, const struct flame_change *change,
		       const struct steps_contrast *contrast, FILE *stream);
