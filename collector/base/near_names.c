/* SPDX-License-Identifier: GPL-3.0-or-later */
/* near_names: see near_names.h. */
#include "collector/base/near_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_NAME 256 /* of names that are compared */

/* Returns the number of insertions, deletions and changes between two names (Levenshtein), or a
 * number above @most. */
static size_t distance(const char *a, const char *b, size_t most)
{
	size_t row[LONGEST_NAME + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (b_length > LONGEST_NAME || a_length > b_length + most || b_length > a_length + most)
		return most + 1;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = change < least + 1 ? change : least + 1;
		}
	}
	return row[b_length];
}

/* Names that hold the one that was given count as near, too: step → world_step. */
static size_t remoteness(const char *wanted, const char *name, size_t most)
{
	if (strlen(wanted) >= 4 && strstr(name, wanted))
		return most;
	return distance(wanted, name, most);
}

static bool is_found(const struct near_names *near, const char *offered)
{
	for (size_t i = 0; i < near->count; i++)
		if (!strcmp(near->found[i], offered))
			return true;
	return false;
}

void near_names_init(struct near_names *near, const char *wanted)
{
	*near = (struct near_names){.wanted = wanted, .most = 1 + strlen(wanted) / 4};
}

void near_names_add(struct near_names *near, const char *name, const char *offered)
{
	size_t far = remoteness(near->wanted, name, near->most), at = 0;

	if (far > near->most || is_found(near, offered))
		return;
	while (at < near->count && near->remote[at] <= far)
		at++;
	if (at == NEAR_NAMES)
		return;
	if (near->count < NEAR_NAMES)
		near->count++;
	for (size_t i = near->count - 1; i > at; i--) {
		near->found[i] = near->found[i - 1];
		near->remote[i] = near->remote[i - 1];
	}
	near->found[at] = offered;
	near->remote[at] = far;
}

char *near_names_write(const struct near_names *near, char *text, size_t bytes)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < near->count && used < bytes; i++)
		used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "",
					 near->found[i]);
	return text;
}
