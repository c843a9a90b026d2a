/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_rows: see export_rows.h. */
#include "reports/export_rows.h"

#include "collector/base/xalloc.h"
#include "reports/call_tree.h"

#include <jansson.h>
#include <time.h>

static int compare_rows(const void *left, const void *right)
{
	const struct export_row *a = left, *b = right;

	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

/* A file may state any number: no sum of what is returned here can overflow. */
uint64_t export_amount(const struct profile *profile, const struct profile_sample *sample)
{
	uint64_t limit = INT64_MAX / profile->samples_count, amount;
	uint64_t period = profile->metrics_count > sample->metric
				  ? profile->metrics[sample->metric].period
				  : 1;

	if (__builtin_mul_overflow(sample->value, period, &amount) || amount > limit)
		return limit;
	return amount;
}

static void merge(struct export_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (kept && !compare_rows(&rows->rows[kept - 1], &rows->rows[i])) {
			rows->rows[kept - 1].samples++;
			rows->rows[kept - 1].amount += rows->rows[i].amount;
		} else {
			rows->rows[kept++] = rows->rows[i];
		}
	}
	rows->count = kept;
}

static uint32_t deepest(const struct profile *profile)
{
	uint32_t *depths = xcalloc(profile->stacks_count, sizeof(*depths)), most = 1;

	for (size_t i = 1; i < profile->stacks_count; i++) {
		depths[i] = depths[profile->stacks[i].parent] + 1;
		if (depths[i] > most)
			most = depths[i];
	}
	free(depths);
	return most;
}

void export_rows_init(struct export_rows *rows, const struct profile *profile, uint16_t metric)
{
	bool known = metric < profile->metrics_count;

	*rows = (struct export_rows){
		.rows = xcalloc(profile->samples_count, sizeof(*rows->rows)),
		.period = known ? profile->metrics[metric].period : 1,
		.name = known ? profile->metrics[metric].name : "samples",
		.unit = known ? profile->metrics[metric].unit : "count",
		.frames = xcalloc(deepest(profile), sizeof(*rows->frames)),
	};
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->metric != metric)
			continue;
		rows->rows[rows->count] = (struct export_row){sample->thread, sample->stack, 1,
							      export_amount(profile, sample)};
		rows->amount += rows->rows[rows->count++].amount;
	}
	rows->samples = rows->count;
	qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_rows);
	merge(rows);
}

void export_rows_done(struct export_rows *rows)
{
	free(rows->rows);
	free(rows->frames);
}

uint32_t export_frames(struct export_rows *rows, const struct profile *profile, uint32_t stack,
		       const uint32_t **frames)
{
	uint32_t count = 0;

	for (; stack; stack = profile->stacks[stack].parent)
		rows->frames[count++] = profile->stacks[stack].frame;
	*frames = rows->frames;
	return count;
}

/* A stack that was seen has seen callers: each is visited once. */
static void mark_symbols(const struct profile *profile, uint32_t stack, bool *seen,
			 uint32_t *numbers)
{
	for (; stack && !seen[stack]; stack = profile->stacks[stack].parent) {
		uint32_t frame = profile->stacks[stack].frame;

		seen[stack] = true;
		for (uint32_t depth = symbol_depth(profile, frame); depth--;)
			numbers[symbol_at(profile, frame, depth).symbol] = 1;
	}
}

uint32_t *export_number_symbols(const struct export_rows *rows, const struct profile *profile,
				uint32_t count)
{
	uint32_t *numbers = xcalloc(count, sizeof(*numbers)), next = 1;
	bool *seen = xcalloc(profile->stacks_count, sizeof(*seen));

	for (size_t i = 0; i < rows->count; i++)
		mark_symbols(profile, rows->rows[i].stack, seen, numbers);
	for (uint32_t i = 0; i < count; i++)
		if (numbers[i])
			numbers[i] = next++;
	free(seen);
	return numbers;
}

int64_t export_start_ns(const struct profile *profile)
{
	struct tm parts = {0};
	const char *rest =
		strptime(profile_text(profile, "start_time", ""), "%Y-%m-%dT%H:%M:%S", &parts);
	int64_t start_ns;

	if (!rest || __builtin_mul_overflow(timegm(&parts), INT64_C(1000000000), &start_ns))
		return 0;
	return start_ns;
}

const char *export_unit(const char *unit)
{
	return strcmp(unit, "ns") ? unit : "nanoseconds";
}

void export_json_text(FILE *stream, const char *text)
{
	json_t *json = text_json(text);

	json_dumpf(json, stream, JSON_ENCODE_ANY);
	json_decref(json);
}
