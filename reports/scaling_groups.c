/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scaling_groups: see scaling_groups.h. */
#include "reports/scaling_groups.h"

#include "collector/base/xalloc.h"

static bool is_number(const char *text)
{
	char *end;

	return *text && strtod(text, &end) > 0 && !*end;
}

static const char *value_of(const struct scaling *scaling, size_t point, const char *name)
{
	const char *value = json_string_value(
		json_object_get(json_array_get(scaling->sweep.points, point), name));

	return value ? value : "";
}

bool scaling_varies(const struct scaling *scaling, const char *name)
{
	size_t count = json_array_size(scaling->sweep.points);
	bool is_several = false;

	for (size_t i = 0; i < count; i++) {
		if (!is_number(value_of(scaling, i, name)))
			return false;
		is_several |= strcmp(value_of(scaling, i, name), value_of(scaling, 0, name)) != 0;
	}
	return is_several;
}

/* Whether @name has one value for each value of @over, so that both vary as one. */
static bool is_tied(const struct scaling *scaling, const char *name, const char *over)
{
	size_t count = json_array_size(scaling->sweep.points);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(value_of(scaling, i, over), value_of(scaling, k, over)) &&
			    strcmp(value_of(scaling, i, name), value_of(scaling, k, name)) != 0)
				return false;
	return true;
}

const char *scaling_find_over(const struct scaling *scaling)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_array_get(scaling->sweep.points, 0), name, value) {
		if (scaling_varies(scaling, name))
			return name;
	}
	return NULL;
}

/* The values of the names that are no part of the size. Owned by the caller. */
static char *describe_others(const struct scaling *scaling, size_t point, const char *over)
{
	json_t *others = json_object(), *value;
	const char *name;
	char *text;

	json_object_foreach (json_array_get(scaling->sweep.points, point), name, value) {
		if (strcmp(name, over) != 0 && !is_tied(scaling, name, over))
			json_object_set(others, name, value);
	}
	text = sweep_point_label(others);
	json_decref(others);
	return text;
}

/* The group of a run; a new one where there is none. */
static struct scaling_group *find_group(struct scaling_group **groups, size_t *count,
					const char *machine, char *others)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*groups)[i].machine, machine) &&
		    !strcmp((*groups)[i].others, others)) {
			free(others);
			return &(*groups)[i];
		}
	*groups = xreallocarray(*groups, *count + 1, sizeof(**groups));
	(*groups)[*count] = (struct scaling_group){.machine = machine, .others = others};
	return &(*groups)[(*count)++];
}

void scaling_groups_free(struct scaling_group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(groups[i].others);
		free(groups[i].runs);
		free(groups[i].sizes);
	}
	free(groups);
}

/* Size of a run: the number of its point, or a count that the program printed, per step. */
static double size_of(const struct scaling *scaling, size_t result, const char *over,
		      const char *size)
{
	double count = size ? sweep_result_count(&scaling->sweep.results[result], size) : -1;

	if (count > 0)
		return count / scaling->runs[result]->steps;
	return strtod(value_of(scaling, scaling->sweep.results[result].point, over), NULL);
}

/* Runs of one point have one size: the mean of theirs. */
static void level_sizes(const struct scaling *scaling, struct scaling_group *group)
{
	for (size_t i = 0; i < group->count;) {
		size_t point = scaling->sweep.results[group->runs[i]].point, end = i;
		double sum = 0;

		while (end < group->count &&
		       scaling->sweep.results[group->runs[end]].point == point)
			sum += group->sizes[end++];
		for (size_t k = i; k < end; k++)
			group->sizes[k] = sum / (double)(end - i);
		i = end;
	}
	/* By size; few, and nearly in order. */
	for (size_t i = 1; i < group->count; i++)
		for (size_t k = i; k && group->sizes[k - 1] > group->sizes[k]; k--) {
			double size = group->sizes[k];
			size_t run = group->runs[k];

			group->sizes[k] = group->sizes[k - 1];
			group->runs[k] = group->runs[k - 1];
			group->sizes[k - 1] = size;
			group->runs[k - 1] = run;
		}
}

struct scaling_group *scaling_groups_make(const struct scaling *scaling, const char *over,
					  const char *size, size_t *count)
{
	struct scaling_group *groups = NULL;

	*count = 0;
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		struct scaling_group *group;

		if (!scaling->runs[i] || scaling->runs[i]->lacks_steps)
			continue;
		group = find_group(&groups, count, scaling->runs[i]->machine,
				   describe_others(scaling, scaling->sweep.results[i].point, over));
		group->runs = xreallocarray(group->runs, group->count + 1, sizeof(*group->runs));
		group->sizes = xreallocarray(group->sizes, group->count + 1, sizeof(*group->sizes));
		group->runs[group->count] = i;
		group->sizes[group->count++] = size_of(scaling, i, over, size);
	}
	for (size_t i = 0; i < *count; i++)
		level_sizes(scaling, &groups[i]);
	return groups;
}
