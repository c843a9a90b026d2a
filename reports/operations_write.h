/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations_write: call sites of operations as text. */
#pragma once

#include "reports/operations.h"

/*
 * Writes under each of the first @limit groups the stacks that cost most.
 *
 * @did    what stands before the stack: "waited in"
 * @other  what stands before the other stack: "held by"
 */
void operations_write_sites(const struct operations *operations, const char *did, const char *other,
			    uint32_t limit, FILE *stream);
