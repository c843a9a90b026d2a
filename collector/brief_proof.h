/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * brief_proof: whether brief copies of stacks (unwind.h) will do, judged by what they would have
 * missed, or did miss, so far.
 *
 * That they will not do any more is seen at the next poll of the rings, and samples since are cut
 * short by then. These are to be few beside those before, so the rings are polled the more often
 * the shorter brief copies have done; and each time that they did not do after all, they must have
 * done for four times as long before they are tried again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised by its owner. */
struct brief_proof {
	bool is_wanted; /* the answer */
	/* private */
	bool has_begun;
	uint64_t since_ns;  /* of the samples in a row of which brief copies would have done */
	uint64_t samples;   /* their number */
	unsigned weakening; /* how often they did not do after all */
};

/* Takes the next sample. @has_changed  a brief copy would not have done, or did not do */
void brief_proof_take(struct brief_proof *proof, uint64_t time_ns, bool has_changed);

/* Returns in how many milliseconds the rings should be read again, at most @most_ms. */
int brief_proof_poll_ms(const struct brief_proof *proof, uint64_t now_ns, int most_ms);
