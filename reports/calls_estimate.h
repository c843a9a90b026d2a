/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_estimate: what a function's calls came to in the whole recording, where the budget has let
 * its probe see only a part of them.
 *
 *     calls, N        counted; or estimated by the collector from windows, with its margin
 *     per step        N, as those that were seen divide between steps and the rest
 *     total           N · mean of the calls that were timed; what was seen, as a least, where the
 *                     margin is as large as that, or more was taken off for probes than is left
 *     self            that of the timed calls, scaled alike; as a most, where timed callees have
 *                     fallen back, whose time is in it
 *     edges           what was seen, as a least, where one of the two has fallen back: other
 *                     callers may have called before than after
 *
 * Where a callee was seen in whole steps, and never but called by the step function itself, an edge
 * is scaled as its calls, and what that adds is not the step function's own time.
 *
 * A margin is half of the 95 % interval. A mean's is 1.96 standard errors, of the durations in the
 * histogram; relative margins of a product add up in squares (calls and durations are taken to be
 * independent).
 *
 * Source: JCGM 100:2008 (GUM), 5.1.2, for the propagation.
 */
#pragma once

#include "reports/report.h"

/* A figure of the whole recording. */
struct calls_figure {
	double value, margin;
	bool is_estimate; /* else counted */
	bool is_least;	  /* what a part of the recording had is missing, and not known */
	bool is_most;	  /* what callees had then could not be taken off */
};

struct calls;
struct calls_row;

/* Sets the figures of all rows, whose sums are known. */
void calls_estimate(struct calls *calls, const struct report *report);

/* Returns how often, and in what total time, a timed function called another one. */
struct calls_figure calls_edge_calls(const struct calls *calls, const struct profile_edge *edge);
struct calls_figure calls_edge_total(const struct calls *calls, const struct profile_edge *edge);

/* Returns calls of @edge for each call of its caller; NAN where those are not known. */
struct calls_figure calls_per_call(const struct calls *calls, const struct profile_edge *edge);
