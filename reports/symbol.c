/* SPDX-License-Identifier: GPL-3.0-or-later */
/* symbol: see symbol.h. */
#include "reports/symbol.h"

#include <inttypes.h>
#include <uthash.h>

const char *symbol_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static struct symbol function_symbol(const struct profile_function *function)
{
	return (struct symbol){
		.label = *function->name ? function->name : "[no name]",
		.module = function->module,
		.file = function->file,
		.line = function->line,
		.named = function->named,
	};
}

static struct symbol frame_symbol(struct symbol_table *table, const struct profile_frame *frame)
{
	const struct profile_module *module = &table->profile->modules[frame->module];
	const char *name = *module->path ? symbol_base_name(module->path) : "[unknown]";
	struct symbol symbol = {.label = name, .module = frame->module};

	if (module->kind == PROFILE_MODULE_NOTE)
		return symbol;
	obstack_printf(&table->labels, "%s+0x%" PRIx64, name, frame->address);
	obstack_1grow(&table->labels, '\0');
	symbol.label = obstack_finish(&table->labels);
	return symbol;
}

void symbol_table_init(struct symbol_table *table, const struct profile *profile)
{
	uint32_t functions = profile->functions_count;

	*table = (struct symbol_table){
		.profile = profile,
		.symbols = xcalloc(functions + profile->frames_count, sizeof(*table->symbols)),
		.count = functions + profile->frames_count,
	};
	obstack_init(&table->labels);
	table->symbols[0] = (struct symbol){.label = "all", .named = true};
	for (uint32_t i = 1; i < functions; i++)
		table->symbols[i] = function_symbol(&profile->functions[i]);
	for (uint32_t i = 0; i < profile->frames_count; i++)
		table->symbols[functions + i] = frame_symbol(table, &profile->frames[i]);
}

void symbol_table_done(struct symbol_table *table)
{
	free(table->symbols);
	obstack_free(&table->labels, NULL);
}

bool symbol_is_note(const struct symbol_table *table, uint32_t symbol)
{
	return symbol &&
	       table->profile->modules[table->symbols[symbol].module].kind == PROFILE_MODULE_NOTE;
}

struct first_with_label {
	UT_hash_handle hh;
	uint32_t symbol;
};

uint32_t *symbol_same_label(const struct symbol_table *table)
{
	struct first_with_label *labels = NULL, *rows = xcalloc(table->count, sizeof(*rows)), *row;
	uint32_t *same = xcalloc(table->count, sizeof(*same));

	for (uint32_t i = 0; i < table->count; i++) {
		const char *label = table->symbols[i].label;

		HASH_FIND_STR(labels, label, row);
		if (!row) {
			row = &rows[i];
			row->symbol = i;
			HASH_ADD_KEYPTR(hh, labels, label, strlen(label), row);
		}
		same[i] = row->symbol;
	}
	HASH_CLEAR(hh, labels);
	free(rows);
	return same;
}
