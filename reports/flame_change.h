/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flame_change: two groups of recordings as one flame graph of what changed.
 *
 * The picture holds all calls of both groups, so that calls that are new and calls that are gone
 * have boxes like all others. A box is as wide as its cost per run in the base and in the new group
 * together. Its colour is the change of its total, its saturation how sure that is: the groups are
 * compared box by box with runs as replicates (statistics.h), and what is not sure is grey.
 */
#pragma once

#include "collector/profile/profile.h"
#include "reports/call_tree.h"

/* What was compared; samples of the profile have the number of their run as thread. */
struct flame_change {
	struct profile *profile; /* of all runs, in units per run of a group */
	uint32_t base_runs, fresh_runs;
	const char *per; /* what a run is: "run" */
};

/*
 * Reads the recordings. Functions are paired by name without the suffixes of clones, module and
 * source file, as in comparison_run.h. The recordings must measure the same in the first metric,
 * and the machines be the same unless @forced.
 *
 * @paths  base first; borrowed
 * Returns 0, or a negative errno with @error. flame_change_done after success.
 */
int flame_change_load(struct flame_change *change, const char *const *paths, uint32_t base_runs,
		      uint32_t fresh_runs, bool forced, struct error *error);
void flame_change_done(struct flame_change *change);

/* What became of one node. */
struct flame_node_change {
	uint64_t base, fresh;		/* total, units per run */
	uint64_t base_self, fresh_self; /* self */
	uint8_t certainty;		/* 0 none, or not tested ... 4 */
};

/* Returns one for each node of @tree, owned by the caller; those of at least half a percent of all
 * are tested. */
struct flame_node_change *flame_change_measure(const struct flame_change *change,
					       const struct call_tree *tree);

/* Colour of a change, 0xrrggbb: blue for less, orange for more, pale when unsure, grey at 0. */
uint32_t flame_change_colour(const struct flame_node_change *change);
