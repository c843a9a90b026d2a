/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * component_map: which part of the engine a function belongs to, as its description says
 * ([components] of engine.h), else as its source folders say (component.h).
 *
 * What libraries do for a component is its cost: a sample belongs to the innermost function on its
 * stack that belongs to a component; without one, to "other". So shares add up to 100 %.
 *
 * That function bears the sample, and its line does. In "other" the innermost function of the
 * program itself does; where the stack has none, the innermost of all.
 */
#pragma once

#include "reports/report.h"

#include <jansson.h>

enum {
	COMPONENT_MAP_LIMIT = 24 /* "other" included */
};

struct component_map {
	const char *names[COMPONENT_MAP_LIMIT]; /* [0] is "other" */
	char *owned[COMPONENT_MAP_LIMIT];
	int count;
	const json_t *patterns; /* by name; NULL: folders */
};

/* @components  [components] of the engine, borrowed; NULL: none */
void component_map_init(struct component_map *map, const json_t *components);
void component_map_done(struct component_map *map);

/*
 * Returns the component of each symbol of a report, 0 for none, owned by the caller. Without
 * patterns the map gains the components that are found.
 */
uint8_t *component_map_symbols(struct component_map *map, const struct report *report);

/* From what bears least. */
enum component_bearing {
	COMPONENT_PASSES, /* of a library or the kernel, and of no component: its caller bears */
	COMPONENT_OTHER,  /* of the program, and of no component */
	COMPONENT_BEARS,
};

/* Returns the bearing of each symbol of a report, owned by the caller. @components  of each */
uint8_t *component_map_bearing(const uint8_t *components, const struct report *report);
