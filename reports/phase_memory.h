/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_memory: what the structures of a component hold, at each point of a driver's sweep that
 * counted allocations (collector run --memory).
 *
 * A structure is the innermost function on the stack of an allocation that belongs to a component
 * (component_map.h), so that what an allocator's wrapper or a library gets is that of its caller.
 * Functions without a name are their library together. The largest are shown, the others, and what
 * no component had allocated, are one row. Bytes are those live when most were.
 */
#pragma once

#include "reports/scaling.h"

/*
 * Appends the section of a sweep.
 *
 * @per  name of a value of the points, of which a structure holds so many: bytes are told for one
 *       of it; "": not told
 */
void phase_add_memory(json_t *document, const char *name, const struct scaling *scaling,
		      const char *per);
