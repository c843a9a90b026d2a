/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_system: the section of phase 4 about the machine: memory over time with a verdict (leak.h),
 * use of each core, input and output, and what threads bring.
 *
 * Memory is told of each point's longest recording, cores and I/O of each sweep's.
 */
#pragma once

#include "reports/scaling.h"

struct phase_system {
	json_t *section; /* borrowed of the document */
	json_t *memory, *cores, *io;
};

/* Begins the section, with empty tables. */
void phase_system_begin(struct phase_system *system, json_t *document);

/* Adds what a sweep tells. */
void phase_system_add(struct phase_system *system, const char *name, const struct scaling *scaling);
