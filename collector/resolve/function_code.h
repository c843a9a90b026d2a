/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_code: the code of a function, and of what the compiler split off it. */
#pragma once

#include "collector/resolve/function_list.h"
#include "collector/resolve/placement.h"

#define FUNCTION_CODE_PARTS 5

struct function_code {
	struct placement_code parts[FUNCTION_CODE_PARTS]; /* the function itself first */
	size_t count;
	bool is_whole; /* nothing is missing */
};

/* Reads it; always succeeds. function_code_done releases. */
void function_code_read(const struct function_list *list, const struct function *function,
			struct function_code *code);
void function_code_done(struct function_code *code);
