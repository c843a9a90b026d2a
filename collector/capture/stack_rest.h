/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stack_rest: what perf leaves of a deep stack, copied by a program in the kernel with each sample,
 * and put together with it again.
 *
 * perf copies at most 64 KB, and ends at the first page that was never written. What lies beyond
 * would have to be read later, when it may be another call's. A program that runs with the sampling
 * event copies the rest to its end, up to 2 MB, while the thread is still interrupted.
 *
 * Both are one interrupt's if the time of the sample, the thread, its stack pointer and its code
 * address are the same: perf's time of the sample is the program's as well, to the nanosecond. Each
 * processor has a ring of its own, in which times only grow, so a rest is looked for at one place,
 * and one whose sample was lost is passed over. The kernel's tick runs another program, which has
 * its own time, microseconds before perf's. Ticks of a processor are milliseconds apart; of two
 * that a delay has brought within half of one, each has its own unless the first one's sample was
 * lost.
 *
 * Copies take a processor at most STACK_REST_PERCENT of its time. Stacks that end neither where the
 * first thread's does nor below what the C library keeps of a thread (coroutines, handlers' own,
 * Go's) are not found. Both are finished as without this (unwind.h).
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_source.h"
#include "collector/capture/source.h"

struct stack_rest;

/*
 * Loads the programs: before the source is opened, whose samples would wait for their rest else.
 *
 * @may_be_tick  the source may turn out to ride on the tick
 * Returns NULL with @error and errno set when that is not possible: EPERM this user may not.
 */
struct stack_rest *stack_rest_load(bool may_be_tick, struct error *error);

/*
 * Has the rest of stacks copied for all threads of a source, also those that are added later.
 *
 * @perf  that no program runs with yet; another can be set later
 * Returns 0 or a negative errno.
 */
int stack_rest_attach(struct stack_rest *rest, struct perf_source *perf, struct error *error);

/* Has what lies below the stack pointer copied, too, from now on: it costs a read and a record for
 * each sample, so only where a function needs it (recorder_wants_red_zones). */
void stack_rest_want_red_zones(struct stack_rest *rest);

void stack_rest_unload(struct stack_rest *rest); /* of which there is no row; accepts NULL */

/* Returns a row that stands for the source's own: it delivers the same, samples with their rest,
 * and closes both. */
struct source stack_rest_row(struct stack_rest *rest);
