/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines_write_disassembly: the instructions of the hottest functions; see lines_write.h. */
#include "reports/lines_write.h"

#include "reports/amount.h"
#include "reports/disassembly.h"
#include "reports/output.h"

struct owner {
	uint32_t symbol;
	uint64_t self;
};

static int compare_owners(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;

	if (a->self != b->self)
		return a->self > b->self ? -1 : 1;
	return (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

/* The functions that have code of wanted ones, their own or inlined, by what was sampled in that.
 */
static struct owner *find_owners(const struct report *report, const bool *wanted, size_t *count)
{
	const struct profile *profile = report->profile;
	struct owner *owners = xcalloc(report->symbols.count, sizeof(*owners));
	uint32_t all = report->symbols.count;

	for (uint32_t i = 0; i < all; i++)
		owners[i].symbol = i;
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		uint32_t frame = profile->stacks[sample->stack].frame;
		bool is_wanted = false;

		if (sample->metric != report->metric || !sample->stack)
			continue;
		for (uint32_t depth = 0; depth < symbol_depth(profile, frame); depth++)
			is_wanted |= wanted[symbol_at(profile, frame, depth).symbol];
		if (is_wanted)
			owners[symbol_owner(profile, frame)].self +=
				call_tree_value(profile, sample);
	}
	qsort(owners, all, sizeof(*owners), compare_owners);
	for (*count = 0; *count < LINES_DISASSEMBLED && *count < all && owners[*count].self;)
		++*count;
	return owners;
}

/* The counted block that an instruction is in, NULL: none. */
static const struct profile_block_hits *find_block(const struct profile *profile, uint32_t owner,
						   uint64_t address)
{
	for (size_t i = 0; i < profile->block_hits_count; i++) {
		const struct profile_block_hits *block = &profile->block_hits[i];
		const struct profile_hit_function *function =
			&profile->hit_functions[block->function];

		if (address >= block->address && address - block->address < block->bytes &&
		    symbol_owner(profile, function->frame) == owner &&
		    (function->counted_calls || !function->calls))
			return block;
	}
	return NULL;
}

static void write_instructions(const struct lines_view *view, uint32_t owner,
			       const struct disassembly *disassembly, FILE *stream)
{
	static const struct table_column columns[] = {
		{"self %", .right = true}, {"samples", .right = true, .dropped = 1},
		{"hits", .right = true},   {"address", .right = true},
		{.title = "instruction"},  {.title = "line", .elastic = true},
	};
	const struct report *report = view->report;
	struct obstack memory;
	struct table table;
	char text[32];

	obstack_init(&memory);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < disassembly->count; i++) {
		const struct instruction *row = &disassembly->rows[i];
		double share = (double)row->self / (double)view->lines->value;
		const struct symbol *symbol = &report->symbols.symbols[row->symbol];

		table_cell(&table, "%s",
			   row->samples ? amount_percent(share, 0.001, text, sizeof(text)) : "");
		table_cell(&table, row->samples ? "%u" : "", row->samples);
		lines_block_hits_cell(&table, find_block(report->profile, owner, row->address));
		table_cell(&table, "%lx", row->address);
		table_cell(&table, "%s", text_plain(&memory, row->text, 100));
		if (row->samples && row->line)
			table_cell(
				&table, "%s:%u",
				text_plain(&memory,
					   symbol_base_name(report->profile->files[symbol->file]),
					   60),
				row->line);
		else
			table_cell(&table, "%s", "");
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	obstack_free(&memory, NULL);
}

void lines_write_disassembly(const struct lines_view *view, const bool *wanted, FILE *stream)
{
	struct obstack memory;
	size_t count;
	struct owner *owners = find_owners(view->report, wanted, &count);

	obstack_init(&memory);
	for (size_t i = 0; i < count; i++) {
		const char *label = view->report->symbols.symbols[owners[i].symbol].label;
		struct disassembly disassembly;
		struct error error;

		fprintf(stream, "\n%s\n", text_plain(&memory, label, 0));
		if (disassembly_read(&disassembly, view->report, owners[i].symbol, &error)) {
			fprintf(stream, "%s\n", text_plain(&memory, error.text, 0));
			continue;
		}
		if (!disassembly.is_whole)
			fputs("the file has no symbol there: from the first sampled instruction to "
			      "the last\n",
			      stream);
		write_instructions(view, owners[i].symbol, &disassembly, stream);
		disassembly_done(&disassembly);
	}
	obstack_free(&memory, NULL);
	free(owners);
}

static json_t *instructions_json(const struct lines_view *view, uint32_t owner,
				 const struct disassembly *disassembly)
{
	const struct report *report = view->report;
	json_t *rows = json_array();

	for (size_t i = 0; i < disassembly->count; i++) {
		const struct instruction *instruction = &disassembly->rows[i];
		json_t *row =
			json_pack("{s:I, s:s, s:i}", "address", (json_int_t)instruction->address,
				  "text", instruction->text, "samples", (int)instruction->samples);

		const struct profile_block_hits *block =
			find_block(report->profile, owner, instruction->address);

		if (block)
			json_object_set_new(row, "hits", json_integer((json_int_t)block->hits));
		if (instruction->samples) {
			json_object_set_new(
				row, "share",
				json_real((double)instruction->self / (double)view->lines->value));
			json_object_set_new(
				row, "file",
				text_json(
					report->profile
						->files[report->symbols.symbols[instruction->symbol]
								.file]));
			json_object_set_new(row, "line", json_integer(instruction->line));
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

json_t *lines_disassembly_json(const struct lines_view *view, const bool *wanted)
{
	json_t *functions = json_array();
	size_t count;
	struct owner *owners = find_owners(view->report, wanted, &count);

	for (size_t i = 0; i < count; i++) {
		json_t *function = json_object();
		struct disassembly disassembly;
		struct error error;

		json_object_set_new(
			function, "function",
			text_json(view->report->symbols.symbols[owners[i].symbol].label));
		if (disassembly_read(&disassembly, view->report, owners[i].symbol, &error)) {
			json_object_set_new(function, "missing", text_json(error.text));
		} else {
			json_object_set_new(function, "whole", json_boolean(disassembly.is_whole));
			json_object_set_new(
				function, "instructions",
				instructions_json(view, owners[i].symbol, &disassembly));
			disassembly_done(&disassembly);
		}
		json_array_append_new(functions, function);
	}
	free(owners);
	return functions;
}
