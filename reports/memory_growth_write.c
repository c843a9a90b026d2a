/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_growth_write: the verdict on growth, as text and JSON; see memory_growth.h. */
#include "reports/memory_growth.h"

#include "reports/amount.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

static const char *bytes_text(double bytes, char *text, size_t size)
{
	return amount_format(bytes, "bytes", text, size);
}

const char *const memory_verdicts[] = {
	[MEMORY_CANNOT_TELL] = "cannot tell",
	[MEMORY_GROWS] = "grows",
	[MEMORY_DOES_NOT_GROW] = "does not grow",
};

static void write_growth_sites(const struct report *report, const struct memory *memory,
			       const struct memory_growth *growth, uint32_t limit, FILE *stream)
{
	uint32_t shown = 0, unclear = 0;
	struct obstack text;
	char bytes[32];

	obstack_init(&text);
	for (size_t i = 0; i < memory->count; i++) {
		const struct memory_site *site = &memory->sites[i];

		unclear += growth->sites[i].verdict == MEMORY_CANNOT_TELL;
		if (growth->sites[i].verdict != MEMORY_GROWS || shown++ >= limit)
			continue;
		fprintf(stream, "  grows by %s: %s, line %u\n",
			bytes_text(growth->sites[i].growth, bytes, sizeof(bytes)),
			text_plain(&text, report->symbols.symbols[site->symbol].label, 100),
			site->line);
	}
	if (shown > limit)
		fprintf(stream, "  … and %u more\n", shown - limit);
	if (unclear)
		fprintf(stream, "  of %u call sites nobody can tell\n", unclear);
	obstack_free(&text, NULL);
}

void memory_growth_say(const struct memory_growth *growth, FILE *stream)
{
	const struct memory_trend *all = &growth->all;
	char bytes[32], level[32], low[32], high[32];

	fputs(memory_verdicts[all->verdict], stream);
	if (!growth->parts)
		fputs(": the recording was too short", stream);
	else if (isfinite(all->low) && isfinite(all->high))
		fprintf(stream,
			": %s%s in %.1f s between the first third and the last tenth "
			"(%s%s … %s%s at 95 %%), of %s",
			all->growth < 0 ? "-" : "+",
			bytes_text(fabs(all->growth), bytes, sizeof(bytes)), growth->seconds,
			all->low < 0 ? "-" : "", bytes_text(fabs(all->low), low, sizeof(low)),
			all->high < 0 ? "-" : "", bytes_text(fabs(all->high), high, sizeof(high)),
			bytes_text(all->level, level, sizeof(level)));
}

void memory_growth_write(const struct report *report, const struct memory *memory, uint32_t limit,
			 FILE *stream)
{
	struct memory_growth growth;

	memory_growth_measure(&growth, memory, report->profile);
	fputs("\nlive memory  ", stream);
	memory_growth_say(&growth, stream);
	fputc('\n', stream);
	if (growth.steps)
		fprintf(stream, "  that is %.1f bytes for each of %" PRIu64 " steps\n",
			growth.all.growth / (double)growth.steps, growth.steps);
	if (growth.parts)
		write_growth_sites(report, memory, &growth, limit, stream);
	memory_growth_done(&growth);
}

json_t *memory_growth_json(const struct memory_growth *growth)
{
	const struct memory_trend *all = &growth->all;
	json_t *json =
		json_pack("{s:s, s:I, s:I, s:f, s:f}", "verdict", memory_verdicts[all->verdict],
			  "parts", (json_int_t)growth->parts, "steps", (json_int_t)growth->steps,
			  "seconds", growth->seconds, "bytes", all->growth);

	if (isfinite(all->low) && isfinite(all->high))
		json_object_set_new(json, "interval", json_pack("[f, f]", all->low, all->high));
	return json;
}
