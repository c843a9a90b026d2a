/* SPDX-License-Identifier: GPL-3.0-or-later */
/* step_functions: see step_functions.h. */
#include "reports/step_functions.h"

#include "collector/base/xalloc.h"
#include "reports/calls.h"

#include <inttypes.h>

enum {
	MOST_NAMED = 8
};

static const struct symbol *symbol_of(const struct report *report, const struct profile_probe *row)
{
	return &report->symbols.symbols[symbol_owner(report->profile, row->frame)];
}

/* Returns the source file of a function, or the program or library that it is in. */
static const char *file_of(const struct report *report, const struct symbol *symbol)
{
	const char *path = symbol->file ? report->profile->files[symbol->file]
					: report->profile->modules[symbol->module].path;

	return symbol_base_name(path);
}

/* Returns how many steps each probe has; owned by the caller. */
static uint64_t *count_steps(const struct profile *profile)
{
	uint64_t *counts = xcalloc(profile->probes_count + 1, sizeof(*counts));

	for (size_t i = 0; i < profile->steps_count; i++)
		if (profile->steps[i].probe < profile->probes_count)
			counts[profile->steps[i].probe]++;
	return counts;
}

static bool is_step(const struct profile *profile, size_t probe)
{
	return profile->probes[probe].mode == PROFILE_PROBE_STEP;
}

/* Writes the names of step functions; returns how many there are. */
static size_t name_all(const struct report *report, const uint64_t *counts, struct obstack *text)
{
	const struct profile *profile = report->profile;
	size_t named = 0;

	for (size_t i = 0; i < profile->probes_count; i++) {
		const struct symbol *symbol;

		if (!is_step(profile, i) || named++ >= MOST_NAMED)
			continue;
		symbol = symbol_of(report, &profile->probes[i]);
		obstack_printf(text, "%s%s of %s (%" PRIu64 ")", named > 1 ? ", " : "",
			       symbol->label, file_of(report, symbol), counts[i]);
	}
	if (named > MOST_NAMED)
		obstack_printf(text, " and %zu more", named - MOST_NAMED);
	return named;
}

static void say_text(struct obstack *text, void (*say)(void *context, const char *sentence),
		     void *context, struct obstack *memory)
{
	obstack_1grow(text, '\0');
	say(context, text_plain(memory, obstack_finish(text), 0));
}

void step_functions_say(const struct report *report,
			void (*say)(void *context, const char *sentence), void *context)
{
	const struct profile *profile = report->profile;
	uint64_t *counts = count_steps(profile);
	struct obstack names, memory;
	const char *list;
	size_t count;

	obstack_init(&names);
	obstack_init(&memory);
	count = name_all(report, counts, &names);
	obstack_1grow(&names, '\0');
	list = obstack_finish(&names);
	if (count > 1) {
		obstack_printf(&names,
			       "%zu functions are steps, all in one series: %s; --step with the "
			       "name of one tells its steps",
			       count, list);
		say_text(&names, say, context, &memory);
	}
	for (size_t i = 0; i < profile->probes_count; i++) {
		const struct profile_probe *row = &profile->probes[i];
		uint64_t tail_calls = calls_tail_calls(profile, (uint32_t)i);
		const char *inlined = calls_inlined(profile, (uint32_t)i);

		if (is_step(profile, i) && tail_calls) {
			obstack_printf(&names, "%s: " CALLS_TAIL_CALLS,
				       symbol_of(report, row)->label, tail_calls);
			say_text(&names, say, context, &memory);
		}
		if (is_step(profile, i) && inlined) {
			obstack_printf(
				&names,
				"%s: also inlined at %s: what is executed there is no step here",
				symbol_of(report, row)->label, inlined);
			say_text(&names, say, context, &memory);
		}
		if (!is_step(profile, i) || !row->is_partial || !row->note)
			continue;
		obstack_printf(&names, "%s: %s", symbol_of(report, row)->label, row->note);
		say_text(&names, say, context, &memory);
	}
	obstack_free(&names, NULL);
	obstack_free(&memory, NULL);
	free(counts);
}

static json_t *clean_json(struct obstack *memory, const char *text)
{
	return json_string(text_clean(memory, text, 0));
}

json_t *step_functions_json(const struct report *report)
{
	const struct profile *profile = report->profile;
	uint64_t *counts = count_steps(profile);
	json_t *functions = json_array();
	struct obstack memory;

	obstack_init(&memory);
	for (size_t i = 0; i < profile->probes_count; i++) {
		const struct profile_probe *row = &profile->probes[i];
		const struct symbol *symbol;

		if (!is_step(profile, i))
			continue;
		symbol = symbol_of(report, row);
		json_array_append_new(
			functions,
			json_pack("{s:o, s:o, s:I, s:I, s:b, s:o}", "function",
				  clean_json(&memory, symbol->label), "file",
				  clean_json(&memory, file_of(report, symbol)), "steps",
				  (json_int_t)counts[i], "tail_calls",
				  (json_int_t)calls_tail_calls(profile, (uint32_t)i), "partial",
				  row->is_partial || calls_inlined(profile, (uint32_t)i), "note",
				  row->note ? clean_json(&memory, row->note) : json_null()));
	}
	obstack_free(&memory, NULL);
	free(counts);
	return functions;
}
