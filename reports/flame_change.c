/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_change: see flame_change.h. */
#include "reports/flame_change.h"

#include "collector/base/xalloc.h"
#include "reports/comparison.h"
#include "reports/report.h"

#include <errno.h>
#include <math.h>

static const double tested_share = 0.005;

/* Copies one recording's calls and samples into the common profile, as thread @thread. */
struct copy {
	struct profile *into;
	const struct report *from;
	uint32_t thread;
	double scale;	 /* units of one value */
	uint64_t *clock; /* samples need times that do not fall */
};

static uint32_t copy_frame(const struct copy *copy, const struct symbol *symbol)
{
	const struct profile *from = copy->from->profile;
	const struct profile_module *module = &from->modules[symbol->module];
	const char *path = symbol_base_name(module->path);
	char *name = symbol->named ? comparison_base_name(symbol->label) : xstrdup("[no symbol]");
	uint32_t into = profile_module(copy->into, module->kind, path, NULL);
	const char *file = symbol->named ? from->files[symbol->file] : "";
	uint32_t function, frame;

	if (!strcmp(path, report_program(copy->from)))
		into = profile_module(copy->into, module->kind, "[program]", NULL);
	/* The folder of a source may differ between two check-outs, and the line between builds:
	 * what pairs is the base name, in the place of the linkage name, which nobody reads here.
	 */
	function = profile_function(copy->into, name, symbol_base_name(file), into, 0, 0,
				    symbol->named);
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
		copied.value = llround((double)call_tree_value(from, sample) * copy->scale);
		profile_sample_add(copy->into, &copied);
	}
	free(stacks);
}

static int check(const struct comparison_run *runs, uint32_t count, bool forced,
		 struct error *error)
{
	const struct comparison_run **all = xcalloc(count, sizeof(*all));
	int result;

	for (uint32_t i = 0; i < count; i++)
		all[i] = &runs[i];
	result = comparison_check(all, count, forced, error);
	free(all);
	return result;
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

int flame_change_load(struct flame_change *change, const char *const *paths, uint32_t base_runs,
		      uint32_t fresh_runs, bool forced, struct error *error)
{
	uint32_t count = base_runs + fresh_runs, loaded = 0;
	struct comparison_run *runs = xcalloc(count, sizeof(*runs));
	struct comparison_names names = {0};
	struct profile *profile = profile_new();
	uint64_t clock = 0;
	int result = 0;

	for (; loaded < count && !result; loaded += !result) {
		uint32_t group = loaded < base_runs ? base_runs : fresh_runs;
		struct report report;

		result = report_open(&report, paths[loaded], error);
		if (result)
			break;
		comparison_run_init(&runs[loaded], paths[loaded], &report, &names);
		if (loaded == base_runs)
			take_head(profile, &report);
		copy_run(&(struct copy){profile, &report,
					profile_thread_add(profile, 0, 0, paths[loaded]),
					report.period / group, &clock});
		report_done(&report);
	}
	if (!result)
		result = check(runs, count, forced, error);
	for (uint32_t i = 0; i < loaded; i++)
		comparison_run_done(&runs[i]);
	free(runs);
	comparison_names_done(&names);
	if (result)
		profile_free(profile);
	else
		name_program(profile);
	if (!result)
		*change = (struct flame_change){profile, base_runs, fresh_runs, "run"};
	return result;
}

void flame_change_done(struct flame_change *change)
{
	profile_free(change->profile);
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
	uint32_t runs = change->base_runs + change->fresh_runs;
	double *logarithms = xcalloc(runs, sizeof(*logarithms)), p;

	for (uint32_t i = 0; i < runs; i++)
		logarithms[i] = log(costs[i] * (i < change->base_runs ? change->base_runs
								      : change->fresh_runs) +
				    sample / 2);
	p = statistics_groups(logarithms, change->base_runs, logarithms + change->base_runs,
			      change->fresh_runs, 0.95)
		    .p;
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
