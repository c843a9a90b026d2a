/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines_hits: which function a counted line belongs to; see lines.h. */
#include "reports/lines.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"

struct candidates {
	const struct profile *profile;
	uint32_t counted; /* function */
	uint32_t *symbols;
	size_t count, capacity;
};

static void add_candidate(struct candidates *candidates, uint32_t symbol)
{
	if (symbol >= candidates->profile->functions_count)
		return;
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->symbols[i] == symbol)
			return;
	xgrow(candidates->symbols, candidates->count, candidates->capacity);
	candidates->symbols[candidates->count++] = symbol;
}

/* The counted function and what was inlined into it. */
static void find_candidates(struct candidates *candidates, uint32_t frame)
{
	const struct profile *profile = candidates->profile;

	candidates->counted = symbol_owner(profile, frame);
	candidates->count = 0;
	add_candidate(candidates, candidates->counted);
	for (uint32_t i = 1; i < profile->frames_count; i++) {
		if (symbol_owner(profile, i) != candidates->counted)
			continue;
		for (uint32_t depth = 0; depth + 1 < profile->frames[i].line_count; depth++)
			add_candidate(candidates, symbol_at(profile, i, depth).symbol);
	}
}

static uint32_t choose(const struct candidates *candidates, const struct profile_line_hits *hits)
{
	const struct profile_function *functions = candidates->profile->functions;
	uint32_t best = 0;

	for (size_t i = 0; i < candidates->count; i++) {
		uint32_t symbol = candidates->symbols[i];

		if (functions[symbol].file == hits->file && functions[symbol].line <= hits->line &&
		    (!best || functions[symbol].line > functions[best].line))
			best = symbol;
	}
	return best;
}

uint32_t *lines_of_hits(const struct profile *profile)
{
	uint32_t *symbols = xcalloc(profile->line_hits_count, sizeof(*symbols));
	struct candidates candidates = {.profile = profile};
	uint32_t function = UINT32_MAX;

	for (size_t i = 0; i < profile->line_hits_count; i++) {
		const struct profile_line_hits *hits = &profile->line_hits[i];

		if (hits->function != function) {
			function = hits->function;
			find_candidates(&candidates, profile->hit_functions[function].frame);
		}
		symbols[i] = choose(&candidates, hits);
	}
	free(candidates.symbols);
	return symbols;
}

const char *lines_hit_time(const struct profile *profile, char text[LINES_HIT_TIME])
{
	double cost_ns = (double)profile_number(profile, "hits_cost_ns", -1);
	double cpu_ns = (double)profile_number(profile, "target_cpu_ns", -1);
	char percent[32];
	int length = snprintf(text, LINES_HIT_TIME,
			      "time per hit is that of this recording, with what the probes took");

	if (cost_ns >= 0 && cpu_ns > 0)
		snprintf(text + length, LINES_HIT_TIME - (size_t)length,
			 " (in all about %s %% of the program's CPU time)",
			 amount_brief(100 * cost_ns / cpu_ns, percent, sizeof(percent)));
	else
		snprintf(text + length, LINES_HIT_TIME - (size_t)length,
			 ", which was not measured and may be most of it");
	return text;
}
