/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_list: see memory_list.h. */
#include "reports/memory_list.h"

#include "reports/amount.h"
#include "reports/memory_path.h"
#include "reports/memory_site.h"
#include "reports/output.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

#define CALLERS	      4	 /* shown of a stack */
#define PATHS	      4	 /* shown of a site */
#define AMOUNTS	      6	 /* columns */
#define MOSTLY	      90 /* percent of a site that come on one path: the others are not shown */
#define LEAST_LIFE_MS 4	 /* shorter lifetimes are not told apart */

static const char *bytes_text(uint64_t bytes, char *text, size_t size)
{
	return amount_format((double)bytes, "bytes", text, size);
}

/* Writes "caller < caller" of the stack that had most of an amount, from that of the site on. */
static const char *callers_text(const struct report *report, uint32_t stack, struct obstack *text)
{
	const struct profile *profile = report->profile;
	struct memory_site_place site = memory_site_place(profile, stack);
	int shown = 0;

	for (uint32_t id = site.stack; id && shown < CALLERS; id = profile->stacks[id].parent) {
		uint32_t frame = profile->stacks[id].frame;
		uint32_t depth = symbol_depth(profile, frame);

		for (uint32_t i = id == site.stack ? site.depth + 1 : 0;
		     i < depth && shown < CALLERS; i++, shown++) {
			uint32_t symbol = symbol_at(profile, frame, i).symbol;

			obstack_printf(text, "%s%s", shown ? " < " : "",
				       report->symbols.symbols[symbol].label);
		}
	}
	obstack_1grow(text, '\0');
	return obstack_finish(text);
}

static const char *lifetime_text(const uint64_t *amounts, char *text, size_t size)
{
	double mean_ms = memory_lifetime(amounts);

	if (isnan(mean_ms))
		snprintf(text, size, "-");
	else if (mean_ms < LEAST_LIFE_MS)
		snprintf(text, size, "< %d ms", LEAST_LIFE_MS);
	else
		amount_format(mean_ms * 1e6, "ns", text, size);
	return text;
}

/* A cell of an amount; of a running program only what comes is known, not what stays. */
static void write_amount(const struct memory *memory, const uint64_t *amounts,
			 enum memory_amount amount, struct table *table)
{
	char bytes[32];

	if (memory->is_attached)
		table_cell(table, "-");
	else if (amount == MEMORY_TEMPORARIES)
		table_cell(table, "%" PRIu64, memory_blocks(memory, amounts, amount));
	else if (amount == MEMORY_LIFETIME)
		table_cell(table, "%s", lifetime_text(amounts, bytes, sizeof(bytes)));
	else
		table_cell(table, "%s", bytes_text(amounts[amount], bytes, sizeof(bytes)));
}

static void write_amounts(const struct memory *memory, const uint64_t *amounts, struct table *table)
{
	char bytes[32];

	table_cell(table, "%" PRIu64, memory_blocks(memory, amounts, MEMORY_ALLOCATIONS));
	table_cell(table, "%s", bytes_text(amounts[MEMORY_ALLOCATED], bytes, sizeof(bytes)));
	write_amount(memory, amounts, MEMORY_PEAK, table);
	write_amount(memory, amounts, MEMORY_LIVE, table);
	write_amount(memory, amounts, MEMORY_TEMPORARIES, table);
	write_amount(memory, amounts, MEMORY_LIFETIME, table);
}

/* Writes a function and the line in it, @before the function's name. */
static void write_place(const struct report *report, const char *before, uint32_t symbol_id,
			uint32_t line, struct table *table)
{
	const struct symbol *symbol = &report->symbols.symbols[symbol_id];
	const char *path = symbol->file ? report->profile->files[symbol->file]
					: report->profile->modules[symbol->module].path;
	struct obstack text;

	obstack_init(&text);
	table_cell(table, "%s%s", before, text_plain(&text, symbol->label, 100));
	if (line)
		table_cell(table, "%s:%u", text_plain(&text, symbol_base_name(path), 60), line);
	else
		table_cell(table, "%s", text_plain(&text, symbol_base_name(path), 60));
	obstack_free(&text, NULL);
}

static void write_site(const struct report *report, const struct memory *memory,
		       const struct memory_site *site, enum memory_amount order,
		       struct table *table)
{
	struct obstack text;

	obstack_init(&text);
	write_amounts(memory, site->amounts, table);
	write_place(report, "", site->symbol, site->line, table);
	table_cell(table, "%s",
		   text_plain(&text, callers_text(report, site->stacks[order], &text), 160));
	obstack_free(&text, NULL);
}

/* Writes a path to the site above: the caller with which it begins, and that one's callers. */
static void write_path(const struct report *report, const struct memory *memory,
		       const struct memory_path *path, struct table *table)
{
	const struct memory_path_caller *first = &path->callers[0];
	struct obstack text;

	obstack_init(&text);
	write_amounts(memory, path->amounts, table);
	if (path->caller_count) {
		write_place(report, "  from ", first->symbol, first->line, table);
	} else {
		table_cell(table, "  from nowhere else");
		table_cell(table, "%s", "");
	}
	for (uint32_t i = 1; i < path->caller_count; i++)
		obstack_printf(&text, "%s%s", i > 1 ? " < " : "",
			       report->symbols.symbols[path->callers[i].symbol].label);
	obstack_1grow(&text, '\0');
	table_cell(table, "%s", text_plain(&text, obstack_finish(&text), 160));
	obstack_free(&text, NULL);
}

static void write_more(size_t count, struct table *table)
{
	for (int i = 0; i < AMOUNTS; i++)
		table_cell(table, "%s", "");
	table_cell(table, "  … and %zu more", count);
	table_cell(table, "%s", "");
	table_cell(table, "%s", "");
}

/* Writes how much of a site comes on which path, unless most of it comes on one. */
static void write_paths(const struct report *report, const struct memory *memory,
			const struct memory_path_index *index, size_t site,
			enum memory_amount order, struct table *table)
{
	struct memory_paths paths;
	size_t shown = 0;

	memory_paths_measure(&paths, index, site, order, true, 1 + CALLERS);
	if (paths.count > 1 &&
	    paths.rows[0].amounts[order] < memory->sites[site].amounts[order] * (MOSTLY / 100.0)) {
		for (; shown < paths.count && shown < PATHS; shown++)
			write_path(report, memory, &paths.rows[shown], table);
		if (shown < paths.count)
			write_more(paths.count - shown, table);
	}
	memory_paths_done(&paths);
}

void memory_list_write(const struct report *report, struct memory *memory,
		       const struct memory_order *order, uint32_t limit, FILE *stream)
{
	static const struct table_column columns[] = {
		{"calls", true, false, 0},
		{"allocated", true, false, 0},
		{"at peak", true, false, 0},
		{"live", true, false, 0},
		{"temporary", true, false, 2},
		{"lived", true, false, 1},
		{"function", false, true, 0},
		{"where", false, true, 3},
		{"mostly called by", false, true, 0},
	};
	bool colour = output_has_colour(stream);
	struct memory_path_index *index;
	struct table table;
	size_t shown = 0;

	memory_sort(memory, order->amount);
	while (shown < memory->count && memory->sites[shown].amounts[order->amount])
		shown++;
	if (!shown)
		return;
	fprintf(stream, "\nCall sites with %s\n", order->title);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	index = memory_path_index_new(memory, report->profile);
	for (size_t i = 0; i < shown && i < limit; i++) {
		write_site(report, memory, &memory->sites[i], order->amount, &table);
		write_paths(report, memory, index, i, order->amount, &table);
	}
	memory_path_index_free(index);
	table_write(&table, stream, output_columns(stream), colour);
	table_done(&table);
	if (shown > limit)
		fprintf(stream, "… and %zu more\n", shown - limit);
}
