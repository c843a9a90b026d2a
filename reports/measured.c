/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measured: see measured.h. */
#include "reports/measured.h"

#include "collector/base/xalloc.h"
#include "reports/calls.h"
#include "reports/comparison_run.h"
#include "reports/measured_steps.h"

#include <inttypes.h>
#include <math.h>

#define MOST_DOUBT 0.1 /* of a number of calls: half of its 95 % interval */

enum {
	NO_STEP = UINT32_MAX
};

/* Names of a report's symbols. */
struct naming {
	const struct report *report;
	uint32_t *of_symbol; /* id, UINT32_MAX before it was asked for */
	uint8_t *components, *bearing;
	struct measured_names *names;
};

void measured_names_done(struct measured_names *names)
{
	HASH_CLEAR(hh, names->index);
	for (size_t i = 0; i < names->count; i++) {
		free(names->rows[i]->name);
		free(names->rows[i]->file);
		free(names->rows[i]);
	}
	free(names->rows);
}

static struct measured_name *add_name(const struct naming *naming, char *name, uint32_t symbol_id)
{
	const struct symbol *symbol = &naming->report->symbols.symbols[symbol_id];
	struct measured_names *names = naming->names;
	struct measured_name *row = xcalloc(1, sizeof(*row));
	struct obstack memory;

	obstack_init(&memory);
	row->name = name;
	row->file =
		xstrdup(symbol->file ? text_clean(&memory,
						  naming->report->profile->files[symbol->file], 300)
				     : "");
	obstack_free(&memory, NULL);
	row->line = symbol->line;
	row->component = naming->components[symbol_id];
	row->bearing = naming->bearing[symbol_id];
	row->id = (uint32_t)names->count;
	HASH_ADD_KEYPTR(hh, names->index, row->name, strlen(row->name), row);
	xgrow(names->rows, names->count, names->capacity);
	names->rows[names->count++] = row;
	return row;
}

/* Clones are one function, as in comparison_run.h; code without a symbol is one for each library.
 */
static uint32_t name_symbol(const struct naming *naming, uint32_t symbol_id)
{
	const struct symbol *symbol = &naming->report->symbols.symbols[symbol_id];
	const char *module =
		symbol_base_name(naming->report->profile->modules[symbol->module].path);
	struct measured_name *row;
	struct obstack memory;
	char *name, *base;

	if (naming->of_symbol[symbol_id] != UINT32_MAX)
		return naming->of_symbol[symbol_id];
	if (symbol->named)
		base = comparison_base_name(symbol->label);
	else
		base = xasprintf("[no symbol] in %s", module);
	obstack_init(&memory);
	name = xstrdup(text_clean(&memory, base, 200));
	obstack_free(&memory, NULL);
	free(base);
	HASH_FIND_STR(naming->names->index, name, row);
	if (row)
		free(name);
	else
		row = add_name(naming, name, symbol_id);
	return naming->of_symbol[symbol_id] = row->id;
}

static struct measured_function *function_of(struct measured *measured, uint32_t id)
{
	if (id >= measured->functions_count) {
		size_t count = 2 * (size_t)id + 64;

		measured->functions =
			xreallocarray(measured->functions, count, sizeof(*measured->functions));
		memset(measured->functions + measured->functions_count, 0,
		       (count - measured->functions_count) * sizeof(*measured->functions));
		measured->functions_count = count;
	}
	return &measured->functions[id];
}

/* Adds a sample to what is on its stack: to each function once, however often it is there. */
static void take_sample(struct measured *measured, const struct naming *naming,
			const struct call_tree *tree, uint32_t leaf, double amount, uint32_t *seen,
			uint32_t stamp)
{
	uint32_t bearer = leaf;

	for (uint32_t node = leaf; node; node = tree->nodes[node].parent) {
		uint32_t symbol = tree->nodes[node].symbol;
		uint32_t id = name_symbol(naming, symbol);
		struct measured_function *function = function_of(measured, id);

		if (naming->bearing[symbol] > naming->bearing[tree->nodes[bearer].symbol])
			bearer = node;
		if (node == leaf) {
			function->self_ns += amount;
			function->self_samples++;
		}
		if (seen[symbol] == stamp)
			continue;
		seen[symbol] = stamp;
		function->total_ns += amount;
		function->total_samples++;
	}
	if (bearer)
		function_of(measured, name_symbol(naming, tree->nodes[bearer].symbol))->borne_ns +=
			amount;
	measured->components[naming->components[tree->nodes[bearer].symbol]] += amount;
	measured->step_cpu_ns += amount;
	measured->samples++;
}

/* Of a recording that lacks steps: how many there were, as counted, or if those after the last mark
 * took as much CPU time as those before it. The wall time that was between steps is taken to be as
 * much of the rest. */
static void extend_steps(struct measured *measured, const struct measured_steps *steps,
			 double marked_ns)
{
	double marks_ns = (double)(steps->last_ns - steps->first_ns);
	double counted = measured_steps_counted(steps->profile);
	double rest_ns =
		steps->seen_ns > steps->last_ns ? (double)(steps->seen_ns - steps->last_ns) : 0;

	measured->lacks_steps = measured->is_extended = steps->lacks_steps;
	measured->has_inlined_steps = measured_steps_are_inlined(steps->profile);
	measured->steps_end_ns = steps->last_ns + (uint64_t)rest_ns;
	if (!steps->lacks_steps)
		return;
	if (marks_ns > 0)
		measured->steps_ns += rest_ns * measured->steps_ns / marks_ns;
	if (counted > 0) {
		measured->steps = counted;
		measured->lacks_steps = false;
	} else if (marked_ns > 0) {
		measured->steps *= measured->step_cpu_ns / marked_ns;
	}
}

static void take_samples(struct measured *measured, const struct naming *naming)
{
	const struct report *report = naming->report;
	const struct profile *profile = report->profile;
	uint32_t *same = symbol_same_label(&report->symbols);
	struct call_tree *tree = call_tree_build(
		profile, &(struct call_tree_options){.metric = report->metric, .same = same});
	uint32_t *seen = xcalloc(report->symbols.count, sizeof(*seen));
	struct measured_steps steps;
	double marked_ns = 0, outside_ns = 0;

	measured_steps_begin(&steps, report, tree, same);
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		double amount = (double)call_tree_value(profile, sample) * report->period;

		if (tree->leaf_of_sample[i] == CALL_TREE_OTHER)
			continue;
		if (!measured_steps_have(&steps, i)) {
			outside_ns += amount;
			continue;
		}
		take_sample(measured, naming, tree, tree->leaf_of_sample[i], amount, seen,
			    (uint32_t)i + 1);
		if (sample->time_ns <= steps.last_ns)
			marked_ns = measured->step_cpu_ns;
	}
	if (outside_ns > 0)
		measured->outside_share = outside_ns / (outside_ns + measured->step_cpu_ns);
	for (int i = 0; i < COMPONENT_MAP_LIMIT && measured->step_cpu_ns > 0; i++)
		measured->components[i] /= measured->step_cpu_ns;
	extend_steps(measured, &steps, marked_ns);
	measured_steps_done(&steps);
	free(seen);
	free(same);
	call_tree_free(tree);
}

/* Says whether a number of calls is good enough to see how it grows. */
static bool knows(const struct calls_figure *calls)
{
	return !calls->is_least && calls->margin <= MOST_DOUBT * calls->value;
}

static void take_calls(struct measured *measured, const struct naming *naming)
{
	const struct report *report = naming->report;
	struct calls calls;

	calls_measure(&calls, report);
	measured->probes_ns = (double)calls.added_ns;
	for (uint32_t i = 0; i < calls.count; i++) {
		const struct calls_row *row = &calls.rows[i];
		struct measured_function *function =
			function_of(measured, name_symbol(naming, row->symbol));
		const struct calls_figure *in_steps =
			measured->has_steps ? &row->step_calls : &row->calls;

		function->is_counted = true;
		function->is_whole =
			!row->calls.is_least && !row->calls.is_estimate && !calls.lacks_steps;
		/* Of calls in steps those that no mark tells of are not known. */
		function->knows_calls = knows(in_steps) && !calls.lacks_steps;
		function->all_calls = row->calls.is_least ? NAN : row->calls.value;
		function->calls = row->calls.is_least || calls.lacks_steps ? NAN : in_steps->value;
		if (!row->sum.returns)
			continue;
		function->is_timed = true;
		function->timed_calls = (double)row->sum.returns;
		function->mean_ns = (double)row->sum.sum_ns / (double)row->sum.returns;
		function->time_ns = function->mean_ns * function->calls;
		function->p50_ns = calls_percentile(row, 0.5);
		function->p95_ns = calls_percentile(row, 0.95);
		function->p99_ns = calls_percentile(row, 0.99);
		function->max_ns = (double)row->sum.max_ns;
	}
	calls_done(&calls);
}

/* Divides all that was summed up over the steps by @steps, of which there are so many more than
 * before. */
static void divide(struct measured *measured, double steps)
{
	for (size_t i = 0; i < measured->functions_count; i++) {
		measured->functions[i].self_ns /= steps;
		measured->functions[i].total_ns /= steps;
		measured->functions[i].borne_ns /= steps;
		measured->functions[i].calls /= steps;
		measured->functions[i].time_ns /= steps;
	}
	measured->step_cpu_ns /= steps;
}

void measured_set_steps(struct measured *measured, double steps)
{
	divide(measured, steps / measured->steps);
	measured->steps = steps;
	measured->step_ns = measured->steps_ns / steps;
	measured->lacks_steps = false;
}

static void take_steps(struct measured *measured, const struct profile *profile)
{
	measured->steps = 1;
	measured->steps_ns = measured->duration_ns;
	if (!profile->steps_count)
		return;
	measured->steps_ns = 0;
	for (size_t i = 0; i < profile->steps_count; i++) {
		const struct profile_step *step = &profile->steps[i];
		double duration_ns = (double)(step->end_ns - step->start_ns);

		measured->steps_ns += duration_ns - (double)step->probe_ns;
	}
	measured->has_steps = true;
	measured->steps = (double)profile->steps_count;
}

static void take_memory(struct measured *measured, const struct profile *profile)
{
	for (size_t i = 0; i < profile->points_count; i++) {
		const struct profile_point *point = &profile->points[i];

		if (strcmp(profile->series[point->series].name, "rss") != 0)
			continue;
		/* At the very end the memory of a process is gone already. */
		if (point->value > 0)
			measured->rss_end = (double)point->value;
		if ((double)point->value > measured->rss_peak)
			measured->rss_peak = (double)point->value;
	}
}

static char *describe_machine(const struct profile *profile)
{
	struct obstack memory;
	char *text, *clean;

	text = xasprintf("%s, %" PRId64 " CPUs", profile_text(profile, "cpu_model", "unknown"),
			 profile_number(profile, "cpu_count", 0));
	obstack_init(&memory);
	clean = xstrdup(text_clean(&memory, text, 200));
	obstack_free(&memory, NULL);
	free(text);
	return clean;
}

/* "sim, build 0123456789ab"; without a build id only the name. */
static char *describe_program(const struct profile *profile)
{
	const char *program = profile_text(profile, "program", ""), *build = NULL;
	struct obstack memory;
	char *text, *clean;

	for (size_t i = 0; i < profile->modules_count && !build; i++)
		if (!strcmp(symbol_base_name(profile->modules[i].path), symbol_base_name(program)))
			build = profile->modules[i].build_id;
	text = xasprintf("%s%s%.12s", program, build ? ", build " : "", build ? build : "");
	obstack_init(&memory);
	clean = xstrdup(text_clean(&memory, text, 200));
	obstack_free(&memory, NULL);
	free(text);
	return clean;
}

static char *describe_trust(const struct trust *trust)
{
	char line[TRUST_ITEMS * 640];
	struct obstack memory;
	char *clean;

	obstack_init(&memory);
	clean = xstrdup(text_clean(&memory, trust_line(trust, line, sizeof(line)), 2000));
	obstack_free(&memory, NULL);
	return clean;
}

int measured_load(struct measured *measured, const struct sweep_result *result,
		  struct measured_names *names, struct component_map *map, struct error *error)
{
	char *path = sweep_result_path(result, "run.prof");
	struct report report;
	struct naming naming = {.report = &report, .names = names};
	int code = report_open(&report, path, error);

	free(path);
	if (code)
		return code;
	*measured = (struct measured){
		.cpu_ns = (double)profile_number(report.profile, "target_cpu_ns", 0),
		.waited_cpu_ns = (double)profile_number(report.profile, "waited_cpu_ns", 0),
		.duration_ns = (double)profile_number(report.profile, "duration_ns", 0),
		.program = describe_program(report.profile),
		.machine = describe_machine(report.profile),
		.trust = describe_trust(&report.trust),
		.is_bad = report.trust.bad,
	};
	naming.components = component_map_symbols(map, &report);
	naming.bearing = component_map_bearing(naming.components, &report);
	naming.of_symbol = xcalloc(report.symbols.count, sizeof(*naming.of_symbol));
	memset(naming.of_symbol, 0xff, report.symbols.count * sizeof(*naming.of_symbol));
	take_steps(measured, report.profile);
	take_samples(measured, &naming);
	take_calls(measured, &naming);
	take_memory(measured, report.profile);
	divide(measured, measured->steps);
	measured->step_ns = measured->steps_ns / measured->steps;
	free(naming.components);
	free(naming.bearing);
	free(naming.of_symbol);
	report_done(&report);
	return 0;
}

void measured_done(struct measured *measured)
{
	free(measured->functions);
	free(measured->program);
	free(measured->machine);
	free(measured->trust);
}

double measured_own_cpu_ns(const struct measured *measured)
{
	return measured->waited_cpu_ns > 0 ? measured->waited_cpu_ns : measured->cpu_ns;
}

struct measured_function measured_function(const struct measured *measured, size_t id)
{
	return id < measured->functions_count ? measured->functions[id]
					      : (struct measured_function){0};
}

struct measured **measured_load_all(const struct sweep *sweep, struct measured_names *names,
				    struct component_map *map, json_t *unreadable)
{
	struct measured **all = xcalloc(sweep->count, sizeof(*all));
	struct error error;
	json_t *reason;

	for (size_t i = 0; i < sweep->count; i++) {
		if (sweep->results[i].is_bare || !sweep->results[i].is_done)
			continue;
		all[i] = xcalloc(1, sizeof(**all));
		if (!measured_load(all[i], &sweep->results[i], names, map, &error))
			continue;
		free(all[i]);
		all[i] = NULL;
		reason = json_string(error.text);
		json_array_append_new(unreadable,
				      reason ? reason : json_string("its path is not UTF-8"));
	}
	return all;
}

void measured_free_all(struct measured **all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!all[i])
			continue;
		measured_done(all[i]);
		free(all[i]);
	}
	free(all);
}
