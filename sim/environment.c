/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The world: who is in it, what they see, how a step goes. */
#include "sim/environment.h"

#include "sim/allocate.h"
#include "sim/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const death_cause_names[DEATH_CAUSE_COUNT] = {"starvation", "combat"};

bool environment_contains(const struct environment *environment, float x, float y)
{
	return x >= 0 && x <= (float)environment->parameters.width && y >= 0 &&
	       y <= (float)environment->parameters.height;
}

/* The type's learner, or one of its own. */
static struct decision *take_decision(struct environment *environment, enum agent_type type)
{
	if (environment->parameters.learning.sharing == SHARING_TYPE)
		return &environment->decisions[type];
	struct decision *decision = allocate(1, sizeof(*decision));
	decision_init(decision, &environment->trainer, environment->parameters.seed,
		      STREAM_OWN_LEARNERS + environment->numbers);
	return decision;
}

static void give_decision_back(struct environment *environment, struct agent *agent)
{
	if (environment->parameters.learning.sharing == SHARING_TYPE)
		return;
	decision_done(agent->decision);
	free(agent->decision);
}

static void add_first_agents(struct environment *environment)
{
	const struct parameters *parameters = &environment->parameters;
	struct random random;
	random_seed(&random, parameters->seed, STREAM_PLACEMENT);
	uint32_t left[TYPE_COUNT], type = 0;
	memcpy(left, parameters->by_type, sizeof(left));
	while (left[0] + left[1] + left[2] > 0) {
		while (left[type] == 0)
			type = (type + 1) % TYPE_COUNT;
		left[type]--;
		float x = random_unit(&random) * (float)parameters->width;
		float y = random_unit(&random) * (float)parameters->height;
		environment_add_agent(environment, type, x, y, parameters->agent.initial_resources,
				      NULL);
		type = (type + 1) % TYPE_COUNT;
	}
	spatial_index_update(&environment->agent_index);
}

/* There is room for all names. */
static void name_indices(struct environment *environment)
{
	const struct world_parameters *world = &environment->parameters.world;
	struct spatial_service *indices = &environment->indices;
	spatial_service_register(indices, "agents", &environment->agent_index);
	spatial_service_register(indices, "resources", &environment->resources.index);
	spatial_service_follow(indices, "agents", world->more_indices, world->index_update);
	spatial_service_follow(indices, "resources", world->more_indices, world->index_update);
}

int environment_init(struct environment *environment, const struct parameters *parameters,
		     struct database *database, struct error *error)
{
	struct resources resources;
	int failed = 0;
	if (parameters->learning.matrix == MATRIX_OPENBLAS)
		failed = matrix_load_openblas(parameters->threads, error);
	if (!failed)
		failed = resources_init(&resources, parameters, error);
	if (failed)
		return failed;
	/* The dead of a step keep their places until its end, so births may need as many again. */
	const struct world_parameters *world = &parameters->world;
	size_t length = observation_length(world->radius);
	uint32_t capacity = 2 * (parameters->maximum_population > parameters->agents
					 ? parameters->maximum_population
					 : parameters->agents);
	*environment = (struct environment){
		.parameters = *parameters,
		.agents = allocate(capacity, sizeof(struct agent)),
		.agent_capacity = capacity,
		.resources = resources,
		.storage = observation_storage_of(world->observation, world->radius),
		.tensor_length = length,
		.database = database,
		.nexts = allocate(TURNS_BLOCK * length, sizeof(float)),
		.observers = allocate(parameters->threads, sizeof(struct observer)),
	};
	fields_init(&environment->fields, parameters->width, parameters->height);
	spatial_index_init(&environment->agent_index, spatial_structures[world->index],
			   world->index_update);
	spatial_index_limit_flushes(&environment->agent_index, world->index_flush);
	name_indices(environment);
	trainer_init(&environment->trainer, &parameters->learning, CHANNEL_COUNT,
		     observation_cells(world->radius), ACTION_COUNT);
	for (uint32_t i = 0; i < parameters->threads; i++)
		observer_init(&environment->observers[i], &environment->trainer, length);
	for (uint32_t type = 0; type < TYPE_COUNT; type++)
		decision_init(&environment->decisions[type], &environment->trainer,
			      parameters->seed, STREAM_LEARNERS + type);
	if (parameters->learning.sharing == SHARING_AGENT)
		environment->learner_bytes = trainer_learner_bytes(&environment->trainer);
	environment->last_resources = resources_total(&environment->resources);
	add_first_agents(environment);
	failed = workers_init(&environment->workers, parameters->threads);
	if (failed) {
		environment_done(environment);
		return fail(error, failed, "cannot start %u threads (%s); give fewer --threads",
			    parameters->threads, strerror(-failed));
	}
	return 0;
}

void environment_done(struct environment *environment)
{
	workers_done(&environment->workers);
	for (uint32_t i = 0; i < environment->agent_count; i++) {
		give_decision_back(environment, &environment->agents[i]);
		free(environment->agents[i].observation);
	}
	for (uint32_t i = 0; i < environment->spare_count; i++)
		free(environment->spare[i]);
	for (uint32_t type = 0; type < TYPE_COUNT; type++)
		decision_done(&environment->decisions[type]);
	for (uint32_t i = 0; i < environment->parameters.threads; i++)
		observer_done(&environment->observers[i]);
	trainer_done(&environment->trainer);
	spatial_service_done(&environment->indices);
	spatial_index_done(&environment->agent_index);
	spatial_found_done(&environment->found);
	places_done(&environment->places);
	fields_done(&environment->fields);
	resources_done(&environment->resources);
	free(environment->spare);
	free(environment->genome_counts);
	free(environment->observers);
	free(environment->states);
	free(environment->nexts);
	free(environment->agents);
}

static struct observation *take_observation(struct environment *environment)
{
	if (environment->spare_count > 0)
		return environment->spare[--environment->spare_count];
	return allocate(1, environment->storage.bytes);
}

static void give_observation_back(struct environment *environment, struct observation *observation)
{
	if (environment->spare_count == environment->spare_capacity) {
		environment->spare_capacity =
			environment->spare_capacity ? 2 * environment->spare_capacity : 64;
		environment->spare = reallocate(environment->spare, environment->spare_capacity,
						sizeof(struct observation *));
	}
	environment->spare[environment->spare_count++] = observation;
}

struct partner {
	const struct environment *environment;
	const struct agent *parent;
};

static bool may_be_partner(const void *context, uint32_t slot)
{
	const struct partner *partner = context;
	return slot != partner->parent->slot &&
	       partner->environment->agents[slot].type == partner->parent->type;
}

/* Gives an agent its genome: a new one, or what comes of its parent's and the partner's. */
static void inherit(struct environment *environment, struct agent *agent,
		    const struct agent *parent)
{
	const struct genome_parameters *rule = &environment->parameters.genome;
	struct genome *genome = &agent->genome;
	if (!parent) {
		genome_first(genome, &environment->parameters, agent->type);
		return;
	}
	*genome = parent->genome;
	if (!rule->evolves)
		return;
	struct partner context = {.environment = environment, .parent = parent};
	struct spatial_filter filter = {.accept = may_be_partner, .context = &context};
	uint32_t slot = SPATIAL_NONE;
	if (rule->crossover)
		slot = spatial_index_get_nearest(&environment->agent_index, parent->x, parent->y,
						 rule->partner_range, &filter);
	const struct agent *partner = slot == SPATIAL_NONE ? NULL : &environment->agents[slot];
	if (partner)
		genome_cross(genome, &parent->genome, &partner->genome, &agent->random);
	genome_mutate(genome, rule, &agent->random);
	if (genome_is_like(genome, &parent->genome))
		return;
	if (partner && genome_is_like(genome, &partner->genome)) {
		*genome = partner->genome;
		return;
	}
	genome->number = TYPE_COUNT + agent->number;
	genome->generation = agent->generation;
	genome->step = environment->step;
	genome->parents[0] = parent->number;
	genome->parents[1] = partner ? partner->number : 0;
}

/* Memory is promised beyond what there is, and who takes too much of it is killed. */
static bool may_have_a_learner(struct environment *environment)
{
	if (environment->learner_bytes == 0)
		return true;
	double available = allocate_available();
	if (available < environment->learner_bytes)
		environment->short_bytes = available > 1 ? available : 1;
	return environment->short_bytes == 0;
}

struct agent *environment_add_agent(struct environment *environment, enum agent_type type, float x,
				    float y, float resource_level, const struct agent *parent)
{
	if (environment->agent_count == environment->agent_capacity)
		return NULL;
	if (parent && !may_have_a_learner(environment))
		return NULL;
	struct agent *agent = &environment->agents[environment->agent_count];
	*agent = (struct agent){
		.number = ++environment->numbers,
		.slot = environment->agent_count++,
		.type = type,
		.alive = true,
		.x = x,
		.y = y,
		.resource_level = resource_level,
		.health = environment->parameters.agent.starting_health,
		.generation = parent ? parent->generation + 1 : 0,
		.birth_step = environment->step,
		.epsilon = environment->parameters.learning.epsilon_start,
		.decision = take_decision(environment, type),
		.observation = take_observation(environment),
	};
	environment->living++;
	agent_draw_afresh(environment, agent);
	inherit(environment, agent, parent);
	observation_init(agent->observation, &environment->storage, x, y, environment->step);
	spatial_index_add(&environment->agent_index, x, y);
	database_log_agent(environment->database,
			   &(struct agent_row){.agent = agent->number,
					       .birth_step = agent->birth_step,
					       .generation = agent->generation,
					       .parent = parent ? parent->number : 0,
					       .type = agent_type_names[type],
					       .genome = &agent->genome,
					       .x = x,
					       .y = y,
					       .resources = resource_level,
					       .health = agent->health});
	return agent;
}

void environment_kill(struct environment *environment, struct agent *agent, enum death_cause cause)
{
	const struct reward_parameters *reward = &environment->parameters.reward;
	agent->alive = false;
	environment->living--;
	environment->counters.deaths[cause]++;
	spatial_index_remove(&environment->agent_index, agent->slot);
	/* Its last transition was rewarded for being alive; now it is known what came of it. If it
	 * acted in this step that transition is still to be remembered: agent_learn(). */
	if (!agent->turn.acted)
		decision_end_life(agent->decision, agent->last_transition,
				  reward->dead - reward->alive);
	agent->total_reward += reward->dead;
	database_log_death(environment->database,
			   &(struct agent_death_row){.agent = agent->number,
						     .step = environment->step,
						     .cause = death_cause_names[cause]});
}

static void observe_agents(const struct environment *environment, const struct agent *agent,
			   struct spatial_found *found, struct observation_view *view)
{
	spatial_index_get_nearby(&environment->agent_index, (float)view->cell_x,
				 (float)view->cell_y, (float)view->radius, found);
	for (size_t i = 0; i < found->count; i++) {
		const struct agent *other = &environment->agents[found->ids[i]];
		if (other != agent)
			observation_add_agent(view, other->x, other->y, other->type == agent->type,
					      agent_health_ratio(environment, other));
	}
}

static void observe_fields(const struct environment *environment, const struct agent *agent,
			   struct observation_view *view)
{
	const struct {
		enum observation_channel channel;
		unsigned layer;
	} read[] = {
		{CHANNEL_DAMAGE_HEAT, FIELD_DAMAGE_HEAT},
		{CHANNEL_TRAILS, FIELD_TRAILS},
		{CHANNEL_ALLY_SIGNAL, FIELD_ALLY_SIGNAL + agent->type},
		{CHANNEL_LANDMARKS, FIELD_LANDMARKS},
	};
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		fields_read(&environment->fields, read[i].layer, view->cell_x, view->cell_y,
			    (uint32_t)view->radius, view->values[read[i].channel]);
}

static void observe_goal(const struct environment *environment, const struct agent *agent,
			 struct observation_view *view)
{
	const struct resources *resources = &environment->resources;
	uint32_t goal = resources_nearest(resources, agent->x, agent->y, (float)view->radius);
	if (goal != SPATIAL_NONE)
		observation_add_goal(view, resources->x[goal], resources->y[goal]);
}

static void prepare(struct perception *perception, size_t length, enum buffer_variant buffers)
{
	if (buffers == BUFFERS_FRESH)
		perception_done(perception);
	if (!perception->buffer) {
		perception->buffer = allocate(length, sizeof(float));
		perception->turned = allocate(length, sizeof(float));
	}
}

void perception_done(struct perception *perception)
{
	spatial_found_done(&perception->found);
	free(perception->buffer);
	free(perception->turned);
	*perception = (struct perception){.resource_points = perception->resource_points};
}

const float *environment_observe(const struct environment *environment, struct agent *agent,
				 struct perception *perception)
{
	const struct parameters *parameters = &environment->parameters;
	struct observation_world world = {parameters->width, parameters->height};
	const struct resources *resources = &environment->resources;
	struct observation_view view;
	prepare(perception, environment->tensor_length, parameters->world.buffers);
	observation_begin(agent->observation, &environment->storage, agent->x, agent->y,
			  environment->step, agent_health_ratio(environment, agent),
			  perception->buffer, &view);
	fields_prefetch(&environment->fields,
			1U << FIELD_DAMAGE_HEAT | 1U << FIELD_TRAILS | 1U << FIELD_LANDMARKS |
				1U << (FIELD_ALLY_SIGNAL + agent->type),
			view.cell_x, view.cell_y, parameters->world.radius);
	observe_agents(environment, agent, &perception->found, &view);
	perception->resource_points += resources->layer.kind->read(&resources->layer, resources,
								   &perception->found, &view);
	observe_goal(environment, agent, &view);
	observe_fields(environment, agent, &view);
	observation_end(agent->observation, &environment->storage, &world, &view);
	if (agent->orientation == 0)
		return view.values[0];
	observation_rotate(view.values[0], parameters->world.radius, agent->orientation / 90U,
			   perception->turned);
	return perception->turned;
}

/* Closes the ranks: the order of births stays, slots and with them the index's ids change. */
static void clear_dead_away(struct environment *environment)
{
	if (environment->living == environment->agent_count)
		return;
	uint32_t kept = 0;
	spatial_index_compact(&environment->agent_index);
	for (uint32_t i = 0; i < environment->agent_count; i++) {
		struct agent *agent = &environment->agents[i];
		if (!agent->alive) {
			give_decision_back(environment, agent);
			give_observation_back(environment, agent->observation);
			continue;
		}
		turns_move_state(environment, i, kept);
		agent->slot = kept;
		environment->agents[kept++] = *agent;
	}
	environment->agent_count = kept;
}

void environment_update(struct environment *environment)
{
	environment->counters.regenerated += resources_regenerate(&environment->resources);
	fields_fade(&environment->fields);
	clear_dead_away(environment);
	spatial_index_update(&environment->agent_index);
	spatial_index_update(&environment->resources.index);
	metrics_log_step(environment);
	environment->step++;
}

int environment_step(struct environment *environment, struct error *error)
{
	turns_take(environment);
	environment_update(environment);
	if (environment->short_bytes > 0)
		return fail(
			error, -ENOMEM,
			"no memory for what another agent learns by (up to %.3f GB, and %.3f GB "
			"are left with %u agents); try a lower --max-population, less --memory, "
			"a smaller network or --sharing type",
			environment->learner_bytes / 1e9, environment->short_bytes / 1e9,
			environment->living);
	return database_status(environment->database, error);
}
