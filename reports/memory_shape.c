/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_shape: see memory_shape.h. */
#include "reports/memory_shape.h"

#include "reports/amount.h"
#include "reports/output.h"
#include "reports/table.h"

#include <inttypes.h>
#include <math.h>

#define NS_PER_MS     1000000u
#define LEAST_LIFE_MS 4u /* shorter ones are not told apart */
#define LEAST_BYTES   8u /* of blocks that may be there though none was sampled */
#define HALVINGS      30

static uint32_t power_of(uint64_t value)
{
	return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

static void add_at(uint64_t *counts, uint32_t limit, uint32_t index, uint64_t count)
{
	counts[index < limit ? index : limit - 1] += count;
}

/* Sizes are counted in quarters of each power of two, of which the profile has the beginning. */
static uint64_t most_of(uint64_t start)
{
	return start < 4 ? start : start + (UINT64_C(1) << (power_of(start) - 3)) - 1;
}

/* What one block adds to the variance of a number of blocks: (1 - p) / p, with the chance
 * p = 1 - exp(-bytes / rate) that it is taken. For none, a byte is sampled in its place. */
static double variance_each(const struct memory_shape *shape, uint64_t bytes)
{
	return shape->rate ? 1 / expm1((double)(bytes ? bytes : 1) / (double)shape->rate) : 0;
}

static void add_row(struct memory_shape *shape, const struct profile_spread *row, uint64_t *aged)
{
	uint64_t start = profile_bucket_start(row->bucket);

	switch (row->kind) {
	case PROFILE_SPREAD_SIZE:
		add_at(shape->sizes, MEMORY_SHAPE_SIZES, power_of(start), row->count);
		shape->sized += row->count;
		shape->counts[row->bucket] += row->count;
		shape->count_variance += (double)row->count * variance_each(shape, start);
		break;
	case PROFILE_SPREAD_LIFETIME:
		/* The bucket that a step of the clock is in begins before it. */
		add_at(shape->lifetimes, MEMORY_SHAPE_LIFETIMES,
		       power_of(profile_bucket_end(row->bucket) / NS_PER_MS / LEAST_LIFE_MS),
		       row->count);
		*aged += row->count;
		break;
	case PROFILE_SPREAD_AGE:
		for (uint32_t i = power_of(start); i < MEMORY_SHAPE_AGES; i++)
			shape->within[i] += row->count;
		break;
	default:
		break;
	}
}

static uint64_t median_of(const struct memory_shape *shape)
{
	uint64_t below = 0;

	for (uint32_t bucket = 0; bucket < PROFILE_BUCKETS; bucket++) {
		below += shape->counts[bucket];
		if (2 * below >= shape->sized)
			return most_of(profile_bucket_start(bucket));
	}
	return 0;
}

bool memory_shape_measure(struct memory_shape *shape, const struct memory *memory,
			  const struct profile *profile)
{
	uint64_t aged = 0;

	*shape = (struct memory_shape){.rate = memory->rate};
	for (size_t i = 0; i < profile->spreads_count; i++)
		add_row(shape, &profile->spreads[i], &aged);
	if (!shape->sized)
		return false;
	shape->freed = memory_frees(memory->amounts);
	if (shape->freed < aged)
		shape->freed = aged;
	shape->lifetimes[0] += shape->freed - aged;
	shape->median_bytes = median_of(shape);
	return true;
}

/* ---- intervals ---------------------------------------------------------------------------- */

struct portion {
	double bytes, variance; /* both at most */
};

/* Adds the smallest of all blocks, or the largest. */
static void add_blocks(const struct memory_shape *shape, double blocks, bool is_largest,
		       struct portion *portion)
{
	for (uint32_t i = 0; i < PROFILE_BUCKETS && blocks > 0; i++) {
		uint32_t bucket = is_largest ? PROFILE_BUCKETS - 1 - i : i;
		double taken = fmin(blocks, (double)shape->counts[bucket]);
		uint64_t start;

		if (taken <= 0)
			continue;
		start = profile_bucket_start(bucket);
		portion->bytes += taken * (double)most_of(start);
		portion->variance += taken * variance_each(shape, start);
		blocks -= taken;
	}
}

static struct portion portion_of(const struct memory_shape *shape, double small, double large)
{
	struct portion portion = {0};

	add_blocks(shape, small, false, &portion);
	add_blocks(shape, large, true, &portion);
	return portion;
}

/*
 * The largest variance that so many of the blocks can have if they come to so many bytes: as what
 * a block adds is convex in its size, that is of the smallest ones and as many of the largest ones
 * as the bytes want.
 */
static double largest_variance(const struct memory_shape *shape, double blocks, double bytes)
{
	double low = 0, high = blocks = fmin(blocks, (double)shape->sized);

	for (int i = 0; i < HALVINGS && low < high; i++) {
		double large = (low + high) / 2;

		if (portion_of(shape, blocks - large, large).bytes < bytes)
			low = large;
		else
			high = large;
	}
	return portion_of(shape, blocks - low, low).variance;
}

struct memory_interval memory_shape_interval(const struct memory_shape *shape,
					     const uint64_t amounts[MEMORY_AMOUNTS],
					     enum memory_amount amount)
{
	enum memory_amount bytes = memory_bytes_of(amount);
	uint32_t bucket = 0, last = profile_bucket_of(LEAST_BYTES);
	double blocks = (double)amounts[amount], variance;

	if (!shape->rate)
		return (struct memory_interval){blocks, blocks};
	while (bucket < last && !shape->counts[bucket])
		bucket++;
	variance = largest_variance(shape, blocks,
				    bytes < MEMORY_AMOUNTS ? (double)amounts[bytes] : 0);
	return memory_interval(blocks, variance,
			       variance_each(shape, profile_bucket_start(bucket)));
}

const char *memory_shape_blocks(const struct memory_shape *shape,
				const uint64_t amounts[MEMORY_AMOUNTS], enum memory_amount amount,
				char *text, size_t size)
{
	struct memory_interval interval = memory_shape_interval(shape, amounts, amount);
	uint64_t count = amounts[amount];
	double half = interval.high - (double)count;

	if (!shape->rate)
		snprintf(text, size, "%" PRIu64, count);
	else if (half <= (double)count)
		snprintf(text, size, "about %" PRIu64 " ± %" PRIu64, memory_round(count, half / 10),
			 memory_round((uint64_t)ceil(half), half / 10));
	else
		snprintf(text, size, "between %" PRIu64 " and %" PRIu64, (uint64_t)interval.low,
			 memory_round((uint64_t)ceil(interval.high), half));
	return text;
}

/* ---- text --------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{"from", true, false, 0},
	{"below", true, false, 0},
	{"blocks", true, false, 0},
	{"share", true, false, 0},
};

/* @each  how many blocks one that was sampled stands for, by row; 0: all were counted */
static void write_table(const uint64_t *counts, const double *each, uint32_t limit, uint64_t all,
			const char *unit, double first, FILE *stream)
{
	struct table table;
	char from[32], below[32];

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (uint32_t i = 0; i < limit; i++) {
		double start = i ? first * (double)(UINT64_C(1) << (i - 1)) : 0;

		if (!counts[i])
			continue;
		table_cell(&table, "%s", amount_format(start, unit, from, sizeof(from)));
		table_cell(&table, "%s",
			   amount_format(i ? 2 * start : first, unit, below, sizeof(below)));
		table_cell(&table, "%" PRIu64,
			   memory_round(counts[i],
					MEMORY_HALF_WIDTH * sqrt(each[i] * (double)counts[i])));
		table_cell(&table, "%.1f %%", 100.0 * (double)counts[i] / (double)all);
	}
	table_write(&table, stream, 0, output_has_colour(stream));
	table_done(&table);
}

void memory_shape_write(const struct memory_shape *shape, FILE *stream)
{
	double by_size[MEMORY_SHAPE_SIZES], by_lifetime[MEMORY_SHAPE_LIFETIMES];
	char median[32];

	for (uint32_t i = 0; i < MEMORY_SHAPE_SIZES; i++)
		by_size[i] = variance_each(shape, i ? UINT64_C(1) << (i - 1) : 0);
	for (uint32_t i = 0; i < MEMORY_SHAPE_LIFETIMES; i++)
		by_lifetime[i] = shape->count_variance / (double)shape->sized;

	fprintf(stream, "\nSizes asked for, half of them at most %s\n",
		amount_format((double)shape->median_bytes, "bytes", median, sizeof(median)));
	write_table(shape->sizes, by_size, MEMORY_SHAPE_SIZES, shape->sized, "bytes", 1, stream);
	if (!shape->freed)
		return;
	fputs("\nLifetimes of the blocks that were freed\n", stream);
	write_table(shape->lifetimes, by_lifetime, MEMORY_SHAPE_LIFETIMES, shape->freed, "ns",
		    (double)LEAST_LIFE_MS * NS_PER_MS, stream);
	fputs("\nfreed within the next", stream);
	for (uint32_t i = 0; i < MEMORY_SHAPE_AGES; i++)
		fprintf(stream, "%s %u: %.1f %%", i ? "," : "", 1u << i,
			100.0 * (double)shape->within[i] / (double)shape->freed);
	fputs(" allocations of their thread\n", stream);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *counts_json(const uint64_t *counts, uint32_t limit, uint64_t first)
{
	json_t *json = json_array();

	for (uint32_t i = 0; i < limit; i++) {
		uint64_t start = i ? first << (i - 1) : 0;

		if (counts[i])
			json_array_append_new(json, json_pack("{s:I, s:I, s:I}", "from",
							      (json_int_t)start, "below",
							      (json_int_t)(i ? 2 * start : first),
							      "blocks", (json_int_t)counts[i]));
	}
	return json;
}

json_t *memory_shape_json(const struct memory_shape *shape)
{
	json_t *within = json_array();

	for (uint32_t i = 0; i < MEMORY_SHAPE_AGES; i++)
		json_array_append_new(within,
				      json_pack("{s:I, s:I}", "allocations", (json_int_t)1 << i,
						"blocks", (json_int_t)shape->within[i]));
	return json_pack("{s:o, s:o, s:o}", "sizes_bytes",
			 counts_json(shape->sizes, MEMORY_SHAPE_SIZES, 1), "lifetimes_ms",
			 counts_json(shape->lifetimes, MEMORY_SHAPE_LIFETIMES, LEAST_LIFE_MS),
			 "freed_within", within);
}
