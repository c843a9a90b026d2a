/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations_json: groups of operations for programs. */
#pragma once

#include "reports/operations.h"

#include <jansson.h>

/*
 * Returns an array of groups with all figures, by kind of operation too, and their call sites with
 * whole stacks; owned by the caller.
 *
 * @limit   of groups
 * @amount  what their amount is: "bytes", "rows"; NULL: they have none
 */
json_t *operations_json(const struct operations *operations, uint32_t limit, const char *amount);

/* Returns the losses and remarks: numbers of meta rows that begin with "operations.". */
json_t *operations_notes_json(const struct report *report);
