/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_growth_write: the verdict on growth, as text and JSON; see memory_growth.h. */
#include "reports/memory_growth.h"

#include "reports/amount.h"
#include "reports/memory_path.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

#define CALLERS 3 /* shown of a site that grows */

static const char *bytes_text(double bytes, char *text, size_t size)
{
	return amount_format(bytes, "bytes", text, size);
}

const char *const memory_verdicts[] = {
	[MEMORY_CANNOT_TELL] = "cannot tell",
	[MEMORY_GROWS] = "grows",
	[MEMORY_DOES_NOT_GROW] = "does not grow",
};

/* Writes through which callers most of what a site has live came, where there are several. */
static void write_callers(const struct report *report, const struct memory_path_index *index,
			  size_t site, FILE *stream)
{
	struct memory_paths paths;
	struct obstack text;
	char bytes[32];

	obstack_init(&text);
	memory_paths_measure(&paths, index, site, MEMORY_LIVE, true, 1);
	for (size_t i = 0; paths.count > 1 && i < paths.count && i < CALLERS; i++) {
		const struct memory_path *path = &paths.rows[i];

		if (path->caller_count)
			fprintf(stream, "    %s live through %s, line %u\n",
				bytes_text((double)path->amounts[MEMORY_LIVE], bytes,
					   sizeof(bytes)),
				text_plain(&text,
					   report->symbols.symbols[path->callers[0].symbol].label,
					   100),
				path->callers[0].line);
	}
	memory_paths_done(&paths);
	obstack_free(&text, NULL);
}

static void write_growth_sites(const struct report *report, const struct memory *memory,
			       const struct memory_growth *growth, uint32_t limit, FILE *stream)
{
	struct memory_path_index *index = memory_path_index_new(memory, report->profile);
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
		write_callers(report, index, i, stream);
	}
	if (shown > limit)
		fprintf(stream, "  … and %u more\n", shown - limit);
	if (unclear)
		fprintf(stream, "  of %u call sites nobody can tell\n", unclear);
	memory_path_index_free(index);
	obstack_free(&text, NULL);
}

static const char *signed_text(double bytes, char *text, size_t size)
{
	char amount[32];

	snprintf(text, size, "%s%s", bytes < 0 ? "-" : "",
		 bytes_text(fabs(bytes), amount, sizeof(amount)));
	return text;
}

/* The interval is of the growth that most parts have; what single ones had besides is no growth
 * that goes on. */
static void say_interval(const struct memory_trend *trend, FILE *stream)
{
	char low[40], high[40];
	bool is_within = trend->growth >= trend->low && trend->growth <= trend->high;

	if (isfinite(trend->low) && isfinite(trend->high))
		fprintf(stream, " (%s%s … %s at 95 %%)", is_within ? "" : "without single leaps ",
			signed_text(trend->low, low, sizeof(low)),
			signed_text(trend->high, high, sizeof(high)));
}

void memory_growth_say(const struct memory_growth *growth, FILE *stream)
{
	const struct memory_trend *all = &growth->all;
	char bytes[40], level[40];

	fputs(memory_verdicts[all->verdict], stream);
	if (!growth->parts) {
		fputs(": too few looks at what is live", stream);
		return;
	}
	fprintf(stream, ": %s%s in %.1f s between the first third and the last tenth",
		all->growth < 0 ? "" : "+", signed_text(all->growth, bytes, sizeof(bytes)),
		growth->seconds);
	say_interval(all, stream);
	fprintf(stream, ", of %s", bytes_text(all->level, level, sizeof(level)));
	if (growth->has_processes)
		fputs("; what processes left when they ended is in it", stream);
	if (growth->lacks_looks)
		fputs("; judged by time, since there were too few looks for parts of steps",
		      stream);
	if (growth->lacks_steps)
		fputs("; judged by time, since steps are known of a piece of it only", stream);
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
