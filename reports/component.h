/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * component: which part of the program a function belongs to, and the colour of that part.
 *
 * For functions of the main program a component is the folder of their source file under the
 * program's source folder (sim/spatial/kd_tree.c: "spatial"), or the file itself where there is no
 * folder (sim/observation.c: "observation"). The source folder is the one that holds the file of
 * main(), or the nearest folder above it that holds 90 % of the program's functions. For other
 * modules the component is the module: "libc", "libsqlite3", "kernel".
 *
 * Components are ranked by self cost. The heaviest get colours of their own, the rest are "other".
 * Colours are Paul Tol's light scheme; text on them is always #111111, contrast at least 7:1,
 * smallest difference for any kind of colour vision 10.9 (CIE76). Where the six colours repeat,
 * a pattern tells them apart.
 */
#pragma once

#include "reports/report.h"

enum {
	COMPONENT_SHADES = 3,
	COMPONENT_LIMIT = 12
};

enum component_pattern {
	COMPONENT_PLAIN,
	COMPONENT_STRIPES,
	COMPONENT_DOTS,	 /* kernel */
	COMPONENT_HATCH, /* no code, or nothing known of it */
};

struct component {
	const char *name;
	uint64_t self; /* value of the samples whose innermost function belongs here */
	int tenths;    /* of a percent; those of all components make 1000 */
	enum component_pattern pattern;
	char fill[COMPONENT_SHADES][8]; /* "#rrggbb": neighbours differ a little by name */
};

struct component_table {
	struct component rows[COMPONENT_LIMIT + 4];
	int count;
	uint8_t *of_symbol; /* row of each symbol */
	struct obstack names;
};

void component_table_init(struct component_table *table, const struct report *report,
			  const struct call_tree *tree);
void component_table_done(struct component_table *table);

/* Which shade a symbol gets, by its label; the script computes the same. */
int component_shade(const char *label);
