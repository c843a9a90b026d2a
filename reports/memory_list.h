/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_list: the call sites that have most of an amount, as a table.
 */
#pragma once

#include "reports/memory.h"
#include "reports/report.h"

#include <stdio.h>

struct memory_order {
	enum memory_amount amount; /* that the list is ordered by */
	const char *title;	   /* "most bytes allocated" */
};

/* Writes a list of @limit sites; nothing when none has anything of the amount. @memory is sorted by
 * that. */
void memory_list_write(const struct report *report, struct memory *memory,
		       const struct memory_order *order, uint32_t limit, FILE *stream);
