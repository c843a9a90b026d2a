/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probing: what a preloaded libprobe.so measures beside CPU time: allocations, and what threads
 * wait for and work on. Where the program
 * cannot take it, it is run and sampled all the same.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/memory_source.h"
#include "collector/executions.h"
#include "collector/session.h"

#include <limits.h>

struct probing {
	struct memory_source *memory; /* NULL: none; owned by the session's list of sources */
	struct error why_not;	      /* what was asked for cannot be had; "" else */
	uint32_t refused;	      /* modes that were asked for then */
	char library[PATH_MAX];	      /* that is preloaded; "": none */
	char **environment;	      /* of the program; NULL: that of the sampling */
};

/* Returns what the options ask of the probe: modes of WIRE_MODES_STACKS, and how. */
struct probe_memory_options probing_options(const struct session_options *options);

/*
 * Prepares what the options ask for; where that cannot be had, why_not says so.
 *
 * @shared  memory that sampling by the probe has made; NULL: none
 */
void probing_open(struct probing *probing, const struct session_options *options,
		  const struct probe_memory *shared);

/* Fills in what is preloaded and counts. */
void probing_fill_in(const struct probing *probing, struct function_probes_target *target);

/* Takes from the stream of events what the probe's own sources have to know of. */
void probing_take(const struct probing *probing, const struct event *event);

/* Says in the profile, at its beginning, what operations are counted, and what is not and why. */
void probing_describe(const struct probing *probing, struct profile *profile);

/*
 * Says in the profile, when the sources have described what they saw, which programs were executed
 * without the probe. Returns how many had no room for it, or not for all of it.
 */
int64_t probing_describe_end(const struct probing *probing, struct executions *executions,
			     struct profile *profile);

/* Frees the environment; the sources are closed by the session. */
void probing_done(struct probing *probing);
