/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_memory: allocations, and whether they grow, as a section; see document_sections.h. */
#include "reports/document_sections.h"

#include "collector/base/xalloc.h"
#include "reports/memory_growth.h"

enum {
	SITES = 20
};

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

static void add_sites(json_t *section, const struct report *report, struct memory *memory)
{
	static const struct document_column columns[] = {
		{"function", "function", "code", NULL},
		{"where", "where", "code", NULL},
		{"allocations", "calls", "count", NULL},
		{"allocated", "allocated", "amount", "bytes"},
		{"temporaries", "temporary", "count", NULL},
		{"peak", "at the peak", "amount", "bytes"},
		{"live", "live at the end", "amount", "bytes"},
	};
	json_t *table = document_table(section, "sites", "Call sites with most bytes at the peak",
				       columns, COLUMN_COUNT(columns));

	memory_sort(memory, MEMORY_PEAK);
	for (size_t i = 0; i < memory->count && i < SITES; i++) {
		const struct memory_site *site = &memory->sites[i];
		const struct symbol *symbol = &report->symbols.symbols[site->symbol];
		json_t *row = document_row(table);
		char where[400] = "";

		if (symbol->file && site->line)
			snprintf(where, sizeof(where), "%s:%u",
				 report->profile->files[symbol->file], site->line);
		document_text(row, symbol->label);
		document_text(row, where);
		document_count(row, memory_blocks(memory, site->amounts, MEMORY_ALLOCATIONS));
		document_number(row, (double)site->amounts[MEMORY_ALLOCATED]);
		document_count(row, memory_blocks(memory, site->amounts, MEMORY_TEMPORARIES));
		document_number(row, (double)site->amounts[MEMORY_PEAK]);
		document_number(row, (double)site->amounts[MEMORY_LIVE]);
	}
	if (memory->count > SITES)
		document_note(section, "… and %zu more.", memory->count - SITES);
}

static const char *amounts_title(const struct profile *profile, const struct memory *memory)
{
	if (memory->rate)
		return "Allocations, estimated from a sample";
	return memory_has_gaps(profile) ? "Allocations, not all counted"
					: "Allocations, all counted";
}

static void add_amounts(json_t *section, const struct profile *profile, const struct memory *memory)
{
	static const struct document_column columns[] = {{"what", "memory", "text", NULL},
							 {"blocks", "blocks", "count", NULL},
							 {"bytes", "bytes", "amount", "bytes"}};
	static const struct {
		const char *name;
		enum memory_amount blocks, bytes;
	} rows[] = {{"allocated", MEMORY_ALLOCATIONS, MEMORY_ALLOCATED},
		    {"live at the peak", MEMORY_PEAK_BLOCKS, MEMORY_PEAK},
		    {"live at the end", MEMORY_LIVE_BLOCKS, MEMORY_LIVE},
		    {"ended by exec", MEMORY_REPLACED_BLOCKS, MEMORY_REPLACED}};
	json_t *table =
		document_table(section, "memory", amounts_title(profile, memory), columns, 3);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *row;

		if (rows[i].blocks == MEMORY_REPLACED_BLOCKS && !memory->amounts[rows[i].blocks])
			continue;
		row = document_row(table);
		document_text(row, rows[i].name);
		document_count(row, memory_blocks(memory, memory->amounts, rows[i].blocks));
		document_number(row, (double)memory->amounts[rows[i].bytes]);
	}
}

/* Whether what is live goes on growing. */
static void say_growth(json_t *section, const struct report *report, const struct memory *memory)
{
	struct memory_growth growth;
	char *text = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&text, &bytes));

	memory_growth_measure(&growth, memory, report->profile);
	memory_growth_say(&growth, stream);
	fclose(stream);
	document_say(section, "Live memory %s.", text);
	memory_growth_done(&growth);
	free(text);
}

void document_add_memory(json_t *document, const struct report *report)
{
	json_t *section = document_section(document, "memory", "Memory");
	struct memory memory;
	char text[600];

	document_add_chart(section, document_series_chart(report, true));
	if (!memory_measure(&memory, report->profile)) {
		document_miss(section,
			      profile_meta_find(report->profile, "memory.processes") ||
					      profile_meta_find(report->profile, "memory.attached")
				      ? memory_say_nothing(report->profile, text, sizeof(text))
				      : profile_text(report->profile, "refused.memory",
						     "allocations were not counted (--memory)"));
		return;
	}
	say_growth(section, report, &memory);
	add_amounts(section, report->profile, &memory);
	add_sites(section, report, &memory);
	document_note(section, "Live at the end includes what the program could still reach.");
	memory_done(&memory);
}
