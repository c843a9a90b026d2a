/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pattern: how a user names functions.
 *
 *     world_step            this function, of the program or of one of its libraries
 *     environment_*         all of the program that match (glob: * ? [ ])
 *     /^world_(step|act)$/  the same by extended regular expression
 *     libm:exp              of one library, whose file is libm.so, libm.so.6, libm-2.36.so …
 *     libm.so.6:exp         the same by a longer part of the file's name
 *     lib*:*crc*            of all libraries whose names match
 *     world.c:*             of one source file, by debug information
 *     world::step           C++ and Rust, without parameters
 *
 * A name stands for all copies that the compiler made of it (step.constprop.0, step.part.0).
 */
#pragma once

#include "collector/base/error.h"
#include "collector/base/near_names.h"
#include "collector/resolve/function_list.h"

#include <regex.h>

struct pattern {
	char *text;    /* as it was given */
	char *library; /* or NULL */
	char *source;  /* or NULL */
	char *name;    /* what is left */
	bool is_glob, is_regex;
	bool is_library_glob;
	regex_t regex; /* when it is one */
};

/* Reads one pattern. Returns 0, or -EINVAL with a sentence; pattern_done after success. */
int pattern_init(struct pattern *pattern, const char *text, struct error *error);
void pattern_done(struct pattern *pattern);

/* Says whether it names one function, and no set of them. */
bool pattern_is_exact(const struct pattern *pattern);

/* Says whether a file is the pattern's library; true for every file when it names none. */
bool pattern_takes_file(const struct pattern *pattern, const char *path);

/* Says whether a function of @list is meant. Parts split off a function never are. */
bool pattern_takes(const struct pattern *pattern, struct function_list *list,
		   const struct function *function);

/* Adds the names of functions of @list, and of the pattern's source file, that are near to an exact
 * pattern's; borrowed from @list. */
void pattern_add_near(const struct pattern *pattern, struct function_list *list,
		      struct near_names *near);

/* Says whether a function is of the pattern's source file; true for all when it names none. */
bool pattern_takes_source(const struct pattern *pattern, struct function_list *list,
			  const struct function *function);
