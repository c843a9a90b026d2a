/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate: see gate.h. */
#include "reports/gate.h"

#include "reports/comparison_setting.h"
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
	free(gate->note);
}

/* Returns @made with more behind it, which takes its place. */
__attribute__((format(printf, 2, 3))) static char *text_more(char *made, const char *format, ...)
{
	va_list arguments;
	char *more, *both;

	va_start(arguments, format);
	more = xvasprintf(format, arguments);
	va_end(arguments);
	both = xasprintf("%s%s", made, more);
	free(made);
	free(more);
	return both;
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
	if (!*count->subject)
		return xstrdup(count->name);
	if (*count->subject == '[')
		return xasprintf("%s of %s in %s", count->name, count->subject, count->module);
	return xasprintf("%s of %s", count->name, count->subject);
}

static bool is_steps(const struct gate_count *row)
{
	return !strcmp(row->name, "steps") && !*row->subject;
}

/* How many times the steps of the baseline were made; 1 where either is not known for certain. */
static double steps_ratio(const struct gate_counts *base, const struct gate_counts *fresh)
{
	for (size_t i = 0; i < base->rows_count; i++) {
		const struct gate_count *row = base->rows[i], *now;

		if (!is_steps(row) || !row->steady || !(row->value > 0))
			continue;
		HASH_FIND_STR(fresh->index, row->key, now);
		return now && now->steady && now->value > 0 ? now->value / row->value : 1;
	}
	return 1;
}

/*
 * Another number of steps is other work. More of them fail once, as steps, not again in each count
 * that grew with them; and in fewer steps the same count may hide that each costs more.
 */
static void weigh_steps(struct gate_item *item, double change, double steps, double margin)
{
	double a_step = (1 + change) / steps - 1;

	if (steps > 1 + margin && change > margin && a_step <= margin)
		item->verdict = GATE_PASSED;
	else if (steps < 1 - margin && change <= margin && a_step > margin)
		item->verdict = GATE_UNCLEAR;
	else
		return;
	item->reason = text_more(item->reason, "; of %+.2f %% steps each has %+.2f %%",
				 100 * (steps - 1), 100 * a_step);
}

/* @steps  how many times the baseline's steps were made */
static struct gate_item judge_count(const struct gate_count *base, const struct gate_count *fresh,
				    double steps, double margin)
{
	struct gate_item item = {
		.name = count_name(base), .class = "counted", .is_part = *base->subject};
	double change;

	if (!fresh) {
		item.verdict = GATE_UNCLEAR;
		item.reason = xasprintf("%.0f in the baseline, not counted now", base->value);
		return item;
	}
	if (!fresh->steady) {
		item.verdict = GATE_UNCLEAR;
		item.reason = xstrdup("not the same in all recordings of this build, or not exact: "
				      "what it depends on besides the input must go first");
		return item;
	}
	change = base->value > 0 ? fresh->value / base->value - 1 : fresh->value;
	if (base->value > 0 || fresh->value <= 0)
		item.reason =
			xasprintf("%.0f → %.0f, %+.2f %%, allowed %+.2f %%%s", base->value,
				  fresh->value, 100 * change, 100 * margin,
				  change < -margin ? "; less: update the baseline to keep it" : "");
	else
		item.reason = xasprintf("0 → %.0f, where there was none", fresh->value);
	if (change > margin)
		item.verdict = GATE_FAILED;
	if (is_steps(base) && item.verdict == GATE_FAILED)
		item.reason =
			text_more(item.reason, "; if the runs are to make more steps, update the "
					       "baseline; if not, they do more work");
	else if (base->value > 0 && !is_steps(base) && strcmp(base->name, "instructions") != 0)
		weigh_steps(&item, change, steps, margin);
	return item;
}

/* A part that was counted is there when its whole is: then there was none of it. */
static const struct gate_count *find_count(const struct gate_counts *counts,
					   const struct gate_count *like,
					   const struct gate_count *none)
{
	const struct gate_count *row;
	char *whole;

	HASH_FIND_STR(counts->index, like->key, row);
	if (row || !*like->subject)
		return row;
	whole = xasprintf("%s\n\n\n", like->name);
	HASH_FIND_STR(counts->index, whole, row);
	free(whole);
	return row ? none : NULL;
}

/* What was counted now and is not in the baseline; a part is in its whole. */
static void tell_unknown(struct gate *gate, const struct gate_counts *base,
			 const struct gate_counts *fresh)
{
	const struct gate_count none = {0}, *first = NULL;
	char *name, *others;
	size_t count = 0;

	for (size_t i = 0; i < fresh->rows_count; i++) {
		const struct gate_count *row = fresh->rows[i];

		if (!(row->value > 0) || find_count(base, row, &none) ||
		    !gate_counts_has_large(fresh, row))
			continue;
		first = !first || row->value > first->value ? row : first;
		count++;
	}
	if (!count)
		return;
	name = count_name(first);
	others = count > 1 ? xasprintf(" and %zu more are", count - 1) : xstrdup(" is");
	add_item(gate,
		 (struct gate_item){
			 .name = xstrdup("what the baseline lacks"),
			 .class = "counted",
			 .reason = xasprintf("%s (%.0f now)%s not in the baseline, and not judged",
					     name, first->value, others),
			 .verdict = GATE_UNCLEAR,
		 });
	free(name);
	free(others);
}

void gate_judge_counts(struct gate *gate, const struct gate_counts *base,
		       const struct gate_counts *fresh, double margin)
{
	const struct gate_count none = {.steady = true};
	const char *there = base->processor ? base->processor : "an unknown processor";
	const char *here = fresh->processor ? fresh->processor : there;
	double steps = steps_ratio(base, fresh);

	for (size_t i = 0; i < base->rows_count; i++) {
		const struct gate_count *row = base->rows[i];
		struct gate_item item;

		if (!row->steady) {
			gate->unsteady++;
			continue;
		}
		item = judge_count(row, find_count(fresh, row, &none), steps, margin);
		/* Libraries choose other code for other processors. */
		if (!strcmp(row->name, "instructions") && strcmp(there, here)) {
			free(item.reason);
			item.verdict = GATE_UNCLEAR;
			item.reason =
				xasprintf("counted on another machine: %s, now %s", there, here);
		}
		add_item(gate, item);
	}
	tell_unknown(gate, base, fresh);
}

void gate_judge_nothing(struct gate *gate)
{
	if (!gate->items_count)
		add_item(gate, (struct gate_item){
				       .name = xstrdup("anything"),
				       .class = "counted",
				       .reason = xstrdup("nothing was judged: neither counted work "
							 "nor time is there to be compared"),
				       .verdict = GATE_UNCLEAR,
			       });
}

struct comparison_options gate_comparison_options(double alpha, double margin)
{
	struct comparison_options options = comparison_defaults;

	options.alpha = alpha / 2;
	options.function_margin = margin;
	options.holm = true;
	return options;
}

/* The error of the total's change that the machine gives rise to. */
static double calibrated_error(const struct gate_calibration *calibration, bool paired,
			       double base_count, double fresh_count)
{
	return paired ? calibration->pairs_spread / sqrt(base_count)
		      : calibration->spread * sqrt(1 / base_count + 1 / fresh_count);
}

/* How much wider intervals must be than these runs say: few runs may vary little by chance. */
static double widening(const struct comparison *comparison,
		       const struct gate_calibration *calibration)
{
	double error = comparison->total.change.error;

	if (!calibration || !comparison->replicated || !isfinite(error))
		return 1;
	return fmax(1, calibrated_error(calibration, comparison->options.paired,
					(double)comparison->base_count,
					(double)comparison->fresh_count) /
			       fmax(error, 1e-9));
}

/* Whether a self-test failed more often than alpha lets it. */
static bool cries_wolf(const struct gate_calibration *calibration)
{
	return calibration &&
	       (double)calibration->false_alarms > calibration->alpha * (double)calibration->splits;
}

/* Why a regression is none that fails. */
static const char *why_unclear(const struct comparison *comparison,
			       const struct gate_calibration *calibration)
{
	if (!comparison->replicated)
		return "but one run on a side decides nothing";
	if (cries_wolf(calibration))
		return "but this machine's self-test finds such changes in one build, too";
	return "but that is within what this machine does to one build";
}

static void judge_row(struct gate *gate, const struct comparison *comparison,
		      const struct comparison_row *row, const struct gate_calibration *calibration)
{
	char name[64], sentence[COMPARISON_SENTENCE], seen[32];
	const struct statistics_change *change = &row->change;
	double low = change->estimate -
		     widening(comparison, calibration) * (change->estimate - change->low);
	bool total = row == &comparison->total;
	struct gate_item item = {
		.name = xasprintf("time%s%s", total ? ", total" : " in ",
				  total ? "" : comparison_row_name(comparison, row, name)),
		.class = "time",
		.is_part = !total,
		.function = row->function,
		.minor = !total,
	};

	comparison_sentence(comparison, row, sentence);
	if (!comparison->replicated || row->verdict == COMPARISON_INCONCLUSIVE)
		item.verdict = GATE_UNCLEAR;
	else if (row->verdict == COMPARISON_REGRESSED)
		item.verdict =
			low > row->margin && !cries_wolf(calibration) ? GATE_FAILED : GATE_UNCLEAR;
	item.minor = item.minor && item.verdict == GATE_UNCLEAR;
	if ((row->verdict == COMPARISON_REGRESSED || row->verdict == COMPARISON_CHANGED) &&
	    item.verdict == GATE_UNCLEAR)
		item.reason = xasprintf("%s; %s", sentence, why_unclear(comparison, calibration));
	else if (item.verdict == GATE_UNCLEAR && isfinite(row->detectable))
		item.reason = xasprintf("%s; these runs see changes of %s", sentence,
					comparison_percent(row->detectable, seen));
	else
		item.reason = xstrdup(sentence);
	if (row->moved || row->maybe)
		item.reason = text_more(item.reason, "; %s",
					comparison_remark(comparison, row, sentence));
	add_item(gate, item);
}

static char *describe(const struct gate_calibration *calibration,
		      const struct comparison *comparison)
{
	double seen = calibration ? gate_detectable(calibration, &comparison->options,
						    comparison->base_count)
				  : INFINITY;

	if (!calibration)
		return xstrdup("this machine is not calibrated: collector gate --self-test "
			       "--baseline FILE RUNS...");
	if (cries_wolf(calibration))
		return xasprintf(
			"the self-test of this machine failed in %zu of %zu comparisons of one "
			"build: time cannot be judged on it",
			calibration->false_alarms, calibration->splits);
	if (!isfinite(seen))
		return xasprintf("%zu runs a side of this machine can show no change of the total",
				 comparison->base_count);
	return xasprintf(
		"by its self-test this machine sees changes of %.1f %% of the total with %zu "
		"runs a side",
		100 * seen, comparison->base_count);
}

void gate_judge_time(struct gate *gate, const struct comparison *comparison,
		     const struct gate_calibration *calibration)
{
	free(gate->note);
	gate->note = describe(calibration, comparison);
	judge_row(gate, comparison, &comparison->total, calibration);
	for (size_t i = 0; i < comparison->rows_count; i++)
		judge_row(gate, comparison, &comparison->rows[i], calibration);
}

/* Adds what may be a mistake to what is said of the machine. */
static void add_doubt(void *context, const char *text)
{
	struct gate *gate = context;

	if (!strncmp(text, "Beware", 6))
		gate->note = text_more(gate->note, "; b%.*s", (int)strlen(text) - 2, text + 1);
}

void gate_tell_doubts(struct gate *gate, const struct comparison *comparison)
{
	comparison_setting_tell(comparison, add_doubt, gate);
}

double gate_detectable(const struct gate_calibration *calibration,
		       const struct comparison_options *options, size_t runs_a_side)
{
	double runs = (double)runs_a_side;
	struct statistics_change change = {
		.error = calibrated_error(calibration, options->paired, runs, runs),
		.freedom = options->paired ? runs - 1 : 2 * runs - 2,
	};

	return expm1(statistics_detectable(&change, log1p(options->function_margin),
					   1 - options->alpha, options->alpha));
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

/*
 * Standard deviation of the logarithms of the totals, and of the differences of neighbours. Neither
 * can be told finer than samples are counted: each is at least that of rounding to whole ones.
 */
static void measure_spread(struct gate_calibration *calibration,
			   const struct comparison_run *const *runs, size_t count)
{
	double *totals = xcalloc(count, sizeof(*totals)), squares = 0, rounding = 0;
	size_t pairs = count / 2;

	for (size_t i = 0; i < count; i++) {
		totals[i] = log(runs[i]->total / (runs[i]->steps ? runs[i]->steps : 1));
		rounding += runs[i]->sample / runs[i]->total / sqrt(12) / (double)count;
	}
	for (size_t i = 0; i < pairs; i++)
		squares += pow(totals[2 * i + 1] - totals[2 * i], 2);
	calibration->spread = fmax(gsl_stats_sd(totals, 1, count), rounding);
	calibration->pairs_spread = fmax(sqrt(squares / (double)pairs), M_SQRT2 * rounding);
	free(totals);
}

void gate_self_test(struct gate_calibration *calibration, const struct comparison_options *options,
		    const struct comparison_names *names, const struct comparison_run **runs,
		    size_t runs_count)
{
	uint64_t state = 1;

	*calibration = (struct gate_calibration){
		.machine = runs[0]->machine,
		.runs = runs_count,
		.splits = SPLITS,
		.alpha = 2 * options->alpha, /* half is the total's, half all functions' */
	};
	measure_spread(calibration, runs, runs_count);
	for (size_t i = 0; i < calibration->splits; i++) {
		struct comparison comparison;

		shuffle(runs, runs_count, &state);
		comparison_make(&comparison, options, names, runs, runs_count / 2,
				runs + runs_count / 2, runs_count - runs_count / 2);
		calibration->false_alarms += comparison_is_worse(&comparison);
		comparison_done(&comparison);
	}
}
