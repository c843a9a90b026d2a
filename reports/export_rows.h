/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_rows: what several formats share: the samples of one metric, merged by thread and stack,
 * and the metric's name and unit.
 *
 * Every format writes both the number of samples and the unsampled amount in the metric's unit
 * (nanoseconds for time), because a reader that sees only one takes it for the other. All formats
 * add up to the same two totals: a sample without any stack is kept, as EXPORT_NO_STACK.
 */
#pragma once

#include "reports/symbol.h"

#include <stdio.h>

#define EXPORT_NO_STACK "[no stack]" /* name of the one frame of samples without a stack */

struct export_row {
	uint32_t thread;
	uint32_t stack;
	uint64_t samples;
	uint64_t amount; /* in the metric's unit, not in periods; the sum of all fits an int64_t */
};

struct export_rows {
	struct export_row *rows; /* by thread, then by stack */
	size_t count;
	uint64_t samples; /* of all rows */
	uint64_t amount;  /* of all rows */
	uint64_t period;  /* in the unit */
	const char *name; /* "cpu" */
	const char *unit; /* "ns"; any bytes like the name */
	uint32_t *frames; /* scratch of export_frames: room for the deepest stack */
};

void export_rows_init(struct export_rows *rows, const struct profile *profile, uint16_t metric);
void export_rows_done(struct export_rows *rows);

/*
 * Finds the frames of @stack, innermost first, without recursion.
 * Returns their number; @frames is set to them, until the next call.
 */
uint32_t export_frames(struct export_rows *rows, const struct profile *profile, uint32_t stack,
		       const uint32_t **frames);

/*
 * Numbers the symbols that the rows' stacks hold, from 1, in the order of their ids; others are 0.
 * Returns an array with one element for each of the @count symbols of the table, owned by the
 * caller.
 */
uint32_t *export_number_symbols(const struct export_rows *rows, const struct profile *profile,
				uint32_t count);

/* The unsampled amount of one sample, in the metric's unit, limited like those in the rows. */
uint64_t export_amount(const struct profile *profile, const struct profile_sample *sample);

/* When the recording began, in nanoseconds since 1970; 0 when the profile does not say. */
int64_t export_start_ns(const struct profile *profile);

/* Spells out a unit as other tools know it: "ns" is "nanoseconds". Any bytes. */
const char *export_unit(const char *unit);

/* Writes @text, any bytes, as a JSON string with its quotes. */
void export_json_text(FILE *stream, const char *text);
