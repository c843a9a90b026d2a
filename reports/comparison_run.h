/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_run: one recording reduced to what a comparison needs of it: the cost of each function
 * under a name that means the same in other recordings and other builds.
 *
 * Functions are paired by demangled name, base name of the module and base name of the source file,
 * unless that is another one elsewhere.
 * Suffixes of the compiler's clones (.isra.0, .constprop.1, .part.2, .cold, .llvm.3) are taken off,
 * so a function that is cloned in one build only stays one function; so are versions of symbols and
 * the hashes of Rust, which imported text has. Where recordings know differently much of a module
 * all are brought to one level (comparison_level.h). The profiled program's own module has one
 * name, however the file is called. Code without symbols is one function for each module: its
 * addresses mean nothing in another build.
 */
#pragma once

#include "reports/work.h"

#include <uthash.h>

/* A function across recordings; ids are dense, from 0 in the order of first appearance. */
struct comparison_function {
	UT_hash_handle hh;
	char *key; /* "name\nmodule\nfile"; no file where the module is known by less */
	uint32_t id;
	char *name; /* shortened to fit to be shown, valid UTF-8 */
	char *module;
	char *file;    /* path as the newest recording has it; "" unknown */
	uint32_t line; /* 0 unknown */
};

struct comparison_names {
	struct comparison_function *index; /* uthash, by key */
	struct comparison_function **rows; /* by id */
	size_t rows_count, rows_capacity;
	struct comparison_coarse *coarse; /* uthash, modules known by less (comparison_level.h) */
	struct comparison_wanderer *wanderers; /* uthash, functions that pair without their file */
};

void comparison_names_done(struct comparison_names *names);

/* Forgets all functions. */
void comparison_names_forget(struct comparison_names *names);

/* Name of a module of the report's profile that means the same in other recordings. */
const char *comparison_module_name(const struct report *report, uint32_t module);

/* Returns @name without the suffixes of clones; the copy is owned by the caller. */
char *comparison_base_name(const char *name);

struct comparison_cost {
	double self, total; /* in units of the metric, in the whole run */
	uint32_t self_samples, total_samples;
	double self_error, total_error; /* standard errors of the logarithms, from within the run */
};

/* Calls of a function along one path; a caller comes before what it calls. */
struct comparison_node {
	uint32_t parent;   /* node; 0: the program as a whole */
	uint32_t function; /* id; UINT32_MAX: the program as a whole */
	float self;	   /* in units, in the whole run */
};

/* What was counted, as work.h has it, under names that mean the same in other recordings. */
struct comparison_count {
	enum work_kind kind;
	uint32_t function; /* id; UINT32_MAX: of no function */
	char *statement;   /* or NULL */
	uint64_t value;
	bool exact;
};

/* A file that samples lie in: "[program]" or its base name, and its build-id. */
struct comparison_module {
	char *name, *build_id;
};

struct comparison_run {
	char *path;
	char *identity; /* the same in copies of one recording, and in no other */
	struct comparison_cost
		*costs; /* by function id; there may be fewer than names->rows_count */
	size_t costs_count;
	struct comparison_node *nodes; /* who called what */
	size_t nodes_count;
	struct comparison_count *counts; /* several of one function add up */
	size_t counts_count;
	double total;  /* in units of the metric */
	double sample; /* what one sample stands for, on average */
	uint32_t samples;
	uint32_t steps; /* 0: none were marked, or how many there were is not known */
	char *metric, *unit;
	char *machine;	     /* what decides whether times can be compared: processor, engine */
	char *processor;     /* what decides whether instructions can: processor, C library */
	char *kernel, *libc; /* "" unknown */
	char *options;	     /* what else was recorded, and how often samples were asked for */
	char *probes;	     /* that were asked for, and their budget; "" none or unknown */
	char *host;	     /* "" unknown */
	char *program;	     /* its base name, "" unknown, as of imports */
	struct comparison_module *modules; /* those that have a build-id */
	size_t modules_count;
	char *state; /* NULL: the run ended well; else why not, a clause */
	char *command;
	char *trust; /* NULL: good; else the first bad statement */
};

/*
 * Reads one recording.
 *
 * @names  gains the functions that are new
 * Returns 0, or a negative errno as profile_file_load. comparison_run_done after success.
 */
int comparison_run_load(struct comparison_run *run, const char *path,
			struct comparison_names *names, struct error *error);
void comparison_run_done(struct comparison_run *run);

/* The same with a report made elsewhere, which remains the caller's; inlined functions are taken
 * out of its frames in modules that @names knows by less. */
void comparison_run_init(struct comparison_run *run, const char *path, struct report *report,
			 struct comparison_names *names);

/* What instructions are executed depends on: the processor and the C library; owned by the caller.
 */
char *comparison_processor(const struct profile *profile);

/* Cost of a function; all 0 when the run has none of it. */
struct comparison_cost comparison_run_cost(const struct comparison_run *run, uint32_t function);
