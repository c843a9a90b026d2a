/* SPDX-License-Identifier: GPL-3.0-or-later */
/* completion: see completion.h. */
#include "collector/completion.h"

#include <stdio.h>
#include <string.h>

static void describe_state(const struct completion *completion)
{
	char state[sizeof(completion->cut->text) + 16] = "complete";

	if (completion->cut->text[0])
		snprintf(state, sizeof(state), "stopped: %s", completion->cut->text);
	else if (completion->left_running)
		strcpy(state, "stopped: interrupted twice");
	profile_set_text(completion->profile, "state", state);
}

static void add_lost(struct profile *profile, uint64_t samples)
{
	int64_t before = profile_number(profile, "lost.write_failed", 0);

	profile_set_number(profile, "lost.write_failed", before + (int64_t)samples);
}

void completion_recover(const struct completion *completion)
{
	add_lost(completion->profile, profile_file_recover(completion->file));
}

void completion_write(const struct completion *completion)
{
	struct profile_file *file = completion->file;
	struct error failure;

	describe_state(completion);
	if (!profile_file_commit(file, completion->profile, &failure))
		return;
	if (!completion->cut->text[0])
		*completion->cut = failure;
	completion_recover(completion);
	add_lost(completion->profile, profile_file_make_room(file));
	describe_state(completion);
	if (!profile_file_commit(file, completion->profile, &failure))
		return;
	profile_file_recover(file);
	profile_set_text(completion->profile, "names", "missing");
	profile_file_commit_meta(file, completion->profile, &failure);
}
