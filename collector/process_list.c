/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process_list: see process_list.h. */
#include "collector/process_list.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <limits.h>

void process_list_parse(struct process_list *list, const struct argp_state *state, const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || value < 1 || value > INT_MAX)
		argp_failure(state, 1, 0, "'%s' is no process number", text);
	xgrow(list->pids, list->count, list->capacity);
	list->pids[list->count++] = (pid_t)value;
}

void process_list_check(const struct process_list *list, const struct argp_state *state,
			const char *example)
{
	if (!list->count)
		argp_failure(state, 1, 0, "which process? For instance: %s", example);
}
