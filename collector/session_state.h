/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_state: what session.c and session_prepare.c share, the inside of one recording.
 */
#pragma once

#include "collector/attached.h"
#include "collector/capture/off_cpu.h"
#include "collector/probing.h"
#include "collector/profile/profile_file.h"
#include "collector/recorder.h"
#include "collector/sampling.h"
#include "collector/session.h"
#include "collector/session_signals.h"
#include "collector/target.h"
#include "collector/usage.h"

#include <time.h>

#define SESSION_LEAST_COMMIT_NS 100000000u
#define SESSION_MOST_COMMIT_NS	1000000000u

struct session {
	const struct session_options *options;
	struct session_result *result;
	struct session_signals signals;
	int poll_fd;
	struct target target;	  /* when launched */
	struct attached attached; /* when attached */
	struct sources sources;	  /* of all events */
	struct off_cpu *off_cpu;  /* one of them, or NULL */
	struct probing probing;
	struct sampling sampling; /* the first of them: CPU samples, mappings, threads */
	struct profile *profile;
	struct profile_file *file;
	struct modules *modules;
	struct recorder *recorder;
	struct usage *usage;
	struct function_probes probes;
	uint64_t start_ns;
	uint64_t start_cpu_ns; /* of our own, at that time */
	uint64_t ready_ns;     /* when all was in place; what a duration counts from */
	uint64_t commit_ns;    /* of the last commit */
	uint64_t progress_ns;  /* when it was told last */
};

static inline uint64_t session_clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static inline bool session_is_attached(const struct session *session)
{
	return !session->options->argv;
}

/* Returns the time from a commit, @elapsed_ns after the start, to the next one: whoever kills the
 * collector, or the machine, loses a third of a short recording or a second of a long one. */
static inline uint64_t session_commit_pause_ns(uint64_t elapsed_ns)
{
	uint64_t half_ns = elapsed_ns / 2;

	return half_ns < SESSION_LEAST_COMMIT_NS  ? SESSION_LEAST_COMMIT_NS
	       : half_ns > SESSION_MOST_COMMIT_NS ? SESSION_MOST_COMMIT_NS
						  : half_ns;
}
