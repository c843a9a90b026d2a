/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_estimate: see calls_estimate.h. */
#include "reports/calls_estimate.h"

#include "reports/calls.h"

#include <math.h>

#define NORMAL_95 1.96

/* Returns the margin of the mean duration, as a part of it. */
static double mean_doubt(const struct calls_row *row)
{
	double count = 0, sum = 0, squares = 0, variance;

	for (uint32_t i = 0; i < row->bucket_count; i++) {
		uint32_t bucket = row->buckets[i].bucket;
		double middle_ns = ((double)profile_bucket_start(bucket) +
				    (double)profile_bucket_end(bucket)) /
				   2;

		count += (double)row->buckets[i].count;
		sum += (double)row->buckets[i].count * middle_ns;
		squares += (double)row->buckets[i].count * middle_ns * middle_ns;
	}
	if (count < 2 || sum <= 0)
		return 1;
	variance = (squares - sum * sum / count) / (count - 1);
	return NORMAL_95 * sqrt(fmax(variance, 0) / count) / (sum / count);
}

/* Returns the margin of all calls' duration, as a part of it. */
static double total_doubt(const struct calls_row *row)
{
	double calls_doubt = row->calls.value > 0 ? row->calls.margin / row->calls.value : 0;

	return hypot(calls_doubt, mean_doubt(row));
}

/* Says whether durations of few calls, one of them interrupted maybe, would have to stand for so
 * many that the sum could be more time than there was; or such as are no more than what the probes'
 * cost left of them. */
static bool is_vague(const struct calls_row *row)
{
	return row->is_scaled &&
	       (total_doubt(row) >= 1 || row->sum.subtracted_ns > row->sum.sum_ns);
}

static struct calls_figure scaled(const struct calls_row *row, double value)
{
	if (!row->is_scaled)
		return (struct calls_figure){.value = value, .is_least = row->calls.is_least};
	return (struct calls_figure){
		.value = value * row->scale,
		.margin = value * row->scale * total_doubt(row),
		.is_estimate = true,
		.is_least = row->calls.is_least,
	};
}

static struct calls_figure time_of(const struct calls_row *row, double seen_ns)
{
	if (is_vague(row) || row->tail_calls)
		return (struct calls_figure){.value = seen_ns, .is_least = true};
	return scaled(row, seen_ns);
}

static void estimate_row(struct calls_row *row, const struct profile_probe *probe)
{
	const struct profile_timing *sum = &row->sum;
	double seen = (double)sum->calls, in_steps = (double)sum->step_calls;
	bool is_part;

	row->is_step = probe->mode == PROFILE_PROBE_STEP;
	row->calls =
		(struct calls_figure){.value = seen, .is_least = probe->is_partial || row->inlined};
	if (row->is_cut && probe->estimated_calls)
		row->calls.is_least = false; /* it was counted all the time */
	else if (probe->is_partial && probe->estimated_calls)
		row->calls = (struct calls_figure){.value = (double)probe->estimated_calls,
						   .margin = (double)probe->calls_margin,
						   .is_estimate = true,
						   .is_least = row->inlined || row->is_late};
	row->step_calls = row->calls;
	row->step_calls.value *= seen > 0 ? in_steps / seen : 0;
	row->step_calls.margin *= seen > 0 ? in_steps / seen : 0;
	/* Of a function that was timed all the time the calls without a return have no time. */
	row->is_scaled = probe->mode == PROFILE_PROBE_COUNT && sum->returns &&
			 (row->calls.is_estimate || !row->calls.is_least);
	row->scale = row->is_scaled ? row->calls.value / (double)sum->returns : 1;
	row->total_ns = time_of(row, (double)sum->outer_ns);
	row->self_ns = time_of(row, (double)sum->self_ns);
	is_part = row->is_cut || (row->withheld && !row->is_scaled);
	row->total_ns.is_least |= is_part;
	row->self_ns.is_least |= is_part;
}

static const struct calls_row *row_of(const struct calls *calls, uint32_t probe)
{
	return &calls->rows[calls->row_of_probe[probe]];
}

/* Says whether it is not known how many times as much as was timed there was of a function. */
static bool is_least(const struct calls_row *row)
{
	return row->calls.is_least || row->is_cut;
}

/* Says whether of two figures as much was missed: where all calls that were seen are of whole
 * steps, and of this caller. Elsewhere other callers' calls may have been missed, or this one's. */
static bool is_of_steps(const struct calls_row *caller, const struct calls_row *callee,
			const struct profile_edge *edge)
{
	return caller->is_step && !caller->is_cut && edge->calls == callee->sum.returns;
}

/* Takes off the caller's own time what its callees took while they were not timed. */
static void take_off_callees(struct calls *calls, const struct profile_edge *edge)
{
	struct calls_row *caller = &calls->rows[calls->row_of_probe[edge->caller]];
	const struct calls_row *callee = row_of(calls, edge->callee);
	double untimed_ns = (double)edge->sum_ns * (callee->scale - caller->scale);

	if (edge->caller == edge->callee || caller->self_ns.is_most ||
	    !(callee->is_scaled || callee->total_ns.is_least))
		return;
	if (callee->total_ns.is_least || !is_of_steps(caller, callee, edge)) {
		caller->self_ns = (struct calls_figure){
			.value = caller->self_ns.value + caller->self_ns.margin,
			.is_least = caller->self_ns.is_least,
			.is_most = true,
		};
		return;
	}
	if (caller->total_ns.is_least || untimed_ns <= 0)
		return;
	caller->self_ns.value = fmax(caller->self_ns.value - untimed_ns, 0);
	caller->self_ns.margin =
		hypot(caller->self_ns.margin,
		      untimed_ns * callee->total_ns.margin / callee->total_ns.value);
	caller->self_ns.is_estimate = true;
}

void calls_estimate(struct calls *calls, const struct report *report)
{
	const struct profile *profile = report->profile;

	for (uint32_t i = 0; i < calls->count; i++)
		estimate_row(&calls->rows[i], &profile->probes[calls->rows[i].probe]);
	for (size_t i = 0; i < profile->call_edges_count; i++)
		take_off_callees(calls, &profile->call_edges[i]);
}

/*
 * Calls that were left otherwise than by a return, or have not ended, are of no edge. Where one of
 * the two was not seen to the end an edge has what was seen, unless all of that is of whole steps.
 */
static struct calls_figure edge_figure(const struct calls *calls, const struct profile_edge *edge,
				       double value)
{
	const struct calls_row *caller = row_of(calls, edge->caller);
	const struct calls_row *callee = row_of(calls, edge->callee);
	struct calls_figure figure = scaled(callee, value);

	if (is_least(caller) || caller->is_scaled ||
	    (callee->is_scaled && !is_of_steps(caller, callee, edge)))
		return (struct calls_figure){.value = value, .is_least = true};
	figure.is_least |= callee->is_cut || callee->left || callee->ended || callee->sum.open ||
			   callee->withheld;
	return figure;
}

struct calls_figure calls_edge_calls(const struct calls *calls, const struct profile_edge *edge)
{
	const struct calls_row *callee = row_of(calls, edge->callee);
	struct calls_figure figure = edge_figure(calls, edge, (double)edge->calls);

	if (figure.is_estimate)
		figure.margin = figure.value * callee->calls.margin / callee->calls.value;
	return figure;
}

struct calls_figure calls_edge_total(const struct calls *calls, const struct profile_edge *edge)
{
	double seen_ns = (double)edge->sum_ns;

	if (is_vague(row_of(calls, edge->callee)) || row_of(calls, edge->callee)->tail_calls)
		return (struct calls_figure){.value = seen_ns, .is_least = true};
	return edge_figure(calls, edge, seen_ns);
}

struct calls_figure calls_per_call(const struct calls *calls, const struct profile_edge *edge)
{
	const struct calls_row *row = row_of(calls, edge->caller);
	const struct calls_figure *caller = &row->calls;
	struct calls_figure ratio = calls_edge_calls(calls, edge);

	if (is_least(row) || row->is_scaled || caller->value <= 0)
		return (struct calls_figure){.value = NAN};
	ratio.value /= caller->value;
	ratio.margin /= caller->value;
	return ratio;
}
