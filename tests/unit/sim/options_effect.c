/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is refused as being without effect has none, and is refused only where somebody chose it. */
#include "sim/configuration.h"
#include "sim/environment.h"
#include "sim/options.h"
#include "sim/state_hash.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	STEPS = 30
};

static struct error error;

static void set(struct options *options, enum options_source source, const char *name,
		const char *value)
{
	cr_assert_eq(options_set(options, source, NULL, name, value, "--", &error), 0, "%s",
		     error.text);
}

/* A small world in which learners train. */
static void begin(struct options *options)
{
	options_default(options);
	set(options, SOURCE_PRESET, "radius", "2");
	set(options, SOURCE_PRESET, "width", "40");
	set(options, SOURCE_PRESET, "height", "40");
	set(options, SOURCE_PRESET, "target-every", "0");
}

static void run(const struct options *chosen, uint64_t trace[STEPS])
{
	static struct environment environment;
	static struct options options;
	options = *chosen;
	memset(trace, 0, STEPS * sizeof(*trace));
	cr_assert_eq(options_complete(&options, &error), 0, "%s", error.text);
	cr_assert_eq(environment_init(&environment, &options.parameters, NULL, &error), 0);
	for (int step = 0; step < STEPS && environment.living > 0; step++) {
		cr_assert_eq(environment_step(&environment, &error), 0);
		trace[step] = state_hash(&environment);
	}
	environment_done(&environment);
}

/* Another value than the one it has. */
static void change(struct options *options, enum options_source source,
		   const struct setting *setting)
{
	char now[OPTIONS_PATH_CAPACITY], text[64];
	setting_print(setting, options, now, sizeof(now));
	double number = strtod(now, NULL), other = number + 1;
	if (setting->kind == SETTING_REAL)
		other = number > setting->minimum ? (number + setting->minimum) / 2
						  : (number + setting->maximum) / 2;
	else if (setting->kind == SETTING_WHOLE && other > setting->maximum)
		other = number - 1;
	snprintf(text, sizeof(text), "%.9g", other);
	if (setting->kind == SETTING_SWITCH)
		strcpy(text, strcmp(now, "on") == 0 ? "off" : "on");
	if (setting->kind == SETTING_CHOICE)
		strcpy(text, setting->choices[strcmp(now, setting->choices[0]) == 0 ? 1 : 0]);
	set(options, source, setting->name, text);
	setting_print(setting, options, text, sizeof(text));
	cr_assert_str_neq(text, now, "%s", setting->name);
}

static const struct {
	const char *name, *value;
	int without_effect; /* settings, at least */
} choices[] = {
	{"network", "none", 15},
	{"network", "seed", 1},
	{"algorithm", "ppo", 8},
	{"target-every", "3", 1},
	{"database", "none", 4},
	{"index-update", "rebuild", 2},
	{"index-update", "incremental", 2},
	{"type-parameters", "off", 15},
	{"type-parameters", "on", 2},
	{"genome", "off", 15},
	{"crossover", "off", 1},
};

Test(options_effect, what_is_refused_changes_nothing, .timeout = 120)
{
	static struct options options, other;
	uint64_t expected[STEPS], trace[STEPS];
	char why[128];
	size_t count;
	const struct setting *settings = options_settings(&count);
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		int without = 0;
		begin(&options);
		set(&options, SOURCE_COMMAND_LINE, choices[i].name, choices[i].value);
		cr_assert_eq(options_check_effect(&options, &error), 0, "%s", error.text);
		run(&options, expected);
		for (size_t j = 0; j < count; j++) {
			other = options;
			if (options_have_effect(&options, &settings[j], why, sizeof(why)) ||
			    !strstr(why, choices[i].name))
				continue;
			without++;
			change(&other, SOURCE_COMMAND_LINE, &settings[j]);
			cr_assert_lt(options_check_effect(&other, &error), 0, "%s with %s",
				     settings[j].name, choices[i].name);
			cr_assert_not_null(strstr(error.text, settings[j].name), "%s", error.text);
			run(&other, trace);
			cr_assert_arr_eq(trace, expected, sizeof(trace), "%s with %s %s",
					 settings[j].name, choices[i].name, choices[i].value);
		}
		cr_assert_geq(without, choices[i].without_effect, "%s %s: %d", choices[i].name,
			      choices[i].value, without);
	}
}

Test(options_effect, a_choice_that_overrides_lower_places_is_no_mistake)
{
	static const struct {
		enum options_source setting, choice;
		bool refused;
	} rows[] = {
		{SOURCE_COMMAND_LINE, SOURCE_COMMAND_LINE, true},
		{SOURCE_COMMAND_LINE, SOURCE_FILE, true},
		{SOURCE_COMMAND_LINE, SOURCE_PRESET, true},
		{SOURCE_FILE, SOURCE_FILE, true},
		{SOURCE_FILE, SOURCE_COMMAND_LINE, false},
		{SOURCE_PRESET, SOURCE_PRESET, false},
		{SOURCE_PRESET, SOURCE_COMMAND_LINE, false},
	};
	static struct options options;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		options_default(&options);
		set(&options, rows[i].setting, "hidden", "30");
		set(&options, rows[i].choice, "network", "seed");
		cr_assert_eq(options_check_effect(&options, &error) < 0, rows[i].refused, "%zu", i);
	}
}

Test(options_effect, weights_that_are_all_zero_are_refused)
{
	static const char *const names[] = {"defend-weight", "attack-weight", "gather-weight",
					    "share-weight",  "move-weight",   "reproduce-weight",
					    "pass-weight"};
	static struct options options;
	options_default(&options);
	set(&options, SOURCE_COMMAND_LINE, "type-parameters", "off");
	for (int i = 0; i < 7; i++) {
		options_complete(&options, &error);
		cr_assert_eq(options_check(&options, &error), 0, "%s", error.text);
		set(&options, SOURCE_COMMAND_LINE, names[i], "0");
	}
	cr_assert_lt(options_check(&options, &error), 0);
	cr_assert_not_null(strstr(error.text, "the seven action weights of System agents"));
}

static void expect_printed(const char *database, bool possible)
{
	static struct options options, again;
	char text[64 * 1024] = "";
	begin(&options);
	options_complete(&options, &error);
	set(&options, SOURCE_COMMAND_LINE, "database", database);
	FILE *file = fmemopen(text, sizeof(text) - 1, "w");
	cr_assert_eq(options_print(&options, file, &error) == 0, possible, "%s", database);
	fclose(file);
	if (!possible) {
		cr_assert_not_null(strstr(error.text, "cannot be said in a configuration file"));
		return;
	}
	char path[] = "/tmp/simprof-options-XXXXXX";
	file = fdopen(mkstemp(path), "w");
	fputs(text, file);
	fclose(file);
	options_default(&again);
	int failed = configuration_read(path, &again, &error);
	unlink(path);
	cr_assert_eq(failed, 0, "%s", error.text);
	cr_assert_str_eq(again.database, options.database);
	cr_assert_eq(options_complete(&again, &error), 0);
	cr_assert_eq(options_check_effect(&again, &error), 0, "%s", error.text);
	cr_assert_eq(memcmp(&again.parameters, &options.parameters, sizeof(again.parameters)), 0);
}

Test(options_effect, names_come_back_from_a_printed_configuration_or_are_refused)
{
	static const char *const possible[] = {"log.db", "\"log\".db", "'l'.db",
					       "a;b.db", "a b # c",    "a=b:c",
					       "[x].db", "\\n\"",      "l\303\266g"};
	static const char *const impossible[] = {"a ;b.db", ";a",	    " a",
						 "a ",	    "a\nwidth = 3", "a\r"};
	char longer[250];
	for (size_t i = 0; i < sizeof(possible) / sizeof(possible[0]); i++)
		expect_printed(possible[i], true);
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		expect_printed(impossible[i], false);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	expect_printed(longer, false);
}
