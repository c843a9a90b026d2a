/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines_write_blocks: hits by address of functions that have no lines; see lines_write.h. */
#include "reports/lines_write.h"

#include "collector/base/xalloc.h"
#include "reports/output.h"
#include "reports/table.h"

#include <inttypes.h>

bool *lines_hits_without_lines(const struct profile *profile)
{
	bool *lacks = xcalloc(profile->hit_functions_count, sizeof(*lacks));

	for (size_t i = 0; i < profile->block_hits_count; i++)
		lacks[profile->block_hits[i].function] = true;
	for (size_t i = 0; i < profile->line_hits_count; i++)
		lacks[profile->line_hits[i].function] = false;
	return lacks;
}

void lines_block_hits_cell(struct table *table, const struct profile_block_hits *block)
{
	if (!block)
		table_cell(table, "%s", "");
	else if (block->label == PROFILE_HIT_ESTIMATED)
		table_cell(table, "≈%" PRIu64 " ±%" PRIu64, block->hits, block->margin);
	else
		table_cell(table, "%s%" PRIu64, block->label == PROFILE_HIT_DERIVED ? "=" : "",
			   block->hits);
}

/* The symbol of a function that was counted, where it is wanted and has no lines; 0: it is not. */
static uint32_t symbol_without_lines(const struct lines_view *view, const bool *wanted,
				     const bool *lacks, size_t function)
{
	const struct profile *profile = view->report->profile;
	uint32_t symbol = symbol_owner(profile, profile->hit_functions[function].frame);

	return lacks[function] && (!wanted || wanted[symbol]) ? symbol : 0;
}

static const char *file_of(const struct lines_view *view, uint32_t symbol)
{
	const struct profile *profile = view->report->profile;

	return symbol_base_name(
		profile->modules[view->report->symbols.symbols[symbol].module].path);
}

static void write_blocks(const struct profile *profile, size_t function, FILE *stream)
{
	static const struct table_column columns[] = {
		{"hits", .right = true},
		{"address", .right = true},
		{"bytes", .right = true, .dropped = 2},
		{"instructions", .right = true, .dropped = 1},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < profile->block_hits_count; i++) {
		const struct profile_block_hits *block = &profile->block_hits[i];

		if (block->function != function)
			continue;
		lines_block_hits_cell(&table, block);
		table_cell(&table, "%" PRIx64, block->address);
		table_cell(&table, "%u", block->bytes);
		table_cell(&table, "%u", block->instructions);
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
}

void lines_write_blocks(const struct lines_view *view, const bool *wanted, FILE *stream)
{
	const struct report *report = view->report;
	bool *lacks = lines_hits_without_lines(report->profile);
	struct obstack memory;

	obstack_init(&memory);
	for (size_t i = 0; i < report->profile->hit_functions_count; i++) {
		uint32_t symbol = symbol_without_lines(view, wanted, lacks, i);

		if (!symbol)
			continue;
		fprintf(stream,
			"\nhits of %s by address: debug information of %s, which would tell lines, "
			"is missing (-g)\n",
			text_plain(&memory, report->symbols.symbols[symbol].label, 100),
			text_plain(&memory, file_of(view, symbol), 60));
		write_blocks(report->profile, i, stream);
	}
	obstack_free(&memory, NULL);
	free(lacks);
}

json_t *lines_blocks_json(const struct lines_view *view, const bool *wanted)
{
	static const char *const labels[PROFILE_HIT_LABELS] = {"exact", "derived", "estimated"};
	const struct profile *profile = view->report->profile;
	bool *lacks = lines_hits_without_lines(profile);
	json_t *blocks = json_array();

	for (size_t i = 0; i < profile->block_hits_count; i++) {
		const struct profile_block_hits *block = &profile->block_hits[i];
		uint32_t symbol = symbol_without_lines(view, wanted, lacks, block->function);

		if (!symbol)
			continue;
		json_array_append_new(
			blocks,
			json_pack("{s:o, s:I, s:i, s:i, s:I, s:I, s:s}", "function",
				  text_json(view->report->symbols.symbols[symbol].label), "address",
				  (json_int_t)block->address, "bytes", (int)block->bytes,
				  "instructions", (int)block->instructions, "hits",
				  (json_int_t)block->hits, "margin", (json_int_t)block->margin,
				  "label", labels[block->label]));
	}
	free(lacks);
	return blocks;
}
