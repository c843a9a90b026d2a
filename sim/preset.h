/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * preset: named worlds, as the original has them.
 *
 * A preset is a row: its name, what it is, and the settings in which it differs from the defaults.
 */
#pragma once

#include "sim/options.h"

struct preset {
	const char *name;
	const char *summary;
	const char *settings; /* "name=value name=value" */
};

/* All presets; @count receives how many. */
const struct preset *preset_all(size_t *count);

/* Applies a preset's settings. Returns 0, or -EINVAL with a sentence that lists the names. */
int preset_apply(const char *name, struct options *options, struct error *error);
