/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sampling: which sampler of CPU time a recording uses: the ladder of perf events, below it the
 * timers of a preloaded libprobe.so, and below that nothing, when the program cannot take that
 * either: it is run all the same.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/interruptions.h"
#include "collector/capture/perf_source.h"
#include "collector/capture/probe_source.h"
#include "collector/capture/stack_rest.h"
#include "collector/recorder.h"
#include "collector/session.h"

struct sampling {
	struct perf_source *perf; /* one of the two, owned by the session's list of sources; */
	struct probe_source *probe;
	struct stack_rest *rest;	     /* of perf's, or NULL; owned likewise, */
	struct error no_rest;		     /* and why there is none */
	bool wants_brief;		     /* copies of stacks, at the moment */
	struct interruptions *interruptions; /* owned by that list, too */
	struct error why_not;		     /* or neither, and why */
	char **environment;		     /* of the program; NULL: the collector's own */
	uint64_t sample_cost_ns; /* measured where many samples were asked for, else 0 */
	uint64_t early_cpu_ns;	 /* of the target, counted before the recording began */
};

/* Opens perf events on a thread, and has the rest of deep stacks copied if that is possible.
 * Returns 0 or a negative errno. */
int sampling_open_perf(struct sampling *sampling, const struct session_options *options,
		       enum perf_start start, pid_t tid, struct error *error);

/* Returns the row of perf's samples, with the rest of deep stacks where that is copied. */
struct source sampling_row(struct sampling *sampling);

/* Says whether a negative errno of perf events means that the kernel lets us have none. */
bool sampling_is_refusal(int code);

/* Says whether libprobe.so is to be used at once, or after perf events failed with @code. */
bool sampling_wants_probe(const struct session_options *options);
bool sampling_falls_back(const struct session_options *options, int code);

/*
 * Prepares libprobe.so for the program that is about to be started: environment and shared memory.
 * Where the program cannot take it, or nobody insists and there is no memory, why_not says so.
 *
 * @refusal  of perf events, when that is why; NULL: the user insists
 * Returns 0 or a negative errno.
 */
int sampling_open_probe(struct sampling *sampling, const struct session_options *options,
			const struct error *refusal, struct error *error);

/* The program has been executed: where that ended the events, since it runs with other rights than
 * root, who alone may do so, they are opened again. Its first tenths of a millisecond are missing.
 */
void sampling_resume(struct sampling *sampling, pid_t pid, struct recorder *recorder);

/* The recording of running processes begins only now: what was sampled and counted of them before
 * is left out. */
void sampling_begin(struct sampling *sampling, struct recorder *recorder);

/* Has brief copies of stacks taken for as long as the recorder finds that they will do, and what
 * handlers interrupt told from when it wants that on. */
void sampling_adapt(struct sampling *sampling, struct recorder *recorder);

/* What the samples count, also when there are none. */
const struct event_metric *sampling_metric(const struct sampling *sampling);

/* Says in meta rows which sampler it is and how it is set. */
void sampling_describe(const struct sampling *sampling, const struct session_options *options,
		       struct profile *profile);

/*
 * Says at the end, in meta rows, how much CPU time there was and how much of it was sampled.
 *
 * @used_ns  of the target and the children it waited for, as wait4 told it; 0: not known
 */
void sampling_describe_end(const struct sampling *sampling, uint64_t used_ns,
			   struct profile *profile);

/* Frees the environment; the sources are closed by the session. */
void sampling_done(struct sampling *sampling);
