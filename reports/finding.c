/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding: see finding.h. */
#include "reports/finding.h"

#include "reports/amount.h"
#include "reports/output.h"
#include "reports/win.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define NOT_MEASURED "not measured"

enum {
	AMOUNT_BYTES = 32
};

const char *finding_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Returns a summary, NULL without a sentence when there is none. */
static json_t *read_summary(const char *folder, const char *name, int phase, struct error *error)
{
	char path[PATH_MAX];
	json_error_t why;
	json_t *json;

	error->text[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s/%s_summary.json", folder, name, name);
	if (access(path, F_OK))
		return NULL;
	output_spare(path);
	json = json_load_file(path, 0, &why);
	if (!json) {
		fail(error, -EINVAL, "%s cannot be read: line %d: %s", path, why.line, why.text);
		return NULL;
	}
	if (!strcmp(finding_string(json, "schema"), "simprof/phase-v1") &&
	    json_integer_value(json_object_get(json, "phase")) == phase)
		return json;
	fail(error, -EINVAL, "%s is no summary of %s of this version", path, name);
	json_decref(json);
	return NULL;
}

int findings_read(struct findings *findings, const char *folder, struct error *error)
{
	*findings = (struct findings){0};
	if (access(folder, X_OK))
		return fail(error, -errno, "cannot read the results of the phases in %s: %m",
			    folder);
	for (int i = 0; i <= FINDING_PHASES; i++) {
		json_t **place = i < FINDING_PHASES ? &findings->phases[i] : &findings->wins;
		char name[16] = "wins";

		if (i < FINDING_PHASES)
			snprintf(name, sizeof(name), "phase%d", i + 1);
		*place = read_summary(folder, name, i + 1, error);
		if (!*place && error->text[0]) {
			findings_done(findings);
			return -EINVAL;
		}
	}
	if (findings->phases[0])
		return 0;
	findings_done(findings);
	return fail(error, -EINVAL, "%s has no summary of phase 1 (scripts/run_phase1_profiling)",
		    folder);
}

void findings_done(struct findings *findings)
{
	for (int i = 0; i < FINDING_PHASES; i++)
		json_decref(findings->phases[i]);
	json_decref(findings->wins);
}

const json_t *finding_table(const json_t *summary, const char *section_id, const char *table_id)
{
	const json_t *sections = json_object_get(json_object_get(summary, "report"), "sections");
	const json_t *section, *table;
	size_t i, j;

	json_array_foreach (sections, i, section) {
		if (strcmp(finding_string(section, "id"), section_id))
			continue;
		json_array_foreach (json_object_get(section, "tables"), j, table) {
			if (!strcmp(finding_string(table, "id"), table_id))
				return table;
		}
	}
	return NULL;
}

const json_t *finding_cell(const json_t *table, const json_t *row, const char *id)
{
	const json_t *column;
	size_t i;

	json_array_foreach (json_object_get(table, "columns"), i, column) {
		if (!strcmp(finding_string(column, "id"), id))
			return json_array_get(row, i);
	}
	return NULL;
}

const char *finding_cell_text(const json_t *table, const json_t *row, const char *id)
{
	const char *text = json_string_value(finding_cell(table, row, id));

	return text ? text : "";
}

double finding_share(const json_t *share)
{
	return json_number_value(json_is_array(share) ? json_array_get(share, 0) : share);
}

const char *finding_function(const struct findings *findings, const char *component,
			     char text[FINDING_TEXT])
{
	const json_t *table = finding_table(findings->phases[0], "shares", "causes"), *row;
	char self[AMOUNT_BYTES];
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		if (strcmp(finding_cell_text(table, row, "component"), component) != 0)
			continue;
		snprintf(text, FINDING_TEXT,
			 "%s, %.3g %% with what it calls outside of components, %s %% in itself",
			 finding_cell_text(table, row, "function"),
			 100 * finding_share(finding_cell(table, row, "borne")),
			 amount_brief(100 * finding_share(finding_cell(table, row, "self")), self,
				      sizeof(self)));
		return text;
	}
	return table ? "no sample in its functions" : NOT_MEASURED;
}

/* What is looked for in rows of phase 2, and the words for what was found. */
struct search {
	const struct findings *findings;
	const char *component;
	char *text; /* FINDING_TEXT bytes */
	double most;
	bool is_any; /* there was a row at all */
};

/* Shows every row of the tables @id of phase 2, by sweep; of one component only where the sweep is
 * about it. */
static void walk(struct search *search, const char *id, bool is_about,
		 void (*take)(struct search *search, const char *sweep, const json_t *table,
			      const json_t *row))
{
	const json_t *summary = search->findings->phases[1], *sweep, *row;
	size_t i, j;

	json_array_foreach (json_object_get(summary, "sweeps"), i, sweep) {
		const char *name = finding_string(sweep, "name");
		const json_t *table = finding_table(summary, name, id);

		if (is_about && strcmp(finding_string(sweep, "about"), search->component) != 0)
			continue;
		json_array_foreach (json_object_get(table, "rows"), j, row) {
			search->is_any = true;
			take(search, name, table, row);
		}
	}
}

bool finding_is_function(const char *name, const char *function)
{
	size_t length = strlen(function);

	return length && !strncmp(name, function, length) && (!name[length] || name[length] == '(');
}

static void take_duration(struct search *search, const char *sweep, const json_t *table,
			  const json_t *row)
{
	const char *step = finding_string(search->findings->phases[1], "step");
	double p50 = json_number_value(finding_cell(table, row, "p50"));
	const char *function = finding_cell_text(table, row, "function");
	const char *point = finding_cell_text(table, row, "point");
	char amount[AMOUNT_BYTES];

	(void)sweep;
	/* The step is the whole engine, and no component. */
	if (p50 <= search->most || finding_is_function(function, step))
		return;
	search->most = p50;
	snprintf(search->text, FINDING_TEXT, "%s: median %s%s%s", function,
		 amount_format(p50, "ns", amount, sizeof(amount)), *point ? " at " : "", point);
}

const char *finding_duration(const struct findings *findings, const char *component,
			     char text[FINDING_TEXT])
{
	struct search search = {findings, component, text, 0, false};

	snprintf(text, FINDING_TEXT, NOT_MEASURED);
	walk(&search, "calls", true, take_duration);
	return text;
}

static bool is_clear(const json_t *table, const json_t *row)
{
	return !strcmp(finding_cell_text(table, row, "word"), "clear");
}

static void say_choice(char *text, const char *sweep, const json_t *table, const json_t *row)
{
	size_t length = strlen(text);

	snprintf(text + length, FINDING_TEXT - length, "%s%s, %s: %s (%.2f times)",
		 length ? "; " : "", sweep, finding_cell_text(table, row, "work"),
		 finding_cell_text(table, row, "best"),
		 json_number_value(finding_cell(table, row, "ratio")));
}

static void take_choice(struct search *search, const char *sweep, const json_t *table,
			const json_t *row)
{
	if (is_clear(table, row))
		say_choice(search->text, sweep, table, row);
}

static void take_clearest(struct search *search, const char *sweep, const json_t *table,
			  const json_t *row)
{
	double ratio = json_number_value(finding_cell(table, row, "ratio"));

	if (!is_clear(table, row) || ratio <= search->most)
		return;
	search->most = ratio;
	*search->text = '\0';
	say_choice(search->text, sweep, table, row);
}

const char *finding_best(const struct findings *findings, const char *component, bool is_one,
			 char text[FINDING_TEXT])
{
	struct search search = {findings, component, text, 0, false};

	*text = '\0';
	walk(&search, "best", true, is_one ? take_clearest : take_choice);
	if (*text)
		return text;
	return search.is_any ? "no configuration stood out" : NOT_MEASURED;
}

const char *finding_line(const struct findings *findings, const char *component,
			 char text[FINDING_TEXT])
{
	const json_t *table = finding_table(findings->phases[2], "lines", "hottest"), *row;
	char share[AMOUNT_BYTES];
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		const char *file = finding_cell_text(table, row, "file");

		if (strcmp(finding_cell_text(table, row, "component"), component) != 0)
			continue;
		snprintf(text, FINDING_TEXT, "%s:%" JSON_INTEGER_FORMAT " (%s %%)",
			 strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
			 json_integer_value(finding_cell(table, row, "line")),
			 amount_brief(100 * finding_share(finding_cell(table, row, "borne")), share,
				      sizeof(share)));
		return text;
	}
	if (table && !json_array_size(json_object_get(table, "rows")))
		return "no source lines: no debug information";
	return table ? "no line of it is among the hottest, or its code has no lines"
		     : NOT_MEASURED;
}

/* The row of a component in a group of phase 4, of which it says how its own time grows; NULL: it
 * has too few samples, or too few sizes, for a class. Functions of it are no answer: one's total is
 * of what it calls, too. */
static const json_t *find_growth(const json_t *group, const char *component)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		if (!strcmp(finding_string(row, "kind"), "component") &&
		    !strcmp(finding_string(row, "component"), component) &&
		    json_object_get(json_object_get(row, "time"), "class"))
			return row;
	}
	return NULL;
}

static void say_growth(const json_t *row, const char *over, char text[FINDING_TEXT])
{
	const json_t *time = json_object_get(row, "time"), *rival;
	const json_t *interval = json_object_get(time, "interval");
	size_t length, i;

	snprintf(text, FINDING_TEXT, "%s", finding_string(time, "class"));
	json_array_foreach (json_object_get(time, "rivals"), i, rival) {
		length = strlen(text);
		snprintf(text + length, FINDING_TEXT - length, " or %s", json_string_value(rival));
	}
	length = strlen(text);
	snprintf(text + length, FINDING_TEXT - length, " in %s, exponent %.2f", over,
		 json_number_value(json_object_get(time, "exponent")));
	length = strlen(text);
	if (json_is_array(interval))
		snprintf(text + length, FINDING_TEXT - length, " (%.2f to %.2f)",
			 json_number_value(json_array_get(interval, 0)),
			 json_number_value(json_array_get(interval, 1)));
}

/* The first growth of the component that any sweep of phase 4 knows; whether there is one. */
static bool find_any_growth(const struct findings *findings, const char *component,
			    char text[FINDING_TEXT])
{
	const char *over;
	json_t *scaling;

	json_object_foreach (json_object_get(findings->phases[3], "scaling"), over, scaling) {
		const json_t *group;
		size_t i;

		json_array_foreach (json_object_get(scaling, "groups"), i, group) {
			const json_t *row = find_growth(group, component);

			if (!row)
				continue;
			say_growth(row, over, text);
			return true;
		}
	}
	return false;
}

/* Whether anything in a group has a class: there were sizes enough. */
static bool has_sizes(const json_t *group)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		if (json_object_get(json_object_get(row, "time"), "class"))
			return true;
	}
	return false;
}

/* Of a component without a class: why, and how much it is at most, which phase 4 knows. */
static bool find_most(const struct findings *findings, const char *component,
		      char text[FINDING_TEXT])
{
	const char *over;
	json_t *scaling;

	json_object_foreach (json_object_get(findings->phases[3], "scaling"), over, scaling) {
		const json_t *group = json_array_get(json_object_get(scaling, "groups"), 0);
		const json_t *share = json_object_get(json_object_get(group, "shares"), component);

		if (!share)
			continue;
		snprintf(text, FINDING_TEXT,
			 NOT_MEASURED ": too few %s (at most %.1f %% of the CPU time at any %s)",
			 has_sizes(group) ? "samples" : "sizes", 100 * json_number_value(share),
			 over);
		return true;
	}
	return false;
}

const char *finding_growth(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT])
{
	if (find_any_growth(findings, component, text) || find_most(findings, component, text))
		return text;
	return NOT_MEASURED;
}

/* What a win gains for certain, if it does anything: the lower bound of what its verdict is about.
 */
static double certain_gain(const json_t *win)
{
	const char *word = finding_string(win, "word");
	const char *of = !strcmp(word, "faster")	  ? "wall"
			 : !strcmp(word, "less CPU time") ? "cpu"
							  : NULL;

	return of ? json_number_value(json_object_get(json_object_get(win, of), "low")) : 0;
}

/* Whether a win is to be preferred: for what is certain, and where nothing is, for its ratio. */
static bool is_better_win(const json_t *win, const json_t *best)
{
	double gains[2] = {certain_gain(win), certain_gain(best)}, ratios[2];

	if (gains[0] > 0 || gains[1] > 0)
		return gains[0] > gains[1];
	for (int i = 0; i < 2; i++)
		ratios[i] = json_number_value(
			json_object_get(json_object_get(i ? best : win, "wall"), "ratio"));
	return ratios[0] > ratios[1];
}

/* Whether what was profiled has an improvement already, as the description says. */
static bool is_made(const struct findings *findings, const json_t *win)
{
	const json_t *remedy;
	size_t i;

	json_array_foreach (json_object_get(findings->phases[0], "remedies"), i, remedy) {
		if (!strcmp(finding_string(remedy, "name"), finding_string(win, "name")))
			return *finding_string(remedy, "already");
	}
	return false;
}

const json_t *finding_win(const struct findings *findings, const char *component)
{
	const json_t *win, *best = NULL;
	size_t i;

	json_array_foreach (json_object_get(findings->wins, "wins"), i, win) {
		if (!strcmp(finding_string(win, "component"), component) &&
		    !is_made(findings, win) &&
		    json_object_get(json_object_get(win, "wall"), "ratio") &&
		    (!best || is_better_win(win, best)))
			best = win;
	}
	return best;
}

double finding_effort(const struct findings *findings, const char *component)
{
	const json_t *shown = finding_win(findings, component), *remedy;
	double effort;
	size_t i;

	if (!shown)
		shown = finding_remedy(findings, component);
	json_array_foreach (json_object_get(findings->phases[0], "remedies"), i, remedy) {
		if (strcmp(finding_string(remedy, "name"), finding_string(shown, "name")) != 0)
			continue;
		effort = strtod(finding_string(remedy, "effort"), NULL);
		return effort > 0 && isfinite(effort) ? effort : 1;
	}
	return 1;
}

const json_t *finding_remedy(const struct findings *findings, const char *component)
{
	const json_t *remedy, *best = NULL;
	double most = -1;
	size_t i;

	json_array_foreach (json_object_get(findings->phases[0], "remedies"), i, remedy) {
		double low, high;

		if (strcmp(finding_string(remedy, "component"), component) != 0 ||
		    *finding_string(remedy, "already"))
			continue;
		if (!win_read_gain(finding_string(remedy, "gain"), &low, &high))
			low = 0;
		if (low <= most)
			continue;
		most = low;
		best = remedy;
	}
	return best;
}

static void take_memory(struct search *search, const char *sweep, const json_t *table,
			const json_t *row)
{
	double bytes = json_number_value(finding_cell(table, row, "bytes"));
	char amount[AMOUNT_BYTES];

	(void)sweep;
	if (strcmp(finding_cell_text(table, row, "component"), search->component) != 0 ||
	    bytes <= search->most)
		return;
	search->most = bytes;
	snprintf(search->text, FINDING_TEXT, "%s holds %s at %s",
		 finding_cell_text(table, row, "structure"),
		 amount_format(bytes, "bytes", amount, sizeof(amount)),
		 finding_cell_text(table, row, "point"));
}

const char *finding_memory(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT])
{
	struct search search = {findings, component, text, 0, false};

	snprintf(text, FINDING_TEXT, NOT_MEASURED);
	walk(&search, "memory", false, take_memory);
	return text;
}
