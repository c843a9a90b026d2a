/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trust: see trust.h. */
#include "reports/trust.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/memory.h"
#include "reports/metric.h"
#include "reports/operations.h"
#include "reports/tick_amounts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* From here on the data does not carry the report. */
static const uint64_t few_samples = 100;
static const double much_lost = 0.01;
static const double little_complete = 0.95;
static const double much_unnamed = 0.20;
static const double little_unsampled = 0.02; /* the last tick of every thread */
static const double much_unsampled = 0.10;
static const double much_cost = 0.05;
static const double much_overhead = 0.10;
static const double slow_sampling = 0.80; /* of the frequency asked for */
static const double little_scaled = 0.005;
static const double short_sampling = 0.95; /* wants a reason */
static const double fast_sampling = 1.10;

__attribute__((format(printf, 3, 4))) static void add(struct trust *trust, bool bad,
						      const char *format, ...)
{
	struct trust_item *item = &trust->items[trust->count];
	va_list arguments;

	if (trust->count == TRUST_ITEMS)
		return;
	trust->count++;
	item->bad = bad;
	trust->bad |= bad;
	va_start(arguments, format);
	vsnprintf(item->text, sizeof(item->text), format, arguments);
	va_end(arguments);
}

static double share(double part, double all)
{
	return all > 0 ? part / all : 0;
}

static const char *percent(double part, char *text, size_t bytes)
{
	char number[24];

	snprintf(text, bytes, "%s %%", amount_brief(100 * part, number, sizeof(number)));
	return text;
}

/* Returns the innermost function of @sample, or NULL when it has no name. */
static const struct profile_function *leaf_function(const struct profile *profile,
						    const struct profile_sample *sample)
{
	const struct profile_frame *frame = &profile->frames[profile->stacks[sample->stack].frame];
	const struct profile_function *function;

	if (!frame->line_count)
		return NULL;
	function = &profile->functions[profile->lines[frame->first_line].function];
	return function->named ? function : NULL;
}

static void count_samples(struct trust *trust, const struct profile *profile, uint16_t metric)
{
	double *self = xcalloc(profile->functions_count + 1, sizeof(*self));

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		double amount = (double)sample->value * profile->metrics[sample->metric].period;
		bool is_complete = profile_endings[sample->ending].complete;
		const struct profile_function *leaf = leaf_function(profile, sample);

		if (!metric_covers(profile, metric, sample->metric))
			continue;
		trust->samples++;
		trust->sampled += !metric_is_exact(profile, sample->metric);
		trust->endings[sample->ending]++;
		trust->complete += is_complete;
		trust->unnamed += !leaf;
		trust->amount += amount;
		trust->amount_of_ending[sample->ending] += amount;
		trust->amount_complete += is_complete ? amount : 0;
		trust->amount_unnamed += leaf ? 0 : amount;
		if (!is_complete || !leaf)
			trust->amount_unplaced += amount;
		else
			self[leaf - profile->functions] += amount;
	}
	for (size_t i = 0; i < profile->functions_count; i++)
		trust->amount_heaviest = fmax(trust->amount_heaviest, self[i]);
	free(self);
}

static void add_state(struct trust *trust, const struct profile *profile)
{
	const char *state = profile_text(profile, "state", NULL);

	if (!state)
		add(trust, true, "the profile does not say whether its recording ended");
	else if (!strncmp(state, "stopped: ", 9))
		add(trust, true, "incomplete recording: %s", state + 9);
	else if (strcmp(state, "complete") != 0)
		add(trust, true, "incomplete recording");
	if (!strcmp(profile_text(profile, "names", ""), "missing"))
		add(trust, true, "there was no room for the names of functions");
}

/* Nothing is wrong with what was recorded, but it is not all that the target did. */
static void add_still_running(struct trust *trust, const struct profile *profile)
{
	int64_t count = profile_number(profile, "still_running", 0);

	if (count > 0)
		add(trust, false, "%" PRId64 " process%s still ran when the recording ended", count,
		    count == 1 ? "" : "es");
}

static void add_memory(struct trust *trust, const struct profile *profile)
{
	int64_t rate = profile_number(profile, "memory.rate", 0);

	if (profile_number(profile, "memory.attached", 0))
		add(trust, false,
		    "allocations were sampled by probes on a running program: collector memory "
		    "says how well");
	else if (rate)
		add(trust, false,
		    "one allocation in about %" PRId64 " bytes was sampled: amounts are estimates, "
		    "bytes to ± 1.96 √(%" PRId64 " × bytes) at 95 %%",
		    rate, rate);
	else
		add(trust, false, "%s allocation was counted",
		    memory_has_gaps(profile) ? "not every" : "every");
	for (int i = 0; i < MEMORY_REMARKS; i++) {
		const struct memory_remark *remark = &memory_remarks[i];
		int64_t number = profile_number(profile, remark->key, 0);

		if (number > 0)
			add(trust, remark->is_bad, "%s: %" PRId64, remark->says, number);
	}
}

static void add_operations(struct trust *trust, const struct profile *profile)
{
	add(trust, false, "%s call was counted",
	    operations_have_gaps(profile) ? "not every" : "every");
	for (int i = 0; i < OPERATIONS_REMARKS; i++) {
		const struct operations_remark *remark = &operations_remarks[i];
		int64_t number = profile_number(profile, remark->key, 0);

		if (number > 0)
			add(trust, remark->is_bad, "%s: %" PRId64, remark->says, number);
	}
}

/* Waits are summed up, not sampled; their stacks are copied now and then. */
static void add_waits(struct trust *trust, const struct profile *profile)
{
	int64_t switches = profile_number(profile, "off_cpu.switches", 0);
	int64_t stacks = profile_number(profile, "off_cpu.stacks", 0);
	int64_t lost_stacks = profile_number(profile, "off_cpu.lost_stacks", 0);
	int64_t lost_threads = profile_number(profile, "off_cpu.lost_threads", 0);
	int64_t lost_places = profile_number(profile, "off_cpu.lost_places", 0);

	add(trust, false, "waiting times are exact");
	add(trust, false, "%" PRId64 " stack%s copied at %" PRId64 " switch%s", stacks,
	    stacks == 1 ? "" : "s", switches, switches == 1 ? "" : "es");
	if (lost_stacks > 0)
		add(trust, false, "%" PRId64 " stacks lost because the ring was full", lost_stacks);
	if (lost_threads > 0)
		add(trust, true, "the table of threads was full: waits of some are missing");
	if (lost_places > 0)
		add(trust, false,
		    "%" PRId64 " waits without a stack because the table of places was full",
		    lost_places);
}

/*
 * @threads  that there were: each begins a period of its own, and its last one stays without sample
 * @is_tick  a thread's turn on a shared processor begins anywhere and ends at a tick
 */
static void add_rate(struct trust *trust, double cpu_s, int64_t asked, uint32_t threads,
		     bool is_tick)
{
	double achieved = trust->sampled / cpu_s, due = asked * cpu_s;
	bool is_off = (trust->sampled >= few_samples || due >= few_samples) &&
		      (achieved < slow_sampling * asked || achieved > fast_sampling * asked);
	bool is_brief = !is_tick && due >= few_samples && achieved < short_sampling * asked &&
			due - trust->sampled <= threads;

	add(trust, is_off, "%.0f Hz of CPU time (%" PRId64 " asked%s", achieved, asked,
	    is_off && is_tick ? "): turns on shared processors end with the tick"
	    : is_brief	      ? "): every process and thread begins a period of its own, so "
				"that those which end within it have no sample; a higher -F has "
				"more of them"
			      : ")");
}

/* The tick's samples were given the time that the kernel counted. */
static void add_scale(struct trust *trust, const struct profile *profile, double cpu_s,
		      int64_t asked)
{
	double change = cpu_s * (double)asked / (double)trust->sampled - 1;
	char text[32];

	if (!tick_amounts_are_scaled(profile) || fabs(change) < little_scaled)
		return;
	add(trust, false, "amounts scaled by %c%s to the CPU time that the kernel counted%s",
	    change < 0 ? '-' : '+', percent(fabs(change), text, sizeof(text)),
	    profile->thread_times_count ? " for each thread" : "");
}

static void add_samples(struct trust *trust, const struct profile *profile)
{
	const char *engine = profile_text(profile, "engine", NULL);
	const char *note = profile_text(profile, "engine_note", "");
	int64_t asked = profile_number(profile, "frequency_hz", 0);
	int64_t cpu_ns = profile_number(profile, "target_cpu_ns", 0) -
			 profile_number(profile, "unsampled_cpu_ns", 0); /* that is told apart */

	if (engine)
		add(trust, false, *note ? "%s (%s)" : "%s", engine, note);
	else if (*note)
		add(trust, false, "%s", note);
	/* What is exact beside them carries the shares too. */
	add(trust, trust->samples < few_samples && trust->samples == trust->sampled,
	    "%" PRIu64 " sample%s%s", trust->sampled, trust->sampled == 1 ? "" : "s",
	    trust->samples && trust->samples < few_samples && trust->samples == trust->sampled
		    ? ": too few to tell shares"
		    : "");
	if (asked > 0 && cpu_ns > 0 && trust->sampled) {
		add_rate(trust, cpu_ns / 1e9, asked, profile->threads_count,
			 engine && !strcmp(engine, "tick"));
		add_scale(trust, profile, cpu_ns / 1e9, asked);
	} else if (asked > 0)
		add(trust, false, "%" PRId64 " Hz asked", asked);
}

/* The kernel stops an event that comes more often than it allows, until its next tick. */
static void add_throttles(struct trust *trust, const struct profile *profile)
{
	int64_t count = profile_number(profile, "throttles", 0);

	if (count > 0)
		add(trust, false,
		    "the kernel stopped sampling for a moment %" PRId64
		    " time%s (kernel.perf_event_max_sample_rate is %" PRId64
		    "): what ran then has too few samples",
		    count, count == 1 ? "" : "s", profile_number(profile, "most_hz", 0));
}

/* What the scheduler booked more than threads ran, where switches were timed: a turn is booked from
 * the wake-up on. */
static double overbooked_ns(const struct profile *profile)
{
	double sum = 0;

	for (size_t i = 0; i < profile->thread_times_count; i++)
		sum += (double)profile->thread_times[i].booked_ns -
		       (double)profile->thread_times[i].cpu_ns;
	return fmax(sum, 0);
}

/* CPU time that the sampler could not see: programs and threads out of its reach. */
static void add_unsampled(struct trust *trust, const struct profile *profile)
{
	int64_t unsampled_ns = profile_number(profile, "unsampled_cpu_ns", 0);
	int64_t target_ns = profile_number(profile, "target_cpu_ns", 0);
	double booked_ns = fmin(overbooked_ns(profile), (double)unsampled_ns);
	double part = share((double)unsampled_ns - booked_ns, (double)target_ns);
	double early = share(booked_ns, (double)target_ns);
	char text[32];

	if (early > little_unsampled)
		add(trust, false, "%s of the CPU time was booked before threads ran",
		    percent(early, text, sizeof(text)));

	if (part > little_unsampled)
		add(trust, part > much_unsampled, "%s of the CPU time was not sampled",
		    percent(part, text, sizeof(text)));
}

/* What @key ("lost.write_failed") says for people; what we do not know is named by its key. */
static const char *loss_reason(const char *key)
{
	static const char *const reasons[][2] = {
		{"ring_full", "the ring was full"},
		{"busy", "the thread was writing another record"},
		{"side_ring_full", "the ring of mappings was full"},
		{"unreadable", "the record was unreadable"},
		{"write_failed", "they could not be written"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (!strcmp(key + 5, reasons[i][0]))
			return reasons[i][1];
	return key + 5;
}

static uint64_t add_up_to_limit(uint64_t sum, int64_t number)
{
	return sum > INT64_MAX - (uint64_t)number ? INT64_MAX : sum + number;
}

static void add_lost(struct trust *trust, const struct profile *profile)
{
	bool ended = !strcmp(profile_text(profile, "state", ""), "complete");
	char reasons[480] = "", text[32];
	size_t used = 0;
	bool any = false;

	for (size_t i = 0; i < profile->meta_count; i++) {
		const struct profile_meta *row = &profile->meta[i];

		if (strncmp(row->key, "lost.", 5) || row->text)
			continue;
		any = true;
		if (row->number <= 0)
			continue;
		trust->lost = add_up_to_limit(trust->lost, row->number);
		if (used < sizeof(reasons))
			used += snprintf(reasons + used, sizeof(reasons) - used, "%s%s %" PRId64,
					 used ? ", " : ": ", loss_reason(row->key), row->number);
	}
	/* A recording that broke off did not come to count what it lost. */
	if (!trust->lost && ended)
		add(trust, false, any ? "0 lost" : "no loss recorded");
	else if (trust->lost)
		add(trust, share(trust->lost, trust->samples + trust->lost) > much_lost,
		    "%" PRIu64 " lost (%s%s)", trust->lost,
		    percent(share(trust->lost, trust->samples + trust->lost), text, sizeof(text)),
		    reasons);
}

/* What of deep stacks did not come with the sample was read later, or is cut. */
static void add_rests(struct trust *trust, const struct profile *profile)
{
	int64_t limited = profile_number(profile, "stack_rest.limited", 0);
	int64_t ring_full = profile_number(profile, "stack_rest.ring_full", 0);
	const char *refused = profile_text(profile, "stack_rest.refused", NULL);

	if (limited > 0 || ring_full > 0)
		add(trust, false,
		    "the rest of deep stacks was left out %" PRId64
		    " times to keep its cost low, and %" PRId64 " times because its ring was full",
		    limited, ring_full);
	if (refused && trust->endings[PROFILE_ENDING_TRUNCATED])
		add(trust, false, "the rest of deep stacks was not copied with the sample: %s",
		    refused);
}

static uint64_t count_of_metric(const struct profile *profile, size_t metric)
{
	uint64_t count = 0;

	for (size_t i = 0; i < profile->samples_count; i++)
		count += profile->samples[i].metric == metric;
	return count;
}

/* A line may be one frame, one sample, or of no use: it is no measure of what was lost. */
static void add_import(struct trust *trust, const struct profile *profile, uint16_t metric)
{
	int64_t lines = profile_number(profile, "import.lines", 0);
	int64_t skipped = profile_number(profile, "import.skipped", 0);

	if (skipped > 0)
		add(trust, (double)skipped > much_lost * lines,
		    "%" PRId64 " of %" PRId64 " lines %s not understood", skipped, lines,
		    skipped == 1 ? "was" : "were");
	for (size_t i = 0; trust->imported && i < profile->metrics_count; i++)
		if (i != metric)
			add(trust, false, "not shown: %" PRIu64 " samples of %s",
			    count_of_metric(profile, i), profile->metrics[i].name);
}

/* Shares close to 100 % must not be rounded up to it. */
static double percent_down(double part)
{
	return floor(1000.0 * part) / 10;
}

static void add_stacks(struct trust *trust)
{
	double complete = share(trust->amount_complete, trust->amount);
	double unnamed = share(trust->amount_unnamed, trust->amount);
	char text[32];

	if (!trust->samples)
		return;
	if (trust->imported)
		add(trust, false, "completeness of stacks not known (imported)");
	else
		add(trust, complete < little_complete, "%.1f %% complete stacks",
		    percent_down(complete));
	for (int i = 0; i < PROFILE_ENDINGS; i++) {
		if (!trust->endings[i] || i == PROFILE_ENDING_COMPLETE)
			continue;
		add(trust, false, "%s: %s (%" PRIu64 ")",
		    percent(share(trust->amount_of_ending[i], trust->amount), text, sizeof(text)),
		    profile_endings[i].says, trust->endings[i]);
	}
	add(trust, unnamed > much_unnamed, "%s without symbol",
	    percent(unnamed, text, sizeof(text)));
}

/* Why it is not known what handlers interrupted. */
static void add_interruptions(struct trust *trust, const struct profile *profile)
{
	int64_t missed = profile_number(profile, "interruptions.missed", 0);

	if (profile_text(profile, "interruptions.refusal", NULL))
		add(trust, false,
		    "what handlers interrupt is told to root only (or with CAP_PERFMON and "
		    "tracefs)");
	if (profile_number(profile, "interruptions.too_many", 0))
		add(trust, false, "signals came too often to be told what they interrupt");
	if (missed > 0)
		add(trust, false, "%" PRId64 " interruptions were missed because the ring was full",
		    missed);
}

/*
 * The gaps together, against the picture: what is lost, cut or unnamed could be one function, and
 * when it outweighs the heaviest one that is known, nobody knows which comes first.
 */
static void add_gaps(struct trust *trust)
{
	double lost = share(trust->lost, trust->samples + trust->lost);
	double gaps = lost + (1 - lost) * share(trust->amount_unplaced, trust->amount);
	double heaviest = (1 - lost) * share(trust->amount_heaviest, trust->amount);
	char gaps_text[32], heaviest_text[32];

	if (trust->samples && gaps > heaviest)
		add(trust, true,
		    "lost, cut or without symbol: %s together, more than the heaviest function's "
		    "%s",
		    percent(gaps, gaps_text, sizeof(gaps_text)),
		    percent(heaviest, heaviest_text, sizeof(heaviest_text)));
}

/* What the samples took of the target's CPU time, where that was measured. */
static void add_cost(struct trust *trust, const struct profile *profile)
{
	int64_t cost_ns = profile_number(profile, "sample_cost_ns", 0);
	int64_t target_ns = profile_number(profile, "target_cpu_ns", 0);
	double part = target_ns > 0 ? (double)cost_ns * trust->samples / target_ns : 0;
	char text[32];

	if (cost_ns > 0 && target_ns > 0)
		add(trust, part > much_cost, "sampling took at least %s of the CPU time",
		    percent(part, text, sizeof(text)));
}

/* Frames of a file that could not be used, or was another one by then, have no names. */
static void add_files(struct trust *trust, const struct profile *profile)
{
	int64_t count = profile_number(profile, "file_problems", 0);
	const char *problem = profile_text(profile, "file_problem", "");

	if (count > 0)
		add(trust, false, "%" PRId64 " file%s without rules and names: %s", count,
		    count == 1 ? "" : "s", problem);
	count = profile_number(profile, "split_problems", 0);
	if (count > 0)
		add(trust, false,
		    "inlined calls are missing in %" PRId64
		    " file%s without their split debug information: %s",
		    count, count == 1 ? "" : "s", profile_text(profile, "split_problem", ""));
	count = profile_number(profile, "foreign_problems", 0);
	if (count > 0)
		add(trust, false, "the debug file%s of %" PRId64 " file%s %s not used: %s",
		    count == 1 ? "" : "s", count, count == 1 ? "" : "s",
		    count == 1 ? "was" : "were", profile_text(profile, "foreign_problem", ""));
	problem = profile_text(profile, "fetch_problem", NULL);
	if (problem)
		add(trust, false, "debug files were not fetched: %s", problem);
}

/* What was not looked up because so many threads would have been held up. */
static void add_series(struct trust *trust, const struct profile *profile)
{
	int64_t threads = profile_number(profile, "series.no_switches", 0);

	if (profile_number(profile, "series.no_cores", 0))
		add(trust, false, "no series of cores: there were too many threads to ask");
	if (threads > 0)
		add(trust, false,
		    "context switches were not looked up while there were more than %" PRId64
		    " threads",
		    threads);
}

/* What the collector itself took. Naming comes after the recording and disturbs nothing that was
 * recorded. */
static void add_overhead(struct trust *trust, const struct profile *profile)
{
	int64_t collector_ns = profile_number(profile, "collector_cpu_ns", -1);
	int64_t naming_ns = profile_number(profile, "naming_cpu_ns", 0);
	int64_t target_ns = profile_number(profile, "target_cpu_ns", 0);
	char text[32], naming[32], after[96] = "";

	if (collector_ns < 0 || target_ns <= 0)
		return;
	if (naming_ns > 0)
		snprintf(after, sizeof(after), ", and %s after the recording to name what was seen",
			 percent((double)naming_ns / target_ns, naming, sizeof(naming)));
	add(trust, (double)collector_ns > much_overhead * target_ns,
	    "collector used %s of the target's CPU time%s",
	    percent((double)collector_ns / target_ns, text, sizeof(text)), after);
}

void trust_measure(struct trust *trust, const struct profile *profile, uint16_t metric)
{
	bool is_exact = metric_is_exact(profile, metric);

	*trust = (struct trust){.imported = profile_meta_find(profile, "import.lines")};
	count_samples(trust, profile, metric);
	add_state(trust, profile);
	if (!is_exact) {
		add_samples(trust, profile);
		add_throttles(trust, profile);
		add_unsampled(trust, profile);
	}
	add_still_running(trust, profile);
	if (profile_number(profile, "attach_outrun", 0))
		add(trust, true,
		    "threads were born faster than they could be watched: some are missing");
	if (!is_exact)
		add_lost(trust, profile);
	add_rests(trust, profile);
	add_import(trust, profile, metric);
	if (metric_is_memory(profile, metric))
		add_memory(trust, profile);
	else if (metric_is_operations(profile, metric))
		add_operations(trust, profile);
	else if (trust->samples > trust->sampled)
		add_waits(trust, profile);
	add_stacks(trust);
	if (trust->endings[PROFILE_ENDING_INTERRUPTED])
		add_interruptions(trust, profile);
	add_gaps(trust);
	add_files(trust, profile);
	if (!is_exact)
		add_cost(trust, profile);
	add_series(trust, profile);
	add_overhead(trust, profile);
}

const char *trust_line(const struct trust *trust, char *line, size_t bytes)
{
	size_t used = 0;

	*line = '\0';
	for (int i = 0; i < trust->count && used < bytes; i++)
		used += snprintf(line + used, bytes - used, "%s%s", i ? " · " : "",
				 trust->items[i].text);
	return line;
}
