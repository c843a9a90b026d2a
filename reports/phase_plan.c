/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_plan: see phase_plan.h. */
#include "reports/phase_plan.h"

#include "collector/base/xalloc.h"

#include <errno.h>

/* Of a run; that of quick ones is shorter, so that an engine that hangs is told of sooner. */
enum {
	TIME_LIMIT_S = 600,
	QUICK_TIME_LIMIT_S = 120,
	HITS_TIME_LIMIT_S = 60,
};

/* What sampling takes comes on top, and what it costs to begin, a part of short runs: all together
 * are to stay within 5 %. */
static const char budget[] = "--budget=2";

/* For numbers of calls: exact, whatever that costs, for nothing is timed then. */
static const char no_budget[] = "--budget=none";

/* Where durations are asked for, samples only cost; where probes are, too, half of them do. */
static const char few_samples[] = "-F99", half_the_samples[] = "-F499";

/* For hits nothing is timed either. Where counting all of them takes too long, they are those of
 * windows, which have up to half of a run. */
static const char hits_budget[] = "--budget=100";

/* For lines, as many as the budget lets. */
static const char many_samples[] = "-F1499";

/* What most sweeps have in common; the rest is for the caller to fill in. */
struct draft {
	const char *name, *about, *command, *activity;
	json_t *points; /* owned */
	json_t *run;	/* owned */
	int repeats, bare;
};

static int time_limit_s(const json_t *engine, bool quick)
{
	int limit_s = atoi(engine_text(engine, "engine", "time_limit", ""));

	if (limit_s > 0)
		return limit_s;
	return quick ? QUICK_TIME_LIMIT_S : TIME_LIMIT_S;
}

static json_t *finish(const json_t *engine, const struct draft *draft, bool quick)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:o}", "name", draft->name,
			 "about", draft->about, "command",
			 engine_command(engine, draft->command, draft->points, quick), "points",
			 draft->points, "run", draft->run, "repeats", draft->repeats, "bare",
			 draft->bare, "time_limit_s", time_limit_s(engine, quick), "activity",
			 engine_list(draft->activity), "scratch",
			 engine_list(engine_text(engine, "engine", "scratch", "")));
}

/* Options of collector run: the step function, when there is one, and functions to time, as far as
 * there may be probes; and how often to sample, NULL: as it does by itself. */
static json_t *run_options(const json_t *engine, const struct phase_options *options,
			   const char *time, const char *samples)
{
	const char *step = engine_text(engine, "engine", "step", "");
	json_t *run = json_array();

	if (samples)
		json_array_append_new(run, json_string(samples));
	if (options->why_no_probes)
		return run;

	if (*step)
		json_array_append_new(run, json_sprintf("--step=%s", step));
	if (time && *time)
		json_array_append_new(run, json_sprintf("--time=%s", time));
	if (*step || (time && *time))
		json_array_append_new(run, json_string(budget));
	return run;
}

static bool is_wanted(const struct phase_options *options, const char *name)
{
	return !options->only || !strcmp(options->only, "all") || !strcmp(options->only, name);
}

/* The functions of [hot] that are to be probed, in phase 3 those that are wanted, with commas
 * between. Owned by the caller. */
static char *hot_functions(const json_t *engine, const struct phase_options *options)
{
	json_t *value;
	const char *key;
	char *text = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&text, &bytes));

	json_object_foreach (json_object_get(engine, "hot"), key, value) {
		if (!options->why_no_probes && (options->phase != 3 || is_wanted(options, key)))
			fprintf(stream, "%s%s", ftell(stream) > 0 ? "," : "",
				json_string_value(value));
	}
	fclose(stream);
	return text;
}

static void add(json_t *plan, const json_t *engine, const struct draft *draft,
		const struct phase_options *options)
{
	json_array_append_new(plan, finish(engine, draft, options->quick));
}

/* Counts every step, and every call of functions, at the points of another sweep. Counts are the
 * same in each run, so one is enough. Points are taken. */
static void add_counts(json_t *plan, const json_t *engine, const struct draft *other,
		       const char *functions, const struct phase_options *options)
{
	const char *step = engine_text(engine, "engine", "step", "");
	struct draft counted = *other;
	json_t *run = json_pack("[s, s]", no_budget, few_samples);

	if (*functions)
		json_array_insert_new(run, 0, json_sprintf("--count=%s", functions));
	if (*step)
		json_array_append_new(run, json_sprintf("--step=%s", step));
	counted.run = run;
	counted.repeats = 1;
	counted.bare = 0;
	add(plan, engine, &counted, options);
	json_object_set_new(json_array_get(plan, json_array_size(plan) - 1), "is_counts",
			    json_true());
}

/* Phase 1: samples, undisturbed by probes; calls of the hot functions, timed and counted. */
static void plan_phase1(json_t *plan, const json_t *engine, const struct phase_options *options)
{
	const char *command = engine_text(engine, "engine", "command", "");
	const char *activity = engine_text(engine, "engine", "activity", "");
	char *hot = hot_functions(engine, options);

	add(plan, engine,
	    &(struct draft){"macro", "samples", command, activity, json_pack("[{}]"),
			    run_options(engine, options, NULL, NULL), 5, options->quick ? 5 : 10},
	    options);
	if (*hot)
		add(plan, engine,
		    &(struct draft){"calls", "calls", command, activity, json_pack("[{}]"),
				    run_options(engine, options, hot, few_samples), 3, 3},
		    options);
	if (*hot)
		add_counts(plan, engine,
			   &(struct draft){.name = "counts",
					   .about = "calls",
					   .command = command,
					   .activity = activity,
					   .points = json_pack("[{}]")},
			   hot, options);
	free(hot);
}

/* "driver COMPONENT TEST" → "COMPONENT", in @component. */
static void read_component(const char *section, char *component, size_t bytes)
{
	const char *start = section + strlen("driver ");

	snprintf(component, bytes, "%.*s", (int)strcspn(start, " "), start);
}

/* A name of a folder: "driver spatial build" → "spatial_build". */
static void name_folder(const char *section, char *name, size_t bytes)
{
	snprintf(name, bytes, "%s", strchr(section, ' ') + 1);
	for (char *at = name; *at; at++)
		if (*at == ' ' || *at == '/')
			*at = '_';
}

/* Durations of calls at every point. */
static json_t *plan_times(const json_t *engine, const char *section, const struct draft *draft,
			  const struct phase_options *options)
{
	const char *time = engine_text(engine, section, "time", "");
	struct draft timed = *draft;
	json_t *sweep;

	json_incref(timed.points);
	timed.run = options->why_no_probes
			    ? json_pack("[s]", few_samples)
			    : json_pack("[s+, s, s]", "--time=", time, budget, few_samples);
	timed.repeats = options->quick ? 3 : 5;
	timed.bare = options->quick ? 2 : 3;
	sweep = finish(engine, &timed, options->quick);
	json_object_set_new(sweep, "time", json_string(time));
	json_object_set_new(sweep, "choose",
			    json_string(engine_text(engine, section, "choose", "")));
	return sweep;
}

/* What structures hold: counted, so one run of each point is enough. */
static json_t *plan_memory(const json_t *engine, const char *section, const struct draft *draft,
			   const struct phase_options *options)
{
	struct draft counted = *draft;
	char name[140];
	json_t *sweep;

	snprintf(name, sizeof(name), "%s_memory", draft->name);
	counted.name = name;
	counted.points =
		engine_points_with(draft->points, engine_text(engine, section, "memory", ""));
	counted.run = json_pack("[s]", "--memory");
	counted.repeats = 1;
	sweep = finish(engine, &counted, options->quick);
	json_object_set_new(sweep, "is_memory", json_true());
	json_object_set_new(sweep, "per", json_string(engine_text(engine, section, "per", "")));
	return sweep;
}

static void plan_driver(json_t *plan, const json_t *engine, const char *section,
			const struct phase_options *options)
{
	static const char *const skip[] = {"command", "time",	"activity", "memory",
					   "per",     "choose", NULL};
	char component[64], name[128];
	struct draft draft = {
		.name = name,
		.about = component,
		.command = engine_text(engine, section, "command", ""),
		.activity = engine_text(engine, section, "activity", ""),
	};

	read_component(section, component, sizeof(component));
	if (!is_wanted(options, component))
		return;
	name_folder(section, name, sizeof(name));
	draft.points = engine_points(json_object_get(engine, section), skip, options->quick);
	if (*engine_text(engine, section, "time", ""))
		json_array_append_new(plan, plan_times(engine, section, &draft, options));
	if (engine_text(engine, section, "memory", NULL))
		json_array_append_new(plan, plan_memory(engine, section, &draft, options));
	json_decref(draft.points);
}

/* Without drivers, the functions of each component are timed in the engine itself. */
static void plan_component(json_t *plan, const json_t *engine, const char *component,
			   const char *patterns, const struct phase_options *options)
{
	json_t *list = engine_list(patterns), *pattern, *sweep;
	char *time = NULL;
	size_t bytes, i;
	FILE *stream = xalloc_checked(open_memstream(&time, &bytes));

	json_array_foreach (list, i, pattern) {
		const char *text = json_string_value(pattern);

		if (!strchr(text, '/') && !strstr(text, ".so"))
			fprintf(stream, "%s%s%s", ftell(stream) > 0 ? "," : "", text,
				strchr(text, '.') ? ":*" : "");
	}
	fclose(stream);
	if (*time && is_wanted(options, component)) {
		sweep = finish(engine,
			       &(struct draft){component, component,
					       engine_text(engine, "engine", "command", ""),
					       engine_text(engine, "engine", "activity", ""),
					       json_pack("[{}]"),
					       run_options(engine, options, time, few_samples),
					       options->quick ? 3 : 5, 3},
			       options->quick);
		json_object_set_new(sweep, "time", json_string(time));
		json_array_append_new(plan, sweep);
	}
	free(time);
	json_decref(list);
}

static void plan_phase2(json_t *plan, const json_t *engine, const struct phase_options *options)
{
	const char *key;
	json_t *value;
	bool has_drivers = false;

	json_object_foreach ((json_t *)engine, key, value) {
		if (strncmp(key, "driver ", 7) != 0)
			continue;
		has_drivers = true;
		plan_driver(plan, engine, key, options);
	}
	json_object_foreach (json_object_get(engine, "components"), key, value) {
		if (!has_drivers)
			plan_component(plan, engine, key, json_string_value(value), options);
	}
}

/* Hits are the same in each run, so one is enough; beside it one without, to tell what they cost.
 */
static void add_hits(json_t *plan, const json_t *engine, const char *functions, bool is_whole,
		     const struct phase_options *options)
{
	bool is_one = options->only && strcmp(options->only, "all") != 0;
	const char *budget_of_hits = is_whole ? no_budget : hits_budget;
	char name[128];
	json_t *sweep;

	snprintf(name, sizeof(name), "%s%s%s", is_whole ? PHASE_HITS : PHASE_WINDOWS,
		 is_one ? "_" : "", is_one ? options->only : "");

	add(plan, engine,
	    &(struct draft){
		    name, "all", engine_text(engine, "engine", "command", ""),
		    engine_text(engine, "engine", "activity", ""), json_pack("[{}]"),
		    json_pack("[s+, s, s]", "--hits=", functions, budget_of_hits, few_samples), 1,
		    1},
	    options);
	sweep = json_array_get(plan, json_array_size(plan) - 1);
	json_object_set_new(sweep, "is_counts", json_true());
	if (is_whole)
		json_object_set_new(sweep, "may_time_out", json_true());
	if (is_whole && time_limit_s(engine, options->quick) > HITS_TIME_LIMIT_S)
		json_object_set_new(sweep, "time_limit_s", json_integer(HITS_TIME_LIMIT_S));
}

/* Phase 3: dense samples for the lines, how often they are executed, calls of the functions, and
 * allocations. */
static void plan_phase3(json_t *plan, const json_t *engine, const struct phase_options *options)
{
	const char *command = engine_text(engine, "engine", "command", "");
	const char *activity = engine_text(engine, "engine", "activity", "");
	char *hot = hot_functions(engine, options);
	json_t *value;
	const char *key;

	add(plan, engine,
	    &(struct draft){"lines", "all", command, activity, json_pack("[{}]"),
			    json_pack("[s]", many_samples), options->quick ? 3 : 5,
			    options->quick ? 3 : 5},
	    options);
	if (*hot) {
		add_hits(plan, engine, hot, true, options);
		add_hits(plan, engine, hot, false, options);
	}
	free(hot);
	json_object_foreach (json_object_get(engine, "hot"), key, value) {
		char name[128];

		if (!is_wanted(options, key) || options->why_no_probes)
			continue;
		snprintf(name, sizeof(name), PHASE_FUNCTION "%s", key);
		add(plan, engine,
		    &(struct draft){
			    name, key, command, activity, json_pack("[{}]"),
			    run_options(engine, options, json_string_value(value), few_samples), 3,
			    3},
		    options);
		json_object_set(json_array_get(plan, json_array_size(plan) - 1), "function", value);
	}
	if (options->memory)
		add(plan, engine,
		    &(struct draft){"memory", "all", command, activity, json_pack("[{}]"),
				    json_pack("[s]", "--memory"), 1, 0},
		    options);
	if (options->memory)
		json_object_set_new(json_array_get(plan, json_array_size(plan) - 1), "is_memory",
				    json_true());
}

/* Phase 4: one sweep for each name that varies. */
static void plan_phase4(json_t *plan, const json_t *engine, const struct phase_options *options)
{
	const char *command = engine_text(engine, "engine", "command", "");
	const char *activity = engine_text(engine, "engine", "activity", "");
	const char *step = engine_text(engine, "engine", "step", "");
	char *hot = hot_functions(engine, options);
	json_t *value;
	const char *key;

	json_object_foreach (json_object_get(engine, "vary"), key, value) {
		json_t *one = json_pack("{s:O}", key, value);
		json_t *points = engine_points(one, (const char *const[]){NULL}, options->quick);
		json_t *run = run_options(engine, options, hot, half_the_samples);
		char name[64], counts[64 + sizeof(PHASE_COUNTS)];
		struct draft draft = {name,
				      name,
				      command,
				      activity,
				      json_incref(points),
				      run,
				      options->quick ? 3 : 5,
				      options->quick ? 2 : 3};

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(key, "+"), key);
		add(plan, engine, &draft, options);
		snprintf(counts, sizeof(counts), "%s" PHASE_COUNTS, name);
		draft.name = counts;
		draft.points = points;
		if (*hot || (*step && !options->why_no_probes))
			add_counts(plan, engine, &draft, hot, options);
		else
			json_decref(points);
		json_decref(one);
	}
	free(hot);
}

/* Before and after, recorded and bare; and the traces of both, once. */
static void plan_win(json_t *plan, const json_t *engine, const char *section,
		     const struct phase_options *options)
{
	const char *name = section + strlen("win ");
	const char *trace = engine_text(engine, "engine", "trace", "");
	const char *command = engine_text(engine, section, "command",
					  engine_text(engine, "engine", "command", ""));

	for (int is_trace = 0; is_trace < (*trace ? 2 : 1); is_trace++) {
		char folder[140], line[2048];
		struct draft draft = {
			.name = folder,
			.about = engine_text(engine, section, "component", ""),
			.command = line,
			.activity = is_trace ? "" : engine_text(engine, "engine", "activity", ""),
			.points = json_pack("[{s:s}, {s:s}]", "win",
					    engine_text(engine, section, "before", ""), "win",
					    engine_text(engine, section, "after", "")),
			.run = json_array(), /* no probes: both sides are undisturbed */
			.repeats = is_trace ? 0 : 3,
			.bare = is_trace	 ? 1
				: options->quick ? 5
						 : 10,
		};
		json_t *sweep;

		name_folder(section, folder, sizeof(folder) - strlen("_trace"));
		strcat(folder, is_trace ? "_trace" : "");
		snprintf(line, sizeof(line), "%s {win} %s", command, is_trace ? trace : "");
		sweep = finish(engine, &draft, options->quick);
		json_object_set_new(sweep, "win", json_string(name));
		json_object_set_new(sweep, "trace", json_boolean(is_trace));
		json_array_append_new(plan, sweep);
	}
}

static void plan_wins(json_t *plan, const json_t *engine, const struct phase_options *options)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)engine, key, value) {
		if (!strncmp(key, "win ", 4) && is_wanted(options, key + 4))
			plan_win(plan, engine, key, options);
	}
}

/* Says what is wrong with the name of a component or a function, if anything. */
static int check_only(const json_t *engine, const struct phase_options *options,
		      struct error *error)
{
	bool is_win = options->phase == PHASE_WINS;
	const char *section = options->phase == 2 ? "components" : "hot", *key;
	const char *kind = is_win ? "win" : options->phase == 2 ? "component" : "function";
	const json_t *names = is_win ? engine : json_object_get(engine, section);
	json_t *value;
	char list[600] = "";

	if (!options->only || !strcmp(options->only, "all"))
		return 0;
	json_object_foreach ((json_t *)names, key, value) {
		const char *name = is_win ? key + strlen("win ") : key;

		if (is_win && strncmp(key, "win ", 4) != 0)
			continue;
		if (!strcmp(name, options->only))
			return 0;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 *list ? ", " : "", name);
	}
	return fail(error, -EINVAL, "there is no %s '%s'; the engine's description has: %s", kind,
		    options->only, *list ? list : "none");
}

json_t *phase_plan(const json_t *engine, const struct phase_options *options, struct error *error)
{
	static void (*const plans[])(json_t *, const json_t *, const struct phase_options *) = {
		plan_phase1, plan_phase2, plan_phase3, plan_phase4, plan_wins};
	json_t *plan = json_array();

	if (options->phase < 1 || options->phase > PHASE_WINS) {
		fail(error, -EINVAL, "there is no phase %d; there are 1 to %d", options->phase,
		     PHASES);
	} else if (!check_only(engine, options, error)) {
		plans[options->phase - 1](plan, engine, options);
		if (json_array_size(plan))
			return plan;
		if (options->phase == PHASE_WINS)
			fail(error, -ENODATA, "the description of the engine names no [win NAME]");
		else
			fail(error, -ENODATA,
			     "the description of the engine names nothing for phase %d to measure",
			     options->phase);
	}
	json_decref(plan);
	return NULL;
}
