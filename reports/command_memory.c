/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command memory: where a program allocates, and what it keeps. */
#include "reports/command.h"

#include "reports/amount.h"
#include "reports/memory_growth.h"
#include "reports/memory_shape.h"
#include "reports/memory_list.h"
#include "reports/memory_path.h"
#include "reports/series.h"
#include "reports/step_amounts.h"
#include "reports/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#define LIMIT	 10 /* sites of each list */
#define BAD_CUTS 20 /* more than one allocation in so many without a whole stack is bad */

struct options {
	struct command_files files;
	struct command_rows rows;
	int order; /* enum memory_amount; -1: one list for each of the most telling ones */
	bool svg;
};

enum {
	OPTION_SORT = 256,
	OPTION_SVG
};

/* The amounts that lists can be ordered by, as the user names them. */
static const struct {
	const char *name;
	struct memory_order order;
} orders[] = {
	{"calls", {MEMORY_ALLOCATIONS, "most calls"}},
	{"bytes", {MEMORY_ALLOCATED, "most bytes allocated"}},
	{"peak", {MEMORY_PEAK, "most bytes at the peak"}},
	{"live", {MEMORY_LIVE, "most bytes live at the end"}},
	{"temporaries", {MEMORY_TEMPORARIES, "most temporaries"}},
	{"mapped", {MEMORY_MAPPED, "most bytes mapped from the kernel itself"}},
};

#define ORDERS	    (sizeof(orders) / sizeof(*orders))
#define LISTS_SHOWN 4 /* the first of them, when no order is asked for */

static int parse_order(const struct argp_state *state, const char *name)
{
	for (size_t i = 0; i < ORDERS; i++)
		if (!strcmp(name, orders[i].name))
			return (int)i;
	argp_error(state, "--sort wants calls, bytes, peak, live, temporaries or mapped, not '%s'",
		   name);
	return -1;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		state->child_inputs[1] = &options->rows;
		return 0;
	case OPTION_SORT:
		options->order = parse_order(state, argument);
		return 0;
	case OPTION_SVG:
		options->svg = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"sort", OPTION_SORT, "AMOUNT", 0,
	 "One list only, by calls, bytes, peak, live, temporaries or mapped", 0},
	{"svg", OPTION_SVG, NULL, 0,
	 "Draw memory over time as SVG, with ticks where steps ended; of any recording", 0},
	{0},
};

static const struct argp_child children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_rows_argp, 0, NULL, 0}, {0}};

const struct argp command_memory_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Lists where a program allocates memory, and what of it was live at the peak and at the "
	"end, "
	"by call site, and beneath a site by its callers unless most of it comes from one. The "
	"recording must have been made by collector run --memory.\v"
	"All amounts are counted, none is sampled, unless --memory-rate was given: then they are "
	"estimates, with intervals at 95 %. A temporary is a block that was freed before its "
	"thread allocated again, or as often as --temporary said. Whether what is live grows is "
	"judged between the first third and the last tenth of the recording, by steps where there "
	"are any: it grows, it does not, or nobody can tell. Live at the end is what was not freed "
	"when a process ended: "
	"memory "
	"that it could still reach is among it, so it is not all leaked.",
	children,
	NULL,
	NULL,
};

/* ---- text --------------------------------------------------------------------------------- */

static const char *bytes_text(uint64_t bytes, char *text, size_t size)
{
	return amount_format((double)bytes, "bytes", text, size);
}

/* The same with half of the interval where it is an estimate. */
static const char *estimate_text(const struct memory *memory, uint64_t bytes, char *text,
				 size_t size)
{
	char middle[32], half[32];

	bytes_text(bytes, middle, sizeof(middle));
	if (!memory->rate)
		snprintf(text, size, "%s", middle);
	else
		snprintf(text, size, "%s ± %s", middle,
			 bytes_text((uint64_t)memory_error(memory, bytes), half, sizeof(half)));
	return text;
}

/* A number of blocks, with its interval where it is an estimate and sizes are known. */
static const char *blocks_text(const struct memory *memory, const struct profile *profile,
			       enum memory_amount amount, char *text, size_t size)
{
	struct memory_shape shape;

	if (memory->rate && !memory->is_attached && memory_shape_measure(&shape, memory, profile))
		return memory_shape_blocks(&shape, memory->amounts, amount, text, size);
	snprintf(text, size, "%s%" PRIu64, memory->rate ? "about " : "",
		 memory_blocks(memory, memory->amounts, amount));
	return text;
}

/* What counting itself took of the program's memory: it never gives back, so that what it had at
 * the end is the most. */
static void write_added(const struct profile *profile, FILE *stream)
{
	double added = (double)profile_number(profile, "memory.probe_bytes", 0);
	double highest = (double)profile_number(profile, "memory.highest_bytes", 0);
	double all =
		highest > 0 ? highest : (double)profile_number(profile, "memory.resident_bytes", 0);
	char text[32], without[32], share[32];

	if (added > 0 && all > added)
		fprintf(stream,
			"counting     took %s beside the program's own %s when it %s (%s %% "
			"more)\n",
			bytes_text((uint64_t)added, text, sizeof(text)),
			bytes_text((uint64_t)(all - added), without, sizeof(without)),
			highest > 0 ? "had most" : "ended",
			amount_brief(100 * added / (all - added), share, sizeof(share)));
}

/* What probes on a running program's allocator can tell. */
static void write_attached(const struct report *report, const struct memory *memory, FILE *stream)
{
	const struct profile *profile = report->profile;
	double watched = (double)profile_number(profile, "memory.watched_ns", 0);
	double open = (double)profile_number(profile, "memory.window_ns", 0);
	bool is_least = profile_number(profile, "memory.drowned", 0);
	char bytes[32], half[32] = "an error that cannot be told", seen[32], count[80];

	if (memory->half_width >= 0)
		bytes_text((uint64_t)memory->half_width, half, sizeof(half));
	fprintf(stream, "allocated    %s%s%s%s in %s allocations\n", is_least ? "at least " : "",
		bytes_text(memory->amounts[MEMORY_ALLOCATED], bytes, sizeof(bytes)),
		is_least ? "" : " ± ", is_least ? "" : half,
		blocks_text(memory, profile, MEMORY_ALLOCATIONS, count, sizeof(count)));
	fprintf(stream, "seen         %s %% of %.1f s, in %" PRId64 " looks of probes",
		amount_brief(watched > 0 ? 100 * open / watched : 0, seen, sizeof(seen)),
		watched / 1e9, memory->looks);
	if (memory->samples >= 0)
		fprintf(stream, ", %" PRId64 " samples", memory->samples);
	fputc('\n', stream);
}

static void write_counted(const struct report *report, const struct memory *memory, FILE *stream)
{
	const struct profile *profile = report->profile;
	const uint64_t *amounts = memory->amounts;
	int64_t processes = profile_number(profile, "memory.processes", 1);
	char bytes[80], count[80], other[80];

	fprintf(stream, "allocated    %s in %s allocations, %s of them temporary\n",
		estimate_text(memory, amounts[MEMORY_ALLOCATED], bytes, sizeof(bytes)),
		blocks_text(memory, profile, MEMORY_ALLOCATIONS, count, sizeof(count)),
		blocks_text(memory, profile, MEMORY_TEMPORARIES, other, sizeof(other)));
	fprintf(stream, "peak         %s in %s blocks%s\n",
		estimate_text(memory, amounts[MEMORY_PEAK], bytes, sizeof(bytes)),
		blocks_text(memory, profile, MEMORY_PEAK_BLOCKS, count, sizeof(count)),
		processes > 1 ? ", each process at its own peak" : "");
	fprintf(stream, "live at end  %s in %s blocks\n",
		estimate_text(memory, amounts[MEMORY_LIVE], bytes, sizeof(bytes)),
		blocks_text(memory, profile, MEMORY_LIVE_BLOCKS, count, sizeof(count)));
	if (amounts[MEMORY_MAPPINGS])
		fprintf(stream,
			"mapped       %s in %" PRIu64
			" mappings that it asked the kernel for itself",
			bytes_text(amounts[MEMORY_MAPPED], bytes, sizeof(bytes)),
			amounts[MEMORY_MAPPINGS]);
	if (amounts[MEMORY_MAPPINGS])
		fprintf(stream, ", %s at the end\n",
			bytes_text(amounts[MEMORY_MAPPED_LIVE], bytes, sizeof(bytes)));
	if (amounts[MEMORY_REPLACED_BLOCKS])
		fprintf(stream,
			"ended        %s in %" PRIu64 " blocks, by exec: of programs (%" PRId64
			") that another replaced in their process\n",
			estimate_text(memory, amounts[MEMORY_REPLACED], bytes, sizeof(bytes)),
			memory_blocks(memory, amounts, MEMORY_REPLACED_BLOCKS),
			profile_number(profile, "memory.replaced", 0));
	write_added(report->profile, stream);
	if (processes > 1)
		fprintf(stream, "processes    %" PRId64 ", all added up\n", processes);
}

static void write_totals(const struct report *report, const struct memory *memory, FILE *stream)
{
	static const char *const names[] = {"allocations", "allocated"};
	struct obstack text;

	obstack_init(&text);
	fprintf(stream, "%s\n", text_plain(&text, report_command(report), REPORT_COMMAND_LIMIT));
	obstack_free(&text, NULL);
	(memory->is_attached ? write_attached : write_counted)(report, memory, stream);
	step_amounts_write_lines(report->profile, names, 2, stream);
}

static void write_allocator(const struct report *report, FILE *stream)
{
	const char *name = profile_text(report->profile, "memory.allocator", "");
	struct obstack text;

	obstack_init(&text);
	if (*name)
		fprintf(stream,
			" · the allocator is %s: calls of functions that only it has are not seen",
			text_plain(&text, name, 60));
	obstack_free(&text, NULL);
}

static void write_attached_trust(const struct report *report, const struct memory *memory,
				 FILE *stream)
{
	const struct profile *profile = report->profile;

	fprintf(stream,
		"\ntrust: by probes on the allocator of a running program, one allocation in about "
		"%" PRIu64 " bytes, while %" PRId64
		" calls paid %.1f µs each: amounts are estimates",
		memory->rate, profile_number(profile, "memory.hits", 0),
		(double)profile_number(profile, "memory.hit_ns", 0) / 1e3);
	if (profile_number(profile, "memory.drowned", 0))
		fputs(" · (!) it allocates so often that probes took most of its time: totals "
		      "are the least that it can have been",
		      stream);
	if (memory_has_few_samples(memory))
		fprintf(stream,
			" · (!) few samples (%" PRId64 ", in %" PRId64
			" looks) tell no shares of call sites",
			memory->samples, memory->looks);
	fputs(" · frees are not seen: what is live, peaks, lifetimes and leaks cannot be told; "
	      "collector run --memory can",
	      stream);
}

static void write_trust(const struct report *report, const struct memory *memory, FILE *stream)
{
	uint64_t all = memory->amounts[MEMORY_ALLOCATIONS];

	if (memory->is_attached)
		write_attached_trust(report, memory, stream);
	else if (memory->rate)
		fprintf(stream,
			"\ntrust: one allocation in about %" PRIu64 " bytes sampled, amounts are "
			"estimates, with intervals at 95 %%",
			memory->rate);
	else
		fprintf(stream, "\ntrust: %s allocation counted",
			memory_has_gaps(report->profile) ? "not every" : "every");
	write_allocator(report, stream);
	report_write_missing(report->profile, stream);
	if (memory->cut)
		fprintf(stream, " · %s%" PRIu64 " of %" PRIu64 " with a stack that is not whole",
			memory->cut * BAD_CUTS > all ? "(!) " : "", memory->cut, all);
	for (int i = 0; i < MEMORY_REMARKS; i++) {
		const struct memory_remark *remark = &memory_remarks[i];
		int64_t number = profile_number(report->profile, remark->key, 0);

		if (number)
			fprintf(stream, " · %s%s: %" PRId64, remark->is_bad ? "(!) " : "",
				remark->says, number);
	}
	report_write_unprobed(report, stream);
	fputs(memory->is_attached
		      ? "\n"
		      : " · live at the end includes what the program could still reach\n",
	      stream);
}

static void write_text(const struct report *report, struct memory *memory,
		       const struct options *options, FILE *stream)
{
	struct memory_shape shape;

	write_totals(report, memory, stream);
	if (options->order >= 0) {
		memory_list_write(report, memory, &orders[options->order].order,
				  options->rows.limit, stream);
	} else {
		for (size_t i = 0; i < LISTS_SHOWN; i++)
			memory_list_write(report, memory, &orders[i].order, options->rows.limit,
					  stream);
		if (memory_shape_measure(&shape, memory, report->profile))
			memory_shape_write(&shape, stream);
		if (!memory->is_attached)
			memory_growth_write(report, memory, options->rows.limit, stream);
	}
	write_trust(report, memory, stream);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void set_amounts(json_t *json, const uint64_t *amounts)
{
	for (int i = 0; i < MEMORY_AMOUNTS; i++)
		json_object_set_new(json, memory_metrics[i], json_integer((json_int_t)amounts[i]));
}

/* Half of the interval of each number of blocks, where they were sampled. */
static void set_intervals(json_t *json, const struct memory_shape *shape,
			  const struct memory *memory)
{
	static const enum memory_amount blocks[] = {MEMORY_ALLOCATIONS, MEMORY_TEMPORARIES,
						    MEMORY_PEAK_BLOCKS, MEMORY_LIVE_BLOCKS,
						    MEMORY_REPLACED_BLOCKS};

	for (size_t i = 0; shape->rate && i < sizeof(blocks) / sizeof(*blocks); i++) {
		double high = memory_shape_interval(shape, memory->amounts, blocks[i]).high;
		char key[40];

		snprintf(key, sizeof(key), "%s_half_width", memory_metrics[blocks[i]]);
		json_object_set_new(json, key,
				    json_real(high - (double)memory->amounts[blocks[i]]));
	}
}

/* The ways to a site that have most of an amount, @limit of them, with the callers' names. */
static json_t *paths_json(const struct report *report, const struct memory_path_index *index,
			  size_t site, enum memory_amount amount, uint32_t limit)
{
	json_t *json = json_array();
	struct memory_paths paths;

	memory_paths_measure(&paths, index, site, amount, false, MEMORY_PATH_CALLERS);
	for (size_t i = 0; i < paths.count && i < limit; i++) {
		const struct memory_path *path = &paths.rows[i];
		json_t *row = json_object(), *callers = json_array();

		for (uint32_t caller = 0; caller < path->caller_count; caller++)
			json_array_append_new(
				callers,
				json_pack("{s:o, s:i}", "function",
					  text_json(report->symbols
							    .symbols[path->callers[caller].symbol]
							    .label),
					  "line", (int)path->callers[caller].line));
		json_object_set_new(row, "callers", callers);
		set_amounts(row, path->amounts);
		json_array_append_new(json, row);
	}
	memory_paths_done(&paths);
	return json;
}

static json_t *site_json(const struct report *report, const struct memory *memory,
			 const struct memory_site *site, const struct memory_trend *trend)
{
	const struct symbol *symbol = &report->symbols.symbols[site->symbol];
	const struct profile *profile = report->profile;
	json_t *json = json_pack("{s:o, s:o, s:o, s:i}", "function", text_json(symbol->label),
				 "module", text_json(profile->modules[symbol->module].path), "file",
				 text_json(profile->files[symbol->file]), "line", (int)site->line);

	set_amounts(json, site->amounts);
	json_object_set_new(json, "verdict", json_string(memory_verdicts[trend->verdict]));
	if (memory->rate)
		json_object_set_new(
			json, "allocated_half_width",
			json_real(memory_error(memory, site->amounts[MEMORY_ALLOCATED])));
	return json;
}

static void write_json(const struct report *report, struct memory *memory,
		       const struct options *options, FILE *stream)
{
	json_t *json = json_pack("{s:o}", "command", text_json(report_command(report)));
	json_t *sites = json_array(), *totals = json_object(), *notes = json_object();
	enum memory_amount order = orders[options->order >= 0 ? options->order : 1].order.amount;
	struct memory_path_index *index;
	struct memory_growth growth;
	struct memory_shape shape;

	memory_sort(memory, order);
	memory_growth_measure(&growth, memory, report->profile);
	index = memory_path_index_new(memory, report->profile);
	for (size_t i = 0; i < memory->count && i < options->rows.limit; i++) {
		json_t *site = site_json(report, memory, &memory->sites[i], &growth.sites[i]);

		json_object_set_new(site, "paths",
				    paths_json(report, index, i, order, options->rows.limit));
		json_array_append_new(sites, site);
	}
	memory_path_index_free(index);
	json_object_set_new(json, "growth", memory_growth_json(&growth));
	memory_growth_done(&growth);
	set_amounts(totals, memory->amounts);
	if (memory_shape_measure(&shape, memory, report->profile)) {
		json_object_set_new(json, "shape", memory_shape_json(&shape));
		set_intervals(totals, &shape, memory);
	}
	json_object_set_new(totals, "without_whole_stack", json_integer((json_int_t)memory->cut));
	for (size_t i = 0; i < report->profile->meta_count; i++) {
		const struct profile_meta *meta = &report->profile->meta[i];

		if (!strncmp(meta->key, "memory.", 7) && !meta->text)
			json_object_set_new(notes, meta->key + 7, json_integer(meta->number));
	}
	json_object_set_new(json, "totals", totals);
	json_object_set_new(json, "notes", notes);
	json_object_set_new(json, "sites", sites);
	output_json(json, stream);
	json_decref(json);
}

/* ------------------------------------------------------------------------------------------- */

static int draw(const struct report *report, const struct options *options)
{
	struct output output;
	struct error error;

	if (output_open(&output, options->files.output, &error))
		return command_failed(error.text);
	if (!series_draw_report(report, SERIES_MEMORY, output.stream)) {
		output_discard(&output);
		return command_failed("this profile has no memory over time: its recording ended "
				      "too soon");
	}
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}

static int write_report(const struct report *report, const struct options *options)
{
	struct memory memory;
	struct output output;
	struct error error;
	char text[600];

	if (options->svg)
		return draw(report, options);
	if (!memory_measure(&memory, report->profile))
		return command_failed(memory_say_nothing(report->profile, text, sizeof(text)));
	if (output_open(&output, options->files.output, &error)) {
		memory_done(&memory);
		return command_failed(error.text);
	}
	if (options->rows.json)
		write_json(report, &memory, options, output.stream);
	else
		write_text(report, &memory, options, output.stream);
	memory_done(&memory);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}

int command_memory(int count, char **arguments)
{
	struct options options = {.rows.standard = LIMIT, .order = -1};
	struct report report;
	struct error error;
	int status;

	argp_parse(&command_memory_argp, count, arguments, 0, NULL, &options);
	if (report_open(&report, options.files.profile, &error))
		return command_failed(error.text);
	status = write_report(&report, &options);
	report_done(&report);
	return status;
}
