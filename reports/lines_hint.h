/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lines_hint: what the data says about why a line costs what it does. A hint is a sentence with the
 * numbers that it is made of; where a measurement lacks there is none.
 *
 *   divisions     at least half of the line's samples, twenty or more, stand at a division or
 *                 right behind one. Needs the file that was recorded.
 *   allocations   the line was executed at least twice for each call of its function and allocated
 *                 at least once for each two of these times (needs collector run --hits and
 *                 --memory), or made at least two allocations itself for each call (needs counted
 *                 calls and --memory).
 */
#pragma once

#include "reports/lines.h"

enum {
	LINES_HINTED = 20,  /* hottest lines that are looked at */
	LINES_EVIDENCE = 20 /* samples that a share needs to be believed */
};

struct lines_hint {
	uint32_t row;
	char *text;
};

struct lines_hints {
	struct lines_hint *rows; /* divisions first, each kind in the order of the lines */
	size_t count, capacity;
};

void lines_hints_find(struct lines_hints *hints, const struct report *report,
		      const struct lines *lines);
void lines_hints_done(struct lines_hints *hints);
