/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trust: what a profile knows about its own quality, said beside every picture and table.
 *
 * Each item is one short statement made of numbers in the file; what the file does not know is
 * not said. An item is bad when it means that the data does not carry the report: each kind of
 * gap has a limit of its own, and all together may not outweigh the heaviest function, because then
 * what comes first in the picture is not known.
 */
#pragma once

#include "collector/profile/profile.h"

enum {
	TRUST_ITEMS = 24
};

struct trust_item {
	bool bad;
	char text[640]; /* holds text of the file: any bytes, text.h makes them fit to be shown */
};

struct trust {
	/* what is behind the items, of the samples of one metric */
	uint64_t samples;
	uint64_t lost;
	bool imported;	   /* from text, which does not say which stacks are complete: all count as
			      such here */
	uint64_t complete; /* stacks that reach the root of their thread */
	uint64_t endings[PROFILE_ENDINGS];
	uint64_t unnamed; /* innermost function has no symbol */
	uint64_t sampled; /* of the samples, those that were taken at a frequency */
	double amount;	  /* of all samples, and how it falls to the same three */
	double amount_complete;
	double amount_of_ending[PROFILE_ENDINGS];
	double amount_unnamed;
	double amount_unplaced; /* incomplete or unnamed, each sample once */
	double amount_heaviest; /* of the function that is innermost in most of the others */
	bool bad;		/* any item is */
	int count;
	struct trust_item items[TRUST_ITEMS];
};

/* Reads the quality of the samples of @metric. */
void trust_measure(struct trust *trust, const struct profile *profile, uint16_t metric);

/* Returns all items as one line, separated by " · ", in static storage of @line. */
const char *trust_line(const struct trust *trust, char *line, size_t bytes);
