/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The presets, one row each. */
#include "sim/preset.h"

#include "sim/allocate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct preset presets[] = {
	{"default", "100 x 100, 30 agents", ""},
	{"development", "50 x 50, 30 agents, 200 steps, at most 50 agents",
	 "width=50 height=50 agents=30 resources=20 steps=200 max-population=50"},
	{"testing", "25 x 25, 6 agents, seed 42", "width=25 height=25 agents=6 seed=42"},
	{"production", "200 x 200, 75 agents", "width=200 height=200 agents=75"},
	{"benchmark", "75 x 75, 45 agents", "width=75 height=75 agents=45"},
	{"simulation", "100 x 100, 60 agents", "width=100 height=100 agents=60"},
	{"research", "150 x 150, 30 System, 20 Independent, 25 Control agents",
	 "width=150 height=150 system-agents=30 independent-agents=20 control-agents=25"},
	{"seed", "the original as it ran: its rules in effect, its network and storage",
	 "agents=30 resources=20 max-population=3000 initial-resources=1 debt=on "
	 "max-movement=1 max-gather=10 min-share=2 max-share=2 attack-damage=2 "
	 "attack-health-exponent=2 "
	 "defense-factor=0 defense-turns=2 combat-kills=off reproduction-minimum=13 "
	 "type-parameters=off genome=off "
	 "reward-attack=0 reward-reproduce=0 "
	 "discount=0.99 memory=10000 train-every=4 epsilon-start=0 epsilon-minimum=0 "
	 "target-rate=1 "
	 "network=seed sharing=agent index=kdtree observation=sparse buffers=fresh"},
};

const struct preset *preset_all(size_t *count)
{
	*count = sizeof(presets) / sizeof(presets[0]);
	return presets;
}

static int apply_settings(const struct preset *preset, struct options *options, struct error *error)
{
	char place[64], *position = NULL;
	char *settings = strdup(preset->settings);
	int failed = 0;
	snprintf(place, sizeof(place), "preset %s: ", preset->name);
	for (char *name = strtok_r(settings, " ", &position); name && !failed;
	     name = strtok_r(NULL, " ", &position)) {
		char *value = strchr(name, '=');
		*value++ = '\0';
		failed = options_set(options, SOURCE_PRESET, NULL, name, value, place, error);
	}
	free(settings);
	return failed;
}

int preset_apply(const char *name, struct options *options, struct error *error)
{
	char names[256] = "";
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, name) == 0)
			return apply_settings(&presets[i], options, error);
		size_t length = strlen(names);
		snprintf(&names[length], sizeof(names) - length, "%s%s", i > 0 ? ", " : "",
			 presets[i].name);
	}
	return fail(error, -EINVAL, "there is no preset '%s'; take one of %s", name, names);
}
