/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libdw_walk: the stack of a sample as elfutils' libdw sees it, over the same registers and bytes.
 */
#pragma once

#include "collector/resolve/unwind.h"

struct libdw_walk;

/* A session for the living process of @space; free with libdw_walk_free. */
struct libdw_walk *libdw_walk_new(const struct address_space *space);

/* The process maps other files than before, or executes another program (@executed): what libdw
 * knows of it is made anew for the next walk; after an execution the old is never used again. */
void libdw_walk_changed(struct libdw_walk *walk, bool executed);

/*
 * Walks one stack. Addresses become frames as unwind_walk's do, so that the lists can be compared.
 *
 * @frames  receives at most UNWIND_DEPTH frames, innermost first
 * Returns their number; 0 where libdw cannot see the process or gives nothing, and where it came
 * into code of a file that it has not found: it asks what the process maps now, and one that has
 * executed another program since the sample has none of its files any more. There libdw follows the
 * frame pointer, past functions that keep none.
 */
uint32_t libdw_walk(struct libdw_walk *walk, struct address_space *space, int tid,
		    const struct unwind_sample *sample, uint32_t *frames);

/* Accepts NULL. */
void libdw_walk_free(struct libdw_walk *walk);
