/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim_scaling: how the time of a step and the memory of an agent grow with the number of agents.
 *
 * Worlds of 1,000 to 100,000 agents of one density (40 cells an agent, 100,000 on 2,000 x 2,000),
 * networks shared by the agents of a type and trained, no more births than deaths. They take turns:
 * in each round every world takes two steps, and the CPU time of the second, when its data are in
 * the cache again, is measured. The exponent is the slope of log(median time) over log(agents) by
 * least squares, with the standard error of that slope.
 *
 * Memory is what is in use (mallinfo2) when a world has taken its steps, less what it was before
 * the world was made. A first line is all of it, with the observations: what the agents keep, and
 * the states they decided and learn by, in the replay memories too. The bytes an agent are the
 * slope of the rest over the agents, by least squares.
 *
 *     sim_scaling [ROUNDS [STEPS]]      7 rounds after 6 steps
 *
 * Prints "exponent E standard-error S", then "bytes B", then a line for each world: agents, ns an
 * agent and step, bytes an agent in all.
 */
#include "sim/environment.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint32_t sizes[] = {1000, 3162, 10000, 31623, 100000};
enum {
	COUNT = sizeof(sizes) / sizeof(sizes[0]),
	ROUNDS_MAXIMUM = 100
};

struct world {
	struct environment environment;
	double before; /* bytes in use */
	double bytes;
	double ns[ROUNDS_MAXIMUM];
};

static double bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();
	return (double)info.uordblks + (double)info.hblkhd;
}

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

static void step(struct world *world)
{
	struct error error;
	if (environment_step(&world->environment, &error) < 0)
		exit(EXIT_FAILURE);
}

static void make(struct world *world, uint32_t agents)
{
	struct parameters parameters;
	struct error error;
	parameters_default(&parameters, agents);
	parameters.width = parameters.height = (uint32_t)lround(sqrt(40.0 * agents));
	parameters.maximum_population = agents;
	world->before = bytes_in_use();
	if (environment_init(&world->environment, &parameters, NULL, &error) < 0) {
		fprintf(stderr, "sim_scaling: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
}

/* What observations take: of the agents, of their decisions, of what is learnt from. */
static double observation_bytes(const struct environment *environment)
{
	double kept = environment->agent_count + environment->spare_count;
	double tensors = environment->state_capacity + TURNS_BLOCK + TURNS_CHUNK + 2.0;
	for (int type = 0; type < TYPE_COUNT; type++)
		tensors += 2.0 * (double)environment->decisions[type].replay.capacity;
	return kept * (double)environment->storage.bytes +
	       tensors * (double)OBSERVATION_LENGTH * sizeof(float);
}

/* Slope of y over x by least squares, and its standard error. */
static double slope(const double *x, const double *y, double *error)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0, rest = 0;
	for (int i = 0; i < COUNT; i++) {
		mean_x += x[i] / COUNT;
		mean_y += y[i] / COUNT;
	}
	for (int i = 0; i < COUNT; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	for (int i = 0; i < COUNT; i++) {
		double off = y[i] - mean_y - xy / xx * (x[i] - mean_x);
		rest += off * off;
	}
	*error = sqrt(rest / (COUNT - 2) / xx);
	return xy / xx;
}

static void measure(struct world *worlds, int rounds, int steps)
{
	for (int i = 0; i < COUNT; i++) {
		make(&worlds[i], sizes[i]);
		for (int j = 0; j < steps; j++)
			step(&worlds[i]);
		worlds[i].bytes = bytes_in_use() - worlds[i].before;
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < COUNT; i++) {
			step(&worlds[i]);
			double before = cpu_ns();
			step(&worlds[i]);
			worlds[i].ns[round] = cpu_ns() - before;
		}
	for (int i = 0; i < COUNT; i++)
		qsort(worlds[i].ns, (size_t)rounds, sizeof(double), compare);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7, steps = argc > 2 ? atoi(argv[2]) : 6;
	double agents[COUNT], logs[COUNT], times[COUNT], rest[COUNT], error;
	struct world *worlds = calloc(COUNT, sizeof(*worlds));
	if (!worlds || rounds < 1 || rounds > ROUNDS_MAXIMUM || steps < 1)
		return EXIT_FAILURE;
	measure(worlds, rounds, steps);
	for (int i = 0; i < COUNT; i++) {
		agents[i] = sizes[i];
		logs[i] = log(sizes[i]);
		times[i] = log(worlds[i].ns[rounds / 2]);
		rest[i] = worlds[i].bytes - observation_bytes(&worlds[i].environment);
	}
	double exponent = slope(logs, times, &error);
	printf("exponent %.3f standard-error %.3f\n", exponent, error);
	printf("bytes %.0f\n", slope(agents, rest, &error));
	for (int i = 0; i < COUNT; i++)
		printf("%u %.0f %.0f living %u\n", sizes[i],
		       worlds[i].ns[rounds / 2] / worlds[i].environment.living,
		       worlds[i].bytes / sizes[i], worlds[i].environment.living);
	for (int i = 0; i < COUNT; i++)
		environment_done(&worlds[i].environment);
	free(worlds);
	return EXIT_SUCCESS;
}
