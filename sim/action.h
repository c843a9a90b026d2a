/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * action: the seven things an agent can do, and whether it can do them now.
 *
 * Everything is one row per action in action.c. The numbers (ranges, amounts, chances) are
 * parameters; the rules, as prose, are in sim/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct environment;

enum action {
	ACTION_DEFEND,
	ACTION_ATTACK,
	ACTION_GATHER,
	ACTION_SHARE,
	ACTION_MOVE,
	ACTION_REPRODUCE,
	ACTION_PASS,
	ACTION_COUNT,
};

extern const char *const action_names[ACTION_COUNT];

/* What an agent could do at this moment. */
struct action_options {
	uint32_t allowed;   /* bit per enum action */
	uint32_t neighbour; /* slot of the nearest other agent within the ranges, or SPATIAL_NONE */
	uint32_t resource;  /* nearest resource that is not empty, in range, or SPATIAL_NONE */
};

/* What came of an action. */
struct action_outcome {
	bool succeeded;
	uint32_t target; /* number of the other agent or child, resource id + 1; 0: none */
	float amount;	 /* damage, resources taken or given, distance moved, healing */
	float reward;	 /* the action's own part of the reward */
};

/* Finds out what is possible: at most two nearest queries. */
void action_find_options(const struct environment *environment, const struct agent *agent,
			 struct action_options *options);

/* Does it, if @options, those of this moment, allow it; else it fails and nothing happens. */
void action_perform(struct environment *environment, struct agent *agent, enum action action,
		    const struct action_options *options, struct action_outcome *outcome);
