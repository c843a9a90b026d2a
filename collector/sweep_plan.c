/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_plan: see sweep_plan.h. */
#include "collector/sweep_plan.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA "simprof/sweep-v1"

static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return false;
	return length > 0;
}

/* Splits "NAME=VALUE"; returns the value, NULL when it is none. */
static char *split_assignment(char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || !is_name(text, (size_t)(equals - text)))
		return NULL;
	*equals = '\0';
	return equals + 1;
}

/* Multiplies the points by the values of @name. */
static void multiply(json_t *points, const char *name, char *values)
{
	json_t *old = json_copy(points), *point;
	size_t i;

	json_array_clear(points);
	for (char *value = strsep(&values, ","); value; value = strsep(&values, ","))
		json_array_foreach (old, i, point) {
			json_t *copy = json_copy(point);

			json_object_set_new(copy, name, json_string(value));
			json_array_append_new(points, copy);
		}
	json_decref(old);
}

int sweep_points_vary(json_t *points, const char *text, struct error *error)
{
	char *copy = xstrdup(text), *values = split_assignment(copy);
	int result = 0;

	if (!values || !*values || values[0] == ',' || strstr(values, ",,") ||
	    values[strlen(values) - 1] == ',')
		result = fail(error, -EINVAL,
			      "--vary takes NAME=VALUE,VALUE..., for instance agents=10,20, not "
			      "'%s'",
			      text);
	else if (json_object_get(json_array_get(points, 0), copy))
		result = fail(error, -EINVAL, "'%s' is varied twice", copy);
	if (!json_array_size(points))
		json_array_append_new(points, json_object());
	if (!result)
		multiply(points, copy, values);
	free(copy);
	if (!result && json_array_size(points) > SWEEP_POINTS)
		result = fail(error, -EINVAL, "these are %zu points, more than %d",
			      json_array_size(points), SWEEP_POINTS);
	return result;
}

int sweep_points_list(json_t *points, const char *text, struct error *error)
{
	char *copy = xstrdup(text), *rest = copy;
	json_t *point = json_object();
	int result = 0;

	for (char *part = strsep(&rest, ","); part && !result; part = strsep(&rest, ",")) {
		char *value = split_assignment(part);

		if (!value || !*value)
			result = fail(error, -EINVAL,
				      "--point takes NAME=VALUE,NAME=VALUE..., not '%s'", text);
		else
			json_object_set_new(point, part, json_string(value));
	}
	json_array_append_new(points, point);
	free(copy);
	return result;
}

/* Returns @text with each {NAME} replaced, owned by the caller; NULL with @missing where the point
 * does not have that name. Braces around anything else stay. */
static char *substitute(const char *text, const json_t *point, char missing[64])
{
	char *made = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&made, &bytes);
	bool is_good = stream != NULL;

	while (*text && is_good) {
		size_t length = *text == '{' ? strcspn(text + 1, "}") : 0;

		if (*text == '{' && text[length + 1] == '}' && is_name(text + 1, length) &&
		    length < 64) {
			char name[64] = {0};
			const char *value;

			memcpy(name, text + 1, length);
			value = json_string_value(json_object_get(point, name));
			is_good = value != NULL;
			if (is_good)
				fputs(value, stream);
			else
				memcpy(missing, name, sizeof(name));
			text += length + 2;
		} else {
			fputc(*text++, stream);
		}
	}
	if (stream)
		fclose(stream);
	if (is_good)
		return xalloc_checked(made);
	free(made);
	return NULL;
}

/* Every name of the command must have a value in every point, and the other way round. */
static int check_names(const struct sweep_plan *plan, struct error *error)
{
	json_t *point, *word, *value;
	const char *name;
	size_t i, k;

	json_array_foreach (plan->points, i, point) {
		char missing[64];

		json_array_foreach (plan->command, k, word) {
			char *made = substitute(json_string_value(word), point, missing);

			free(made);
			if (!made)
				return fail(error, -EINVAL,
					    "the command has {%s}, but a point gives it no value",
					    missing);
		}
		json_object_foreach (point, name, value) {
			char mark[64];
			bool is_used = false;

			snprintf(mark, sizeof(mark), "{%s}", name);
			json_array_foreach (plan->command, k, word) {
				is_used = is_used || strstr(json_string_value(word), mark);
			}
			if (!is_used || !json_is_string(value))
				return fail(error, -EINVAL,
					    "'%s' is varied, but the command has no {%s}", name,
					    name);
		}
	}
	return 0;
}

static bool are_texts(const json_t *array)
{
	const json_t *text;
	size_t i;

	json_array_foreach (array, i, text) {
		if (!json_is_string(text))
			return false;
	}
	return json_is_array(array);
}

static bool are_objects(const json_t *array)
{
	const json_t *object;
	size_t i;

	json_array_foreach (array, i, object) {
		if (!json_is_object(object))
			return false;
	}
	return json_is_array(array);
}

int sweep_plan_init(struct sweep_plan *plan, json_t *json, struct error *error)
{
	json_error_t why;
	const char *schema;

	*plan = (struct sweep_plan){.json = json};
	if (json_unpack_ex(json, &why, 0, "{s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:F, s:i, s?o}",
			   "schema", &schema, "command", &plan->command, "points", &plan->points,
			   "run", &plan->run, "repeats", &plan->repeats, "bare", &plan->bare,
			   "warm_up", &plan->warm_up, "time_limit_s", &plan->time_limit_s, "seed",
			   &plan->seed, "scratch", &plan->scratch))
		return fail(error, -EINVAL, SWEEP_PLAN_FILE " is no plan of a sweep: %s", why.text);
	if (strcmp(schema, SCHEMA) != 0)
		return fail(error, -EINVAL,
			    SWEEP_PLAN_FILE " has the form '%.40s'; this version knows " SCHEMA,
			    schema);
	if (!are_texts(plan->command) || !json_array_size(plan->command) || !are_texts(plan->run) ||
	    (plan->scratch && !are_texts(plan->scratch)) || !are_objects(plan->points) ||
	    !json_array_size(plan->points) || json_array_size(plan->points) > SWEEP_POINTS ||
	    plan->repeats < 0 || plan->repeats > SWEEP_REPEATS || plan->bare < 0 ||
	    plan->bare > SWEEP_REPEATS || plan->warm_up < 0 || plan->warm_up > SWEEP_REPEATS ||
	    plan->repeats + plan->bare < 1 || !(plan->time_limit_s > 0))
		return fail(error, -EINVAL, SWEEP_PLAN_FILE " holds values that no sweep has");
	return check_names(plan, error);
}

void sweep_plan_done(struct sweep_plan *plan)
{
	json_decref(plan->json);
	plan->json = NULL;
}

int sweep_plan_read(struct sweep_plan *plan, const char *folder, struct error *error)
{
	char path[PATH_MAX];
	json_error_t why;
	json_t *json;

	*plan = (struct sweep_plan){0};
	snprintf(path, sizeof(path), "%s/" SWEEP_PLAN_FILE, folder);
	if (access(path, F_OK) && errno == ENOENT)
		return fail(error, -ENOENT, "there is no sweep in %s", folder);
	json = json_load_file(path, 0, &why);
	if (!json)
		return fail(error, -EINVAL, "%s is no plan of a sweep: %s", path, why.text);
	return sweep_plan_init(plan, json, error);
}

int sweep_plan_write(const struct sweep_plan *plan, const char *folder, struct error *error)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int fd, result;

	snprintf(path, sizeof(path), "%s/" SWEEP_PLAN_FILE, folder);
	snprintf(temporary, sizeof(temporary), "%s/.sweep.XXXXXX", folder);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(error, -errno, "cannot write into %s: %m", folder);
	result = json_dumpfd(plan->json, fd, JSON_INDENT(1));
	if (fchmod(fd, 0644) || close(fd) || result || rename(temporary, path)) {
		result = -errno;
		unlink(temporary);
		return fail(error, result, "cannot write %s: %m", path);
	}
	return 0;
}

/* Marsaglia 2003, Journal of Statistical Software 8(14): xorshift. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void shuffle(struct sweep_run *runs, int count, uint64_t *state)
{
	for (int i = count - 1; i > 0; i--) {
		int other = (int)(draw(state) % (uint64_t)(i + 1));
		struct sweep_run kept = runs[i];

		runs[i] = runs[other];
		runs[other] = kept;
	}
}

struct sweep_run *sweep_plan_runs(const struct sweep_plan *plan, int *count)
{
	int points = (int)json_array_size(plan->points), made = 0;
	int rounds = plan->repeats > plan->bare ? plan->repeats : plan->bare;
	struct sweep_run *runs =
		xcalloc((size_t)points * (plan->repeats + plan->bare), sizeof(*runs));
	uint64_t state = (uint64_t)(unsigned)plan->seed * 2654435769u + 88172645463325252u;

	for (int round = 0; round < rounds; round++) {
		int first = made;

		for (int point = 0; point < points; point++) {
			if (round < plan->repeats)
				runs[made++] = (struct sweep_run){point, round, false};
			if (round < plan->bare)
				runs[made++] = (struct sweep_run){point, round, true};
		}
		shuffle(runs + first, made - first, &state);
	}
	*count = made;
	return runs;
}

char **sweep_plan_command(const struct sweep_plan *plan, int point)
{
	size_t count = json_array_size(plan->command);
	char **command = xcalloc(count + 1, sizeof(*command)), missing[64];

	for (size_t i = 0; i < count; i++)
		command[i] = xalloc_checked(
			substitute(json_string_value(json_array_get(plan->command, i)),
				   json_array_get(plan->points, (size_t)point), missing));
	return command;
}

void sweep_command_free(char **command)
{
	for (size_t i = 0; command[i]; i++)
		free(command[i]);
	free(command);
}
