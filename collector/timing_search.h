/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_search: the files of a program and the functions in them, as patterns are looked for in
 * them.
 */
#pragma once

#include "collector/program.h"
#include "collector/resolve/pattern.h"

/* The files of the program with the lists of their functions, read when needed. */
struct timing_search {
	const struct program_files *files;
	struct function_list *lists;
	bool *is_read;
};

/* The lists of @files, which is borrowed. timing_search_done releases. */
void timing_search_init(struct timing_search *search, const struct program_files *files);
void timing_search_done(struct timing_search *search);

/* Returns the functions of file number @file, read now unless they were before. */
struct function_list *timing_search_list(struct timing_search *search, size_t file);

/* Says whether a file is the pattern's library: by its own name or by that under which programs ask
 * for it, which may be another: libblas.so.3 of libopenblas-r0.3.21.so. */
bool timing_search_takes(const struct pattern *pattern, const struct module *module);

/* Says whether a function of this very name is chosen by the loader. */
bool timing_search_has_chosen(const struct pattern *pattern, const struct function_list *list);
