/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * interruptions: the stacks that signal handlers interrupt, for handlers that have a stack of their
 * own (sigaltstack).
 *
 * The copy that comes with a sample in such a handler ends where its stack does, and what it
 * interrupted is not in it. Read later from the live process that can be another activation of the
 * handler's, which looks the same word by word: of two functions that raised a signal in turn half
 * of the stacks had the other one's callers. So the kernel tells of each delivery of a signal, with
 * the registers and the stack, in the order of time: the last delivery before a sample is the one.
 *
 *     deliver ─────────── samples in the handler ─────────── deliver ─────── ...
 *        └ the stack below all of these                          └ below these
 *
 * A record that found no room in the ring would leave the one before in its place. The kernel
 * counts those (PERF_FORMAT_LOST); they are asked for after each look at which something has
 * arrived, and all that was told up to then is taken back (EVENT_INTERRUPTIONS_MISSED).
 *
 * The events belong to the processors, not to threads: births and switches cost nothing more. Other
 * programs' deliveries are told, too. Cost: some 5 us for each delivery. From
 * INTERRUPTIONS_MOST a second on it would be too much, and is given up.
 *
 * Needs root, or CAP_PERFMON and tracefs; Linux 6.0.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/source.h"

#define INTERRUPTIONS_MOST 4000

struct interruptions;

/* Makes a source that tells nothing yet. @most  deliveries in a second that are borne */
struct interruptions *interruptions_new(uint64_t most);

/* Begins to tell; once only, later calls do nothing. Where the kernel refuses, the reason is
 * written by the source's `describe`. */
void interruptions_begin(struct interruptions *interruptions);

/* Returns the source as a row among others, which closes it too. */
struct source interruptions_row(struct interruptions *interruptions);
