/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hits_plan: patterns of functions → their basic blocks, lines, and where to probe.
 */
#pragma once

#include "collector/capture/block_hits.h"
#include "collector/resolve/flow_counters.h"
#include "collector/resolve/flow_lines.h"
#include "collector/timing_plan.h"

/* A function whose lines shall be counted. */
struct hits_function {
	const struct timing_choice *choice; /* its name and module */
	struct flow flow;
	struct flow_counters counters;
	struct flow_lines lines;
	uint32_t *files;		 /* by line: row of the profile */
	uint32_t *blocks;		 /* by probe; the first is that of the entry */
	size_t first_probe, probe_count; /* in the plan's probes */
	size_t stepped_count;		 /* of them, that the kernel does not emulate */
	const char *problem; /* why it is not counted: half a sentence, static; or NULL */
};

struct hits_plan {
	struct timing_plan choices;
	struct hits_function *functions;
	size_t count;
	struct block_hits_probe *probes; /* of all; those of one file side by side */
	size_t probe_count, probe_capacity;
};

/*
 * Chooses functions and probes.
 *
 * @profile  gets rows of source files
 * Returns 0, or a negative errno with a sentence: as timing_plan_make, -E2BIG too many functions,
 * -ENOTSUP none of them can be counted, with the reason. hits_plan_done after success.
 */
int hits_plan_make(struct hits_plan *plan, const struct timing_request *requests, size_t count,
		   const struct program_files *files, struct profile *profile, struct error *error);
void hits_plan_done(struct hits_plan *plan);
