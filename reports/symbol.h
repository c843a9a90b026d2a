/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * symbol: what one row of a table or one kind of box stands for.
 *
 * A symbol is a function of the profile, or, where a recording did not reach its end and nothing
 * was symbolized, a bare address, labelled module+0xaddress. Symbol ids are dense: 0 is the whole
 * profile ("all"), then the functions under their own ids, then one for each frame.
 */
#pragma once

#include "collector/profile/profile.h"

#include "reports/text.h"

struct symbol {
	const char *label; /* as people read it; not escaped, not checked to be UTF-8 */
	uint32_t module;
	uint32_t file; /* 0 unknown */
	uint32_t line; /* 0 unknown */
	bool named;    /* false: no symbol was known, the label is made of an address */
};

struct symbol_table {
	const struct profile *profile; /* borrowed, must outlive the table */
	struct symbol *symbols;
	uint32_t count;
	struct obstack labels;
};

void symbol_table_init(struct symbol_table *table, const struct profile *profile);
void symbol_table_done(struct symbol_table *table);

/* What a frame holds: its inlined functions and the function itself, outermost last. */
struct symbol_walk {
	uint32_t symbol;
	bool inlined; /* into the caller, that is the next one outward */
};

/*
 * Returns the number of symbols at @frame, at least 1.
 */
static inline uint32_t symbol_depth(const struct profile *profile, uint32_t frame)
{
	uint32_t count = profile->frames[frame].line_count;

	return count ? count : 1;
}

/*
 * Returns symbol number @depth of @frame: 0 is the innermost inlined function,
 * symbol_depth - 1 the function that really has the code.
 */
static inline struct symbol_walk symbol_at(const struct profile *profile, uint32_t frame,
					   uint32_t depth)
{
	const struct profile_frame *row = &profile->frames[frame];
	uint32_t function = row->line_count ? profile->lines[row->first_line + depth].function : 0;

	return (struct symbol_walk){
		.symbol = function ? function : (uint32_t)profile->functions_count + frame,
		.inlined = depth + 1 < row->line_count,
	};
}

/* The symbol that really has the code of @frame, whatever was inlined into it there. */
static inline uint32_t symbol_owner(const struct profile *profile, uint32_t frame)
{
	return symbol_at(profile, frame, symbol_depth(profile, frame) - 1).symbol;
}

/* Last part of a path; the path itself when it has no slash. */
const char *symbol_base_name(const char *path);

/* True when the module was made by the collector: the frame says what happened to the stack. */
bool symbol_is_note(const struct symbol_table *table, uint32_t symbol);

/*
 * Maps every symbol to the first one with the same label, for consumers that know only names.
 * Returns an array of table->count ids, owned by the caller.
 */
uint32_t *symbol_same_label(const struct symbol_table *table);
