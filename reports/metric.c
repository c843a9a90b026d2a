/* SPDX-License-Identifier: GPL-3.0-or-later */
/* metric: see metric.h. */
#include "reports/metric.h"

#include "collector/base/xalloc.h"
#include "reports/memory.h"
#include "reports/text.h"

#include <errno.h>

/* The metrics in which threads wait. */
static const char *const waits[] = {"off-cpu", "run-queue"};

enum {
	WAITS = sizeof(waits) / sizeof(*waits)
};

static int find(const struct profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->metrics_count; i++)
		if (!strcmp(profile->metrics[i].name, name))
			return (int)i;
	return -1;
}

/* Returns which of the waits a metric is, or -1. */
static int wait_of(const struct profile *profile, uint16_t metric)
{
	for (int i = 0; metric < profile->metrics_count && i < WAITS; i++)
		if (!strcmp(profile->metrics[metric].name, waits[i]))
			return i;
	return -1;
}

static bool has_waits(const struct profile *profile)
{
	return find(profile, waits[0]) >= 0 || find(profile, waits[1]) >= 0;
}

bool metric_is_wait(const struct profile *profile, uint16_t metric)
{
	return wait_of(profile, metric) >= 0;
}

bool metric_is_memory(const struct profile *profile, uint16_t metric)
{
	for (int i = 0; metric < profile->metrics_count && i < MEMORY_AMOUNTS; i++)
		if (!strcmp(profile->metrics[metric].name, memory_metrics[i]))
			return true;
	return false;
}

bool metric_is_operations(const struct profile *profile, uint16_t metric)
{
	static const char *const names[] = {"lock-wait", "await", "io-time", "io-bytes",
					    "sql-time"};

	for (size_t i = 0; metric < profile->metrics_count && i < sizeof(names) / sizeof(*names);
	     i++)
		if (!strcmp(profile->metrics[metric].name, names[i]))
			return true;
	return false;
}

bool metric_is_exact(const struct profile *profile, uint16_t metric)
{
	return wait_of(profile, metric) >= 0 || metric_is_memory(profile, metric) ||
	       metric_is_operations(profile, metric);
}

static bool is_wall(const struct profile *profile, uint16_t metric)
{
	return metric < profile->metrics_count &&
	       !strcmp(profile->metrics[metric].name, METRIC_WALL);
}

bool metric_has_amounts(const struct profile *profile, uint16_t metric)
{
	return metric_is_exact(profile, metric) || is_wall(profile, metric);
}

bool metric_covers(const struct profile *profile, uint16_t metric, uint16_t of_sample)
{
	return metric == of_sample ||
	       (is_wall(profile, metric) && (of_sample == 0 || wait_of(profile, of_sample) >= 0));
}

/* Says whether a metric that a profile has not was counted all the same: it came to nothing. */
static bool was_counted(const struct profile *profile, const char *name)
{
	static const struct {
		const char *metric, *mode;
	} others[] = {{"lock-wait", "locks"},
		      {"await", "locks"},
		      {"io-time", "io"},
		      {"io-bytes", "io"},
		      {"sql-time", "sql"}};

	for (int i = 0; i < MEMORY_AMOUNTS && profile_number(profile, "memory.processes", 0); i++)
		if (!strcmp(name, memory_metrics[i]))
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(name, others[i].metric))
			return profile_number(profile, others[i].mode, 0) == 1;
	return false;
}

static int list(const struct profile *profile, const char *name, struct error *error)
{
	char names[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < profile->metrics_count && used < sizeof(names); i++)
		used += snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
				 profile->metrics[i].name);
	if (has_waits(profile) && used < sizeof(names))
		snprintf(names + used, sizeof(names) - used, ", %s", METRIC_WALL);
	if (was_counted(profile, name))
		return fail(error, -ENOENT,
			    "of '%s' there is nothing: it was counted, and came to 0; the profile "
			    "has %s",
			    name, *names ? names : "none");
	return fail(error, -ENOENT, "the profile has no metric '%s'; it has %s%s", name,
		    *names ? names : "none",
		    has_waits(profile) ? "" : "; collector run --off-cpu records waits, too");
}

static int add_wall(struct profile *profile, struct error *error)
{
	if (!has_waits(profile))
		return list(profile, METRIC_WALL, error);
	if (strcmp(profile->metrics[0].unit, "ns") != 0)
		return fail(error, -EINVAL,
			    "its samples count %s, which cannot be added to times; record it with "
			    "-e cpu-clock",
			    profile->metrics[0].unit);
	return (int)profile_metric_add(profile, METRIC_WALL, "ns", 1);
}

/* The first metric; where it has no samples, but threads waited, the metric of the longer wait. */
static int first_or_wait(const struct profile *profile)
{
	double waited[WAITS] = {0};
	int longer;

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		int wait = wait_of(profile, sample->metric);

		if (sample->metric == 0)
			return 0;
		if (wait >= 0)
			waited[wait] += (double)sample->value;
	}
	longer = waited[1] > waited[0];
	return waited[longer] > 0 ? find(profile, waits[longer]) : 0;
}

void metric_lead(struct profile *profile)
{
	uint64_t *samples = xcalloc(profile->metrics_count, sizeof(*samples));
	struct profile_metric first;
	size_t most = 0;

	for (size_t i = 0; i < profile->samples_count; i++)
		samples[profile->samples[i].metric]++;
	for (size_t i = 1; i < profile->metrics_count; i++) {
		bool is_time = !strcmp(profile->metrics[i].unit, "ns");
		bool most_is = !strcmp(profile->metrics[most].unit, "ns");

		if (is_time == most_is ? samples[i] > samples[most] : is_time)
			most = i;
	}
	free(samples);
	if (!most)
		return;
	first = profile->metrics[0];
	profile->metrics[0] = profile->metrics[most];
	profile->metrics[most] = first;
	for (size_t i = 0; i < profile->samples_count; i++) {
		uint16_t *metric = &profile->samples[i].metric;

		*metric = *metric == most ? 0 : *metric ? *metric : (uint16_t)most;
	}
}

int metric_find(struct profile *profile, const char *name, struct error *error)
{
	int found;

	if (!name)
		return 0;
	if (!strcmp(name, METRIC_WALL_OR_FIRST)) {
		found = add_wall(profile, NULL);
		return found < 0 ? 0 : found;
	}
	if (!strcmp(name, METRIC_FIRST_OR_WAIT))
		return first_or_wait(profile);
	found = find(profile, name);
	if (found < 0 && !strcmp(name, METRIC_WALL))
		return add_wall(profile, error);
	return found < 0 ? list(profile, name, error) : found;
}

/* Returns a frame that says how a thread waited. */
static uint32_t note_frame(struct profile *profile, const char *name)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_NOTE, "[note]", NULL);
	struct profile_line line = {0};
	uint32_t frame;
	char text[32];

	snprintf(text, sizeof(text), "[%s]", name);
	line.function = profile_function(profile, text, NULL, module, 0, 0, true);
	/* Frames of a loaded profile are not interned: this is a new one. */
	frame = profile_frame(profile, module, UINT64_MAX - profile->frames_count);
	profile_frame_set_lines(profile, frame, &line, 1);
	return frame;
}

/* Returns @stack with @frame on top; @known remembers what was made. */
static uint32_t on_top(struct profile *profile, uint32_t stack, uint32_t frame, uint32_t *known)
{
	if (!known[stack])
		known[stack] = profile_stack(profile, stack, frame);
	return known[stack];
}

static uint64_t product(uint64_t value, uint64_t factor)
{
	uint64_t result;

	return __builtin_mul_overflow(value, factor, &result) ? UINT64_MAX : result;
}

void metric_merge(struct profile *profile, uint16_t metric)
{
	uint32_t *known[WAITS], frames[WAITS];

	if (!is_wall(profile, metric))
		return;
	for (int i = 0; i < WAITS; i++) {
		known[i] = xcalloc(profile->stacks_count, sizeof(**known));
		frames[i] = note_frame(profile, waits[i]);
	}
	for (size_t i = 0; i < profile->samples_count; i++) {
		struct profile_sample *sample = &profile->samples[i];
		int wait = wait_of(profile, sample->metric);

		if (!metric_covers(profile, metric, sample->metric))
			continue;
		if (wait >= 0)
			sample->stack = on_top(profile, sample->stack, frames[wait], known[wait]);
		sample->value = product(sample->value, profile->metrics[sample->metric].period);
		sample->metric = metric;
	}
	for (int i = 0; i < WAITS; i++)
		free(known[i]);
}
