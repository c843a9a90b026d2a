/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_note: see timing_note.h. */
#include "collector/timing_note.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BEGINNING "to keep the budget " /* of each sentence */

static void write_sentence(const struct timing_budget_fate *fate, bool is_step, double since_s,
			   char *sentence, size_t bytes)
{
	if (is_step)
		snprintf(sentence, bytes,
			 BEGINNING "%s %.2f s%s, and what estimates are per step%s does not hold; "
				   "--budget none has all, a function of longer steps costs less",
			 fate->sampled_ns ? "its probe was taken off at" : "only counted from",
			 since_s,
			 fate->sampled_ns ? ": later steps are missing"
					  : " on: of later steps no more than the number is known",
			 fate->sampled_ns ? " and per call of it" : "");
	else if (!fate->sampled_ns)
		snprintf(sentence, bytes, BEGINNING "only counted from %.2f s on", since_s);
	else if (fate->calls > 0)
		snprintf(sentence, bytes,
			 BEGINNING "counted in %u windows of %s from %.2f s on: its calls are an "
				   "estimate%s",
			 fate->windows, fate->by_steps ? "whole steps" : "time", since_s,
			 fate->by_steps ? ", without those outside of steps" : "");
	else
		snprintf(sentence, bytes,
			 BEGINNING "its probe was taken off at %.2f s: what follows is missing%s",
			 since_s,
			 fate->is_too_fast ? ", since calls come too fast for windows to tell"
			 : fate->windows   ? ", since too few windows show how much that is"
					   : "");
}

/* Returns how many bytes of a note are not of the budget. */
static size_t length_before(const char *note)
{
	const char *budget = note ? strstr(note, BEGINNING) : NULL;

	if (!note)
		return 0;
	return budget ? (size_t)(budget - note) : strlen(note);
}

void timing_note_budget(struct profile *profile, uint32_t probe,
			const struct timing_budget_fate *fate, uint64_t start_ns)
{
	struct profile_probe *row = &profile->probes[probe];
	bool is_step = row->mode == PROFILE_PROBE_STEP;
	/* Steps end with the first of the two. */
	bool is_counted_first = fate->only_counted_ns && (is_step || !fate->sampled_ns);
	uint64_t since_ns = is_counted_first ? fate->only_counted_ns : fate->sampled_ns;
	size_t before = length_before(row->note);
	char sentence[300], note[800];

	if (!since_ns)
		return;
	if (!is_step)
		row->mode = PROFILE_PROBE_COUNT;
	row->estimated_calls = fate->calls > 0 ? (uint64_t)llround(fate->calls) : 0;
	row->calls_margin = (uint64_t)llround(fate->margin);
	if (fate->sampled_ns || is_step)
		row->is_partial = true;
	write_sentence(fate, is_step, (double)(since_ns - start_ns) / 1e9, sentence,
		       sizeof(sentence));
	snprintf(note, sizeof(note), "%.*s%s%s", (int)before, before ? row->note : "",
		 before && row->note[before - 1] != ' ' ? "; " : "", sentence);
	profile_probe_set_note(profile, probe, note);
}

static void set_number(struct profile *profile, const char *what, uint32_t function,
		       uint64_t number)
{
	char key[64];

	if (!number)
		return;
	snprintf(key, sizeof(key), "%s.%u", what, function);
	profile_set_number(profile, key, (int64_t)number);
}

void timing_note_endings(const struct uprobe *uprobe, uint32_t function, struct profile *profile)
{
	uint64_t tail_calls = 0, ended = 0;

	for (size_t slot = 0; slot < uprobe_slots(uprobe); slot++) {
		const struct uprobe_cell *cell = uprobe_slot_cell(uprobe, slot, function);

		tail_calls += cell->tail_calls;
		ended += cell->ended;
	}
	set_number(profile, "tail_calls", function, tail_calls);
	set_number(profile, "ended", function, ended);
}
