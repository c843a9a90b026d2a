/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * completion: the last commits of a recording, which leave a valid file also on a full disk.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/profile/profile_file.h"

#include <stdbool.h>

struct completion {
	struct profile *profile;
	struct profile_file *file;
	bool left_running; /* the target was left before its end by a second interrupt */
	struct error *cut; /* why the recording ended early, "" when it did not; set when the disk
			      turns out to be full only now */
};

/* Gives up what could not be written since the last commit, and counts it as lost. */
void completion_recover(const struct completion *completion);

/*
 * Says in meta row "state" how the recording ended, "complete" or "stopped: " and why, and writes
 * the profile. Where the disk is too full for that, half of the samples make way, and then the
 * names.
 */
void completion_write(const struct completion *completion);
