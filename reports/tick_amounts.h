/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tick_amounts: how much CPU time the samples of the kernel's tick stand for.
 *
 * Turns on shared processors end with the tick, and a busy or virtual machine has ticks that come
 * late or not at all: a sample stands for a period only on the average of quiet machines. The
 * kernel's own count of the CPU time is in the recording; shares within it are what samples tell.
 *
 * With waits (collector … --off-cpu) that count is known for each thread. A thread with enough
 * samples is scaled by itself, all others together, so that a thread without any is not missing
 * from the sum. That is post-stratification with collapsed strata.
 * Source: W. G. Cochran, Sampling Techniques, 3rd edition, sections 5A.9 and 5A.12.
 */
#pragma once

#include "collector/profile/profile.h"

#include <stdbool.h>

/*
 * Gives the samples of a recording on the tick, as it was loaded, values in nanoseconds that add up
 * to the CPU time the kernel counted. Nothing happens to others, or when that time is not known
 * because the recording did not reach its end.
 */
void tick_amounts_scale(struct profile *profile);

/* Says whether that was done. */
bool tick_amounts_are_scaled(const struct profile *profile);
