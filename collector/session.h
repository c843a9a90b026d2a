/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session: one recording, from the start of the target to the closed profile file.
 *
 *     prepare the child ─ open the events on it ─ create the file ─ release the child
 *     loop: signals, the target's end, a round of events every 20 ms, a commit every second at
 * least last round ─ name all frames ─ commit ─ close
 *
 * Whatever goes wrong on the collector's side after the release, the target runs on untouched, the
 * session waits for its end and hands its status back.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_engine.h"
#include "collector/function_probes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct session_options {
	const char **argv; /* program and arguments, NULL-terminated; NULL: attach */
	const pid_t *pids; /* processes to attach to */
	size_t pid_count;
	bool is_tree;			  /* and to all their descendants */
	uint64_t duration_ns;		  /* of the recording; 0: to the target's end */
	const char *path;		  /* of the profile file */
	unsigned frequency_hz;		  /* > 0 */
	bool is_frequency_default;	  /* nobody asked for it */
	const struct perf_engine *engine; /* NULL: the best that works */
	bool prefers_tick;		  /* and the tick counts as the best */
	bool wants_time;		  /* its samples are to count nanoseconds */
	bool is_off_cpu;		  /* where threads wait, too */
	struct function_probes_options probes;
	/* Told some times a second how far the recording is; NULL: nobody asks. */
	void (*progressed)(const struct profile *profile, uint64_t step_total, uint64_t elapsed_ns);
	uint64_t step_total;	   /* steps that the program will make; 0: not known */
	void (*waits)(void);	   /* told when servers are asked for debug files; NULL: nobody */
	bool is_memory;		   /* what it allocates, too */
	uint64_t memory_rate;	   /* bytes between sampled allocations; 0: all */
	uint32_t temporary_within; /* allocations, within which a block is temporary; 0: 1 */
	bool embeds_sources;	   /* keeps the text of source files */
	uint32_t operations;	   /* and what it waits for and works on: WIRE_MODES_OPERATIONS */
};

struct session_result {
	int exit_status;	/* of the target, 128 + n for a signal; 0 when attached */
	bool left_running;	/* ended by a second interrupt; the target still runs */
	struct error unsampled; /* why nothing was sampled; "" when it was */
	struct error unprobed;	/* why what the probe counts was not; "" when it was */
	int64_t crowded;	/* programs whose limited memory had no room for the probe */
	struct error cut;	/* why the recording ended before the target; "" when it did not */
};

/*
 * Runs a program and records it, or attaches to running ones until they have ended, the duration
 * is over or SIGINT, SIGTERM or SIGHUP comes.
 *
 * Returns 0 when a recording was made, whatever became of the target; otherwise a negative errno
 * with @error, and neither a child nor a file is left. result->exit_status is 127 or 126 when
 * execve failed, 125 for the collector's own troubles.
 */
int session_record(const struct session_options *options, struct session_result *result,
		   struct error *error);
