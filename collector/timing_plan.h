/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_plan: patterns of functions → places of probes, and one sentence for every pattern that
 * does not lead to any.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/program.h"
#include "collector/resolve/pattern.h"
#include "collector/timing_place.h"

/* What a user asks for. */
struct timing_request {
	const char *text; /* a pattern (resolve/pattern.h) */
	enum uprobe_mode mode;
};

/* Where an exception passes on its way. */
struct timing_passage {
	struct module *module;
	uint64_t offset; /* in its file */
	bool is_catch;	 /* it ends here, else it begins */
};

/* A pattern of a library that was not there when the plan was made. */
struct timing_waiting {
	struct pattern pattern;
	enum uprobe_mode mode;
	bool is_loaded; /* the library has come */
	bool is_found;	/* and has such a function */
};

struct timing_plan {
	struct timing_choice *choices; /* of one file side by side */
	size_t count, capacity;
	struct timing_waiting *waiting;
	size_t waiting_count, waiting_capacity;
	struct timing_passage *passages; /* empty where no function needs them */
	size_t passage_count, passage_capacity;
	bool keeps_returns; /* set before: functions are timed so that no return address changes */
	bool is_classic;    /* set before: return probes are there for all who execute the file */
	bool is_unwound;    /* a file has stacks unwound from inside, or one that does may come */
	bool is_late;	    /* the program runs: what takes long is left out, inlined copies */
	const struct module *program; /* the first file; NULL: none */
};

/*
 * Chooses the functions that the requests name in @files. Of @plan keeps_returns and is_classic are
 * set, the rest is zero.
 *
 * Returns 0, or a negative errno with a sentence: -EINVAL no pattern, -ENOENT nothing matches (with
 * the nearest names, or the places where the function was inlined), -ENOTUNIQ several libraries
 * have it, -E2BIG more than can be probed. timing_plan_done after success.
 */
int timing_plan_make(struct timing_plan *plan, const struct timing_request *requests, size_t count,
		     const struct program_files *files, struct error *error);
void timing_plan_done(struct timing_plan *plan);

/* Adds what waiting patterns name in a file that has just been loaded, and where
 * exceptions pass in it. Returns the number of new choices, which are the last of the plan. */
size_t timing_plan_add_file(struct timing_plan *plan, struct module *module);

/* Adds one function of an opened list, unless it is in the plan as it is asked for. */
void timing_plan_add_function(struct timing_plan *plan, enum uprobe_mode mode,
			      struct function_list *list, const struct function *function);

/* Finds where exceptions pass in a program's files, if functions need it and it was not done. */
void timing_plan_find_passages(struct timing_plan *plan, const struct program_files *files);

/* Finds the place in a file for a probe at the entry of the function of this name; returns whether
 * there is one. */
bool timing_plan_find_place(struct module *module, const char *name, uint64_t *offset);

/* Returns the number of functions whose calls are steps. */
size_t timing_plan_steps(const struct timing_plan *plan);

/* Takes the last choice away. */
void timing_plan_drop_last(struct timing_plan *plan);
