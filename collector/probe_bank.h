/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_bank: what probes may cost yet, so that they keep below a share of the target's CPU time.
 *
 * What the target uses without them fills it by that share, what they cost empties it. What is left
 * is kept for as much as a second of the target's CPU time asks for.
 */
#pragma once

#include "collector/capture/perf_source.h"

#include <stdint.h>

#define PROBE_BANK_ROUND_NS 15000000u /* between looks at least, when nothing is to be done */

/* What probes may cost before the target has used anything; beyond the budget, before a round comes
 * early; and in a window. */
#define PROBE_BANK_START_NS  3e5
#define PROBE_BANK_SLACK_NS  2e5
#define PROBE_BANK_WINDOW_NS 1e6

/* What putting a probe in place and taking it off costs the target. */
#define PROBE_BANK_PLACING_NS 3e4

/* What probes cost in a program, of what they cost in the trial: what the processor has learnt of
 * it, as of its branches, is lost with each. Measured: 0.95 to 1.1 in loops that do nothing
 * else, 1.11 to 1.15 in functions of sim, perl and libsqlite3, 1.48 in another of that. The doubt
 * is a part of the factor. For the budget costs are taken to be higher than the trial's by another.
 */
#define PROBE_BANK_IN_PROGRAMS 1.25
#define PROBE_BANK_COST_DOUBT  0.25
#define PROBE_BANK_MOST_DOUBT  0.75 /* that this may leave of an estimate, for it to be told */
#define PROBE_BANK_CAREFUL     1.25

/* How long a probe that has just been put in place costs more than it will: the code that it lies
 * in is copied, mapped and read anew, which took 50 to 90 us. */
#define PROBE_BANK_SETTLING_NS 100000u

/* Tells the target's CPU time so far, with what probes cost. NULL: it is not known, and taken for
 * that of one thread that always runs. */
struct probe_bank_clock {
	uint64_t (*cpu_ns)(const void *context);
	const void *context;
};

struct probe_bank {
	double share; /* of CPU time, > 0 */
	struct probe_bank_clock clock;
	uint64_t look_ns;	  /* CLOCK_MONOTONIC of the last look */
	double cpu_ns, probed_ns; /* of the target, and of that for probes, then */
	double spent_ns, used_ns; /* between the last two looks: by probes, as is taken for it in a
				     program, and without them */
	double all_used_ns;	  /* so far */
	double busy; /* processors that the target, with probes, kept busy between them; at least 1
		      */
	double left_ns; /* what probes may cost yet; below 0: they have cost too much */
};

/* Returns the clock of what @perf watches; it may be NULL. */
struct probe_bank_clock probe_bank_clock_of(const struct perf_source *perf);

/* Begins anew, with PROBE_BANK_START_NS. @probed_ns: what probes have cost already */
void probe_bank_begin(struct probe_bank *bank, const struct probe_bank_clock *clock,
		      double probed_ns, uint64_t now_ns);

/* Sees what has happened since the last look. @probed_ns: what probes have cost so far */
void probe_bank_look(struct probe_bank *bank, double probed_ns, uint64_t now_ns);

/*
 * Returns by what part of themselves the calls that are estimated from a time may be more or less,
 * because probes may have cost more or less than is taken for it: less of that time, or more, was
 * the target's then.
 *
 * @spent_ns  what probes cost in that time
 * @used_ns   what the target used besides
 */
double probe_bank_doubt(double spent_ns, double used_ns);

/* Returns the most that it may keep. */
double probe_bank_fullest_ns(const struct probe_bank *bank);

/* Returns what probes that are in place may cost until the next look. */
double probe_bank_limit_ns(const struct probe_bank *bank);
