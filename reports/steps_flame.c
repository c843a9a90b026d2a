/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps_flame: see steps_flame.h. */
#include "reports/steps_flame.h"

#include "collector/base/xalloc.h"

#include <math.h>

/* One side: how its steps are dealt out. */
struct side {
	uint32_t steps, groups, first; /* the number of the first group is that of a thread */
};

/* Deals the steps out one by one; returns the group of each, by step, 0: of none. */
static uint32_t *deal(const struct steps *steps, struct side *typical, struct side *slow)
{
	uint32_t *group_of = xcalloc(steps->count, sizeof(*group_of));
	uint32_t next[2] = {0};

	typical->groups = typical->steps < STEPS_FLAME_GROUPS ? typical->steps : STEPS_FLAME_GROUPS;
	slow->groups = slow->steps < STEPS_FLAME_GROUPS ? slow->steps : STEPS_FLAME_GROUPS;
	typical->first = 1;
	slow->first = 1 + typical->groups;
	for (uint32_t i = steps->warm_up; i < steps->count; i++) {
		const struct side *side = steps->is_compared[i] ? slow : typical;

		if (steps->is_apart[i])
			continue;
		group_of[i] = side->first + next[steps->is_compared[i]]++ % side->groups;
	}
	return group_of;
}

bool steps_flame_prepare(struct flame_change *change, struct report *report,
			 const struct steps *steps, const struct steps_contrast *contrast)
{
	struct profile *profile = report->profile;
	struct side typical = {.steps = contrast->typical_steps};
	struct side slow = {.steps = contrast->slow_steps};
	uint32_t *group_of;
	size_t kept = 0;

	if (!typical.steps || !slow.steps || !contrast->count)
		return false;
	group_of = deal(steps, &typical, &slow);
	for (size_t i = 0; i < profile->samples_count; i++) {
		struct profile_sample sample = profile->samples[i];
		uint32_t step = contrast->step_of_sample[i];
		uint32_t group = step == STEPS_OUTSIDE ? 0 : group_of[step];
		uint32_t side_steps = group < slow.first ? typical.steps : slow.steps;

		if (!group)
			continue;
		/* Per step of all groups of the side, so that these add up to what a step costs. */
		sample.value = llround((double)call_tree_value(profile, &sample) *
				       (double)profile->metrics[sample.metric].period / side_steps);
		sample.thread = group;
		sample.metric = report->metric;
		profile->samples[kept++] = sample;
	}
	free(group_of);
	profile->samples_count = kept;
	profile->metrics[report->metric].period = 1;
	while (profile->threads_count <= typical.groups + slow.groups)
		profile_thread_add(profile, 0, 0, "");
	*change = (struct flame_change){.profile = profile,
					.base_runs = typical.groups,
					.fresh_runs = slow.groups,
					.per = "step",
					.period = 1};
	report->period = 1;
	return true;
}

void steps_flame_write(const struct report *report, const struct flame_change *change,
		       const struct steps_contrast *contrast, FILE *stream)
{
	const char *program = report_program(report);
	char *title =
		xasprintf("%s · %s per step: %u typical steps (base) against %u slow ones (new)",
			  *program ? program : "profile", report->metric_name,
			  contrast->typical_steps, contrast->slow_steps);

	flame_write(report, &(struct flame_options){.title = title, .change = change}, stream);
	free(title);
}
