/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of options, and the four places that fill it. */
#include "sim/options.h"

#include "sim/action.h"
#include "sim/configuration.h"
#include "sim/preset.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_AGENTS = 30,
	DEFAULT_STEPS = 1000,
	STEPS_MAXIMUM = 1000000000,
};

#define AT(field) offsetof(struct options, field)

#define TYPE_SETTING(type, name, number, field, most, help)                                        \
	{                                                                                          \
		"types", type "-" name, "X", SETTING_REAL, AT(parameters.types[number].field), 0,  \
			most, NULL, help                                                           \
	}
#define TYPE_SETTINGS(type, number)                                                                \
	TYPE_SETTING(type, "gather-efficiency", number, gather_efficiency, 1000,                   \
		     "Share of the most that a gathering takes"),                                  \
		TYPE_SETTING(type, "gather-cost", number, gather_cost, 1000,                       \
			     "Cost of a gathering, as a share of the base consumption"),           \
		TYPE_SETTING(type, "gather-threshold", number, gather_threshold, 1e6,              \
			     "What a resource must hold to be gathered from"),                     \
		TYPE_SETTING(type, "share-weight", number, share_weight, 1000,                     \
			     "Inclination to share of the first agents"),                          \
		TYPE_SETTING(type, "attack-weight", number, attack_weight, 1000,                   \
			     "Inclination to attack of the first agents")

#define WEIGHT_SETTING(name, action)                                                               \
	{                                                                                          \
		"genome", name "-weight", "X", SETTING_REAL,                                       \
			AT(parameters.genome.weights[action]), 0, 1000, NULL,                      \
			"Inclination of the first agents, unless their type says"                  \
	}

static const char *const observation_words[] = {"dense", "sparse", NULL};
static const char *const profile_words[] = {"balanced", "performance", "safety", "memory", NULL};
static const char *const decision_words[] = {"single", "batched", NULL};
static const char *const index_words[] = {"kdtree", "quadtree", "hash", NULL};
static const char *const resource_index_words[] = {"kdtree", "quadtree", "hash", "same", NULL};
static const char *const update_words[] = {"rebuild", "incremental", "batched", NULL};
static const char *const urgency_words[] = {"equal", "danger", NULL};
static const char *const network_words[] = {"none", "small", "seed", NULL};
static const char *const algorithm_words[] = {"dqn", "ddqn", "ppo", NULL};
static const char *const sharing_words[] = {"type", "agent", NULL};
static const char *const replay_words[] = {"uniform", "prioritised", NULL};
static const char *const matrix_words[] = {"own", "openblas", NULL};
static const char *const buffer_words[] = {"preallocated", "fresh", NULL};
static const char *const resource_layer_words[] = {"bilinear", "memmap", NULL};

/* section, name, what it takes, kind, field, least, most, choices, meaning */
static const struct setting settings[] = {
	{"run", "steps", "N", SETTING_WHOLE, AT(steps), 0, STEPS_MAXIMUM, NULL,
	 "Steps to take; 0: until SIGINT, SIGTERM or SIGHUP"},
	{"run", "seed", "N", SETTING_LONG, AT(parameters.seed), 0, 0, NULL, "Same seed, same run"},
	{"run", "threads", "N", SETTING_WHOLE, AT(parameters.threads), 1,
	 PARAMETERS_THREADS_MAXIMUM, NULL, "Threads that look and decide; the result is the same"},
	{"world", "width", "N", SETTING_WHOLE, AT(parameters.width), 0, PARAMETERS_SIDE_MAXIMUM,
	 NULL, "Width of the world"},
	{"world", "height", "N", SETTING_WHOLE, AT(parameters.height), 0, PARAMETERS_SIDE_MAXIMUM,
	 NULL, "Height of the world"},
	{"world", "index", "KIND", SETTING_CHOICE, AT(parameters.world.index), 0, 0, index_words,
	 "Who is near: the agents' index is a kdtree, quadtree or hash"},
	{"world", "resource-index", "KIND", SETTING_CHOICE, AT(parameters.world.resource_index), 0,
	 0, resource_index_words,
	 "What is near: the resources' index is one of these, or of the same kind as the agents'"},
	{"world", "index-update", "KIND", SETTING_CHOICE, AT(parameters.world.index_update), 0, 0,
	 update_words, "The index after changes: rebuild in each step, incremental or batched"},
	{"world", "index-urgency", "KIND", SETTING_CHOICE, AT(parameters.world.index_urgency), 0, 0,
	 urgency_words,
	 "Moves that wait: all equal, or danger, those of agents that were hit go before others, "
	 "those of agents with nobody near go last"},
	{"world", "index-flush", "N", SETTING_WHOLE, AT(parameters.world.index_flush), 1,
	 PARAMETERS_INDEX_BATCH, NULL,
	 "Moves of a full batch that are taken over at least, the most urgent; others wait on"},
	{"world", "more-indices", "KINDS", SETTING_SET, AT(parameters.world.more_indices), 0, 0,
	 index_words,
	 "More indices of agents and of resources, called agents_quadtree and so on, kept beside "
	 "the "
	 "ones that are asked"},
	{"world", "observation", "KIND", SETTING_CHOICE, AT(parameters.world.observation), 0, 0,
	 observation_words,
	 "What agents keep of it: dense, the tensor, or sparse, what is to be remembered"},
	{"world", "radius", "N", SETTING_WHOLE, AT(parameters.world.radius), 1,
	 PARAMETERS_RADIUS_MAXIMUM, NULL, "Cells that an observation reaches in each direction"},
	{"world", "observations", "N", SETTING_WHOLE, AT(parameters.world.looks), LOOKS_ONE,
	 LOOKS_THREE, NULL,
	 "Looks in a turn: before, for the choice and after; without the second; or only after, "
	 "which is what the next choice is made by"},
	{"world", "buffers", "KIND", SETTING_CHOICE, AT(parameters.world.buffers), 0, 0,
	 buffer_words, "Buffers of an observation: preallocated, or fresh ones for each"},
	{"world", "resource-layer", "KIND", SETTING_CHOICE, AT(parameters.world.resource_layer), 0,
	 0, resource_layer_words,
	 "Resources in an observation: bilinear, or memmap, a grid in a mapped file"},
	{"population", "agents", "N", SETTING_WHOLE, AT(parameters.agents), 1,
	 PARAMETERS_AGENTS_MAXIMUM, NULL, "Agents at the beginning, a third of each type"},
	{"population", "system-agents", "N", SETTING_WHOLE, AT(parameters.by_type[0]), 0,
	 PARAMETERS_AGENTS_MAXIMUM, NULL, "System agents among them (a third)"},
	{"population", "independent-agents", "N", SETTING_WHOLE, AT(parameters.by_type[1]), 0,
	 PARAMETERS_AGENTS_MAXIMUM, NULL, "Independent agents among them (a third)"},
	{"population", "control-agents", "N", SETTING_WHOLE, AT(parameters.by_type[2]), 0,
	 PARAMETERS_AGENTS_MAXIMUM, NULL, "Control agents among them (a third)"},
	{"population", "max-population", "N", SETTING_WHOLE, AT(parameters.maximum_population), 1,
	 2 * PARAMETERS_AGENTS_MAXIMUM, NULL,
	 "No births beyond N agents (half as many again as at the beginning, at least 300)"},
	{"resources", "resources", "N", SETTING_WHOLE, AT(parameters.resources), 1,
	 PARAMETERS_RESOURCES_MAXIMUM, NULL, "Resources in the world (two for three agents)"},
	{"resources", "max-resource", "X", SETTING_REAL, AT(parameters.resource.maximum), 1e-3, 1e6,
	 NULL, "What a resource holds at most, and at first"},
	{"resources", "regeneration-chance", "X", SETTING_REAL,
	 AT(parameters.resource.regeneration_chance), 0, 1, NULL,
	 "Probability that a resource grows in a step"},
	{"resources", "regeneration-amount", "X", SETTING_REAL,
	 AT(parameters.resource.regeneration_amount), 0, 1e6, NULL, "What it grows by"},
	{"agent", "initial-resources", "X", SETTING_REAL, AT(parameters.agent.initial_resources), 0,
	 1e6, NULL, "What the first agents have"},
	{"agent", "offspring-resources", "X", SETTING_REAL,
	 AT(parameters.agent.offspring_resources), 0, 1e6, NULL, "What a child has"},
	{"agent", "starting-health", "X", SETTING_REAL, AT(parameters.agent.starting_health), 1e-3,
	 1e6, NULL, "Health at birth, and at most"},
	{"agent", "base-consumption", "X", SETTING_REAL, AT(parameters.agent.base_consumption), 0,
	 1e6, NULL, "Consumed each turn"},
	{"agent", "starvation-threshold", "N", SETTING_WHOLE,
	 AT(parameters.agent.starvation_threshold), 1, 1e9, NULL,
	 "Turns in a row with nothing that end a life"},
	{"agent", "max-movement", "N", SETTING_WHOLE, AT(parameters.agent.maximum_movement), 1,
	 PARAMETERS_SIDE_MAXIMUM, NULL, "Longest move"},
	{"agent", "gathering-range", "X", SETTING_REAL, AT(parameters.agent.gathering_range), 0,
	 1e6, NULL, "How far away a gathered resource may be"},
	{"agent", "max-gather", "X", SETTING_REAL, AT(parameters.agent.maximum_gather), 1e-3, 1e6,
	 NULL, "What one gathering takes at most"},
	{"agent", "share-range", "X", SETTING_REAL, AT(parameters.agent.share_range), 0, 1e6, NULL,
	 "How far away one may be to be given something"},
	{"agent", "min-share", "N", SETTING_WHOLE, AT(parameters.agent.minimum_share), 1, 1e6, NULL,
	 "Least that is given"},
	{"agent", "max-share", "N", SETTING_WHOLE, AT(parameters.agent.maximum_share), 1, 1e6, NULL,
	 "Most that is given"},
	{"agent", "share-keeps", "X", SETTING_REAL, AT(parameters.agent.share_keeps), 0, 1e6, NULL,
	 "What the giver keeps at least"},
	{"agent", "attack-range", "X", SETTING_REAL, AT(parameters.agent.attack_range), 0, 1e6,
	 NULL, "How far away one may be to be attacked"},
	{"agent", "attack-damage", "X", SETTING_REAL, AT(parameters.agent.attack_damage), 0, 1e6,
	 NULL, "Damage by a healthy attacker"},
	{"agent", "attack-health-exponent", "N", SETTING_WHOLE,
	 AT(parameters.agent.attack_health_exponent), 0, 8, NULL,
	 "Power of the attacker's health ratio in the damage"},
	{"agent", "defense-factor", "X", SETTING_REAL, AT(parameters.agent.defense_factor), 0, 1,
	 NULL, "Share of the damage that reaches one who defends"},
	{"agent", "defense-turns", "N", SETTING_WHOLE, AT(parameters.agent.defense_turns), 0, 1e9,
	 NULL, "Turns that a defence lasts"},
	{"agent", "defense-healing", "X", SETTING_REAL, AT(parameters.agent.defense_healing), 0,
	 1e6, NULL, "Health that defending gives back"},
	{"agent", "reproduction-minimum", "X", SETTING_REAL,
	 AT(parameters.agent.reproduction_minimum), 0, 1e6, NULL, "Level that reproduction needs"},
	{"agent", "reproduction-cost", "X", SETTING_REAL, AT(parameters.agent.reproduction_cost), 0,
	 1e6, NULL, "What it costs"},
	{"agent", "reproduction-chance", "X", SETTING_REAL,
	 AT(parameters.agent.reproduction_chance), 0, 1, NULL, "Probability that it succeeds"},
	{"agent", "combat-kills", "on|off", SETTING_SWITCH, AT(parameters.agent.combat_kills), 0, 0,
	 NULL, "Whether one without health dies"},
	{"agent", "debt", "on|off", SETTING_SWITCH, AT(parameters.agent.debt), 0, 0, NULL,
	 "Whether levels go below 0; who owes cannot defend"},
	{"agent", "curriculum", "on|off", SETTING_SWITCH, AT(parameters.curriculum), 0, 0, NULL,
	 "Only move and gather before step 100, only these, share and attack before 200"},
	TYPE_SETTINGS("system", 0),
	TYPE_SETTINGS("independent", 1),
	TYPE_SETTINGS("control", 2),
	{"types", "type-parameters", "on|off", SETTING_SWITCH, AT(parameters.type_parameters), 0, 0,
	 NULL, "Whether types differ in gathering and in their first genomes"},
	{"genome", "genome", "on|off", SETTING_SWITCH, AT(parameters.genome.evolves), 0, 0, NULL,
	 "Whether children inherit crossed and mutated weights; off: all are equal"},
	{"genome", "crossover", "on|off", SETTING_SWITCH, AT(parameters.genome.crossover), 0, 0,
	 NULL, "Whether a partner, the nearest of the parent's type, gives half of the weights"},
	{"genome", "partner-range", "X", SETTING_REAL, AT(parameters.genome.partner_range), 0, 1e6,
	 NULL, "How far away the partner may be"},
	{"genome", "mutation-rate", "X", SETTING_REAL, AT(parameters.genome.mutation_rate), 0, 1,
	 NULL, "Probability that a weight mutates"},
	{"genome", "mutation-strength", "X", SETTING_REAL, AT(parameters.genome.mutation_strength),
	 0, 1, NULL, "Largest change of a weight that mutates, as a share of it"},
	WEIGHT_SETTING("defend", ACTION_DEFEND),
	WEIGHT_SETTING("attack", ACTION_ATTACK),
	WEIGHT_SETTING("gather", ACTION_GATHER),
	WEIGHT_SETTING("share", ACTION_SHARE),
	WEIGHT_SETTING("move", ACTION_MOVE),
	WEIGHT_SETTING("reproduce", ACTION_REPRODUCE),
	WEIGHT_SETTING("pass", ACTION_PASS),
	{"reward", "reward-resource", "X", SETTING_REAL, AT(parameters.reward.per_resource), -1e6,
	 1e6, NULL, "For each unit that the level has changed"},
	{"reward", "reward-health", "X", SETTING_REAL, AT(parameters.reward.per_health), -1e6, 1e6,
	 NULL, "For each unit that the health has changed"},
	{"reward", "reward-alive", "X", SETTING_REAL, AT(parameters.reward.alive), -1e6, 1e6, NULL,
	 "For being alive"},
	{"reward", "reward-dead", "X", SETTING_REAL, AT(parameters.reward.dead), -1e6, 1e6, NULL,
	 "For having died, instead"},
	{"reward", "reward-acted", "X", SETTING_REAL, AT(parameters.reward.acted), -1e6, 1e6, NULL,
	 "For anything but pass"},
	{"reward", "reward-attack", "X", SETTING_REAL, AT(parameters.reward.attack), -1e6, 1e6,
	 NULL, "For an attack"},
	{"reward", "reward-gather", "X", SETTING_REAL, AT(parameters.reward.per_gathered), -1e6,
	 1e6, NULL, "For each unit gathered"},
	{"reward", "reward-share", "X", SETTING_REAL, AT(parameters.reward.per_shared), -1e6, 1e6,
	 NULL, "For each unit given"},
	{"reward", "reward-reproduce", "X", SETTING_REAL, AT(parameters.reward.reproduce), -1e6,
	 1e6, NULL, "For a birth"},
	{"reward", "reward-defend", "X", SETTING_REAL, AT(parameters.reward.defend), -1e6, 1e6,
	 NULL, "For defending"},
	{"reward", "reward-pass", "X", SETTING_REAL, AT(parameters.reward.pass), -1e6, 1e6, NULL,
	 "For passing"},
	{"learning", "decisions", "KIND", SETTING_CHOICE, AT(parameters.learning.decisions), 0, 0,
	 decision_words, "Evaluating networks: single, agent by agent, or batched, many at once"},
	{"learning", "network", "KIND", SETTING_CHOICE, AT(parameters.learning.network), 0, 0,
	 network_words,
	 "What decides: none, at random; small; or seed, the original's convolutions"},
	{"learning", "algorithm", "KIND", SETTING_CHOICE, AT(parameters.learning.algorithm), 0, 0,
	 algorithm_words, "How it learns: dqn, ddqn or ppo"},
	{"learning", "sharing", "KIND", SETTING_CHOICE, AT(parameters.learning.sharing), 0, 0,
	 sharing_words, "Who learns together: all agents of a type, or each agent for itself"},
	{"learning", "replay", "KIND", SETTING_CHOICE, AT(parameters.learning.replay), 0, 0,
	 replay_words, "Drawing from memory: uniform, or prioritised by error"},
	{"learning", "n-step", "N", SETTING_WHOLE, AT(parameters.learning.n_step), 1, 1000, NULL,
	 "Rewards summed before the estimate of what follows (dqn, ddqn)"},
	{"learning", "target-every", "N", SETTING_WHOLE, AT(parameters.learning.target_every), 0,
	 1e9, NULL, "Trainings between two copies into the target; 0: --target-rate at each"},
	{"learning", "blas", "KIND", SETTING_CHOICE, AT(parameters.learning.matrix), 0, 0,
	 matrix_words, "Matrix products: own, the same on every processor, or openblas"},
	{"learning", "hidden", "N", SETTING_WHOLE, AT(parameters.learning.hidden), 1, 4096, NULL,
	 "Width of the two hidden layers"},
	{"learning", "learning-rate", "X", SETTING_REAL, AT(parameters.learning.learning_rate), 0,
	 10, NULL, "Step of Adam"},
	{"learning", "discount", "X", SETTING_REAL, AT(parameters.learning.discount), 0, 1, NULL,
	 "Of later rewards"},
	{"learning", "memory", "N", SETTING_WHOLE, AT(parameters.learning.memory), 1, 1e7, NULL,
	 "Transitions a learner remembers"},
	{"learning", "batch", "N", SETTING_WHOLE, AT(parameters.learning.batch), 1, 65536, NULL,
	 "Transitions in a training"},
	{"learning", "train-every", "N", SETTING_WHOLE, AT(parameters.learning.train_every), 1, 1e9,
	 NULL, "Transitions between two trainings"},
	{"learning", "target-rate", "X", SETTING_REAL, AT(parameters.learning.target_rate), 0, 1,
	 NULL, "Share of the weights that goes into the target in a training"},
	{"learning", "gradient-limit", "X", SETTING_REAL, AT(parameters.learning.gradient_limit),
	 1e-9, 1e9, NULL, "Longest gradient"},
	{"learning", "epsilon-start", "X", SETTING_REAL, AT(parameters.learning.epsilon_start), 0,
	 1, NULL, "Probability of a random choice, at birth"},
	{"learning", "epsilon-minimum", "X", SETTING_REAL, AT(parameters.learning.epsilon_minimum),
	 0, 1, NULL, "The same, at the end"},
	{"learning", "epsilon-decay", "X", SETTING_REAL, AT(parameters.learning.epsilon_decay), 0,
	 1, NULL, "Its factor, per choice"},
	{"database", "database", "FILE", SETTING_TEXT, AT(database), 0, OPTIONS_PATH_CAPACITY, NULL,
	 "SQLite log of what happened: a file, :memory: (gone at the end) or none"},
	{"database", "database-buffer", "ROWS", SETTING_WHOLE, AT(logging.buffer_rows), 1, 1e6,
	 NULL, "Rows of a table that are collected before all are written"},
	{"database", "database-interval", "SECONDS", SETTING_REAL, AT(logging.interval_s), 0, 1e6,
	 NULL, "Time after which all are written in any case; 0: never"},
	{"database", "database-profile", "NAME", SETTING_CHOICE, AT(logging.profile), 0, 0,
	 profile_words, "SQLite's pragmas: balanced, performance, safety or memory"},
	{"database", "database-thread", "on|off", SETTING_SWITCH, AT(logging.thread), 0, 0, NULL,
	 "Whether a thread of its own writes"},
};

enum {
	SETTING_COUNT = sizeof(settings) / sizeof(settings[0]),
	KEY_SETTING = 1000, /* the key of settings[0] for argp */
	KEY_PRESET = 256,
	KEY_CONFIG,
	KEY_PRINT_CONFIG,
	KEY_STATE_HASH,
};

_Static_assert((int)SETTING_COUNT <= (int)OPTIONS_SETTINGS_MAXIMUM,
	       "sources[] has a place for each");

const char *argp_program_version = "sim " VERSION;

const struct setting *options_settings(size_t *count)
{
	*count = SETTING_COUNT;
	return settings;
}

void options_default(struct options *options)
{
	*options = (struct options){.steps = DEFAULT_STEPS, .database = ":memory:"};
	parameters_default(&options->parameters, DEFAULT_AGENTS);
	database_parameters_default(&options->logging);
	options->parameters.resources = 0;
	options->parameters.maximum_population = 0;
}

int options_set(struct options *options, enum options_source source, const char *section,
		const char *name, const char *text, const char *place, struct error *error)
{
	bool section_known = section == NULL;
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		bool here = !section || strcmp(settings[i].section, section) == 0;
		section_known |= here;
		if (!here || strcmp(settings[i].name, name) != 0)
			continue;
		if (options->sources[i] > source)
			return 0;
		options->sources[i] = source;
		return setting_set(&settings[i], options, text, place, error);
	}
	if (!section_known)
		return fail(error, -EINVAL, "%sthere is no section '%s'", place, section);
	return fail(error, -EINVAL, "%sthere is no '%s'%s%s", place, name,
		    section ? " in section " : "", section ? section : "");
}

const struct setting *options_find(const char *name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

enum options_source options_source(const struct options *options, const struct setting *setting)
{
	return options->sources[setting - settings];
}

/*
 * The number of a type counts unless --agents came from a higher source; types not given are thirds
 * of --agents. All together are the agents; told in the same place, --agents must agree.
 */
static int split_agents(struct options *options, struct error *error)
{
	static const char *const names[PARAMETERS_TYPES] = {"system-agents", "independent-agents",
							    "control-agents"};
	struct parameters *parameters = &options->parameters;
	struct parameters thirds = *parameters;
	enum options_source agents = options_source(options, options_find("agents"));
	uint64_t sum = 0;
	bool together = false;
	parameters_split(&thirds);
	for (int type = 0; type < PARAMETERS_TYPES; type++) {
		enum options_source source = options_source(options, options_find(names[type]));
		if (source == SOURCE_DEFAULT || source < agents) {
			parameters->by_type[type] = thirds.by_type[type];
		} else {
			together |= source == agents;
		}
		sum += parameters->by_type[type];
	}
	if (sum == 0 || sum > PARAMETERS_AGENTS_MAXIMUM)
		return fail(error, -EINVAL, "the types have %llu agents; give from 1 to %d of them",
			    (unsigned long long)sum, PARAMETERS_AGENTS_MAXIMUM);
	if (together && sum != parameters->agents)
		return fail(error, -EINVAL,
			    "--agents %u and the agents of each type, %llu, do not agree; give all "
			    "three types, or --agents alone",
			    parameters->agents, (unsigned long long)sum);
	parameters->agents = (uint32_t)sum;
	return 0;
}

int options_complete(struct options *options, struct error *error)
{
	struct parameters *parameters = &options->parameters;
	int failed = split_agents(options, error);
	if (failed)
		return failed;
	if (parameters->resources == 0)
		parameters->resources = parameters_resources_for(parameters->agents);
	if (parameters->maximum_population == 0)
		parameters->maximum_population =
			parameters_maximum_population_for(parameters->agents);
	return 0;
}

/* What the command line says, before it is applied: the preset and the file come first. */
struct command_line {
	struct options *options;
	const char *preset;
	const char *config;
	const char *given[SETTING_COUNT];
};

static int apply(const struct command_line *line, struct error *error)
{
	int failed = 0;
	if (line->preset)
		failed = preset_apply(line->preset, line->options, error);
	if (line->config && !failed)
		failed = configuration_read(line->config, line->options, error);
	for (size_t i = 0; i < SETTING_COUNT && !failed; i++)
		if (line->given[i])
			failed = options_set(line->options, SOURCE_COMMAND_LINE, NULL,
					     settings[i].name, line->given[i], "--", error);
	return failed ? failed : options_complete(line->options, error);
}

/* argp adds a hint to what getopt says, so its stream for errors is closed and this is ours. */
static void end_with(const char *sentence)
{
	fprintf(stderr, "sim: %s\n", sentence);
	exit(EXIT_FAILURE);
}

/* argp ends the program itself after --help and --version. */
static bool parsing;

static void check_help(void)
{
	if (!parsing || (fflush(stdout) == 0 && !ferror(stdout)))
		return;
	fprintf(stderr,
		"%s: cannot write to standard output; give it a place that takes the output\n",
		program_invocation_short_name);
	_exit(EXIT_FAILURE);
}

void options_argp(const struct argp *argp, int argc, char **argv, void *input)
{
	argv[0] = program_invocation_short_name; /* which getopt begins its sentences with */
	parsing = atexit(check_help) == 0;
	if (argp_parse(argp, argc, argv, 0, NULL, input) != 0)
		exit(EXIT_FAILURE); /* getopt has said why */
	parsing = false;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct command_line *line = state->input;
	struct error error;
	if (key >= KEY_SETTING && key < KEY_SETTING + SETTING_COUNT) {
		line->given[key - KEY_SETTING] = text;
		return 0;
	}
	switch (key) {
	case KEY_PRESET:
		line->preset = text;
		break;
	case KEY_CONFIG:
		line->config = text;
		break;
	case KEY_PRINT_CONFIG:
		line->options->print_config = true;
		break;
	case KEY_STATE_HASH:
		line->options->state_hash = true;
		break;
	case ARGP_KEY_INIT:
		state->err_stream = NULL;
		break;
	case ARGP_KEY_ARG:
		fail(&error, -EINVAL, "'%s' belongs to no option; options begin with --", text);
		end_with(error.text);
		break;
	case ARGP_KEY_END:
		if (apply(line, &error) < 0)
			end_with(error.text);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Adds what a setting is unless told, and the presets' names. */
static char *complete_help(int key, const char *text, void *input)
{
	(void)input;
	char *help = NULL, value[OPTIONS_PATH_CAPACITY];
	size_t length;
	if (key == KEY_PRESET) {
		size_t count;
		const struct preset *presets = preset_all(&count);
		FILE *stream = open_memstream(&help, &length);
		fputs(text, stream);
		for (size_t i = 0; i < count; i++)
			fprintf(stream, "%s %s (%s)", i > 0 ? ";" : ":", presets[i].name,
				presets[i].summary);
		fclose(stream);
		return help;
	}
	if (key < KEY_SETTING || key >= KEY_SETTING + SETTING_COUNT || strchr(text, '('))
		return (char *)text;
	struct options *defaults = malloc(sizeof(*defaults));
	if (!defaults)
		return (char *)text;
	options_default(defaults);
	setting_print(&settings[key - KEY_SETTING], defaults, value, sizeof(value));
	free(defaults);
	return asprintf(&help, "%s (%s)", text, value) < 0 ? (char *)text : help;
}

/* The rows as argp wants them: a heading for each section. */
static void make_table(struct argp_option *table)
{
	static char headings[SETTING_COUNT][32];
	static const struct argp_option first[] = {
		{"preset", KEY_PRESET, "NAME", 0, "A named world", 1},
		{"config", KEY_CONFIG, "FILE", 0,
		 "Options from an ini file; those of the command line override it, and it "
		 "overrides the preset",
		 1},
		{"print-config", KEY_PRINT_CONFIG, NULL, 0,
		 "Print all options as such a file, and end", 1},
		{"state-hash", KEY_STATE_HASH, NULL, 0,
		 "Print each step's number and the hash of the complete state on stdout, and the "
		 "summary on stderr",
		 1},
	};
	size_t used = 0;
	int group = 1;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		table[used++] = first[i];
	for (int i = 0; i < SETTING_COUNT; i++) {
		if (i == 0 || strcmp(settings[i].section, settings[i - 1].section) != 0) {
			snprintf(headings[i], sizeof(headings[i]), "[%s]", settings[i].section);
			group++;
			table[used++] = (struct argp_option){.doc = headings[i], .group = group};
		}
		table[used++] = (struct argp_option){.name = settings[i].name,
						     .key = KEY_SETTING + i,
						     .arg = settings[i].argument,
						     .doc = settings[i].help,
						     .group = group};
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static struct argp_option table[2 * SETTING_COUNT + 8];
	static const struct argp argp = {
		.options = table,
		.parser = parse_option,
		.doc = "Simulate agents that eat, share, fight, breed and learn.\v"
		       "In brackets: the section of a configuration file, in which a key is the "
		       "option's name with _ for -; and what it is unless told.\n\n"
		       "Ends with a summary of what happened. Exit status: 0 done (also when it "
		       "was ended by SIGINT, SIGTERM or SIGHUP, or nobody was left), 1 failed. A "
		       "step is finished first; the third signal ends it at once. A signal that "
		       "is ignored from the beginning stays ignored.",
		.help_filter = complete_help,
	};
	make_table(table);
	options_default(options);
	options_argp(&argp, argc, argv, &(struct command_line){.options = options});
}
