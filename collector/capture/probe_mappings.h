/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_mappings: what code was mapped in a process at the time of each of its samples.
 *
 * The probe tells what it finds at start-up, and at each dlclose, before and after. What else is
 * loaded, and generated code, is found in /proc/PID/maps, which is read about once in a round. But
 * samples lie in the past: until they are taken, code may have been unloaded and other code put in
 * its place. So after each reading it is looked ahead in the rings: where a dlclose follows, what
 * was told before it holds; where another program was executed, nothing does.
 */
#pragma once

#include "collector/capture/mapped_code.h"
#include "collector/capture/probe_stream.h"
#include "collector/capture/source.h"

struct probe_mappings {
	struct mapped_code code;
	uint64_t read_ns; /* when they were last read, */
	uint64_t cost_ns; /* and how long that took */
};

/* The streams of all processes, by slot. */
struct probe_streams {
	const struct probe_memory *memory;
	struct probe_stream *rows;
	uint32_t limit; /* those from here on were never used */
};

/* Where what is new is told. */
struct probe_mappings_sink {
	source_deliver *deliver;
	void *context;
};

/* Takes a mapping that the probe tells of; @path is the event's, and may be changed. */
void probe_mappings_take(struct probe_mappings *mappings, struct event *event, char path[PATH_MAX],
			 const struct probe_mappings_sink *sink);

/* Takes the probe's word that all that was told before is void. */
void probe_mappings_doubt(struct probe_mappings *mappings);

/* Tells what was mapped when a sample was taken, where that may bring something new. Looks at the
 * streams again. */
void probe_mappings_refresh(struct probe_mappings *mappings, const struct probe_streams *streams,
			    const struct event *sample, const struct probe_mappings_sink *sink);

/* A forked child has what its parent has. */
void probe_mappings_copy(struct probe_mappings *mappings, const struct probe_mappings *parent);

/* Forgets everything, for a program that is executed, or for good. */
void probe_mappings_done(struct probe_mappings *mappings);
