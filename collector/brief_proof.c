/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brief_proof: see brief_proof.h. */
#include "collector/brief_proof.h"

#define SAMPLES	       64
#define PROOF_NS       64000000u
#define POLLS	       200 /* in the time that brief copies have done */
#define MOST_WEAKENING 15  /* no recording is long enough for more */

static void begin(struct brief_proof *proof, uint64_t time_ns)
{
	proof->has_begun = true;
	proof->since_ns = time_ns;
	proof->samples = 0;
}

void brief_proof_take(struct brief_proof *proof, uint64_t time_ns, bool has_changed)
{
	unsigned shift = 2 * proof->weakening;

	if (!proof->has_begun || has_changed)
		begin(proof, time_ns);
	if (has_changed) {
		proof->weakening += proof->is_wanted && proof->weakening < MOST_WEAKENING;
		proof->is_wanted = false;
		return;
	}
	proof->samples++;
	if (proof->samples >= (uint64_t)SAMPLES << shift &&
	    time_ns - proof->since_ns >= (uint64_t)PROOF_NS << shift)
		proof->is_wanted = true;
}

int brief_proof_poll_ms(const struct brief_proof *proof, uint64_t now_ns, int most_ms)
{
	uint64_t ms = now_ns > proof->since_ns ? (now_ns - proof->since_ns) / POLLS / 1000000 : 0;

	if (!proof->is_wanted || ms > (uint64_t)most_ms)
		return most_ms;
	return ms ? (int)ms : 1;
}
