/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process_list: see process_list.h. */
#include "collector/process_list.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

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

void process_list_keep_living(struct process_list *list, const char *command)
{
	struct error error;
	size_t living = 0, kept = 0;

	for (size_t i = 0; i < list->count; i++)
		living += !proc_check(list->pids[i], &error);
	if (!living)
		return;
	for (size_t i = 0; i < list->count; i++)
		if (proc_check(list->pids[i], &error))
			fprintf(stderr, "%s: %s; going on with the others\n", command, error.text);
		else
			list->pids[kept++] = list->pids[i];
	list->count = kept;
}
