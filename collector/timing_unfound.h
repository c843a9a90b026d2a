/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_unfound: one sentence for a pattern that does not lead to any function.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/timing_search.h"

/* Says why a pattern names no function of the files. Returns -ENOENT. */
int timing_unfound(const struct pattern *pattern, struct timing_search *search,
		   struct error *error);

/* Says so of one file. Returns -ENOENT, or 0 when there is nothing to say of it. */
int timing_unfound_in_file(const struct pattern *pattern, struct function_list *list,
			   struct error *error);

/* Says that two files have the function. Returns -ENOTUNIQ. */
int timing_unfound_ambiguous(const struct pattern *pattern, const char *first, const char *second,
			     struct error *error);
