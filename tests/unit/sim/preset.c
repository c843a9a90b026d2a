/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Presets, and the order of what overrides what. */
#include "sim/preset.h"

#include <criterion/criterion.h>
#include <string.h>

static struct options options;
static struct error error;

Test(preset, each_can_be_applied_and_fits_together)
{
	size_t count;
	const struct preset *presets = preset_all(&count);
	cr_assert_eq(count, 8);
	for (size_t i = 0; i < count; i++) {
		options_default(&options);
		cr_assert_eq(preset_apply(presets[i].name, &options, &error), 0, "%s", error.text);
		cr_assert_eq(options_complete(&options, &error), 0, "%s", error.text);
		cr_assert_eq(options_check(&options, &error), 0, "%s", error.text);
	}
}

Test(preset, research_has_the_numbers_of_the_original)
{
	options_default(&options);
	preset_apply("research", &options, &error);
	options_complete(&options, &error);
	cr_assert_eq(options.parameters.agents, 75);
	cr_assert_eq(options.parameters.by_type[0], 30);
	cr_assert_eq(options.parameters.by_type[1], 20);
	cr_assert_eq(options.parameters.by_type[2], 25);
	cr_assert_eq(options.parameters.width, 150);
	cr_assert_eq(options.parameters.resources, 50);
}

Test(preset, seed_has_what_the_original_had_in_effect)
{
	options_default(&options);
	cr_assert_eq(preset_apply("seed", &options, &error), 0, "%s", error.text);
	const struct parameters *parameters = &options.parameters;
	/* No exploring; a target that is the network itself; new buffers for each look. */
	cr_assert_eq(parameters->learning.epsilon_start, 0);
	cr_assert_eq(parameters->learning.epsilon_minimum, 0);
	cr_assert_eq(parameters->learning.target_every, 0);
	cr_assert_eq(parameters->learning.target_rate, 1);
	cr_assert_eq(parameters->learning.n_step, 1);
	cr_assert_eq(parameters->learning.train_every, 4);
	cr_assert_eq(parameters->learning.decisions, DECISIONS_SINGLE);
	cr_assert_eq(parameters->learning.sharing, SHARING_AGENT);
	cr_assert_eq(parameters->world.buffers, BUFFERS_FRESH);
	cr_assert_eq(parameters->world.looks, LOOKS_THREE);
	cr_assert_eq(parameters->world.index, SPATIAL_KDTREE);
	cr_assert_eq(parameters->world.index_update, SPATIAL_REBUILD);
	cr_assert_eq(parameters->world.observation, OBSERVATION_SPARSE);
	cr_assert_eq(parameters->world.resource_layer, RESOURCE_LAYER_BILINEAR);
	cr_assert_eq(options.logging.buffer_rows, 1000);
	cr_assert_eq(options.logging.profile, PROFILE_BALANCED);
	cr_assert_not(options.logging.thread);
}

Test(preset, what_came_from_a_higher_source_stays)
{
	options_default(&options);
	cr_assert_eq(options_set(&options, SOURCE_COMMAND_LINE, NULL, "agents", "12", "--", &error),
		     0);
	preset_apply("research", &options, &error);
	options_complete(&options, &error);
	cr_assert_eq(options.parameters.agents, 12);
	cr_assert_eq(options.parameters.by_type[0], 4);
	cr_assert_eq(options.parameters.width, 150);
}

Test(preset, an_unknown_name_is_refused_with_those_there_are)
{
	options_default(&options);
	cr_assert_lt(preset_apply("big", &options, &error), 0);
	cr_assert_not_null(strstr(error.text, "'big'"));
	cr_assert_not_null(strstr(error.text, "research"));
}
