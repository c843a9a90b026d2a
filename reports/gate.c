/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate: see gate.h. */
#include "reports/gate.h"

#include "reports/comparison_write.h"

#include "collector/base/xalloc.h"

#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdarg.h>

enum {
	SPLITS = 200,
};

const char *const gate_verdict_names[GATE_VERDICTS] = {"passed", "cannot tell", "failed"};

void gate_done(struct gate *gate)
{
	for (size_t i = 0; i < gate->items_count; i++) {
		free(gate->items[i].name);
		free(gate->items[i].reason);
	}
	free(gate->items);
}

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
	va_list arguments;
	char *made;

	va_start(arguments, format);
	if (vasprintf(&made, format, arguments) < 0)
		made = xalloc_checked(NULL);
	va_end(arguments);
	return made;
}

/* Takes over the strings of @item. */
static void add_item(struct gate *gate, struct gate_item item)
{
	xgrow(gate->items, gate->items_count, gate->items_capacity);
	gate->items[gate->items_count++] = item;
	gate->verdicts[item.verdict]++;
	if (item.verdict > gate->verdict && !item.minor)
		gate->verdict = item.verdict;
}

static char *count_name(const struct gate_count *count)
{
	if (*count->function)
		return text("%s of %s", count->name, count->function);
	return xstrdup(count->name);
}

static const struct gate_count *find_count(const struct gate_counts *counts,
					   const struct gate_count *like)
{
	for (size_t i = 0; i < counts->rows_count; i++) {
		const struct gate_count *row = &counts->rows[i];

		if (!strcmp(row->name, like->name) && !strcmp(row->function, like->function) &&
		    !strcmp(row->module, like->module) && !strcmp(row->file, like->file))
			return row;
	}
	return NULL;
}

static struct gate_item judge_count(const struct gate_count *base, const struct gate_count *fresh,
				    double margin)
{
	struct gate_item item = {.name = count_name(base), .class = "counted"};
	double change;

	if (!fresh) {
		item.verdict = GATE_UNCLEAR;
		item.reason = text("%.0f in the baseline, not counted now", base->value);
		return item;
	}
	if (!fresh->steady) {
		item.verdict = GATE_UNCLEAR;
		item.reason = xstrdup("not the same in all recordings of this build, or not exact: "
				      "what it depends on besides the input must go first");
		return item;
	}
	change = base->value > 0 ? fresh->value / base->value - 1 : fresh->value;
	item.reason = text("%.0f → %.0f, %+.2f %%, allowed %+.2f %%", base->value, fresh->value,
			   100 * change, 100 * margin);
	if (change > margin)
		item.verdict = GATE_FAILED;
	return item;
}

void gate_judge_counts(struct gate *gate, const struct gate_counts *base,
		       const struct gate_counts *fresh, double margin)
{
	for (size_t i = 0; i < base->rows_count; i++) {
		const struct gate_count *row = &base->rows[i];
		struct gate_item item = judge_count(row, find_count(fresh, row), margin);

		/* Libraries choose other code for other processors. */
		if (!strcmp(row->name, "instructions") && strcmp(base->machine, fresh->machine)) {
			free(item.reason);
			item.verdict = GATE_UNCLEAR;
			item.reason = text("counted on another machine: %s, now %s", base->machine,
					   fresh->machine);
		}
		add_item(gate, item);
	}
}

struct comparison_options gate_comparison_options(double alpha, double margin)
{
	struct comparison_options options = comparison_defaults;

	options.alpha = alpha / 2;
	options.function_margin = margin;
	options.holm = true;
	return options;
}

static void judge_row(struct gate *gate, const struct comparison *comparison,
		      const struct comparison_row *row)
{
	char name[64], sentence[COMPARISON_SENTENCE], seen[32];
	bool total = row == &comparison->total;
	struct gate_item item = {
		.name = text("time%s%s", total ? ", total" : " in ",
			     total ? "" : comparison_row_name(comparison, row, name)),
		.class = "time",
		.function = row->function,
		.minor = !total,
	};

	comparison_sentence(comparison, row, sentence);
	if (!comparison->replicated || row->verdict == COMPARISON_INCONCLUSIVE)
		item.verdict = GATE_UNCLEAR;
	else if (row->verdict == COMPARISON_REGRESSED)
		item.verdict = GATE_FAILED;
	item.minor = item.minor && item.verdict == GATE_UNCLEAR;
	if (item.verdict == GATE_UNCLEAR && isfinite(row->detectable))
		item.reason = text("%s; these runs see changes of %s", sentence,
				   comparison_percent(row->detectable, seen));
	else
		item.reason = xstrdup(sentence);
	add_item(gate, item);
}

void gate_judge_time(struct gate *gate, const struct comparison *comparison)
{
	judge_row(gate, comparison, &comparison->total);
	for (size_t i = 0; i < comparison->rows_count; i++)
		judge_row(gate, comparison, &comparison->rows[i]);
}

static void shuffle(const struct comparison_run **runs, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		const struct comparison_run *swap = runs[i - 1];
		size_t j;

		*state = *state * 6364136223846793005 + 1442695040888963407;
		j = (*state >> 33) % i;
		runs[i - 1] = runs[j];
		runs[j] = swap;
	}
}

void gate_self_test(struct gate_self_test *test, const struct comparison_options *options,
		    const struct comparison_names *names, const struct comparison_run **runs,
		    size_t runs_count)
{
	double *totals = xcalloc(runs_count, sizeof(*totals)), detectable = 0;
	uint64_t state = 1;

	*test = (struct gate_self_test){.splits = SPLITS};
	for (size_t i = 0; i < runs_count; i++)
		totals[i] = log(runs[i]->total / (runs[i]->steps ? runs[i]->steps : 1));
	test->spread = gsl_stats_sd(totals, 1, runs_count);
	free(totals);
	for (size_t i = 0; i < test->splits; i++) {
		struct comparison comparison;

		shuffle(runs, runs_count, &state);
		comparison_make(&comparison, options, names, runs, runs_count / 2,
				runs + runs_count / 2, runs_count - runs_count / 2);
		test->false_alarms += comparison_is_worse(&comparison);
		detectable += comparison.total.detectable;
		comparison_done(&comparison);
	}
	test->detectable = expm1(detectable / test->splits);
}
