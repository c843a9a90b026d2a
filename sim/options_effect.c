/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which options do nothing beside which choice of another one. One row per rule: --help, the
 * refusal and --print-config follow from it. Only choices are in it: a number that happens to be 0
 * takes the effect from others, too, but whoever varies it means that.
 */
#include "sim/options.h"

#include <errno.h>
#include <string.h>

#define TYPES_GATHERING(type)                                                                      \
	type "-gather-efficiency " type "-gather-cost " type "-gather-threshold "
#define TYPES_WEIGHTS(type) type "-share-weight " type "-attack-weight "

enum condition {
	IF,	/* they do nothing if the other one is the value */
	UNLESS, /* they do nothing if it is anything else */
};

static const struct rule {
	const char *settings; /* names, with blanks between */
	const char *with;
	enum condition condition;
	const char *value;
} rules[] = {
	{"index-urgency index-flush", "index-update", UNLESS, "batched"},
	{TYPES_GATHERING("system") TYPES_WEIGHTS("system") TYPES_GATHERING("independent")
		 TYPES_WEIGHTS("independent") TYPES_GATHERING("control") TYPES_WEIGHTS("control"),
	 "type-parameters", IF, "off"},
	{"share-weight attack-weight", "type-parameters", IF, "on"},
	{TYPES_WEIGHTS("system") TYPES_WEIGHTS("independent") TYPES_WEIGHTS(
		 "control") "defend-weight attack-weight gather-weight share-weight move-weight "
			    "reproduce-weight "
			    "pass-weight crossover partner-range mutation-rate mutation-strength",
	 "genome", IF, "off"},
	{"partner-range", "crossover", IF, "off"},
	{"decisions algorithm sharing replay n-step target-every blas hidden learning-rate "
	 "discount memory batch train-every target-rate gradient-limit epsilon-start "
	 "epsilon-minimum epsilon-decay",
	 "network", IF, "none"},
	{"hidden", "network", IF, "seed"},
	{"replay n-step target-every target-rate memory train-every epsilon-start epsilon-minimum "
	 "epsilon-decay",
	 "algorithm", IF, "ppo"},
	{"target-rate", "target-every", UNLESS, "0"},
	{"database-buffer database-interval database-profile database-thread", "database", IF,
	 "none"},
};

static bool lists(const char *names, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = names; (at = strstr(at, name)) != NULL; at += length)
		if ((at == names || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

/* The first rule that leaves a setting without effect; @value receives the other one's value. */
static const struct rule *rule_against(const struct options *options, const struct setting *setting,
				       char *value, size_t capacity)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!lists(rules[i].settings, setting->name))
			continue;
		setting_print(options_find(rules[i].with), options, value, capacity);
		if ((strcmp(value, rules[i].value) == 0) == (rules[i].condition == IF))
			return &rules[i];
	}
	return NULL;
}

bool options_have_effect(const struct options *options, const struct setting *setting, char *why,
			 size_t capacity)
{
	char value[OPTIONS_PATH_CAPACITY];
	const struct rule *rule = rule_against(options, setting, value, sizeof(value));
	if (rule)
		snprintf(why, capacity, "with --%s %.64s", rule->with, value);
	return rule == NULL;
}

int options_check_effect(const struct options *options, struct error *error)
{
	char value[OPTIONS_PATH_CAPACITY];
	size_t count;
	const struct setting *settings = options_settings(&count);
	for (size_t i = 0; i < count; i++) {
		enum options_source source = options_source(options, &settings[i]);
		const struct rule *rule = rule_against(options, &settings[i], value, sizeof(value));
		if (!rule || source < SOURCE_FILE ||
		    source < options_source(options, options_find(rule->with)))
			continue;
		bool one = rule->condition == UNLESS;
		return fail(error, -EINVAL,
			    "--%s does nothing with --%s %.64s; leave it out, or take %s--%s%s%s",
			    settings[i].name, rule->with, value, one ? "" : "another ", rule->with,
			    one ? " " : "", one ? rule->value : "");
	}
	return 0;
}
