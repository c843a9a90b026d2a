/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * measured: one recorded run of a sweep, reduced to costs per step.
 *
 * Where steps were marked, only what happened in steps counts: start-up and end are no part of a
 * cost that is to grow with a size. Without steps the whole run is one. Where the probe that marks
 * them was taken off to keep the budget (measured_steps.h), costs are of all steps, but how many
 * there were has to be known from elsewhere: measured_set_steps. Until then that number is a guess,
 * by which costs of a step are those of the marked ones.
 */
#pragma once

#include "reports/component_map.h"
#include "reports/sweep.h"

#include <uthash.h>

/* Functions across runs: dense ids in the order of first appearance. */
struct measured_name {
	UT_hash_handle hh;
	char *name, *file;
	uint32_t id, line;
	uint8_t component; /* of the map */
	uint8_t bearing;   /* enum component_bearing */
};

struct measured_names {
	struct measured_name *index; /* uthash, by name */
	struct measured_name **rows; /* by id */
	size_t count, capacity;
};

void measured_names_done(struct measured_names *names);

struct measured_function {
	double self_ns, total_ns; /* sampled CPU time per step */
	double borne_ns;	  /* likewise, self and what it bears of others (component_map.h) */
	uint32_t self_samples, total_samples;
	bool is_counted, is_timed, is_whole;		/* is_whole: all calls were seen */
	bool knows_calls;				/* their number: they were, or nearly so */
	double calls;					/* per step; NAN unknown */
	double all_calls;				/* in the run, also outside of steps */
	double timed_calls;				/* those that durations are of */
	double mean_ns, p50_ns, p95_ns, p99_ns, max_ns; /* of a call */
	double time_ns;					/* calls x mean, per step */
};

struct measured {
	double steps; /* 1 when none were marked */
	bool has_steps;
	bool lacks_steps;	/* their number is not known */
	bool is_extended;	/* marks end before they do: the rest is taken to be like them */
	bool has_inlined_steps; /* what is executed in copies of the step function is in none */
	double steps_ns;	/* wall time of all of them */
	uint64_t steps_end_ns;	/* when the last one ended, or was seen last */
	double step_ns;		/* mean wall time of a step; of the run when there are none */
	double step_cpu_ns;	/* sampled CPU time per step */
	double outside_share;	/* of all sampled CPU time: what is in no step */
	double cpu_ns, duration_ns;		/* of the run */
	double waited_cpu_ns;			/* of the program and the children it waited for */
	double probes_ns;			/* what probes cost, estimated; part of cpu_ns */
	double rss_end, rss_peak;		/* bytes; 0 unknown */
	uint32_t samples;			/* in steps */
	double components[COMPONENT_MAP_LIMIT]; /* of samples, shares; [0] is "other" */
	struct measured_function *functions;	/* by id; there may be fewer than names */
	size_t functions_count;
	char *program; /* and the build that it is of, its revision */
	char *machine; /* what decides whether times can be compared */
	char *trust;   /* the trust line */
	bool is_bad;   /* the trust line says so */
};

/*
 * Reads the recording of a run.
 * Returns 0, or a negative errno with a sentence. measured_done after success.
 */
int measured_load(struct measured *measured, const struct sweep_result *result,
		  struct measured_names *names, struct component_map *map, struct error *error);
void measured_done(struct measured *measured);

/* Tells a run that lacks_steps how many there were. */
void measured_set_steps(struct measured *measured, double steps);

/* The CPU time to compare with that of a bare run, of which the kernel tells no more than what the
 * program itself and the children that it waited for have used (getrusage(2)). */
double measured_own_cpu_ns(const struct measured *measured);

/* The costs of a function in a run; all 0 when it has none. */
struct measured_function measured_function(const struct measured *measured, size_t id);

/* Loads all recorded runs that are done: arrays by result, NULL where there is none. Owned by the
 * caller. Of those that could not be read the reasons, sentences with the path, are appended to
 * @unreadable. */
struct measured **measured_load_all(const struct sweep *sweep, struct measured_names *names,
				    struct component_map *map, json_t *unreadable);
void measured_free_all(struct measured **all, size_t count);
