/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parameters: every number the rules depend on, in one place.
 *
 * Defaults are the values the original *configured*, not those its code fell back to; sim/README.md
 * lists both and says why where neither was taken.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	PARAMETERS_AGENTS_MAXIMUM = 1000000,
	PARAMETERS_RESOURCES_MAXIMUM = 10000000,
	PARAMETERS_THREADS_MAXIMUM = 256,
	PARAMETERS_RADIUS = 6, /* of an observation, unless told */
	PARAMETERS_RADIUS_MAXIMUM = 20,
	PARAMETERS_INDEX_BATCH = 50,	  /* waiting moves that make a batch */
	PARAMETERS_SIDE_MAXIMUM = 100000, /* beyond, float positions are coarser than 1/128 */
};

struct agent_parameters {
	float initial_resources;
	float offspring_resources;
	float starting_health;
	float base_consumption;
	uint32_t starvation_threshold; /* turns with nothing left */
	uint32_t maximum_movement;
	float gathering_range;
	float maximum_gather;
	float share_range;
	uint32_t minimum_share;
	uint32_t maximum_share;
	float share_keeps; /* never gives so much that less than this is left */
	float attack_range;
	float attack_damage;		 /* of a healthy attacker */
	uint32_t attack_health_exponent; /* of its health ratio, a factor of the damage */
	bool combat_kills;		 /* one left without health dies */
	float defense_factor;		 /* damage to an agent that defends is multiplied by this */
	uint32_t defense_turns;
	float defense_healing;
	bool debt; /* levels may go below 0, and who owes cannot defend */
	float reproduction_minimum;
	float reproduction_cost;
	float reproduction_chance;
};

struct reward_parameters {
	float per_resource;
	float per_health;
	float alive;
	float dead;
	float acted; /* anything but pass */
	float attack;
	float per_gathered;
	float per_shared;
	float reproduce; /* when a child is born */
	float defend;
	float pass;
};

struct resource_parameters {
	float maximum;
	float regeneration_chance;
	float regeneration_amount;
};

enum {
	PARAMETERS_TYPES = 3,	/* of agents; enum agent_type */
	PARAMETERS_ACTIONS = 7, /* enum action */
};

/* In what the types of agents differ. */
struct type_parameters {
	float gather_efficiency; /* share of the most that a gathering takes */
	float gather_cost;	 /* share of the base consumption that a gathering costs */
	float gather_threshold;	 /* what a resource must hold to be gathered from */
	float share_weight;	 /* in the first agents' genomes */
	float attack_weight;
};

struct genome_parameters {
	bool evolves;	     /* else children have their parent's genome */
	bool crossover;	     /* with a partner, if there is one */
	float partner_range; /* how far away it may be */
	float mutation_rate;
	float mutation_strength;
	float weights[PARAMETERS_ACTIONS]; /* of the first agents, where the type does not say */
};

/* Whether networks are evaluated for one agent after the other or for many at once. */
enum decision_variant {
	DECISIONS_SINGLE,
	DECISIONS_BATCHED,
};

enum network_variant {
	NETWORK_NONE, /* every choice is a random one, by the genome's weights */
	NETWORK_SMALL,
	NETWORK_SEED,
};

/* See sim/decision/dqn.h and ppo.h. */
enum algorithm_variant {
	ALGORITHM_DQN,
	ALGORITHM_DDQN,
	ALGORITHM_PPO,
	ALGORITHM_COUNT,
};

enum sharing_variant {
	SHARING_TYPE,
	SHARING_AGENT,
};

/* See sim/decision/replay.h. */
enum replay_variant {
	REPLAY_UNIFORM,
	REPLAY_PRIORITISED,
};

/* See sim/decision/matrix.h. */
enum matrix_variant {
	MATRIX_OWN,
	MATRIX_OPENBLAS,
};

struct learning_parameters {
	enum decision_variant decisions;
	enum network_variant network;
	enum algorithm_variant algorithm;
	enum sharing_variant sharing;
	enum replay_variant replay;
	enum matrix_variant matrix;
	uint32_t n_step;       /* rewards in a goal; 0 is 1 */
	uint32_t target_every; /* trainings between copies into the target; 0: target_rate */
	uint32_t hidden;       /* width of the two hidden layers */
	float learning_rate;
	float discount;
	uint32_t memory; /* transitions a learner remembers */
	uint32_t batch;
	uint32_t train_every; /* stored transitions between two trainings */
	float target_rate;    /* share of the online weights mixed into the target each training */
	float gradient_limit; /* Euclidean norm */
	float epsilon_start;
	float epsilon_minimum;
	float epsilon_decay; /* per decision of one agent */
};

/* Kinds of index; see sim/spatial/. */
enum spatial_variant {
	SPATIAL_KDTREE,
	SPATIAL_QUADTREE,
	SPATIAL_HASH,
	SPATIAL_COUNT,
	SPATIAL_SAME = SPATIAL_COUNT, /* of the resources' index: as that of the agents */
};

/* When changes reach the index's structure; see sim/spatial/spatial_index.h. */
enum spatial_update {
	SPATIAL_REBUILD,
	SPATIAL_INCREMENTAL,
	SPATIAL_BATCHED,
	SPATIAL_UPDATE_COUNT,
};

/* Which moves are urgent, where moves wait at all; see sim/action.c. */
enum spatial_urgency {
	URGENCY_EQUAL,
	URGENCY_DANGER,
};

/* What an agent keeps of its observation; see sim/observation.h. */
enum observation_variant {
	OBSERVATION_DENSE,
	OBSERVATION_SPARSE,
	OBSERVATION_VARIANT_COUNT,
};

/* Whether an observation's buffers are there already or made and freed for each. */
enum buffer_variant {
	BUFFERS_PREALLOCATED,
	BUFFERS_FRESH,
	BUFFER_VARIANT_COUNT,
};

/* See sim/resource_layer.h. */
enum resource_layer_variant {
	RESOURCE_LAYER_BILINEAR,
	RESOURCE_LAYER_MEMMAP,
	RESOURCE_LAYER_COUNT,
};

/* How often an agent looks in a turn; see sim/turns.h. */
enum {
	LOOKS_ONE = 1,
	LOOKS_TWO,
	LOOKS_THREE,
};

/*
 * How the world is stored, searched and looked at. All but the resource layer, the radius and the
 * looks change speed and memory only.
 */
struct world_parameters {
	enum spatial_variant index;	     /* of the agents */
	enum spatial_variant resource_index; /* of the resources; SPATIAL_SAME is allowed */
	enum spatial_update index_update;
	enum spatial_urgency index_urgency;
	uint32_t index_flush;  /* moves that a full batch hands over at least */
	uint32_t more_indices; /* bit for each kind that is kept besides, of agents and resources */
	enum observation_variant observation;
	uint32_t radius; /* of an observation, in cells */
	uint32_t looks;	 /* LOOKS_ONE ... */
	enum buffer_variant buffers;
	enum resource_layer_variant resource_layer;
};

struct parameters {
	uint64_t seed;
	uint32_t agents;
	uint32_t resources;
	uint32_t maximum_population; /* no births beyond it */
	uint32_t width;
	uint32_t height;
	uint32_t threads; /* that look and decide */
	struct agent_parameters agent;
	struct reward_parameters reward;
	struct resource_parameters resource;
	struct type_parameters types[PARAMETERS_TYPES];
	bool type_parameters;		    /* whether types differ */
	uint32_t by_type[PARAMETERS_TYPES]; /* agents at the beginning; they sum to `agents` */
	struct genome_parameters genome;
	bool curriculum; /* actions are learnt in three phases */
	struct learning_parameters learning;
	struct world_parameters world;
};

/* Sets all parameters to their defaults for the given number of agents. */
void parameters_default(struct parameters *parameters, uint32_t agents);

/* Two resources for three agents, as configured: enough for most, not for all. At least 1. */
uint32_t parameters_resources_for(uint32_t agents);

/* Half as many again as there are at the start, at least the configured 300. */
uint32_t parameters_maximum_population_for(uint32_t agents);

/* Sets by_type to thirds of the agents, what is left over to the first types. */
void parameters_split(struct parameters *parameters);
