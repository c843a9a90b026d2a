/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_csv: see export_csv in export.h. Source: RFC 4180. */
#include "reports/export.h"

#include "reports/export_rows.h"
#include "reports/functions.h"

/* Spreadsheets take a cell that begins with one of these for a formula and run it. */
static bool runs(char first)
{
	return first && strchr("=+-@", first);
}

static void write_cell(FILE *stream, const char *text)
{
	struct obstack memory;

	obstack_init(&memory);
	text = text_clean(&memory, text, 0);
	fputc('"', stream);
	if (runs(*text))
		fputc('\'', stream);
	for (; *text; text++)
		fputs((char[]){*text, *text == '"' ? '"' : '\0', '\0'}, stream);
	fputc('"', stream);
	obstack_free(&memory, NULL);
}

static uint64_t amount(uint64_t value, uint64_t period)
{
	uint64_t amount;

	return __builtin_mul_overflow(value, period, &amount) ? UINT64_MAX : amount;
}

static void write_row(const struct profile *profile, const struct symbol *symbol,
		      const struct function_row *row, const struct export_rows *rows, FILE *stream)
{
	write_cell(stream, row->symbol ? symbol->label : EXPORT_NO_STACK);
	fputc(',', stream);
	write_cell(stream, profile->modules[symbol->module].path);
	fputc(',', stream);
	write_cell(stream, profile->files[symbol->file]);
	fprintf(stream, ",%u,", symbol->line);
	write_cell(stream, rows->unit);
	fprintf(stream, ",%u,%ju,%u,%ju\r\n", row->self.samples,
		(uintmax_t)amount(row->self.value, rows->period), row->total.samples,
		(uintmax_t)amount(row->total.value, rows->period));
}

/* The samples that no function has, or a row without any. */
static struct function_row without_stack(const struct functions *functions)
{
	struct function_row rest = {.self = {functions->value, functions->samples, {0, 1}}};

	for (uint32_t i = 0; i < functions->count; i++) {
		rest.self.value -= functions->rows[i].self.value;
		rest.self.samples -= functions->rows[i].self.samples;
	}
	rest.total = rest.self;
	return rest;
}

void export_csv(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct symbol_table symbols;
	struct export_rows rows;
	struct functions functions;
	struct function_row rest;
	struct call_tree *tree =
		call_tree_build(profile, &(struct call_tree_options){.metric = metric});

	symbol_table_init(&symbols, profile);
	export_rows_init(&rows, profile, metric);
	functions_measure(&functions, profile, tree, metric, &symbols, FUNCTIONS_BY_SELF, 0);
	fputs("function,module,file,line,unit,self_samples,self_amount,total_samples,total_amount"
	      "\r\n",
	      stream);
	for (uint32_t i = 0; i < functions.count; i++)
		write_row(profile, &symbols.symbols[functions.rows[i].symbol], &functions.rows[i],
			  &rows, stream);
	rest = without_stack(&functions);
	if (rest.self.samples)
		write_row(profile, &symbols.symbols[0], &rest, &rows, stream);
	functions_done(&functions);
	export_rows_done(&rows);
	symbol_table_done(&symbols);
	call_tree_free(tree);
}
