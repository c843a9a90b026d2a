/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * database_buffer: what database_log.c hands to database.c, rows as bare values.
 */
#pragma once

#include "sim/database.h"

union value {
	int64_t integer;
	double real;
	const char *text; /* NULL is NULL */
};

/* A copy of a text for a column of kind o; freed when its row was written. */
const char *database_keep(struct database *database, const char *text);

/*
 * Collects one row; flushes first when the table's buffer is full.
 *
 * @values  one per column, in the order of the table's line in database.c
 */
void database_append(struct database *database, enum database_table table,
		     const union value *values);
