/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_pprof: see export_pprof in export.h. The message is built with borrowed parts and
 * serialized straight into zlib, so only the lists of ids are held in memory.
 */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"
#include "reports/gzip.h"
#include "reports/pprof.pb-c.h"

#include <ctype.h>

/* protobuf-c wants arrays of pointers to messages. */
#define APPEND(message, list, item)                                                                \
	do {                                                                                       \
		xgrow((message)->list, (message)->n_##list, pprof->list##_capacity);               \
		(message)->list[(message)->n_##list++] = (item);                                   \
	} while (0)

struct pprof {
	const struct profile *profile;
	struct symbol_table symbols;
	struct export_rows rows;
	struct obstack memory; /* messages and clean strings */
	Pprof__Profile message;
	size_t sample_type_capacity, sample_capacity, mapping_capacity, location_capacity;
	size_t function_capacity, string_table_capacity, comment_capacity;
	int64_t *file_names;  /* index of each file's name; 0 not yet */
	bool *has_function;   /* by symbol */
	uint64_t *mapping_of; /* id of each module's mapping */
	bool *has_location;   /* by frame */
};

static int64_t add_text(struct pprof *pprof, const char *text)
{
	if (!*text)
		return 0;
	APPEND(&pprof->message, string_table, (char *)text_clean(&pprof->memory, text, 0));
	return (int64_t)pprof->message.n_string_table - 1;
}

static void *add_message(struct pprof *pprof, size_t bytes, const void *initial)
{
	return obstack_copy(&pprof->memory, initial, bytes);
}
#define NEW(type, initializer) add_message(pprof, sizeof(type), &(type)initializer)

static Pprof__ValueType *value_type(struct pprof *pprof, const char *type, const char *unit)
{
	Pprof__ValueType *value = NEW(Pprof__ValueType, PPROF__VALUE_TYPE__INIT);

	value->type = add_text(pprof, type);
	value->unit = add_text(pprof, unit);
	return value;
}

/* A file of a program; libraries and what has no file are not. */
static bool is_program(const struct profile_module *module)
{
	const char *base = symbol_base_name(module->path), *so = strstr(base, ".so");

	return module->kind == PROFILE_MODULE_ELF && *base != '[' &&
	       !(so && (!so[3] || so[3] == '.'));
}

/* Adds up the amount of the stacks that begin in each program: of those that a program executed or
 * that were executed instead of it there are several. Owned by the caller. */
static double *program_amounts(const struct pprof *pprof)
{
	const struct profile *profile = pprof->profile;
	double *amounts = xcalloc(profile->modules_count, sizeof(*amounts));
	uint32_t *program_of = xcalloc(profile->stacks_count, sizeof(*program_of));

	for (uint32_t i = 1; i < profile->stacks_count; i++) {
		uint32_t module = profile->frames[profile->stacks[i].frame].module;

		program_of[i] = program_of[profile->stacks[i].parent];
		if (!program_of[i] && is_program(&profile->modules[module]))
			program_of[i] = module;
	}
	for (size_t i = 0; i < pprof->rows.count; i++)
		amounts[program_of[pprof->rows.rows[i].stack]] += pprof->rows.rows[i].amount;
	free(program_of);
	return amounts;
}

/* How well a file goes by the program's name: 3 "gcc", 2 "x86_64-linux-gnu-gcc-12", 1 not, 0 it is
 * no program. */
static int likeness(const struct profile_module *module, const char *program)
{
	const char *base = symbol_base_name(module->path), *at = base;
	size_t bytes = strlen(program);

	if (!is_program(module))
		return 0;
	if (!strcmp(base, program))
		return 3;
	while (bytes && (at = strstr(at, program)))
		if ((at == base || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[bytes]))
			return 2;
		else
			at++;
	return 1;
}

/* pprof calls the first mapping the program: that which has its name, or else the most of the time;
 * where none is a program, the first that is no kernel. */
static uint32_t main_module(const struct pprof *pprof)
{
	const struct profile *profile = pprof->profile;
	const char *program = profile_text(profile, "program", "");
	double *amounts = program_amounts(pprof);
	uint32_t best = 0, first_file = 0;
	int best_likeness = 0;

	for (uint32_t i = 1; i < profile->modules_count; i++) {
		int like = likeness(&profile->modules[i], program);

		if (!first_file && profile->modules[i].kind == PROFILE_MODULE_ELF)
			first_file = i;
		if (like > best_likeness ||
		    (like && like == best_likeness && amounts[i] > amounts[best])) {
			best = i;
			best_likeness = like;
		}
	}
	free(amounts);
	if (best)
		return best;
	return first_file ? first_file : 1;
}

static void add_mapping(struct pprof *pprof, uint32_t module)
{
	const struct profile_module *row = &pprof->profile->modules[module];
	Pprof__Mapping *mapping = NEW(Pprof__Mapping, PPROF__MAPPING__INIT);

	mapping->id = pprof->message.n_mapping + 1;
	mapping->memory_limit = UINT64_MAX; /* addresses are those of the file */
	mapping->filename = add_text(pprof, *row->path ? row->path : "[unknown]");
	mapping->build_id = add_text(pprof, row->build_id ? row->build_id : "");
	mapping->has_functions = mapping->has_filenames = true;
	mapping->has_line_numbers = mapping->has_inline_frames = true;
	pprof->mapping_of[module] = mapping->id;
	APPEND(&pprof->message, mapping, mapping);
}

static void add_mappings(struct pprof *pprof)
{
	uint32_t first = main_module(pprof);

	if (first < pprof->profile->modules_count)
		add_mapping(pprof, first);
	for (uint32_t i = 1; i < pprof->profile->modules_count; i++)
		if (i != first)
			add_mapping(pprof, i);
}

/* Returns the id of the function that stands for @symbol. */
static uint64_t add_function(struct pprof *pprof, uint32_t symbol)
{
	const struct profile *profile = pprof->profile;
	const struct symbol *row = &pprof->symbols.symbols[symbol];
	Pprof__Function *function;
	const char *linkage_name = NULL;

	if (pprof->has_function[symbol])
		return symbol;
	pprof->has_function[symbol] = true;
	function = NEW(Pprof__Function, PPROF__FUNCTION__INIT);
	if (symbol < profile->functions_count)
		linkage_name = profile->functions[symbol].linkage_name;
	if (!pprof->file_names[row->file])
		pprof->file_names[row->file] = add_text(pprof, profile->files[row->file]);
	function->id = symbol;
	function->name = add_text(pprof, row->label);
	function->system_name = linkage_name ? add_text(pprof, linkage_name) : function->name;
	function->filename = pprof->file_names[row->file];
	function->start_line = row->line;
	APPEND(&pprof->message, function, function);
	return symbol;
}

static Pprof__Line *line_message(struct pprof *pprof, uint64_t function, uint32_t number)
{
	Pprof__Line *line = NEW(Pprof__Line, PPROF__LINE__INIT);

	line->function_id = function;
	line->line = number;
	return line;
}

static void add_location(struct pprof *pprof, uint32_t frame)
{
	const struct profile *profile = pprof->profile;
	const struct profile_frame *row = &profile->frames[frame];
	Pprof__Location *location = NEW(Pprof__Location, PPROF__LOCATION__INIT);

	if (pprof->has_location[frame])
		return;
	pprof->has_location[frame] = true;
	location->id = frame;
	location->mapping_id = pprof->mapping_of[row->module];
	location->address = row->address;
	location->n_line = symbol_depth(profile, frame);
	location->line = obstack_alloc(&pprof->memory, location->n_line * sizeof(*location->line));
	for (uint32_t depth = 0; depth < location->n_line; depth++) {
		uint64_t function = add_function(pprof, symbol_at(profile, frame, depth).symbol);
		uint32_t number =
			row->line_count ? profile->lines[row->first_line + depth].line : 0;

		location->line[depth] = line_message(pprof, function, number);
	}
	APPEND(&pprof->message, location, location);
}

/* Ids of functions and locations are those of symbols and frames, so the next free one is free. */
static uint64_t add_no_stack(struct pprof *pprof)
{
	Pprof__Function *function = NEW(Pprof__Function, PPROF__FUNCTION__INIT);
	Pprof__Location *location = NEW(Pprof__Location, PPROF__LOCATION__INIT);

	if (pprof->has_location[0])
		return pprof->profile->frames_count;
	pprof->has_location[0] = true;
	function->id = pprof->symbols.count;
	function->name = function->system_name = add_text(pprof, EXPORT_NO_STACK);
	location->id = pprof->profile->frames_count;
	location->n_line = 1;
	location->line = obstack_alloc(&pprof->memory, sizeof(*location->line));
	location->line[0] = line_message(pprof, function->id, 0);
	APPEND(&pprof->message, function, function);
	APPEND(&pprof->message, location, location);
	return location->id;
}

static Pprof__Label **thread_label(struct pprof *pprof, uint32_t thread, int64_t key)
{
	Pprof__Label **list = obstack_alloc(&pprof->memory, sizeof(*list));

	list[0] = NEW(Pprof__Label, PPROF__LABEL__INIT);
	list[0]->key = key;
	list[0]->str = add_text(pprof, pprof->profile->threads[thread].name);
	return list;
}

static void add_sample(struct pprof *pprof, const struct export_row *row, Pprof__Label **label)
{
	Pprof__Sample *sample = NEW(Pprof__Sample, PPROF__SAMPLE__INIT);
	const uint32_t *frames;
	uint32_t count = export_frames(&pprof->rows, pprof->profile, row->stack, &frames);

	sample->n_location_id = count ? count : 1;
	sample->location_id =
		obstack_alloc(&pprof->memory, sample->n_location_id * sizeof(*sample->location_id));
	for (uint32_t i = 0; i < count; i++) {
		add_location(pprof, frames[i]);
		sample->location_id[i] = frames[i];
	}
	if (!count)
		sample->location_id[0] = add_no_stack(pprof);
	sample->n_value = pprof->message.n_sample_type;
	sample->value = obstack_alloc(&pprof->memory, 2 * sizeof(*sample->value));
	sample->value[0] = (int64_t)row->samples;
	sample->value[sample->n_value - 1] = (int64_t)row->amount;
	sample->n_label = label && label[0]->str;
	sample->label = label;
	APPEND(&pprof->message, sample, sample);
}

static void add_samples(struct pprof *pprof)
{
	int64_t key = add_text(pprof, "thread");
	Pprof__Label **label = NULL;

	for (size_t i = 0; i < pprof->rows.count; i++) {
		const struct export_row *row = &pprof->rows.rows[i];

		if (!i || row->thread != row[-1].thread)
			label = row->thread ? thread_label(pprof, row->thread, key) : NULL;
		add_sample(pprof, row, label);
	}
}

static void add_head(struct pprof *pprof)
{
	Pprof__Profile *message = &pprof->message;
	const char *unit = export_unit(pprof->rows.unit);
	const char *command = profile_text(pprof->profile, "command", "");

	APPEND(message, string_table, (char *)"");
	/* What folded stacks count are samples themselves, and readers take a type by its name. */
	if (strcmp(pprof->rows.name, "samples") != 0)
		APPEND(message, sample_type, value_type(pprof, "samples", "count"));
	APPEND(message, sample_type, value_type(pprof, pprof->rows.name, unit));
	message->default_sample_type = message->sample_type[message->n_sample_type - 1]->type;
	message->period_type = value_type(pprof, pprof->rows.name, unit);
	message->period = pprof->rows.period > INT64_MAX ? INT64_MAX : (int64_t)pprof->rows.period;
	message->time_nanos = export_start_ns(pprof->profile);
	message->duration_nanos = profile_number(pprof->profile, "duration_ns", 0);
	if (*command)
		APPEND(message, comment, add_text(pprof, command));
}

/* A protobuf-c buffer that compresses what is appended. */
struct compressed {
	ProtobufCBuffer base;
	struct gzip gzip;
};

static void append_compressed(ProtobufCBuffer *buffer, size_t bytes, const uint8_t *data)
{
	gzip_append(&((struct compressed *)buffer)->gzip, data, bytes);
}

static void write_gzip(const Pprof__Profile *message, FILE *stream)
{
	struct compressed buffer = {.base = {append_compressed}};

	gzip_begin(&buffer.gzip, stream);
	pprof__profile__pack_to_buffer(message, &buffer.base);
	gzip_end(&buffer.gzip);
}

static void pprof_done(struct pprof *pprof)
{
	free(pprof->message.sample_type);
	free(pprof->message.sample);
	free(pprof->message.mapping);
	free(pprof->message.location);
	free(pprof->message.function);
	free(pprof->message.string_table);
	free(pprof->message.comment);
	free(pprof->file_names);
	free(pprof->has_function);
	free(pprof->mapping_of);
	free(pprof->has_location);
	export_rows_done(&pprof->rows);
	symbol_table_done(&pprof->symbols);
	obstack_free(&pprof->memory, NULL);
}

void export_pprof(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct pprof pprof = {
		.profile = profile,
		.message = PPROF__PROFILE__INIT,
		.file_names = xcalloc(profile->files_count, sizeof(*pprof.file_names)),
		.mapping_of = xcalloc(profile->modules_count, sizeof(*pprof.mapping_of)),
		.has_location = xcalloc(profile->frames_count, sizeof(*pprof.has_location)),
	};

	obstack_init(&pprof.memory);
	symbol_table_init(&pprof.symbols, profile);
	pprof.has_function = xcalloc(pprof.symbols.count, sizeof(*pprof.has_function));
	export_rows_init(&pprof.rows, profile, metric);
	add_head(&pprof);
	add_mappings(&pprof);
	add_samples(&pprof);
	write_gzip(&pprof.message, stream);
	pprof_done(&pprof);
}
