/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts in lines and in JSON. */
#include "sim/summary.h"

#include "sim/environment.h"

#include <inttypes.h>

static void line(FILE *file, const char *name, uint64_t count)
{
	fprintf(file, "%-28s %12" PRIu64 "\n", name, count);
}

static void print_life(FILE *file, const struct environment *environment)
{
	const struct counters *counters = &environment->counters;
	line(file, "turns", counters->turns);
	line(file, "observations", counters->observations);
	line(file, "births", counters->births);
	line(file, "deaths by starvation", counters->deaths[DEATH_STARVATION]);
	line(file, "deaths by combat", counters->deaths[DEATH_COMBAT]);
	line(file, "alive", environment->living);
	line(file, "attacks", counters->succeeded[ACTION_ATTACK]);
	line(file, "shares", counters->succeeded[ACTION_SHARE]);
	line(file, "gathers", counters->succeeded[ACTION_GATHER]);
	line(file, "reproductions tried", counters->attempted[ACTION_REPRODUCE]);
	line(file, "moves", counters->succeeded[ACTION_MOVE]);
	line(file, "moves refused",
	     counters->attempted[ACTION_MOVE] - counters->succeeded[ACTION_MOVE]);
	line(file, "defends", counters->succeeded[ACTION_DEFEND]);
	line(file, "passes", counters->succeeded[ACTION_PASS]);
}

static void print_machinery(FILE *file, const struct environment *environment)
{
	const struct trainer *trainer = &environment->trainer;
	uint64_t forward_passes = trainer->online.forward_passes + trainer->target.forward_passes;
	for (uint32_t i = 0; i < environment->parameters.threads; i++)
		forward_passes += environment->observers[i].workspace.forward_passes;
	line(file, "agent index rebuilds", environment->agent_index.rebuilds);
	line(file, "resource index rebuilds", environment->resources.index.rebuilds);
	for (uint32_t i = 0; i < environment->indices.count; i++) {
		const struct spatial_named *named = &environment->indices.named[i];
		char name[SPATIAL_NAME_CAPACITY + 16];
		snprintf(name, sizeof(name), "%s rebuilds", named->name);
		if (named->own)
			line(file, name, named->index->rebuilds);
	}
	if (environment->parameters.world.index_update == SPATIAL_BATCHED) {
		line(file, "agent index batches", environment->agent_index.batches);
		line(file, "dirty regions processed", environment->agent_index.batched_regions);
		line(file, "dirty regions preferred", environment->agent_index.preferred_regions);
	}
	line(file, "forward passes", forward_passes);
	line(file, "decisions at random", trainer->explored);
	line(file, "trainings", trainer->trainings);
}

static void print_log(FILE *file, struct database *database)
{
	if (!database)
		return;
	line(file, "transactions", database_flushes(database));
	for (int table = 0; table < TABLE_COUNT; table++) {
		char name[64];
		snprintf(name, sizeof(name), "rows %s", database_table_names[table]);
		line(file, name, database_rows(database, table));
	}
}

void summary_print(FILE *file, const struct environment *environment, const char *status,
		   double seconds)
{
	const struct parameters *parameters = &environment->parameters;
	fprintf(file, "%u agents, %u resources, world %u x %u, seed %" PRIu64 ": %s\n",
		parameters->agents, parameters->resources, parameters->width, parameters->height,
		parameters->seed, status);
	line(file, "steps", environment->step);
	print_life(file, environment);
	print_machinery(file, environment);
	print_log(file, environment->database);
	fprintf(file, "%-28s %12.2f\n", "seconds", seconds);
	fprintf(file, "%-28s %12.1f\n", "steps/s", seconds > 0 ? environment->step / seconds : 0);
}

void summary_json(char *text, size_t capacity, const struct environment *environment)
{
	const struct counters *counters = &environment->counters;
	snprintf(text, capacity,
		 "{\"steps\": %u, \"turns\": %" PRIu64 ", \"births\": %" PRIu64
		 ", \"deaths_by_starvation\": %" PRIu64 ", \"deaths_by_combat\": %" PRIu64
		 ", \"alive\": %u, \"gathered\": %.3f, \"shared\": %.3f, \"damage\": %.3f}",
		 environment->step, counters->turns, counters->births,
		 counters->deaths[DEATH_STARVATION], counters->deaths[DEATH_COMBAT],
		 environment->living, counters->gathered, counters->shared, counters->damage);
}
