/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_threads: what several threads gain where they share the work: looking and deciding.
 *
 * Two worlds of the same seed, one with one thread and one with several, take their steps in turn;
 * measured is the time of workers_run() by the clock, of each in its own steps, and the median of
 * the ratios of pairs is printed. States are compared after every step.
 *
 *     sim_threads [THREADS [AGENTS [STEPS]]]
 */
#include "sim/environment.h"
#include "sim/state_hash.h"

#include <stdio.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* Takes a step; returns the seconds of its parallel loops. */
static double step(struct environment *environment)
{
	struct error error;
	double before = environment->workers.seconds;
	if (environment_step(environment, &error) < 0)
		exit(EXIT_FAILURE);
	return environment->workers.seconds - before;
}

int main(int argc, char **argv)
{
	uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 2;
	uint32_t agents = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000;
	int steps = argc > 3 ? atoi(argv[3]) : 60, differ = 0;
	static struct environment one, several;
	struct parameters parameters;
	struct error error;
	parameters_default(&parameters, agents);
	parameters.width = parameters.height = 220;
	double *ratios = calloc((size_t)steps, sizeof(*ratios));
	if (!ratios || environment_init(&one, &parameters, NULL, &error) < 0)
		return EXIT_FAILURE;
	parameters.threads = threads;
	if (environment_init(&several, &parameters, NULL, &error) < 0)
		return EXIT_FAILURE;
	for (int i = 0; i < steps; i++) {
		double alone = step(&one);
		ratios[i] = alone / step(&several);
		differ += state_hash(&one) != state_hash(&several);
	}
	qsort(ratios, (size_t)steps, sizeof(*ratios), compare);
	printf("%.2f %s\n", ratios[steps / 2], differ ? "states differ" : "same hash");
	environment_done(&one);
	environment_done(&several);
	free(ratios);
	return differ ? EXIT_FAILURE : EXIT_SUCCESS;
}
