/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measured_steps: see measured_steps.h. */
#include "reports/measured_steps.h"

#include "collector/base/xalloc.h"
#include "reports/calls.h"

#define MOST_OPEN 8 /* calls of a step function, when its marks end */

/* Returns how many steps could not be told, because no probe was allowed to wait for their ends. */
static uint64_t withheld(const struct profile *profile, size_t probe)
{
	char key[40];

	snprintf(key, sizeof(key), "withheld.%zu", probe);
	return (uint64_t)profile_number(profile, key, 0);
}

void measured_steps_begin(struct measured_steps *steps, const struct report *report,
			  const struct call_tree *tree, const uint32_t *same)
{
	const struct profile *profile = report->profile;

	*steps = (struct measured_steps){.profile = profile, .tree = tree};
	if (!profile->steps_count)
		return;
	steps->first_ns = profile->steps[0].start_ns;
	steps->last_ns = profile->steps[profile->steps_count - 1].end_ns;
	steps->thread = profile->steps[0].thread;
	steps->is_step = xcalloc(report->symbols.count, sizeof(*steps->is_step));
	for (size_t i = 0; i < profile->probes_count; i++) {
		if (profile->probes[i].mode != PROFILE_PROBE_STEP ||
		    (!profile->probes[i].is_partial && !withheld(profile, i)))
			continue;
		steps->lacks_steps = true;
		steps->is_stepping = true; /* after the last mark comes a step */
		steps->is_step[same[symbol_owner(profile, profile->probes[i].frame)]] = true;
	}
}

void measured_steps_done(struct measured_steps *steps)
{
	free(steps->is_step);
}

bool measured_steps_are_inlined(const struct profile *profile)
{
	for (uint32_t i = 0; i < profile->probes_count; i++)
		if (profile->probes[i].mode == PROFILE_PROBE_STEP && calls_inlined(profile, i))
			return true;
	return false;
}

bool measured_steps_lack(const struct profile *profile)
{
	for (size_t i = 0; i < profile->probes_count; i++)
		if (profile->probes[i].mode == PROFILE_PROBE_STEP &&
		    (profile->probes[i].is_partial || withheld(profile, i)))
			return true;
	return false;
}

/* Whether each call of a step function was a step, as far as they were marked or would have been;
 * a recursive one has more calls. Some are open when marks end. */
static bool is_step_a_call(const struct profile *profile, uint32_t probe, uint64_t *marks)
{
	uint64_t calls = 0;

	*marks = withheld(profile, probe);
	for (size_t i = 0; i < profile->steps_count; i++)
		*marks += profile->steps[i].probe == probe;
	for (size_t i = 0; i < profile->timings_count; i++)
		if (profile->timings[i].probe == probe)
			calls += profile->timings[i].step_calls;
	return calls <= *marks + *marks / 100 + MOST_OPEN;
}

double measured_steps_counted(const struct profile *profile)
{
	double steps = 0;

	for (uint32_t i = 0; i < profile->probes_count; i++) {
		const struct profile_probe *probe = &profile->probes[i];
		uint64_t marks;
		bool is_a_call;

		if (probe->mode != PROFILE_PROBE_STEP)
			continue;
		is_a_call = is_step_a_call(profile, i, &marks);
		if (probe->is_partial && (!probe->estimated_calls || !is_a_call))
			return 0;
		steps += probe->is_partial ? (double)probe->estimated_calls : (double)marks;
	}
	return steps;
}

/* Whether a moment lies in a marked step. Those of a process do not overlap, and ends rise. */
static bool is_marked(const struct profile *profile, uint64_t time_ns)
{
	size_t low = 0, high = profile->steps_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (profile->steps[middle].end_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < profile->steps_count && profile->steps[low].start_ns <= time_ns;
}

static bool is_on_stack(const struct measured_steps *steps, uint32_t leaf)
{
	for (uint32_t node = leaf; node; node = steps->tree->nodes[node].parent)
		if (steps->is_step[steps->tree->nodes[node].symbol])
			return true;
	return false;
}

bool measured_steps_have(struct measured_steps *steps, size_t sample)
{
	const struct profile_sample *at = &steps->profile->samples[sample];
	uint32_t leaf = steps->tree->leaf_of_sample[sample];
	bool is_in;

	if (!steps->profile->steps_count)
		return true;
	if (!steps->lacks_steps || at->time_ns <= steps->last_ns) {
		is_in = is_marked(steps->profile, at->time_ns);
	} else {
		if (at->thread == steps->thread && leaf != CALL_TREE_OTHER)
			steps->is_stepping = is_on_stack(steps, leaf);
		is_in = steps->is_stepping;
	}
	if (is_in && at->time_ns > steps->seen_ns)
		steps->seen_ns = at->time_ns;
	return is_in;
}
