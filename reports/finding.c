/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding: see finding.h. */
#include "reports/finding.h"

#include "reports/win.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define NOT_MEASURED "not measured"

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
	const json_t *table = finding_table(findings->phases[0], "shares", "functions"), *row;
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		if (strcmp(finding_cell_text(table, row, "component"), component))
			continue;
		snprintf(text, FINDING_TEXT, "%s, %.2g %% in itself",
			 finding_cell_text(table, row, "function"),
			 100 * finding_share(finding_cell(table, row, "self")));
		return text;
	}
	return "none of its functions is among the costliest";
}

const char *finding_duration(const struct findings *findings, const char *component,
			     char text[FINDING_TEXT])
{
	const char *step = finding_string(findings->phases[1], "step");
	const json_t *sweep, *row;
	double most = 0;
	size_t i, j;

	snprintf(text, FINDING_TEXT, NOT_MEASURED);
	json_array_foreach (json_object_get(findings->phases[1], "sweeps"), i, sweep) {
		const json_t *table =
			finding_table(findings->phases[1], finding_string(sweep, "name"), "calls");

		if (strcmp(finding_string(sweep, "about"), component))
			continue;
		json_array_foreach (json_object_get(table, "rows"), j, row) {
			double p50 = json_number_value(finding_cell(table, row, "p50"));
			const char *function = finding_cell_text(table, row, "function");
			const char *point = finding_cell_text(table, row, "point");

			/* The step is the whole engine, and no component. */
			if (p50 <= most || (*step && !strncmp(function, step, strlen(step))))
				continue;
			most = p50;
			snprintf(text, FINDING_TEXT, "%s: median %.3g us%s%s", function, p50 / 1e3,
				 *point ? " at " : "", point);
		}
	}
	return text;
}

const char *finding_best(const struct findings *findings, const char *component,
			 char text[FINDING_TEXT])
{
	const json_t *sweep, *row;
	size_t i, j;

	*text = '\0';
	json_array_foreach (json_object_get(findings->phases[1], "sweeps"), i, sweep) {
		const char *name = finding_string(sweep, "name");
		const json_t *table = finding_table(findings->phases[1], name, "best");

		if (strcmp(finding_string(sweep, "about"), component))
			continue;
		json_array_foreach (json_object_get(table, "rows"), j, row) {
			size_t length = strlen(text);

			if (strcmp(finding_cell_text(table, row, "word"), "clear"))
				continue;
			snprintf(text + length, FINDING_TEXT - length, "%s%s, %s: %s (%.2f times)",
				 length ? "; " : "", name, finding_cell_text(table, row, "work"),
				 finding_cell_text(table, row, "best"),
				 json_number_value(finding_cell(table, row, "ratio")));
		}
	}
	return *text ? text : "no configuration stood out";
}

const char *finding_line(const struct findings *findings, const char *component,
			 char text[FINDING_TEXT])
{
	const json_t *table = finding_table(findings->phases[2], "lines", "hottest"), *row;
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		const char *file = finding_cell_text(table, row, "file");

		if (strcmp(finding_cell_text(table, row, "component"), component))
			continue;
		snprintf(text, FINDING_TEXT, "%s:%" JSON_INTEGER_FORMAT " (%.2g %%)",
			 strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
			 json_integer_value(finding_cell(table, row, "line")),
			 100 * finding_share(finding_cell(table, row, "self")));
		return text;
	}
	return table ? "no sample in its lines" : NOT_MEASURED;
}

/* The row of a component in a group of phase 4, NULL without a class of growth. */
static const json_t *find_growth(const json_t *group, const char *component)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		if (!strcmp(finding_string(row, "kind"), "component") &&
		    !strcmp(finding_string(row, "name"), component) &&
		    json_object_get(json_object_get(row, "time"), "class"))
			return row;
	}
	return NULL;
}

const char *finding_growth(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT])
{
	const char *over;
	json_t *scaling;

	json_object_foreach (json_object_get(findings->phases[3], "scaling"), over, scaling) {
		const json_t *group;
		size_t i;

		json_array_foreach (json_object_get(scaling, "groups"), i, group) {
			const json_t *row = find_growth(group, component);
			const json_t *time = json_object_get(row, "time");
			const json_t *interval = json_object_get(time, "interval");

			if (!row)
				continue;
			snprintf(text, FINDING_TEXT, "%s in %s, exponent %.2f (%.2f to %.2f)%s",
				 finding_string(time, "class"), over,
				 json_number_value(json_object_get(time, "exponent")),
				 json_number_value(json_array_get(interval, 0)),
				 json_number_value(json_array_get(interval, 1)),
				 json_array_size(json_object_get(time, "rivals")) ? ", has rivals"
										  : "");
			return text;
		}
	}
	return NOT_MEASURED;
}

const json_t *finding_win(const struct findings *findings, const char *component)
{
	const json_t *win, *best = NULL;
	double most = 0;
	size_t i;

	json_array_foreach (json_object_get(findings->wins, "wins"), i, win) {
		double ratio =
			json_number_value(json_object_get(json_object_get(win, "wall"), "ratio"));

		if (strcmp(finding_string(win, "component"), component) || ratio <= most)
			continue;
		most = ratio;
		best = win;
	}
	return best;
}

const json_t *finding_remedy(const struct findings *findings, const char *component)
{
	const json_t *remedy, *best = NULL;
	double most = -1;
	size_t i;

	json_array_foreach (json_object_get(findings->phases[0], "remedies"), i, remedy) {
		double low, high;

		if (strcmp(finding_string(remedy, "component"), component))
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

const char *finding_memory(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT])
{
	const json_t *sweep, *row;
	double most = 0;
	size_t i, j;

	snprintf(text, FINDING_TEXT, NOT_MEASURED);
	json_array_foreach (json_object_get(findings->phases[1], "sweeps"), i, sweep) {
		const json_t *table =
			finding_table(findings->phases[1], finding_string(sweep, "name"), "memory");

		json_array_foreach (json_object_get(table, "rows"), j, row) {
			double bytes = json_number_value(finding_cell(table, row, "bytes"));

			if (strcmp(finding_cell_text(table, row, "component"), component) ||
			    bytes <= most)
				continue;
			most = bytes;
			snprintf(text, FINDING_TEXT, "%s holds %.3g KiB at %s",
				 finding_cell_text(table, row, "structure"), bytes / 1024,
				 finding_cell_text(table, row, "point"));
		}
	}
	return text;
}
