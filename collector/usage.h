/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: what the target's processes use, looked at every PROC_USAGE_PERIOD_NS of a recording and
 * kept as series of the profile; capture/proc_usage.h lists them.
 */
#pragma once

#include "collector/recorder.h"
#include "collector/sampling.h"

struct usage;

/*
 * @profile   receives the series; @recorder knows the processes; @perf the time on each core, NULL:
 *            it is not known. All borrowed.
 * @launched  the processes began with the recording
 */
struct usage *usage_open(struct profile *profile, const struct recorder *recorder,
			 const struct perf_source *perf, bool launched);
void usage_close(struct usage *usage); /* accepts NULL */

/* Looks, if it is time. @time_ns since the start of the recording */
void usage_poll(struct usage *usage, uint64_t time_ns);

/* Looks at a launched program that has ended and has not been waited for yet. */
void usage_end(struct usage *usage, pid_t pid, uint64_t time_ns);
