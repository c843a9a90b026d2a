/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_large: whether a world of many agents goes on steadily, and whether everything happens in it.
 *
 *     sim_large [AGENTS [STEPS [THREADS]]]      100000, 100 and 2
 *
 * 40 cells an agent (100,000 on 2,000 x 2,000), networks shared by the agents of a type, trained
 * and evaluated in batches, no more births than deaths. Who has had nothing for ten turns starves
 * (the original's later rule): by the default rule nobody can before step 134.
 *
 * Prints the CPU time of a turn in the last quarter of the steps as a multiple of that in the
 * second one, medians over steps; the agents at the end; how many categories saw activity, of how
 * many; and the names of those that did not.
 */
#include "sim/environment.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct environment environment;

static double cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void make(uint32_t agents, uint32_t threads)
{
	struct parameters parameters;
	struct error error;
	parameters_default(&parameters, agents);
	parameters.width = parameters.height = (uint32_t)lround(sqrt(40.0 * agents));
	parameters.maximum_population = agents;
	parameters.agent.starvation_threshold = 10;
	parameters.agent.base_consumption *= 2;
	parameters.learning.decisions = DECISIONS_BATCHED;
	parameters.threads = threads;
	if (environment_init(&environment, &parameters, NULL, &error) < 0) {
		fprintf(stderr, "sim_large: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
}

/* Takes the steps; @ns receives the CPU time of a turn in each. */
static void run(double *ns, int steps)
{
	struct error error;
	for (int i = 0; i < steps; i++) {
		double before = cpu_ns();
		uint64_t turns = environment.counters.turns;
		if (environment_step(&environment, &error) < 0)
			exit(EXIT_FAILURE);
		ns[i] = (cpu_ns() - before) / (double)(environment.counters.turns - turns);
	}
}

static void print_activity(void)
{
	const struct counters *counters = &environment.counters;
	const struct {
		const char *name;
		double count;
	} categories[] = {
		{"turns", (double)counters->turns},
		{"observations", (double)counters->observations},
		{"births", (double)counters->births},
		{"starvation", (double)counters->deaths[DEATH_STARVATION]},
		{"combat", (double)counters->deaths[DEATH_COMBAT]},
		{"damage", counters->damage},
		{"gathered", counters->gathered},
		{"shared", counters->shared},
		{"regenerated", counters->regenerated},
		{"fields", environment.fields.present_count},
		{"index", (double)environment.agent_index.rebuilds},
		{"explored", (double)environment.trainer.explored},
		{"exploited", (double)counters->turns - (double)environment.trainer.explored},
		{"trainings", (double)environment.trainer.trainings},
		{"evaluations", (double)environment.observers[0].workspace.forward_passes},
	};
	int active = 0, count = sizeof(categories) / sizeof(categories[0]) + ACTION_COUNT;
	for (int action = 0; action < ACTION_COUNT; action++)
		active += counters->succeeded[action] > 0;
	for (int i = 0; i < count - ACTION_COUNT; i++)
		active += categories[i].count > 0;
	printf(" active %d of %d", active, count);
	for (int action = 0; action < ACTION_COUNT; action++)
		if (counters->succeeded[action] == 0)
			printf(" no-%s", action_names[action]);
	for (int i = 0; i < count - ACTION_COUNT; i++)
		if (!(categories[i].count > 0))
			printf(" no-%s", categories[i].name);
}

int main(int argc, char **argv)
{
	uint32_t agents = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
	int steps = argc > 2 ? atoi(argv[2]) : 100;
	uint32_t threads = argc > 3 ? (uint32_t)atoi(argv[3]) : 2;
	double *ns = calloc((size_t)steps, sizeof(*ns));
	if (!ns || steps < 4)
		return EXIT_FAILURE;
	make(agents, threads);
	run(ns, steps);
	size_t quarter = (size_t)steps / 4;
	printf("steady %.2f agents %u",
	       median(&ns[3 * quarter], quarter) / median(&ns[quarter], quarter),
	       environment.living);
	print_activity();
	putchar('\n');
	environment_done(&environment);
	free(ns);
	return EXIT_SUCCESS;
}
