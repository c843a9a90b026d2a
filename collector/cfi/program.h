/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * program: runs the call frame instructions of an entry up to an address.
 *
 * Private to collector/cfi. It yields the row of DWARF's (virtual) table for that address, for the
 * registers that the walker follows; cfi.c turns the row into a rule.
 */
#pragma once

#include "collector/cfi/entry.h"

/* How a column's value in the caller is described. */
enum column_how {
	COLUMN_SAME,	     /* nothing said: unchanged */
	COLUMN_UNDEFINED,    /* lost */
	COLUMN_OFFSET,	     /* saved at CFA + offset */
	COLUMN_VALUE_OFFSET, /* is CFA + offset */
	COLUMN_REGISTER,     /* in register `offset` */
	COLUMN_EXPRESSION,   /* saved where the expression says */
	COLUMN_VALUE,	     /* what the expression says */
};

struct column {
	enum column_how how;
	int64_t offset;
	struct cursor expression;
};

enum {
	COLUMN_BX,
	COLUMN_BP,
	COLUMN_IP,
	COLUMNS
};

struct row {
	bool has_expression; /* the CFA is what the expression says, else register + offset */
	uint64_t cfa_register;
	int64_t cfa_offset;
	struct cursor cfa_expression;
	struct column columns[COLUMNS];
};

/* Returns false when the instructions are malformed or beyond what x86-64 uses. */
bool program_run(const struct cfi_section *section, const struct entry *entry, uint64_t address,
		 struct row *row);
