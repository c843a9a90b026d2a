/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measured_steps: see measured_steps.h. */
#include "reports/measured_steps.h"

#include "collector/base/xalloc.h"

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
		if (profile->probes[i].mode != PROFILE_PROBE_STEP || !profile->probes[i].is_partial)
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
