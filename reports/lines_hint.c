/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines_hint: see lines_hint.h. */
#include "reports/lines_hint.h"

#include "collector/base/xalloc.h"
#include "reports/disassembly.h"

#include <stdarg.h>

static const double half = 0.5;

__attribute__((format(printf, 3, 4))) static void add(struct lines_hints *hints, uint32_t row,
						      const char *format, ...)
{
	struct lines_hint hint = {.row = row};
	va_list arguments;

	va_start(arguments, format);
	hint.text = xvasprintf(format, arguments);
	va_end(arguments);
	xgrow(hints->rows, hints->count, hints->capacity);
	hints->rows[hints->count++] = hint;
}

/* ---- divisions ------------------------------------------------------------------------------ */

/* Samples of each of the hottest lines at divisions and behind them, and the division of most. */
struct divided {
	uint32_t samples;
	uint32_t most;
	char text[64];
};

/* Adds those of one function to the lines that its code belongs to. */
static void count_divisions(struct divided *divided, const struct lines *lines, uint32_t limit,
			    const struct disassembly *disassembly)
{
	for (size_t i = 0; i < disassembly->count; i++) {
		const struct instruction *row = &disassembly->rows[i];
		const struct instruction *division = row->is_division ? row
						     : i && disassembly->rows[i - 1].is_division
							     ? row - 1
							     : NULL;

		for (uint32_t k = 0; k < limit && row->samples && division; k++) {
			if (lines->rows[k].symbol != row->symbol ||
			    lines->rows[k].line != row->line)
				continue;
			divided[k].samples += row->samples;
			if (row->samples < divided[k].most)
				continue;
			divided[k].most = row->samples;
			snprintf(divided[k].text, sizeof(divided[k].text), "%s, 0x%lx",
				 division->text, division->address);
		}
	}
}

/* Marks the functions whose code the hottest lines are, inlined ones by what they are inlined into.
 */
static bool *find_owners(const struct report *report, const struct lines *lines, uint32_t limit)
{
	const struct profile *profile = report->profile;
	bool *owners = xcalloc(report->symbols.count, sizeof(*owners));

	for (uint32_t i = 1; i < profile->frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		const struct profile_line *line = &profile->lines[frame->first_line];

		for (uint32_t k = 0; k < limit && frame->line_count; k++)
			if (line->function == lines->rows[k].symbol &&
			    line->line == lines->rows[k].line)
				owners[line[frame->line_count - 1].function] = true;
	}
	return owners;
}

static void find_divisions(struct lines_hints *hints, const struct report *report,
			   const struct lines *lines, uint32_t limit)
{
	struct divided divided[LINES_HINTED] = {0};
	bool *owners = find_owners(report, lines, limit);

	for (uint32_t symbol = 1; symbol < report->profile->functions_count; symbol++) {
		struct disassembly disassembly;

		if (!owners[symbol] || disassembly_read(&disassembly, report, symbol, NULL))
			continue;
		count_divisions(divided, lines, limit, &disassembly);
		disassembly_done(&disassembly);
	}
	free(owners);
	for (uint32_t i = 0; i < limit; i++)
		if (divided[i].samples >= LINES_EVIDENCE &&
		    divided[i].samples >= half * lines->rows[i].self_samples)
			add(hints, i,
			    "%u of its %u samples stand at a division or right behind one, most at "
			    "%s",
			    divided[i].samples, lines->rows[i].self_samples, divided[i].text);
}

/* ---- allocations ---------------------------------------------------------------------------- */

/* Calls of a function, 0 where nobody counted them. */
static uint64_t calls_of(const struct profile *profile, uint32_t symbol)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < profile->hit_functions_count; i++)
		if (symbol_owner(profile, profile->hit_functions[i].frame) == symbol)
			calls += profile->hit_functions[i].calls;
	for (size_t i = 0; i < profile->probes_count && !calls; i++) {
		if (symbol_owner(profile, profile->probes[i].frame) != symbol)
			continue;
		for (size_t k = 0; k < profile->timings_count; k++)
			if (profile->timings[k].probe == i)
				calls += profile->timings[k].calls;
	}
	return calls;
}

static void find_allocations(struct lines_hints *hints, const struct report *report,
			     const struct lines *lines, uint32_t index)
{
	const struct line_row *row = &lines->rows[index];
	uint64_t calls = row->allocations ? calls_of(report->profile, row->symbol) : 0;

	if (!calls)
		return;
	if (lines_know_hits(row) && row->hits >= 2 * calls && 2 * row->allocations >= row->hits)
		add(hints, index,
		    "allocates in a loop: executed %.1f times for each of %lu calls of its "
		    "function, %.2f allocations of %.0f bytes each time",
		    (double)row->hits / (double)calls, calls,
		    (double)row->allocations / (double)row->hits,
		    (double)row->allocated / (double)row->allocations);
	else if (row->own_allocations >= 2 * calls)
		add(hints, index,
		    "allocates in a loop: %lu allocations of its own in %lu calls of its function",
		    row->own_allocations, calls);
}

void lines_hints_find(struct lines_hints *hints, const struct report *report,
		      const struct lines *lines)
{
	uint32_t limit = lines->count < LINES_HINTED ? lines->count : LINES_HINTED;

	*hints = (struct lines_hints){0};
	while (limit && lines->rows[limit - 1].self_samples < LINES_EVIDENCE)
		limit--;
	find_divisions(hints, report, lines, limit);
	for (uint32_t i = 0; i < lines->count; i++)
		find_allocations(hints, report, lines, i);
}

void lines_hints_done(struct lines_hints *hints)
{
	for (size_t i = 0; i < hints->count; i++)
		free(hints->rows[i].text);
	free(hints->rows);
	*hints = (struct lines_hints){0};
}
