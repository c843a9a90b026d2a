/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random worlds, each run three times: as it is, and with other values of the options that promise
 * to change speed and memory only. The traces must be the same.
 */
#include "sim/environment.h"
#include "sim/options.h"
#include "sim/random.h"
#include "sim/state_hash.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	WORLDS = 20,
	DRAWN = 400, /* at most, most of which do not fit together */
	STEPS = 12,
};

/* Values are separated by blanks. */
struct variant {
	const char *option;
	const char *values;
};

static const struct variant worlds[] = {{"algorithm", "dqn ddqn ppo"},
					{"replay", "uniform prioritised"},
					{"n-step", "1 3"},
					{"target-every", "0 2"},
					{"observations", "1 2 3"},
					{"resource-layer", "bilinear memmap"},
					{"sharing", "type agent"},
					{"network", "none small small small"},
					{"curriculum", "on off"},
					{"debt", "on off"},
					{"genome", "on off"},
					{"type-parameters", "on off"},
					{"seed", "1 7 99"},
					{"agents", "1 2 33 60"},
					{"width", "13 30 200"},
					{"height", "20 50"},
					{"radius", "2 6 6 9"},
					{"attack-damage", "2 60"},
					{"memory", "64 200"},
					{"train-every", "1 16"},
					{"reproduction-minimum", "4 8"}};

static const struct variant equivalents[] = {
	{"threads", "1 2 3 5"},
	{"index", "kdtree quadtree hash"},
	{"resource-index", "same kdtree quadtree hash"},
	{"index-update", "rebuild incremental batched"},
	{"index-urgency", "equal danger"},
	{"index-flush", "1 20 50"},
	{"more-indices", "none kdtree quadtree,hash"},
	{"observation", "dense sparse"},
	{"buffers", "preallocated fresh"},
	{"decisions", "single batched"},
	{"database", "none :memory: FILE FILE"},
	{"database-thread", "on off"},
	{"database-buffer", "1 7 1000"},
	{"database-profile", "balanced performance safety memory"}};

static char path[] = "/tmp/simprof-equivalence-XXXXXX";
static char told[2048]; /* what this run was told, for the message */

static void choose(struct options *options, const struct variant *variant, struct random *random)
{
	char values[64], *position = NULL;
	const char *chosen = "";
	struct error error;
	uint32_t seen = 0;
	snprintf(values, sizeof(values), "%s", variant->values);
	for (char *value = strtok_r(values, " ", &position); value;
	     value = strtok_r(NULL, " ", &position))
		if (random_below(random, ++seen) == 0)
			chosen = value;
	chosen = strcmp(chosen, "FILE") == 0 ? path : chosen;
	/* As a preset's: of those nobody minds that some do nothing beside others. */
	cr_assert_eq(
		options_set(options, SOURCE_PRESET, NULL, variant->option, chosen, "--", &error), 0,
		"%s", error.text);
	size_t length = strlen(told);
	snprintf(&told[length], sizeof(told) - length, " --%s %s", variant->option, chosen);
}

/* A hash for each step; 0 for steps that were not taken, because nobody was left. */
static void run(const struct options *options, uint64_t trace[STEPS])
{
	struct environment environment;
	struct database *database = NULL;
	struct error error;
	memset(trace, 0, STEPS * sizeof(*trace));
	if (strcmp(options->database, "none") != 0)
		cr_assert_eq(database_open(options->database, &options->logging, "{}", &database,
					   &error),
			     0, "%s:%s", error.text, told);
	cr_assert_eq(environment_init(&environment, &options->parameters, database, &error), 0,
		     "%s:%s", error.text, told);
	for (int step = 0; step < STEPS && environment.living > 0; step++) {
		cr_assert_eq(environment_step(&environment, &error), 0, "%s:%s", error.text, told);
		trace[step] = state_hash(&environment);
	}
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0, "%s:%s", error.text,
		     told);
	environment_done(&environment);
	database_close(database);
}

/* Returns false for a world whose options do not fit each other. */
static bool world_is_the_same(struct random *random)
{
	static struct options first, other;
	uint64_t expected[STEPS], trace[STEPS];
	struct error error;
	options_default(&first);
	told[0] = '\0';
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		choose(&first, &worlds[i], random);
	if (options_complete(&first, &error) < 0 || options_check(&first, &error) < 0)
		return false;
	const size_t length = strlen(told);
	strcpy(first.database, "none");
	run(&first, expected);
	for (int i = 0; i < 2; i++) {
		other = first;
		told[length] = '\0';
		for (size_t j = 0; j < sizeof(equivalents) / sizeof(equivalents[0]); j++)
			choose(&other, &equivalents[j], random);
		run(&other, trace);
		for (int step = 0; step < STEPS; step++)
			cr_assert_eq(trace[step], expected[step], "step %d differs with%s", step,
				     told);
	}
	return true;
}

Test(equivalence, what_changes_speed_only_changes_no_trace, .timeout = 300)
{
	struct random random;
	int compared = 0;
	int file = mkstemp(path);
	cr_assert(file >= 0);
	close(file);
	random_seed(&random, 3, 1);
	for (int i = 0; i < DRAWN && compared < WORLDS; i++)
		compared += world_is_the_same(&random);
	unlink(path);
	cr_assert_eq(compared, WORLDS);
}
