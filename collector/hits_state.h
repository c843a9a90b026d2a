/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hits_state: what hits.c and hits_windows.c share, the inside of struct hits.
 */
#pragma once

#include "collector/hits.h"
#include "collector/window_spread.h"

/* What was found about a function. */
struct counting {
	struct flow_count *counts; /* by block */
	uint64_t *blocks, *edges;  /* solved */
	uint64_t *lines;
	uint64_t calls; /* counted ones */
	uint64_t contradiction;
};

struct watched {
	struct counting now;  /* as of the last solution */
	struct counting past; /* as of the last window's end */
	struct window_sizes windows;
	struct window_spread *block_spreads, *line_spreads;
	uint64_t seen_entries;	/* at the last look, */
	uint64_t phase_entries; /* and when the phase began */
	/* In phases that are over: */
	struct window_path entries; /* by the target's own CPU time, */
	double phases_ns;	    /* of which there was that much */
	double phases_end_ns;	    /* until then, */
	double phases_spent_ns;	    /* and probes have cost that much */
	double doubtful; /* entries in `entries` that may be as many more, or less, because it is
			  * not known better what probes cost */
	uint32_t row;	 /* of the profile's hit_functions */
};

/* Which probes are in place. */
enum in_place {
	NONE,
	ENTRIES, /* only they */
	ALL	 /* a window is open */
};

/* What comes next when none are. */
enum turn {
	PHASE_OF_ENTRIES,
	WINDOW,
	WINDOW_OF_RARE /* of functions that cost little, which others would leave no time */
};

struct hits {
	struct hits_plan plan;
	struct profile *profile;
	struct block_hits *block_hits;
	struct watched *functions;
	struct probe_bank bank; /* where there is a budget */
	enum in_place in_place;
	bool was_shut;		   /* a window has ended before the recording did: from then on
				    * nothing is exact */
	bool was_off;		   /* entries were not probed all the time */
	uint64_t round_ns;	   /* CLOCK_MONOTONIC of the last round */
	double window_ns;	   /* what probes may cost in the next window */
	uint64_t opened_at_ns;	   /* when the last one began */
	double opened_ns;	   /* what they had cost when the last one began */
	uint64_t window_functions; /* bits of those in the last window */
	/* A time in which it is known of all entries of some functions how much of the target's own
	 * CPU time that was. */
	uint64_t phase_functions; /* 0: it is not such a time */
	double phase_spent_ns;	  /* what probes had cost when it began, */
	double phase_used_ns;	  /* and what the target had used */
	enum turn turn;
	unsigned phases_left;	 /* of entries, before the next window */
	uint64_t rare_functions; /* those that have had a window without the others */
	bool is_stopped;
	bool corrects_samples;
	struct event event; /* at hand, corrected */
};

/* Takes what the window that has just ended adds to a function's figures. */
void hits_end_window(struct hits *hits, size_t number);
