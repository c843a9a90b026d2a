/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_change: see flame_change.h. */
#include "reports/flame_change.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_level.h"

#include <errno.h>
#include <math.h>

static const double tested_share = 0.005;

/* Copies one recording's calls and samples into the common profile, as thread @thread. */
struct copy {
	struct profile *into;
	const struct report *from;
	const struct comparison_names *names;
	uint32_t thread;
	uint64_t *clock; /* samples need times that do not fall */
};

static uint32_t copy_frame(const struct copy *copy, const struct symbol *symbol)
{
	const struct profile *from = copy->from->profile;
	const struct profile_module *module = &from->modules[symbol->module];
	const char *path = comparison_module_name(copy->from, symbol->module);
	const struct comparison_coarse *coarse = comparison_level_find(copy->names, path);
	bool is_named = symbol->named && (!coarse || coarse->has_names);
	char *name = is_named ? comparison_base_name(symbol->label) : xstrdup("[no symbol]");
	uint32_t into = profile_module(copy->into, module->kind, path, NULL);
	const char *file = is_named ? from->files[symbol->file] : "";
	uint32_t function, frame;

	/* The folder of a source may differ between two check-outs, and the line between builds:
	 * what pairs is the base name, in the place of the linkage name, which nobody reads here.
	 */
	function = profile_function(copy->into, name,
				    comparison_level_file(copy->names, name, path, file), into, 0,
				    0, is_named);
	if (!copy->into->functions[function].file && *file) {
		copy->into->functions[function].file = profile_file_name(copy->into, file);
		copy->into->functions[function].line = symbol->line;
	}
	frame = profile_frame(copy->into, into, (uint64_t)function);
	if (!copy->into->frames[frame].line_count)
		profile_frame_set_lines(copy->into, frame,
					&(struct profile_line){.function = function}, 1);
	free(name);
	return frame;
}

static void copy_run(const struct copy *copy)
{
	const struct profile *from = copy->from->profile;
	uint32_t *stacks = xcalloc(from->stacks_count, sizeof(*stacks));

	for (uint32_t i = 1; i < from->stacks_count; i++) {
		uint32_t frame = from->stacks[i].frame, stack = stacks[from->stacks[i].parent];

		for (uint32_t depth = symbol_depth(from, frame); depth--;) {
			uint32_t symbol = symbol_at(from, frame, depth).symbol;

			stack = profile_stack(
				copy->into, stack,
				copy_frame(copy, &copy->from->symbols.symbols[symbol]));
		}
		stacks[i] = stack;
	}
	for (size_t i = 0; i < from->samples_count; i++) {
		const struct profile_sample *sample = &from->samples[i];
		struct profile_sample copied = *sample;

		if (sample->metric != copy->from->metric)
			continue;
		copied.time_ns = ++*copy->clock;
		copied.metric = 0;
		copied.thread = copy->thread;
		copied.stack = stacks[sample->stack];
		copied.value = llround((double)call_tree_value(from, sample) * copy->from->period);
		profile_sample_add(copy->into, &copied);
	}
	free(stacks);
}

static void take_head(struct profile *into, const struct report *report)
{
	static const char *const keys[] = {"program", "command", "engine", "state"};

	profile_metric_add(into, report->metric_name, report->unit, 1);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		profile_set_text(into, keys[i], profile_text(report->profile, keys[i], ""));
}

/* The program's module gets the name by which the rest of the reports knows it. */
static void name_program(struct profile *profile)
{
	for (size_t i = 0; i < profile->modules_count; i++)
		if (!strcmp(profile->modules[i].path, "[program]")) {
			free(profile->modules[i].path);
			profile->modules[i].path = xstrdup(profile_text(profile, "program", ""));
		}
}

/* Notes the functions whose code has moved, as the comparison sees it. */
static void take_moved(struct flame_change *change, const struct comparison *comparison)
{
	const struct profile *profile = change->profile;

	change->moved = xcalloc(profile->functions_count, sizeof(*change->moved));
	for (uint32_t i = 1; i < profile->functions_count; i++) {
		const struct profile_function *function = &profile->functions[i];
		const char *file = function->linkage_name ? function->linkage_name : "";
		struct comparison_function *known;
		char *key = xasprintf("%s\n%s\n%s", function->name,
				      profile->modules[function->module].path, file);

		HASH_FIND_STR(comparison->names->index, key, known);
		free(key);
		for (size_t row = 0; row < comparison->rows_count && known; row++)
			if (comparison->rows[row].function == known)
				change->moved[i] =
					comparison->rows[row].moved &&
					comparison->rows[row].presence != COMPARISON_BOTH;
	}
}

/* Makes values of a group's runs add up to its mean cost per step, or run. They are whole numbers,
 * so they are kept as large as those of the longest run. */
static void weigh(struct flame_change *change, const struct comparison *comparison)
{
	uint32_t runs = change->base_runs + change->fresh_runs, most = 1;
	double *factors = xcalloc(runs, sizeof(*factors));
	struct profile *profile = change->profile;

	change->halves = xcalloc(runs, sizeof(*change->halves));
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < runs; i++) {
			bool is_base = i < change->base_runs;
			const struct comparison_run *run =
				is_base ? comparison->base[i]
					: comparison->fresh[i - change->base_runs];
			uint32_t steps = comparison->per_step ? run->steps : 1;

			most = steps > most ? steps : most;
			factors[i] = (double)most / steps /
				     (is_base ? change->base_runs : change->fresh_runs);
			change->halves[i] = run->sample / 2 * most / steps;
		}
	for (size_t i = 0; i < profile->samples_count; i++) {
		struct profile_sample *sample = &profile->samples[i];

		sample->value =
			(uint64_t)llround((double)sample->value * factors[sample->thread - 1]);
	}
	change->period = 1.0 / most;
	change->per = comparison->per_step ? "step" : "run";
	free(factors);
}

/* Compares the loaded runs. */
static int compare(struct flame_change *change, const struct comparison_run *runs,
		   const struct comparison_names *names, const struct comparison_options *options,
		   bool forced, struct error *error)
{
	uint32_t count = change->base_runs + change->fresh_runs;
	const struct comparison_run **all = xcalloc(count, sizeof(*all));
	struct comparison comparison;
	int result;

	for (uint32_t i = 0; i < count; i++)
		all[i] = &runs[i];
	result = comparison_check(all, count, forced, error);
	if (!result) {
		comparison_make(&comparison, options, names, all, change->base_runs,
				all + change->base_runs, change->fresh_runs);
		take_moved(change, &comparison);
		weigh(change, &comparison);
		comparison_done(&comparison);
	}
	free(all);
	return result;
}

/* Reads all recordings into the common profile, which is new; @loaded gets the number of runs. */
static int read_runs(struct flame_change *change, const char *const *paths,
		     struct comparison_run *runs, uint32_t *loaded, struct comparison_names *names,
		     struct error *error)
{
	uint32_t count = change->base_runs + change->fresh_runs;
	uint64_t clock = 0;

	profile_free(change->profile);
	change->profile = profile_new();
	for (*loaded = 0; *loaded < count; ++*loaded) {
		struct report report;
		int result = report_open(&report, paths[*loaded], error);

		if (result)
			return result;
		comparison_run_init(&runs[*loaded], paths[*loaded], &report, names);
		if (*loaded == change->base_runs)
			take_head(change->profile, &report);
		copy_run(&(struct copy){
			.into = change->profile,
			.from = &report,
			.names = names,
			.thread = profile_thread_add(change->profile, 0, 0, paths[*loaded]),
			.clock = &clock,
		});
		report_done(&report);
	}
	return 0;
}

int flame_change_load(struct flame_change *change, const char *const *paths, uint32_t base_runs,
		      uint32_t fresh_runs, const struct comparison_options *options, bool forced,
		      struct error *error)
{
	uint32_t count = base_runs + fresh_runs, loaded = 0;
	struct comparison_run *runs = xcalloc(count, sizeof(*runs));
	struct comparison_names names = {0};
	int result;

	*change = (struct flame_change){
		.base_runs = base_runs, .fresh_runs = fresh_runs, .paired = options->paired};
	do
		result = read_runs(change, paths, runs, &loaded, &names, error);
	while (!result && comparison_level_settle(&names, runs, count));
	if (!result)
		result = compare(change, runs, &names, options, forced, error);
	for (uint32_t i = 0; i < loaded; i++)
		comparison_run_done(&runs[i]);
	free(runs);
	comparison_names_done(&names);
	if (result)
		profile_free(change->profile);
	else
		name_program(change->profile);
	return result;
}

void flame_change_open(const struct flame_change *change, struct report *report)
{
	report_init(report, change->profile);
	report->period = change->period;
}

void flame_change_done(struct flame_change *change)
{
	free(change->halves);
	free(change->moved);
}

bool flame_change_has_moved(const struct flame_change *change, uint32_t symbol)
{
	return change->moved && symbol < change->profile->functions_count && change->moved[symbol];
}

/* Cost of each node in each run, in units per run of the group; nodes are rows. */
static double *cost_matrix(const struct flame_change *change, const struct call_tree *tree)
{
	uint32_t runs = change->base_runs + change->fresh_runs;
	double *costs = xcalloc((size_t)tree->count * runs, sizeof(*costs));

	for (size_t i = 0; i < change->profile->samples_count; i++) {
		const struct profile_sample *sample = &change->profile->samples[i];

		if (tree->leaf_of_sample[i] != CALL_TREE_OTHER)
			costs[(size_t)tree->leaf_of_sample[i] * runs + sample->thread - 1] +=
				(double)sample->value;
	}
	for (uint32_t i = tree->count - 1; i > 0; i--)
		for (uint32_t run = 0; run < runs; run++)
			costs[(size_t)tree->nodes[i].parent * runs + run] +=
				costs[(size_t)i * runs + run];
	return costs;
}

/* p of one node's change; 1 when there is one run on a side. */
static double test(const struct flame_change *change, const double *costs, double sample)
{
	uint32_t base = change->base_runs, fresh = change->fresh_runs;
	double *logarithms = xcalloc(base + fresh, sizeof(*logarithms)), p = 1;

	for (uint32_t i = 0; i < base + fresh; i++)
		logarithms[i] = log(costs[i] * (i < base ? base : fresh) +
				    (change->halves ? change->halves[i] : sample / 2));
	if (change->paired && base > 1) {
		for (uint32_t i = 0; i < base; i++)
			logarithms[base + i] -= logarithms[i];
		p = statistics_pairs(logarithms + base, base, 0.95).p;
	} else if (!change->paired) {
		p = statistics_groups(logarithms, base, logarithms + base, fresh, 0.95).p;
	}
	free(logarithms);
	return p;
}

static uint8_t certainty_of(double p)
{
	return p <= 0.001 ? 4 : p <= 0.01 ? 3 : p <= 0.05 ? 2 : p <= 0.2 ? 1 : 0;
}

static void test_nodes(const struct flame_change *change, const struct call_tree *tree,
		       const double *costs, struct flame_node_change *changes)
{
	uint32_t runs = change->base_runs + change->fresh_runs, count = 0;
	uint32_t *tested = xcalloc(tree->count, sizeof(*tested));
	double *p = xcalloc(tree->count, sizeof(*p));
	double sample =
		tree->nodes[0].samples ? (double)tree->nodes[0].total / tree->nodes[0].samples : 1;

	/* A value of the tree is a cost divided by the runs of its group. */
	sample *= (change->base_runs + change->fresh_runs) / 2.0;
	for (uint32_t i = 0; i < tree->count; i++)
		if ((double)tree->nodes[i].total >= tested_share * (double)tree->nodes[0].total) {
			tested[count] = i;
			p[count++] = test(change, &costs[(size_t)i * runs], sample);
		}
	statistics_benjamini_hochberg(p, count);
	for (uint32_t i = 0; i < count; i++)
		changes[tested[i]].certainty = certainty_of(p[i]);
	free(tested);
	free(p);
}

struct flame_node_change *flame_change_measure(const struct flame_change *change,
					       const struct call_tree *tree)
{
	uint32_t runs = change->base_runs + change->fresh_runs;
	struct flame_node_change *changes = xcalloc(tree->count, sizeof(*changes));
	double *costs = cost_matrix(change, tree);

	for (uint32_t i = 0; i < tree->count; i++) {
		for (uint32_t run = 0; run < runs; run++) {
			uint64_t cost = llround(costs[(size_t)i * runs + run]);

			if (run < change->base_runs)
				changes[i].base += cost;
			else
				changes[i].fresh += cost;
		}
		changes[i].base_self = changes[i].base;
		changes[i].fresh_self = changes[i].fresh;
	}
	for (uint32_t i = 1; i < tree->count; i++) {
		struct flame_node_change *caller = &changes[tree->nodes[i].parent];

		caller->base_self -= changes[i].base;
		caller->fresh_self -= changes[i].fresh;
	}
	for (uint32_t i = 1; i < tree->count; i++)
		changes[i].moved = (!changes[i].base || !changes[i].fresh) &&
				   (flame_change_has_moved(change, tree->nodes[i].symbol) ||
				    changes[tree->nodes[i].parent].moved);
	test_nodes(change, tree, costs, changes);
	free(costs);
	return changes;
}

uint32_t flame_change_colour(const struct flame_node_change *change)
{
	/* Paul Tol's diverging scheme, from much less to much more (reports.md 6.4). */
	static const uint8_t scale[11][3] = {
		{0x36, 0x4b, 0x9a}, {0x4a, 0x7b, 0xb7}, {0x6e, 0xa6, 0xcd}, {0x98, 0xca, 0xe1},
		{0xc2, 0xe4, 0xef}, {0xf2, 0xf2, 0xf2}, {0xfe, 0xda, 0x8b}, {0xfd, 0xb3, 0x66},
		{0xf6, 0x7e, 0x4b}, {0xdd, 0x3d, 0x2d}, {0xa5, 0x00, 0x26},
	};
	static const uint8_t grey = 0xe4;
	double ratio = log2(((double)change->fresh + 1) / ((double)change->base + 1));
	int step = (int)lround(fmax(-1, fmin(1, ratio)) * 5);
	uint32_t colour = 0;

	if (!step)
		step = ratio > 0 ? 1 : -1;
	for (int i = 0; i < 3; i++)
		colour = colour << 8 |
			 (uint32_t)(grey + (scale[5 + step][i] - grey) * change->certainty / 4);
	return colour;
}
