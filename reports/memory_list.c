/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_list: see memory_list.h. */
#include "reports/memory_list.h"

#include "reports/amount.h"
#include "reports/memory_site.h"
#include "reports/output.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

#define CALLERS	      4 /* shown of a stack */
#define LEAST_LIFE_MS 4 /* shorter lifetimes are not told apart */

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
static void write_amount(const struct memory *memory, const struct memory_site *site,
			 enum memory_amount amount, struct table *table)
{
	char bytes[32];

	if (memory->is_attached)
		table_cell(table, "-");
	else if (amount == MEMORY_TEMPORARIES)
		table_cell(table, "%" PRIu64, memory_blocks(memory, site->amounts, amount));
	else if (amount == MEMORY_LIFETIME)
		table_cell(table, "%s", lifetime_text(site->amounts, bytes, sizeof(bytes)));
	else
		table_cell(table, "%s", bytes_text(site->amounts[amount], bytes, sizeof(bytes)));
}

static void write_site(const struct report *report, const struct memory *memory,
		       const struct memory_site *site, enum memory_amount order,
		       struct table *table)
{
	const struct symbol *symbol = &report->symbols.symbols[site->symbol];
	const char *path = symbol->file ? report->profile->files[symbol->file]
					: report->profile->modules[symbol->module].path;
	struct obstack text;
	char bytes[32];

	obstack_init(&text);
	table_cell(table, "%" PRIu64, memory_blocks(memory, site->amounts, MEMORY_ALLOCATIONS));
	table_cell(table, "%s", bytes_text(site->amounts[MEMORY_ALLOCATED], bytes, sizeof(bytes)));
	write_amount(memory, site, MEMORY_PEAK, table);
	write_amount(memory, site, MEMORY_LIVE, table);
	write_amount(memory, site, MEMORY_TEMPORARIES, table);
	write_amount(memory, site, MEMORY_LIFETIME, table);
	table_cell(table, "%s", text_plain(&text, symbol->label, 100));
	if (site->line)
		table_cell(table, "%s:%u", text_plain(&text, symbol_base_name(path), 60),
			   site->line);
	else
		table_cell(table, "%s", text_plain(&text, symbol_base_name(path), 60));
	table_cell(table, "%s",
		   text_plain(&text, callers_text(report, site->stacks[order], &text), 160));
	obstack_free(&text, NULL);
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
	struct table table;
	size_t shown = 0;

	memory_sort(memory, order->amount);
	while (shown < memory->count && memory->sites[shown].amounts[order->amount])
		shown++;
	if (!shown)
		return;
	fprintf(stream, "\nCall sites with %s\n", order->title);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < shown && i < limit; i++)
		write_site(report, memory, &memory->sites[i], order->amount, &table);
	table_write(&table, stream, output_columns(stream), colour);
	table_done(&table);
	if (shown > limit)
		fprintf(stream, "… and %zu more\n", shown - limit);
}
