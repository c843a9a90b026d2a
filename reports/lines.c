/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines: see lines.h. */
#include "reports/lines.h"

#include "collector/base/xalloc.h"

#define NO_ROW UINT32_MAX

struct measuring {
	struct lines *lines;
	const struct profile *profile;
	enum lines_inlined inlined;
	uint32_t *row_of; /* by index into the profile's lines; NO_ROW: not wanted */
	uint32_t *seen;	  /* by row: the last sample whose total it has */
};

struct place {
	uint32_t symbol, line, index;
};

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->symbol != b->symbol)
		return a->symbol < b->symbol ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* Gives every line of a frame its row; equal lines of one function share one. */
static void number_rows(struct measuring *measuring, const bool *wanted)
{
	const struct profile *profile = measuring->profile;
	struct place *places = xcalloc(profile->lines_count, sizeof(*places));
	struct lines *lines = measuring->lines;
	size_t count = 0;

	measuring->row_of = xcalloc(profile->lines_count, sizeof(*measuring->row_of));
	for (size_t i = 0; i < profile->lines_count; i++) {
		measuring->row_of[i] = NO_ROW;
		if (!wanted || wanted[profile->lines[i].function])
			places[count++] = (struct place){profile->lines[i].function,
							 profile->lines[i].line, i};
	}
	qsort(places, count, sizeof(*places), compare_places);
	lines->rows = xcalloc(count, sizeof(*lines->rows));
	for (size_t i = 0; i < count; i++) {
		if (!i || compare_places(&places[i - 1], &places[i]))
			lines->rows[lines->count++] = (struct line_row){.symbol = places[i].symbol,
									.line = places[i].line};
		measuring->row_of[places[i].index] = lines->count - 1;
	}
	free(places);
}

/* The row of a frame's place, NO_ROW when none is wanted; inlined code has none of its own where it
 * is charged to its call. */
static uint32_t frame_row(const struct measuring *measuring, uint32_t frame, uint32_t depth)
{
	const struct profile_frame *row = &measuring->profile->frames[frame];

	if (depth >= row->line_count)
		return NO_ROW;
	if (measuring->inlined == LINES_AT_CALL && depth + 1 < row->line_count)
		return NO_ROW;
	return measuring->row_of[row->first_line + depth];
}

static uint32_t self_row(const struct measuring *measuring, const struct profile_sample *sample)
{
	uint32_t frame = measuring->profile->stacks[sample->stack].frame;
	uint32_t depth = measuring->profile->frames[frame].line_count;

	if (!sample->stack || !depth)
		return NO_ROW;
	return frame_row(measuring, frame, measuring->inlined == LINES_AT_CALL ? depth - 1 : 0);
}

static void add_sample(struct measuring *measuring, const struct profile_sample *sample,
		       uint32_t number)
{
	const struct profile *profile = measuring->profile;
	uint64_t value = call_tree_value(profile, sample);
	struct line_row *rows = measuring->lines->rows;
	uint32_t self = self_row(measuring, sample);

	if (self != NO_ROW) {
		rows[self].self += value;
		rows[self].self_samples++;
	}
	for (uint32_t stack = sample->stack; stack; stack = profile->stacks[stack].parent) {
		uint32_t frame = profile->stacks[stack].frame;

		for (uint32_t depth = 0; depth < profile->frames[frame].line_count; depth++) {
			uint32_t row = frame_row(measuring, frame, depth);

			if (row == NO_ROW || measuring->seen[row] == number)
				continue;
			measuring->seen[row] = number;
			rows[row].total += value;
			rows[row].total_samples++;
		}
	}
}

static int compare_rows(const void *left, const void *right)
{
	const struct line_row *a = left, *b = right;

	if (a->self != b->self)
		return a->self > b->self ? -1 : 1;
	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	if (a->symbol != b->symbol)
		return a->symbol < b->symbol ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

/* Drops rows without cost and orders the rest; then row_of must say where each went. */
static void sort_rows(struct measuring *measuring)
{
	struct lines *lines = measuring->lines;
	struct place *places;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < lines->count; i++)
		if (lines->rows[i].total_samples)
			lines->rows[kept++] = lines->rows[i];
	lines->count = kept;
	qsort(lines->rows, lines->count, sizeof(*lines->rows), compare_rows);
	places = xcalloc(lines->count, sizeof(*places));
	for (uint32_t i = 0; i < lines->count; i++)
		places[i] = (struct place){lines->rows[i].symbol, lines->rows[i].line, i};
	qsort(places, lines->count, sizeof(*places), compare_places);
	for (size_t i = 0; i < measuring->profile->lines_count; i++) {
		struct place wanted = {measuring->profile->lines[i].function,
				       measuring->profile->lines[i].line, 0};
		const struct place *found =
			bsearch(&wanted, places, lines->count, sizeof(*places), compare_places);

		measuring->row_of[i] = found ? found->index : NO_ROW;
	}
	free(places);
}

static void measure_intervals(struct measuring *measuring, uint16_t metric, uint32_t limit)
{
	struct lines *lines = measuring->lines;
	uint32_t rows = limit < lines->count ? limit : lines->count;
	uint32_t(*counts)[DISPERSION_BLOCKS] = xcalloc(rows, sizeof(*counts));
	struct dispersion_blocks blocks;

	dispersion_blocks_init(&blocks, measuring->profile, metric);
	for (size_t i = 0; i < measuring->profile->samples_count; i++) {
		const struct profile_sample *sample = &measuring->profile->samples[i];
		uint32_t row = sample->metric == metric ? self_row(measuring, sample) : NO_ROW;
		uint64_t block = (sample->time_ns - blocks.start_ns) / blocks.block_ns;

		if (row < rows)
			counts[row][block < DISPERSION_BLOCKS ? block : DISPERSION_BLOCKS - 1]++;
	}
	for (uint32_t i = 0; i < lines->count; i++)
		lines->rows[i].share = (struct interval){0, 1};
	for (uint32_t i = 0; i < rows && lines->value; i++)
		lines->rows[i].share = dispersion_interval(
			(double)lines->rows[i].self / lines->value,
			blocks.equal_samples / dispersion_phi(&blocks, counts[i]));
	free(counts);
}

void lines_measure(struct lines *lines, const struct report *report, enum lines_inlined inlined,
		   const bool *wanted, uint32_t limit)
{
	const struct profile *profile = report->profile;
	struct measuring measuring = {.lines = lines, .profile = profile, .inlined = inlined};

	*lines = (struct lines){0};
	number_rows(&measuring, wanted);
	measuring.seen = xcalloc(lines->count, sizeof(*measuring.seen));
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->metric != report->metric)
			continue;
		lines->value += call_tree_value(profile, sample);
		add_sample(&measuring, sample, ++lines->samples);
	}
	sort_rows(&measuring);
	measure_intervals(&measuring, report->metric, limit);
	free(measuring.row_of);
	free(measuring.seen);
}

void lines_done(struct lines *lines)
{
	free(lines->rows);
}

static bool is_function(const char *label, const char *name)
{
	size_t bytes = strlen(name);

	return !strncmp(label, name, bytes) && (!label[bytes] || label[bytes] == '(');
}

static bool is_file(const char *path, const char *name)
{
	size_t bytes = strlen(path), name_bytes = strlen(name);

	return name_bytes && bytes >= name_bytes && !strcmp(path + bytes - name_bytes, name) &&
	       (bytes == name_bytes || path[bytes - name_bytes - 1] == '/');
}

bool *lines_find(const struct report *report, const char *name)
{
	const struct profile *profile = report->profile;
	bool *wanted = xcalloc(report->symbols.count, sizeof(*wanted)), any = false;

	for (uint32_t i = 1; i < profile->functions_count; i++)
		any |= wanted[i] = is_function(profile->functions[i].name, name);
	for (uint32_t i = 1; i < profile->functions_count && !any; i++)
		wanted[i] = is_file(profile->files[profile->functions[i].file], name);
	for (uint32_t i = 1; i < profile->functions_count && !any; i++)
		if (wanted[i])
			return wanted;
	if (any)
		return wanted;
	free(wanted);
	return NULL;
}
