/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase: see phase.h. */
#include "reports/phase.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/phase_best.h"
#include "reports/phase_check.h"
#include "reports/phase_counts.h"
#include "reports/phase_lines.h"
#include "reports/phase_memory.h"
#include "reports/phase_scaling.h"
#include "reports/phase_sections.h"
#include "reports/phase_system.h"
#include "reports/win.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <unistd.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

/* A phase that is being put together. */
struct phase {
	const json_t *engine;
	const struct phase_options *options;
	const json_t *plan; /* of what the report is */
	json_t *json, *problems, *sweeps, *scaling, *wins, *document;
	json_t *builds; /* of each program, "" once there were several */
	json_t *runs_table;
	struct phase_system system; /* phase 4 */
};

static void add_runs_row(const struct phase *phase, const json_t *plan, const json_t *runs,
			 const json_t *overhead)
{
	const char *name = json_string_value(json_object_get(plan, "name"));
	json_t *row = document_row(phase->runs_table);
	const json_t *interval = json_object_get(overhead, "interval");
	const json_t *share = json_object_get(overhead, "overhead");

	document_text(row, name);
	document_count(row, (uint64_t)json_integer_value(json_object_get(runs, "planned")));
	document_count(row, (uint64_t)json_integer_value(json_object_get(runs, "done")));
	document_count(row, (uint64_t)json_integer_value(json_object_get(runs, "failed")));
	document_count(row, (uint64_t)json_integer_value(json_object_get(runs, "timed_out")));
	if (!share)
		document_text(row, "");
	else if (!interval)
		document_number(row, json_number_value(share));
	else
		document_interval(row, json_number_value(share),
				  json_number_value(json_array_get(interval, 0)),
				  json_number_value(json_array_get(interval, 1)));
	document_text(row, phase_check_is_timed(plan) ? phase_check_overhead(overhead)
						      : "no times are taken from it");
}

/* Reads the sweep that counts all calls at the points of another one. Returns whether there is one;
 * what is wrong with it is said when it is its turn. */
static bool load_counts(const struct phase *phase, const struct scaling *scaling,
			struct scaling *counted)
{
	char path[PATH_MAX];
	struct error error;

	snprintf(path, sizeof(path), "%s" PHASE_COUNTS, scaling->sweep.folder);
	return !scaling_load(counted, path, json_object_get(phase->engine, "components"), &error);
}

/* Numbers of calls are those that were counted. */
static void join_counts(json_t *json, const struct scaling *counted, const char *name,
			const char *size)
{
	struct error error;
	json_t *counts = scaling_json(counted, name, size, &error);

	if (counts)
		phase_join_counts(json, counts);
	json_decref(counts);
}

static void take_scaling(struct phase *phase, struct scaling *scaling, const json_t *plan)
{
	const char *name = json_string_value(json_object_get(plan, "name"));
	const char *size = engine_text(phase->engine, "size", name, NULL);
	struct scaling counted;
	bool is_counted = load_counts(phase, scaling, &counted);
	struct error error;
	json_t *json;

	if (is_counted)
		scaling_take_steps(scaling, &counted);
	if (scaling_lacking_steps(scaling))
		phase_check_steps(phase->problems, name, scaling_lacking_steps(scaling));
	json = scaling_json(scaling, name, size, &error);
	phase_system_add(&phase->system, name, scaling);
	if (json) {
		if (is_counted)
			join_counts(json, &counted, name, size);
		phase_add_scaling(phase->document, name, name, json);
		json_object_set_new(phase->scaling, name, json);
	} else {
		phase_check_complain(phase->problems, name, error.text);
	}
	if (is_counted)
		scaling_done(&counted);
}

static void take_win(struct phase *phase, const struct scaling *scaling, const json_t *plan)
{
	json_t *win = win_json(phase->engine, plan, scaling, scaling->sweep.folder);
	const char *problem = win_problem(win);

	json_array_append_new(phase->wins, win);
	if (problem)
		phase_check_complain(phase->problems,
				     json_string_value(json_object_get(plan, "name")), problem);
}

static bool has_sweep(const json_t *plan, const char *name)
{
	const json_t *sweep;
	size_t i;

	json_array_foreach (plan, i, sweep) {
		if (!strcmp(json_string_value(json_object_get(sweep, "name")), name))
			return true;
	}
	return false;
}

/* Tells of the lines of the functions that were asked for, and of those that have been before. */
static void take_lines(struct phase *phase, const struct scaling *scaling)
{
	const char *only = phase->options->only, *key;
	json_t *hot = json_object(), *value;

	json_object_foreach (json_object_get(phase->engine, "hot"), key, value) {
		char name[128];

		snprintf(name, sizeof(name), PHASE_FUNCTION "%s", key);
		if (!only || !strcmp(only, "all") || !strcmp(only, key) ||
		    has_sweep(phase->plan, name))
			json_object_set(hot, key, value);
	}
	phase_add_lines(phase->document, scaling, hot);
	json_decref(hot);
}

static void take_calls(struct phase *phase, const char *name, const struct scaling *scaling,
		       const json_t *plan)
{
	json_t *section = phase_add_calls(phase->document, name, scaling);
	const char *choose = json_string_value(json_object_get(plan, "choose"));

	if (choose)
		phase_add_best(section, scaling, choose);
}

static void take_sections(struct phase *phase, struct scaling *scaling, const json_t *plan)
{
	const char *name = json_string_value(json_object_get(plan, "name"));
	bool is_memory = json_is_true(json_object_get(plan, "is_memory"));
	bool is_counts = json_is_true(json_object_get(plan, "is_counts"));

	if (json_is_true(json_object_get(plan, "trace")))
		return; /* its win has read it */
	if (phase->options->phase == PHASE_WINS)
		take_win(phase, scaling, plan);
	else if (phase->options->phase == 1 && is_counts)
		phase_add_counts(phase->document, scaling,
				 engine_text(phase->engine, "engine", "step", ""),
				 engine_text(phase->engine, "engine", "turn", ""));
	else if (is_counts)
		return; /* what it counts for has read it */
	else if (phase->options->phase == 1 && !strcmp(name, "macro"))
		phase_add_shares(phase->document, scaling);
	else if (phase->options->phase == 4)
		take_scaling(phase, scaling, plan);
	else if (phase->options->phase == 3 && !strcmp(name, "lines"))
		take_lines(phase, scaling);
	else if (phase->options->phase == 2 && is_memory)
		phase_add_memory(phase->document, name, scaling,
				 json_string_value(json_object_get(plan, "per")));
	else if (!is_memory)
		take_calls(phase, name, scaling, plan);
}

static bool has_recording(const struct scaling *scaling)
{
	for (size_t i = 0; i < scaling->sweep.count; i++)
		if (scaling->runs[i])
			return true;
	return false;
}

/* Whether a sweep is told of in a section of its own, not in that of another. */
static bool has_section(const struct phase *phase, const json_t *plan)
{
	bool is_counts = json_is_true(json_object_get(plan, "is_counts"));
	bool is_memory = json_is_true(json_object_get(plan, "is_memory"));

	return (!is_counts || phase->options->phase == 1) &&
	       (!is_memory || phase->options->phase == 2);
}

/* The section of a sweep of which nothing can be read. */
static void miss_section(struct phase *phase, const char *name, const json_t *runs)
{
	const json_t *problems = json_object_get(runs, "problems");
	const char *reason =
		json_string_value(json_object_get(json_array_get(problems, 0), "reason"));
	int done = (int)json_integer_value(json_object_get(runs, "done"));
	size_t count = json_array_size(problems);
	char text[500];

	if (!count)
		snprintf(text, sizeof(text), "no recording of it can be read");
	else if (done)
		snprintf(text, sizeof(text), "no run with a recording is done: %.400s",
			 reason ? reason : "");
	else
		snprintf(text, sizeof(text), "no run is done, %zu failed or took too long: %.400s",
			 count, reason ? reason : "");
	document_miss(document_section(phase->document, name, name), text);
}

/* Says on which machine the first recording was made, and how far it may be trusted. */
static void add_trust(const struct phase *phase, const struct scaling *scaling)
{
	const json_t *words = json_object_get(scaling->sweep.plan, "command"), *word;
	char text[400] = "";
	size_t k;

	json_array_foreach (words, k, word) {
		snprintf(text + strlen(text), 300 - strlen(text), "%s%s", k ? " " : "",
			 json_string_value(word));
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ", order of runs from seed %d",
		 (int)json_integer_value(json_object_get(scaling->sweep.plan, "seed")));
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		if (!scaling->runs[i])
			continue;
		document_add_trust(phase->document, text, false);
		document_add_trust(phase->document, scaling->runs[i]->program, false);
		document_add_trust(phase->document, scaling->runs[i]->machine, false);
		document_add_trust(phase->document, scaling->runs[i]->trust,
				   scaling->runs[i]->is_bad);
		return;
	}
}

/* What was measured of one build says nothing of another. */
static void check_builds(struct phase *phase, const char *sweep, const struct scaling *scaling)
{
	static const char between[] = ", build ";

	for (size_t i = 0; i < scaling->sweep.count; i++) {
		const char *text = scaling->runs[i] ? scaling->runs[i]->program : "";
		const char *build = strstr(text, between), *known;
		char program[100], problem[400];

		if (!build)
			continue;
		snprintf(program, sizeof(program), "%.*s", (int)(build - text), text);
		build += strlen(between);
		known = json_string_value(json_object_get(phase->builds, program));
		if (known && strcmp(known, build) != 0 && *known) {
			snprintf(problem, sizeof(problem),
				 "there are recordings of two builds of %.60s, %.40s and %.40s: "
				 "another "
				 "--output-dir keeps them apart",
				 program, known, build);
			phase_check_complain(phase->problems, sweep, problem);
			build = "";
		}
		if (!known || *known)
			json_object_set_new(phase->builds, program, json_string(build));
	}
}

static void take_sweep(struct phase *phase, const json_t *plan, const char *folder)
{
	const char *name = json_string_value(json_object_get(plan, "name"));
	json_t *runs, *overhead, *activity;
	struct scaling scaling;
	char path[PATH_MAX];
	struct error error;
	double *cpu_ns;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (scaling_load(&scaling, path, json_object_get(phase->engine, "components"), &error)) {
		phase_check_complain(phase->problems, name, error.text);
		return;
	}
	cpu_ns = xcalloc(scaling.sweep.count, sizeof(*cpu_ns));
	for (size_t i = 0; i < scaling.sweep.count; i++)
		cpu_ns[i] = scaling.runs[i] ? measured_own_cpu_ns(scaling.runs[i]) : 0;
	runs = sweep_runs_json(&scaling.sweep);
	overhead = sweep_overhead_json(&scaling.sweep, cpu_ns);
	activity = phase_check_activity(phase->problems, &scaling.sweep, plan);
	free(cpu_ns);
	phase_check_runs(phase->problems, plan, runs);
	phase_check_recordings(phase->problems, name, scaling.unreadable);
	phase_check_budget(phase->problems, plan, overhead);
	check_builds(phase, name, &scaling);
	add_runs_row(phase, plan, runs, overhead);
	if (has_recording(&scaling) || phase->options->phase == PHASE_WINS)
		take_sections(phase, &scaling, plan);
	else if (has_section(phase, plan))
		miss_section(phase, name, runs);
	if (!json_array_size(phase->sweeps))
		add_trust(phase, &scaling);
	json_array_append_new(phase->sweeps,
			      json_pack("{s:s, s:O, s:o, s:o, s:o}", "name", name, "about",
					json_object_get(plan, "about"), "runs", runs, "overhead",
					overhead, "activity", activity));
	scaling_done(&scaling);
}

static void begin_document(struct phase *phase)
{
	static const char *const titles[PHASE_WINS] = {
		"Phase 1: where does the time go?", "Phase 2: how does each component behave?",
		"Phase 3: which line?", "Phase 4: how does it scale?",
		"Quick wins: what do they gain?"};
	static const struct document_column columns[] = {
		{"sweep", "sweep", "code", NULL},
		{"planned", "runs planned", "count", NULL},
		{"done", "done", "count", NULL},
		{"failed", "failed", "count", NULL},
		{"timed_out", "timed out", "count", NULL},
		{"overhead", "recording takes of CPU time", "change", NULL},
		{"budget", "budget of 5 %", "text", NULL},
	};
	json_t *section;

	phase->document = document_new(titles[phase->options->phase - 1]);
	section = document_section(phase->document, "runs", "Runs");
	phase->runs_table =
		document_table(section, "runs", "What was run, and what recording it cost", columns,
			       COLUMN_COUNT(columns));
	if (phase->options->phase == 4)
		phase_system_begin(&phase->system, phase->document);
}

static void conclude(struct phase *phase)
{
	size_t count = json_array_size(phase->problems), i;
	char text[100];
	json_t *problem;

	if (count)
		snprintf(text, sizeof(text), "Not all was measured as planned: %zu problem%s.",
			 count, count == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text), "All that was planned was measured.");
	document_set_verdict(phase->document, count ? "doubtful" : "measured", text);
	json_array_foreach (phase->problems, i, problem) {
		document_add_trust(phase->document, json_string_value(problem), true);
	}
}

/* What the description predicts of components. */
static json_t *predictions_of(const json_t *engine)
{
	json_t *predictions = json_object(), *values;
	const char *section;

	json_object_foreach ((json_t *)engine, section, values) {
		if (!strncmp(section, ENGINE_PREDICTED, strlen(ENGINE_PREDICTED)))
			json_object_set(predictions, section + strlen(ENGINE_PREDICTED), values);
	}
	return predictions;
}

/* The improvements that the description names, whether they were measured or not. */
static json_t *remedies_of(const json_t *engine)
{
	json_t *remedies = json_array(), *values;
	const char *section;

	json_object_foreach ((json_t *)engine, section, values) {
		json_t *remedy;

		if (strncmp(section, ENGINE_WIN, strlen(ENGINE_WIN)) != 0)
			continue;
		remedy = json_copy(values);
		json_object_set_new(remedy, "name", json_string(section + strlen(ENGINE_WIN)));
		json_array_append_new(remedies, remedy);
	}
	return remedies;
}

/* Appends those sweeps of another selection that are in @wanted, too, or lie in the folder. */
static void add_selection(json_t *plan, const json_t *wanted, const json_t *engine,
			  const struct phase_options *selection, const char *folder)
{
	struct error error;
	json_t *others = phase_plan(engine, selection, &error), *sweep;
	size_t i;

	json_array_foreach (others, i, sweep) {
		const char *name = json_string_value(json_object_get(sweep, "name"));
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s/sweep.json", folder, name);
		if (!has_sweep(plan, name) && (has_sweep(wanted, name) || !access(path, F_OK)))
			json_array_append(plan, sweep);
	}
	json_decref(others);
}

/* What the report is of: where one component, function or win was asked for, the others that lie in
 * the folder, too. */
static json_t *plan_report(const json_t *engine, const struct phase_options *options,
			   const char *folder, struct error *error)
{
	json_t *wanted = phase_plan(engine, options, error), *plan, *value;
	struct phase_options selection = *options;
	const char *key;

	if (!wanted || (!options->only && options->phase != 3))
		return wanted;
	plan = json_array();
	selection.only = NULL;
	add_selection(plan, wanted, engine, &selection, folder);
	json_object_foreach (json_object_get(engine, "hot"), key, value) {
		selection.only = key;
		if (options->phase == 3)
			add_selection(plan, wanted, engine, &selection, folder);
	}
	json_decref(wanted);
	return plan;
}

json_t *phase_json(const json_t *engine, const struct phase_options *options, const char *folder,
		   struct error *error)
{
	json_t *plan = plan_report(engine, options, folder, error), *sweep;
	struct phase phase = {.engine = engine, .options = options};
	size_t i;

	if (!plan)
		return NULL;
	phase.plan = plan;
	phase.problems = json_array();
	phase.sweeps = json_array();
	phase.scaling = json_object();
	phase.wins = json_array();
	phase.builds = json_object();
	begin_document(&phase);
	if (options->why_no_probes)
		phase_check_complain(phase.problems, "steps, calls and hits",
				     options->why_no_probes);
	json_array_foreach (plan, i, sweep) {
		take_sweep(&phase, sweep, folder);
	}
	json_decref(plan);
	if (options->phase == PHASE_WINS)
		win_add_section(phase.document, phase.wins);
	conclude(&phase);
	return json_pack("{s:s, s:i, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "schema", "simprof/phase-v1", "phase", options->phase, "quick",
			 options->quick, "step", engine_text(engine, "engine", "step", ""),
			 "status", json_array_size(phase.problems) ? "failed" : "success",
			 "problems", phase.problems, "sweeps", phase.sweeps, "scaling",
			 phase.scaling, "wins", phase.wins, "predictions", predictions_of(engine),
			 "remedies", remedies_of(engine), "builds", phase.builds, "report",
			 phase.document);
}
