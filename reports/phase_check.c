/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_check: see phase_check.h. */
#include "reports/phase_check.h"

#include "reports/phase.h"

#include <math.h>
#include <string.h>

static const double budget = 0.05; /* of CPU time, that recording may take */

void phase_check_complain(json_t *problems, const char *sweep, const char *text)
{
	json_array_append_new(problems, json_sprintf("%s: %s", sweep, text));
}

/* The least of a count over all runs that are done; -1 when one printed none. */
static double least_count(const struct sweep *sweep, const char *name)
{
	double least = INFINITY;

	for (size_t i = 0; i < sweep->count; i++)
		if (sweep->results[i].is_done)
			least = fmin(least, sweep_result_count(&sweep->results[i], name));
	return least;
}

json_t *phase_check_activity(json_t *problems, const struct sweep *sweep, const json_t *plan)
{
	json_t *counts = json_object(), *name;
	size_t i;

	json_array_foreach (json_object_get(plan, "activity"), i, name) {
		const char *text = json_string_value(name);
		double least = least_count(sweep, text);
		char problem[200];

		if (isinf(least))
			continue;
		json_object_set_new(counts, text, json_real(least));
		if (least > 0)
			continue;
		snprintf(problem, sizeof(problem),
			 least < 0 ? "a run did not print its count of %.100s"
				   : "in a run there were no %.100s",
			 text);
		phase_check_complain(problems, json_string_value(json_object_get(plan, "name")),
				     problem);
	}
	return counts;
}

static bool is_same_problem(const json_t *left, const json_t *right)
{
	return json_equal(json_object_get(left, "state"), json_object_get(right, "state")) &&
	       json_equal(json_object_get(left, "reason"), json_object_get(right, "reason"));
}

/* How many problems of the list are the same as number @index; 0 when one before it is. */
static int count_same(const json_t *problems, size_t index)
{
	const json_t *first = json_array_get(problems, index), *problem;
	int count = 0;
	size_t i;

	json_array_foreach (problems, i, problem) {
		if (!is_same_problem(problem, first))
			continue;
		if (i < index)
			return 0;
		count++;
	}
	return count;
}

void phase_check_runs(json_t *problems, const json_t *plan, const json_t *runs)
{
	const char *name = json_string_value(json_object_get(plan, "name"));
	bool may_time_out = json_is_true(json_object_get(plan, "may_time_out"));
	const json_t *of_runs = json_object_get(runs, "problems"), *problem;
	char text[400];
	int missing = (int)json_integer_value(json_object_get(runs, "missing"));
	size_t i;

	json_array_foreach (of_runs, i, problem) {
		const char *reason = json_string_value(json_object_get(problem, "reason"));
		const char *run = json_string_value(json_object_get(problem, "run"));
		const char *state = json_string_value(json_object_get(problem, "state"));
		int count = count_same(of_runs, i);

		if (may_time_out && !strcmp(state, "timed out"))
			continue;
		if (count > 1)
			snprintf(text, sizeof(text), "%d runs %.20s, %.40s among them: %.300s",
				 count, state, run, reason ? reason : "");
		else
			snprintf(text, sizeof(text), "run %.40s %.20s: %.300s", run, state,
				 reason ? reason : "");
		if (count)
			phase_check_complain(problems, name, text);
	}
	if (missing) {
		snprintf(text, sizeof(text),
			 missing == 1 ? "a run is missing" : "%d runs are missing", missing);
		phase_check_complain(problems, name, text);
	}
}

void phase_check_recordings(json_t *problems, const char *name, const json_t *unreadable)
{
	size_t count = json_array_size(unreadable);
	const char *first = json_string_value(json_array_get(unreadable, 0));
	char text[700];

	if (!count)
		return;
	snprintf(text, sizeof(text),
		 "%zu recording%s cannot be read, the first because %s. Remedy: the same command "
		 "with --retry makes such runs again",
		 count, count == 1 ? "" : "s", first);
	phase_check_complain(problems, name, text);
}

const char *phase_check_overhead(const json_t *overhead)
{
	const json_t *interval = json_object_get(overhead, "interval");

	if (!interval)
		return "not measured";
	if (json_number_value(json_array_get(interval, 1)) <= budget)
		return "kept";
	return json_number_value(json_array_get(interval, 0)) > budget ? "broken" : "cannot tell";
}

bool phase_check_is_timed(const json_t *plan)
{
	return !json_is_true(json_object_get(plan, "is_memory")) &&
	       !json_is_true(json_object_get(plan, "is_counts")) &&
	       !json_is_true(json_object_get(plan, "trace"));
}

/* Whether a sweep is recorded with an option, "--step=". */
static bool has_option(const json_t *plan, const char *option)
{
	const json_t *word;
	size_t i;

	json_array_foreach (json_object_get(plan, "run"), i, word) {
		if (!strncmp(json_string_value(word), option, strlen(option)))
			return true;
	}
	return false;
}

void phase_check_budget(json_t *problems, const json_t *plan, const json_t *overhead)
{
	const json_t *interval = json_object_get(overhead, "interval");
	double low = 100 * json_number_value(json_array_get(interval, 0));
	bool has_calls = has_option(plan, "--time=");
	char text[400];

	if (!phase_check_is_timed(plan) || strcmp(phase_check_overhead(overhead), "broken") != 0)
		return;
	snprintf(
		text, sizeof(text),
		"recording took %.*f %% of the CPU time (%.*f to %.*f), " PHASE_BUDGET_WORDS
		" %.0f %%: times and shares are those of a slowed down program. Remedy: %s%slonger "
		"runs",
		low < 10, 100 * json_number_value(json_object_get(overhead, "overhead")), low < 10,
		low, low < 10, 100 * json_number_value(json_array_get(interval, 1)), 100 * budget,
		has_option(plan, "--step=")
			? "a step function that takes longer, or none ([engine] step); "
			: "",
		has_calls ? "functions that are called less often; " : "");
	phase_check_complain(problems, json_string_value(json_object_get(plan, "name")), text);
}

void phase_check_steps(json_t *problems, const char *name, int lacking)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "in %d recording%s steps were not marked to the end, to keep the budget, and how "
		 "many there were is not known. Remedy: a step function that takes longer",
		 lacking, lacking == 1 ? "" : "s");
	phase_check_complain(problems, name, text);
}
