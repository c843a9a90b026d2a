/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command_sides: see command_sides.h. */
#include "reports/command_sides.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <string.h>

bool command_sides_read(struct command_sides *sides, const struct argp *argp, int count,
			char **arguments, void *input)
{
	int divider = 1;

	while (divider < count && strcmp(arguments[divider], "--") != 0)
		divider++;
	sides->paths = xcalloc((size_t)count, sizeof(*sides->paths));
	argp_parse(argp, divider, arguments, 0, NULL, input);
	sides->base_count = sides->count;
	for (int i = divider + 1; i < count; i++)
		command_sides_add(sides, arguments[i]);
	return divider < count;
}

void command_sides_add(struct command_sides *sides, const char *path)
{
	sides->paths[sides->count++] = path;
}

int command_sides_pair(const struct command_sides *sides, struct error *error)
{
	if (sides->count != 2 * sides->base_count)
		return fail(error, -EINVAL, "--paired wants as many new recordings as base ones");
	return 0;
}

int command_sides_check(const struct command_sides *sides, bool is_paired, struct error *error)
{
	if (!sides->base_count || sides->base_count == sides->count)
		return fail(error, -EINVAL, "there must be a recording on each side of \"--\"");
	return is_paired ? command_sides_pair(sides, error) : 0;
}

void command_sides_done(struct command_sides *sides)
{
	free(sides->paths);
	*sides = (struct command_sides){0};
}
