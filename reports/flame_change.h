/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flame_change: two groups of recordings as one flame graph of what changed.
 *
 * The picture holds all calls of both groups, so that calls that are new and calls that are gone
 * have boxes like all others. Costs are what comparison.h compares, with the same statistics: per
 * step of the simulation where all runs have steps, else per run; in pairs where the runs are. A
 * box is as wide as its cost in the base and in the new group together. Its colour is the change of
 * its total, its saturation how sure that is: the groups are compared box by box with runs as
 * replicates (statistics.h), and what is not sure is grey. A box of one group only is new or gone,
 * unless the comparison says that its function's code has moved: then it, and what it calls, is
 * marked as moved.
 */
#pragma once

#include "reports/call_tree.h"
#include "reports/comparison.h"
#include "reports/report.h"

/* What was compared; samples of the profile have the number of their run as thread. */
struct flame_change {
	struct profile *profile; /* of all runs; for the report, which owns it */
	uint32_t base_runs, fresh_runs;
	const char *per; /* what costs are per: "run", "step" */
	bool paired;	 /* run i of one group was made beside run i of the other */
	double period;	 /* units per step or run, and per group, that a value of 1 stands for */
	double *halves;	 /* values of half a sample, by run; NULL: the mean of all */
	bool *moved;	 /* by function, whether its code has moved; NULL: of none */
};

/*
 * Reads the recordings. Functions are paired by name without the suffixes of clones, module and
 * source file, as in comparison_run.h. They must pass comparison_check.
 *
 * @paths    base first; borrowed
 * @options  how they are compared
 * Returns 0, or a negative errno with @error. After success flame_change_open, and
 * flame_change_done when the report is done.
 */
int flame_change_load(struct flame_change *change, const char *const *paths, uint32_t base_runs,
		      uint32_t fresh_runs, const struct comparison_options *options, bool forced,
		      struct error *error);

/* Makes a report of it, which owns the profile from here on. */
void flame_change_open(const struct flame_change *change, struct report *report);

/* Frees all but the profile. */
void flame_change_done(struct flame_change *change);

/* What became of one node. */
struct flame_node_change {
	uint64_t base, fresh;		/* total, values */
	uint64_t base_self, fresh_self; /* self */
	uint8_t certainty;		/* 0 none, or not tested ... 4 */
	bool moved;			/* of one group only, because code has moved */
};

/* Returns one for each node of @tree, owned by the caller; those of at least half a percent of all
 * are tested. */
struct flame_node_change *flame_change_measure(const struct flame_change *change,
					       const struct call_tree *tree);

/* True when code of @symbol, a function of the profile, has moved. */
bool flame_change_has_moved(const struct flame_change *change, uint32_t symbol);

/* Colour of a change, 0xrrggbb: blue for less, orange for more, pale when unsure, grey at 0. */
uint32_t flame_change_colour(const struct flame_node_change *change);
