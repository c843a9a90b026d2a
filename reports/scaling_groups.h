/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scaling_groups: the runs of a sweep by what makes them comparable, and by size.
 */
#pragma once

#include "reports/scaling.h"

/* Runs of one machine and one combination of the other names. */
struct scaling_group {
	const char *machine; /* borrowed of a run */
	char *others;
	size_t *runs; /* indices of results, by size */
	double *sizes;
	size_t count;
};

/* Says whether a name has several values, all of them numbers. */
bool scaling_varies(const struct scaling *scaling, const char *name);

/* The first such name, borrowed; NULL when there is none. */
const char *scaling_find_over(const struct scaling *scaling);

/*
 * Returns the groups, owned by the caller, and their @count. Runs whose number of steps is not
 * known (measured.h) are in none.
 *
 * @over, @size  as of scaling_json
 */
struct scaling_group *scaling_groups_make(const struct scaling *scaling, const char *over,
					  const char *size, size_t *count);
void scaling_groups_free(struct scaling_group *groups, size_t count);
