/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress: how far a simulation has come whose steps are counted, as one line of text. */
#pragma once

#include "collector/profile/profile.h"

#include <stddef.h>

/*
 * Writes "steps 340 of 1000 [######------------]  34 %  117 steps/s, 5.6 s left"; without a total
 * "steps 340  117 steps/s". Speed is that of the last two seconds.
 *
 * @profile  whose steps have ended
 * @total    steps that there will be; 0: not known
 * @now_ns   since the start of the recording
 */
void progress_text(const struct profile *profile, uint64_t total, uint64_t now_ns, char *text,
		   size_t bytes);

/* Returns N of "--steps N" or "--steps=N" in a command line, NULL-terminated; 0: it has none. */
uint64_t progress_total_of(const char *const *argv);
