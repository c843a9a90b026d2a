/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_plan: patterns of functions → places of probes, and one sentence for every pattern that
 * does not lead to any.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/uprobe.h"
#include "collector/program.h"
#include "collector/resolve/pattern.h"

/* What a user asks for. */
struct timing_request {
	const char *text; /* a pattern (resolve/pattern.h) */
	enum uprobe_mode mode;
};

/* A function that shall be probed. */
struct timing_choice {
	struct module *module;
	char *name;
	uint64_t entry;		 /* elf address of the function */
	uint64_t place;		 /* bytes from there to the probe */
	bool is_loop;		 /* a jump in the function leads to its entry */
	const char *why_counted; /* though more was asked for: a sentence; NULL: it is as asked */
	struct uprobe_function function;
};

struct timing_plan {
	struct timing_choice *choices; /* of one file side by side */
	size_t count, capacity;
	struct pattern *waiting; /* patterns of a library that is not there yet */
	enum uprobe_mode *waiting_modes;
	size_t waiting_count;
};

/*
 * Chooses the functions that the requests name in @files.
 *
 * Returns 0, or a negative errno with a sentence: -EINVAL no pattern, -ENOENT nothing matches (with
 * the nearest names, or the places where the function was inlined), -ENOTUNIQ several libraries
 * have it, -E2BIG more than can be probed. timing_plan_done after success.
 */
int timing_plan_make(struct timing_plan *plan, const struct timing_request *requests, size_t count,
		     const struct program_files *files, struct error *error);
void timing_plan_done(struct timing_plan *plan);

/* Adds what waiting patterns name in a file that has just been loaded. Returns the number of new
 * choices, which are the last of the plan. */
size_t timing_plan_add_file(struct timing_plan *plan, struct module *module);
