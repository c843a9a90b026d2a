/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines: see lines.h. */
#include "reports/lines.h"

#include "collector/base/xalloc.h"
#include "reports/function_name.h"
#include "reports/memory.h"
#include "reports/metric.h"

#define NO_ROW UINT32_MAX

struct measuring {
	struct lines *lines;
	const struct profile *profile;
	enum lines_inlined inlined;
	const bool *wanted;	/* symbols; NULL: all */
	const uint8_t *bearing; /* of symbols; NULL: the innermost bears all */
	uint32_t *hits_symbols; /* of each row of line_hits */
	uint32_t *row_of;	/* by index into the profile's lines, its line_hits behind them;
				   NO_ROW: not wanted */
	uint32_t *seen;		/* by row: the last sample whose total it has */
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

static size_t places_count(const struct measuring *measuring)
{
	return measuring->profile->lines_count + measuring->profile->line_hits_count;
}

/* Where element @index of row_of is; symbol 0: nowhere. */
static struct place place_of(const struct measuring *measuring, size_t index)
{
	const struct profile *profile = measuring->profile;
	size_t hit = index - profile->lines_count;
	struct place place = {.index = (uint32_t)index};

	if (index < profile->lines_count) {
		place.symbol = profile->lines[index].function;
		place.line = profile->lines[index].line;
		return place;
	}
	place.symbol = measuring->hits_symbols[hit];
	place.line = profile->line_hits[hit].line;
	if (measuring->inlined == LINES_AT_CALL) {
		uint32_t frame = profile->hit_functions[profile->line_hits[hit].function].frame;

		if (place.symbol != symbol_owner(profile, frame))
			place.symbol = 0;
	}
	return place;
}

/* Gives every line its row; equal lines of one function share one. */
static void number_rows(struct measuring *measuring)
{
	size_t all = places_count(measuring), count = 0;
	struct place *places = xcalloc(all, sizeof(*places));
	struct lines *lines = measuring->lines;

	measuring->row_of = xcalloc(all, sizeof(*measuring->row_of));
	for (size_t i = 0; i < all; i++) {
		struct place place = place_of(measuring, i);
		bool is_hit = i >= measuring->profile->lines_count;

		measuring->row_of[i] = NO_ROW;
		if ((!is_hit || place.symbol) &&
		    (!measuring->wanted || measuring->wanted[place.symbol]))
			places[count++] = place;
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

/* The row of what bears a sample. */
static uint32_t bearing_row(const struct measuring *measuring, const struct profile_sample *sample)
{
	const struct profile *profile = measuring->profile;
	uint32_t row = NO_ROW;
	int most = -1;

	for (uint32_t stack = sample->stack; stack; stack = profile->stacks[stack].parent) {
		uint32_t frame = profile->stacks[stack].frame;

		for (uint32_t depth = 0; depth < symbol_depth(profile, frame); depth++) {
			int bearing = measuring->bearing[symbol_at(profile, frame, depth).symbol];

			if (bearing <= most)
				continue;
			most = bearing;
			row = frame_row(measuring, frame, depth);
		}
	}
	return row;
}

static uint32_t self_row(const struct measuring *measuring, const struct profile_sample *sample)
{
	uint32_t frame = measuring->profile->stacks[sample->stack].frame;
	uint32_t depth = measuring->profile->frames[frame].line_count;

	if (measuring->bearing)
		return bearing_row(measuring, sample);
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

static void add_allocation(struct measuring *measuring, const struct profile_sample *sample,
			   bool is_bytes, uint32_t number)
{
	const struct profile *profile = measuring->profile;
	struct line_row *rows = measuring->lines->rows;
	uint32_t self = self_row(measuring, sample);

	if (self != NO_ROW && !is_bytes)
		rows[self].own_allocations += sample->value;
	for (uint32_t stack = sample->stack; stack; stack = profile->stacks[stack].parent) {
		uint32_t frame = profile->stacks[stack].frame;

		for (uint32_t depth = 0; depth < profile->frames[frame].line_count; depth++) {
			uint32_t row = frame_row(measuring, frame, depth);

			if (row == NO_ROW || measuring->seen[row] == number)
				continue;
			measuring->seen[row] = number;
			*(is_bytes ? &rows[row].allocated : &rows[row].allocations) +=
				sample->value;
		}
	}
}

/* Metrics of allocations count blocks and bytes apart. */
static void add_allocations(struct measuring *measuring, uint32_t number)
{
	const struct profile *profile = measuring->profile;
	struct lines *lines = measuring->lines;
	size_t blocks = SIZE_MAX, bytes = SIZE_MAX;

	for (size_t i = 0; i < profile->metrics_count; i++) {
		if (!strcmp(profile->metrics[i].name, memory_metrics[MEMORY_ALLOCATIONS]))
			blocks = i;
		else if (!strcmp(profile->metrics[i].name, memory_metrics[MEMORY_ALLOCATED]))
			bytes = i;
	}
	lines->has_allocations = blocks != SIZE_MAX && bytes != SIZE_MAX;
	for (size_t i = 0; i < profile->samples_count && lines->has_allocations; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->metric == blocks || sample->metric == bytes)
			add_allocation(measuring, sample, sample->metric == bytes, ++number);
	}
}

static void add_hits(struct measuring *measuring)
{
	const struct profile *profile = measuring->profile;

	measuring->lines->has_hits = profile->line_hits_count > 0;
	for (size_t i = 0; i < profile->line_hits_count; i++) {
		const struct profile_line_hits *hits = &profile->line_hits[i];
		const struct profile_hit_function *function =
			&profile->hit_functions[hits->function];
		uint32_t index = measuring->row_of[profile->lines_count + i];
		struct line_row *row = &measuring->lines->rows[index];

		/* Of calls that were all outside the windows nothing is known. */
		if (index == NO_ROW || (function->calls && !function->counted_calls))
			continue;
		row->has_hits = true;
		row->is_restricted |= function->note != NULL;
		row->hits += hits->hits;
		row->hits_margin += hits->margin;
		if (hits->label > row->label)
			row->label = hits->label;
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

/* Drops rows of which nothing is known and orders the rest; then row_of must say where each went.
 */
static void sort_rows(struct measuring *measuring)
{
	struct lines *lines = measuring->lines;
	struct place *places;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < lines->count; i++)
		if (lines->rows[i].total_samples || lines->rows[i].has_hits ||
		    lines->rows[i].allocations)
			lines->rows[kept++] = lines->rows[i];
	lines->count = kept;
	qsort(lines->rows, lines->count, sizeof(*lines->rows), compare_rows);
	places = xcalloc(lines->count, sizeof(*places));
	for (uint32_t i = 0; i < lines->count; i++)
		places[i] = (struct place){lines->rows[i].symbol, lines->rows[i].line, i};
	qsort(places, lines->count, sizeof(*places), compare_places);
	for (size_t i = 0; i < measuring->profile->lines_count; i++) {
		struct place wanted = place_of(measuring, i);
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
	for (uint32_t i = 0; i < rows && lines->value; i++) {
		double share = (double)lines->rows[i].self / lines->value;

		lines->rows[i].share =
			metric_is_exact(measuring->profile, metric)
				? (struct interval){share, share}
				: dispersion_interval(share,
						      blocks.equal_samples /
							      dispersion_phi(&blocks, counts[i]));
	}
	free(counts);
}

static void measure(struct measuring *measuring, const struct report *report, uint32_t limit)
{
	const struct profile *profile = report->profile;
	struct lines *lines = measuring->lines;

	*lines = (struct lines){0};
	measuring->profile = profile;
	measuring->hits_symbols = lines_of_hits(profile);
	number_rows(measuring);
	measuring->seen = xcalloc(lines->count, sizeof(*measuring->seen));
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->metric != report->metric)
			continue;
		lines->value += call_tree_value(profile, sample);
		add_sample(measuring, sample, ++lines->samples);
	}
	add_allocations(measuring, lines->samples);
	add_hits(measuring);
	sort_rows(measuring);
	measure_intervals(measuring, report->metric, limit);
	free(measuring->hits_symbols);
	free(measuring->row_of);
	free(measuring->seen);
}

void lines_measure(struct lines *lines, const struct report *report, enum lines_inlined inlined,
		   const bool *wanted, uint32_t limit)
{
	struct measuring measuring = {.lines = lines, .inlined = inlined, .wanted = wanted};

	measure(&measuring, report, limit);
}

void lines_measure_borne(struct lines *lines, const struct report *report, const uint8_t *bearing,
			 uint32_t limit)
{
	struct measuring measuring = {
		.lines = lines, .inlined = LINES_IN_SOURCE, .bearing = bearing};

	measure(&measuring, report, limit);
}

bool lines_know_hits(const struct line_row *row)
{
	return row->has_hits && row->hits > row->hits_margin;
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

/* Ways of saying which functions are meant; a later one counts when none before does. */
static bool is_meant(const struct profile *profile, uint32_t id, const char *name, int way)
{
	const struct profile_function *function = &profile->functions[id];

	if (way == 0)
		return is_function(function->name, name);
	if (way == 1)
		return is_file(profile->files[function->file], name);
	return function_name_is(function->name, name);
}

bool *lines_find(const struct report *report, const char *name)
{
	const struct profile *profile = report->profile;
	bool *wanted = xcalloc(report->symbols.count, sizeof(*wanted)), any = false;

	for (int way = 0; way < 3 && !any; way++)
		for (uint32_t i = 1; i < profile->functions_count; i++)
			any |= wanted[i] = is_meant(profile, i, name, way);
	if (any)
		return wanted;
	free(wanted);
	return NULL;
}

char *lines_near(const struct report *report, const char *name, char *text, size_t bytes)
{
	const struct profile *profile = report->profile;
	struct near_names near;
	struct obstack memory;

	obstack_init(&memory);
	near_names_init(&near, name);
	for (uint32_t i = 1; i < profile->functions_count; i++)
		if (profile->functions[i].named)
			function_name_near(&near, profile->functions[i].name, &memory);
	for (uint32_t i = 1; i < profile->files_count; i++)
		near_names_add(&near, symbol_base_name(profile->files[i]),
			       symbol_base_name(profile->files[i]));
	near_names_write(&near, text, bytes);
	obstack_free(&memory, NULL);
	return text;
}
