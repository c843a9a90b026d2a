/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls: see calls.h. */
#include "reports/calls.h"

#include "collector/base/xalloc.h"
#include "reports/calls_name.h"

#include <inttypes.h>
#include <math.h>

static void add_thread(struct profile_timing *sum, const struct profile_timing *thread)
{
	if (thread->returns && (!sum->returns || thread->min_ns < sum->min_ns))
		sum->min_ns = thread->min_ns;
	if (thread->max_ns > sum->max_ns)
		sum->max_ns = thread->max_ns;
	sum->calls += thread->calls;
	sum->step_calls += thread->step_calls;
	sum->returns += thread->returns;
	sum->sum_ns += thread->sum_ns;
	sum->outer_ns += thread->outer_ns;
	sum->self_ns += thread->self_ns;
	sum->open += thread->open;
	sum->deep += thread->deep;
	sum->subtracted_ns += thread->subtracted_ns;
	sum->thrown += thread->thrown;
}

static uint32_t symbol_of(const struct profile *profile, uint32_t frame)
{
	return symbol_at(profile, frame, symbol_depth(profile, frame) - 1).symbol;
}

static uint64_t cost_ns(const struct profile *profile, const struct calls_row *row)
{
	const struct profile_probe *probe = &profile->probes[row->probe];
	uint64_t timed = row->sum.returns + row->sum.open + row->left + row->ended;

	if (timed > row->sum.calls)
		timed = row->sum.calls;
	return timed * probe->time_ns + (row->sum.calls - timed) * probe->count_ns;
}

uint64_t calls_tail_calls(const struct profile *profile, uint32_t probe)
{
	char key[64];

	snprintf(key, sizeof(key), "tail_calls.%u", probe);
	return (uint64_t)profile_number(profile, key, 0);
}

bool calls_durations_are_least(const struct calls_row *row)
{
	return row->tail_calls;
}

const char *calls_inlined(const struct profile *profile, uint32_t probe)
{
	char key[64];

	snprintf(key, sizeof(key), "inlined.%u", probe);
	return profile_text(profile, key, NULL);
}

bool calls_is_timed(const struct report *report, const struct calls_row *row)
{
	return report->profile->probes[row->probe].mode != PROFILE_PROBE_COUNT || row->sum.returns;
}

static void finish_row(const struct report *report, struct calls_row *row)
{
	const struct profile_probe *probe = &report->profile->probes[row->probe];
	const struct profile_timing *sum = &row->sum;
	uint64_t known = sum->returns + sum->open + sum->deep;
	char key[64];

	snprintf(key, sizeof(key), "withheld.%u", row->probe);
	row->withheld = (uint64_t)profile_number(report->profile, key, 0);
	snprintf(key, sizeof(key), "ended.%u", row->probe);
	row->ended = (uint64_t)profile_number(report->profile, key, 0);
	known += row->withheld + row->ended;
	row->tail_calls = calls_tail_calls(report->profile, row->probe);
	row->inlined = calls_inlined(report->profile, row->probe);
	snprintf(key, sizeof(key), "late.%u", row->probe);
	row->is_late = profile_number(report->profile, key, 0);

	row->is_cut = probe->mode == PROFILE_PROBE_STEP && probe->is_partial;
	/* A function that was timed at first and not later does not tell which were left. */
	if (probe->mode != PROFILE_PROBE_COUNT && !row->is_cut && sum->calls > known)
		row->left = sum->calls - known;
}

static int compare_rows(const void *left, const void *right)
{
	const struct calls_row *a = left, *b = right;

	if (a->total_ns.value != b->total_ns.value)
		return a->total_ns.value < b->total_ns.value ? 1 : -1;
	if (a->calls.value != b->calls.value)
		return a->calls.value < b->calls.value ? 1 : -1;
	return a->probe < b->probe ? -1 : a->probe > b->probe;
}

void calls_measure(struct calls *calls, const struct report *report)
{
	const struct profile *profile = report->profile;

	*calls = (struct calls){
		.rows = xcalloc(profile->probes_count, sizeof(*calls->rows)),
		.count = (uint32_t)profile->probes_count,
		.row_of_probe = xcalloc(profile->probes_count, sizeof(*calls->row_of_probe)),
		.step_count =
			profile->steps_count + (uint64_t)profile_number(profile, "lost.steps", 0),
	};
	for (uint32_t i = 0; i < calls->count; i++)
		calls->rows[i] = (struct calls_row){
			.probe = i, .symbol = symbol_of(profile, profile->probes[i].frame)};
	for (uint32_t i = 0; i < calls->count; i++)
		calls->lacks_steps |= profile->probes[i].mode == PROFILE_PROBE_STEP &&
				      profile->probes[i].is_partial;
	for (size_t i = 0; i < profile->timings_count; i++) {
		struct calls_row *row = &calls->rows[profile->timings[i].probe];

		if (!row->thread_count++)
			row->threads = &profile->timings[i];
		add_thread(&row->sum, &profile->timings[i]);
	}
	for (size_t i = 0; i < profile->timing_buckets_count; i++) {
		struct calls_row *row = &calls->rows[profile->timing_buckets[i].probe];

		if (!row->bucket_count++)
			row->buckets = &profile->timing_buckets[i];
	}
	for (uint32_t i = 0; i < calls->count; i++) {
		finish_row(report, &calls->rows[i]);
		calls->added_ns += cost_ns(profile, &calls->rows[i]);
		calls->row_of_probe[calls->rows[i].probe] = i;
	}
	calls_estimate(calls, report);
	calls_name_rows(calls, report);
	qsort(calls->rows, calls->count, sizeof(*calls->rows), compare_rows);
	for (uint32_t i = 0; i < calls->count; i++)
		calls->row_of_probe[calls->rows[i].probe] = i;
}

void calls_done(struct calls *calls)
{
	for (uint32_t i = 0; i < calls->count; i++)
		free(calls->rows[i].name);
	free(calls->rows);
	free(calls->row_of_probe);
}

double calls_percentile(const struct calls_row *row, double share)
{
	uint64_t total = 0, below = 0;
	double wanted, middle_ns = 0;

	for (uint32_t i = 0; i < row->bucket_count; i++)
		total += row->buckets[i].count;
	wanted = share * (double)total;
	for (uint32_t i = 0; i < row->bucket_count; i++) {
		uint32_t bucket = row->buckets[i].bucket;
		uint64_t start_ns = profile_bucket_start(bucket);
		uint64_t end_ns = profile_bucket_end(bucket);

		below += row->buckets[i].count;
		if (end_ns > row->sum.max_ns)
			end_ns = row->sum.max_ns;
		if (start_ns < row->sum.min_ns)
			start_ns = row->sum.min_ns;
		middle_ns =
			((double)start_ns + (double)(end_ns > start_ns ? end_ns : start_ns)) / 2;
		if ((double)below >= wanted && below)
			break;
	}
	return middle_ns;
}

double calls_per_step(const struct calls *calls, const struct calls_row *row)
{
	/* An estimate is of the whole recording. */
	if (row->calls.is_least || (row->calls.is_estimate && calls->lacks_steps))
		return NAN;
	return calls->step_count ? row->step_calls.value / (double)calls->step_count : 0;
}

const char *calls_restriction(const struct report *report, const struct calls_row *row, char *text,
			      size_t bytes)
{
	const char *note = report->profile->probes[row->probe].note;
	FILE *stream = fmemopen(text, bytes, "w");

	*text = '\0';
	if (!stream)
		return text;
	if (note)
		fprintf(stream, "%s; ", note);
	if (row->inlined)
		fprintf(stream, "also inlined at %s: what is executed there is not counted; ",
			row->inlined);
	if (row->sum.open && !report->profile->probes[row->probe].is_partial)
		fprintf(stream, "%" PRIu64 " still open at the end, not timed; ", row->sum.open);
	if (row->ended)
		fprintf(stream,
			"%" PRIu64 " left as their thread ended (pthread_exit, cancellation), "
			"not timed; ",
			row->ended);
	if (row->tail_calls)
		fprintf(stream, CALLS_TAIL_CALLS "; ", row->tail_calls);
	if (row->sum.thrown)
		fprintf(stream, "%" PRIu64 " left by an exception, timed until it was caught; ",
			row->sum.thrown);
	if (row->left)
		fprintf(stream, "%" PRIu64 " left without a return (longjmp), not timed; ",
			row->left);
	if (row->sum.subtracted_ns > row->sum.sum_ns && row->sum.returns)
		fprintf(stream,
			"more was taken off its durations for probes than is left: those are no "
			"more than an order of magnitude; ");
	if (row->withheld)
		fprintf(stream,
			"%" PRIu64 " not timed, in programs where exceptions may pass or which had "
			"not been looked at yet: a probe at the return could be fatal; ",
			row->withheld);
	if (row->sum.deep)
		fprintf(stream, "%" PRIu64 " more than 64 timed calls deep, not timed; ",
			row->sum.deep);
	fclose(stream);
	text[bytes - 1] = '\0';
	if (strlen(text) >= 2)
		text[strlen(text) - 2] = '\0';
	return text;
}
