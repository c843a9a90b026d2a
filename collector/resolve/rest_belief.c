/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rest_belief: see rest_belief.h. */
#include "collector/resolve/rest_belief.h"

#include "collector/base/xalloc.h"

#define PLACES	    256 /* a power of two; one that comes to another's row takes it */
#define MOST_DOUBLE 12

struct belief {
	uint64_t place, rest;
	uint64_t moment_ns; /* when it was found last */
	uint32_t same;	    /* moments at which it was found again */
	uint32_t doubt;	    /* moments for which it is not believed yet */
	uint32_t changes;   /* at this place */
};

struct rest_beliefs {
	struct belief rows[PLACES];
};

static uint64_t row_of(uint64_t place)
{
	return (place ^ place >> 32 ^ place >> 17) % PLACES;
}

bool rest_belief_note(struct rest_beliefs **beliefs, uint64_t place, uint64_t rest, uint64_t now_ns)
{
	struct belief *belief;

	if (!*beliefs)
		*beliefs = xcalloc(1, sizeof(**beliefs));
	belief = &(*beliefs)->rows[row_of(place)];
	if (belief->place != place) {
		*belief = (struct belief){.place = place, .rest = rest, .moment_ns = now_ns};
	} else if (belief->rest != rest) {
		belief->rest = rest;
		belief->moment_ns = now_ns;
		belief->same = 0;
		belief->doubt = REST_BELIEF_DOUBT << belief->changes;
		belief->changes += belief->changes < MOST_DOUBLE;
	} else if (now_ns - belief->moment_ns >= REST_BELIEF_APART_NS) {
		belief->moment_ns = now_ns;
		belief->same += belief->same < REST_BELIEF_TIMES;
		belief->doubt -= belief->doubt > 0;
	}
	return belief->same >= REST_BELIEF_TIMES && !belief->doubt;
}
