/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Choosing, and learning a task whose solution is known. */
#include "sim/decision/decision.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/*
 * A corridor of four places. Action 0 goes left (and stays at the wall), action 1 goes right, and
 * from the last place into the goal, which pays 1 and ends it. With the discount 0.9 going right is
 * worth 0.9^(places between here and the goal), going left 0.9 times the best of where one gets.
 */
enum {
	PLACES = 4,
	LEFT = 0,
	RIGHT = 1,
	ACTIONS = 2
};

static const struct learning_parameters parameters = {
	.network = NETWORK_SMALL,
	.n_step = 1,
	.hidden = 16,
	.learning_rate = 0.005F,
	.discount = 0.9F,
	.memory = 400,
	.batch = 32,
	.train_every = 2,
	.target_rate = 0.05F,
	.gradient_limit = 1,
};

static struct trainer trainer;
static struct decision decision;
static struct random numbers;

static void make(void)
{
	random_seed(&numbers, 13, 1);
	trainer_init(&trainer, &parameters, 1, PLACES, ACTIONS);
	decision_init(&decision, &trainer, 99, STREAM_LEARNERS);
}

static void drop(void)
{
	decision_done(&decision);
	trainer_done(&trainer);
}

TestSuite(decision, .init = make, .fini = drop);

static void live(int place, uint32_t action, uint32_t next_allowed)
{
	float state[PLACES] = {0}, next[PLACES] = {0};
	bool goal = action == RIGHT && place == PLACES - 1;
	int next_place = action == RIGHT ? place + 1 : place > 0 ? place - 1 : 0;
	state[place] = 1;
	next[goal ? 0 : next_place] = 1;
	uint64_t number =
		decision_remember(&decision, &(struct transition){.state = state,
								  .next = next,
								  .action = action,
								  .next_allowed = next_allowed});
	if (goal)
		decision_end_life(&decision, number, 1);
	decision_learn(&decision);
}

static uint32_t decide(const float *state, uint32_t allowed, float epsilon)
{
	struct choice choice = {.allowed = allowed, .epsilon = epsilon, .random = &numbers};
	decision_decide(&decision, &trainer.online, state, &choice, 1);
	decision_count(&decision, choice.explored);
	return choice.action;
}

static float value(int place, uint32_t action)
{
	float state[PLACES] = {0};
	state[place] = 1;
	return network_forward(&decision.online, &trainer.online, state, 1)[action];
}

Test(decision, learns_the_values_of_a_corridor)
{
	for (int i = 0; i < 8000; i++)
		live((int)random_below(&numbers, PLACES), random_below(&numbers, ACTIONS), 3);
	cr_assert_eq(decision.trainings, 8000 / 2 - 15); /* the first when 32 are remembered */
	for (int place = 0; place < PLACES; place++) {
		double right = pow(0.9, PLACES - 1 - place);
		double left = 0.9 * pow(0.9, PLACES - 1 - (place > 0 ? place - 1 : 0));
		cr_assert_float_eq(value(place, RIGHT), right, 0.05);
		cr_assert_float_eq(value(place, LEFT), left, 0.05);
		float state[PLACES] = {0};
		state[place] = 1;
		cr_assert_eq(decide(state, 3, 0), RIGHT);
	}
}

Test(decision, expects_nothing_from_actions_that_will_be_impossible)
{
	/* Nobody can go right from where one gets, so only the goal's own reward is ever seen. */
	for (int i = 0; i < 8000; i++)
		live((int)random_below(&numbers, PLACES), random_below(&numbers, ACTIONS),
		     1U << LEFT);
	cr_assert_float_eq(value(PLACES - 1, RIGHT), 1, 0.05);
	cr_assert_float_eq(value(PLACES - 2, RIGHT), 0, 0.05);
	cr_assert_float_eq(value(0, LEFT), 0, 0.05);
}

Test(decision, chooses_only_what_is_possible)
{
	float state[PLACES] = {1};
	for (int i = 0; i < 200; i++) {
		float epsilon = i % 2 ? 1 : 0;
		cr_assert_eq(decide(state, 1U << RIGHT, epsilon), RIGHT);
		cr_assert_eq(decide(state, 1U << LEFT, epsilon), LEFT);
	}
	cr_assert_eq(decision.decisions, 400);
	cr_assert_eq(decision.explored, 200);
	cr_assert_eq(trainer.online.forward_passes, 400);
}

Test(decision, explores_as_often_as_epsilon_says_and_then_evenly)
{
	float state[PLACES] = {1};
	uint32_t greedy = decide(state, 3, 0);
	int other = 0;
	for (int i = 0; i < 4000; i++)
		other += decide(state, 3, 0.5F) != greedy;
	cr_assert(other > 880 && other < 1120, "%d", other); /* half of a half */
	cr_assert(decision.explored > 1880 && decision.explored < 2120);
}

Test(decision, target_network_follows_slowly)
{
	size_t bytes = decision.online.parameter_count * sizeof(float);
	cr_assert_eq(memcmp(decision.online.parameters, decision.target.parameters, bytes), 0);
	float *start = malloc(bytes);
	memcpy(start, decision.target.parameters, bytes);
	for (int i = 0; i < 32; i++)
		live(PLACES - 1, RIGHT, 3);
	cr_assert_eq(decision.trainings, 1);
	int moved = 0;
	for (size_t i = 0; i < decision.online.parameter_count; i++) {
		float step = decision.online.parameters[i] - start[i];
		moved += step != 0;
		cr_assert_float_eq(decision.target.parameters[i], start[i] + 0.05F * step, 1e-6);
	}
	cr_assert(moved > 10);
	free(start);
}

Test(decision, one_training_moves_no_weight_farther_than_the_learning_rate)
{
	size_t count = decision.online.parameter_count;
	float *start = malloc(count * sizeof(float));
	memcpy(start, decision.online.parameters, count * sizeof(float));
	for (int i = 0; i < 32; i++)
		live(PLACES - 1, RIGHT, 3);
	for (size_t i = 0; i < count; i++)
		cr_assert(fabsf(decision.online.parameters[i] - start[i]) <= 0.00501F);
	free(start);
}

Test(decision, a_death_is_learnt_and_a_forgotten_one_ignored)
{
	float state[PLACES] = {1};
	struct transition transition = {.state = state, .next = state, .reward = 0.25F};
	uint64_t number = decision_remember(&decision, &transition);
	decision_end_life(&decision, number, -10);
	cr_assert(decision.replay.entries[0].terminal);
	cr_assert_eq(decision.replay.entries[0].reward, -9.75F);
	for (uint32_t i = 0; i < parameters.memory; i++)
		decision_remember(&decision, &transition);
	decision_end_life(&decision, number, -10);
	decision_end_life(&decision, 0, -10);
	for (uint32_t i = 0; i < parameters.memory; i++)
		cr_assert_not(decision.replay.entries[i].terminal);
}

Test(decision, loss_is_smooth_l1)
{
	/* A learner that cannot learn: its loss is that of its first estimate. */
	float state[PLACES] = {1};
	float estimate = network_forward(&decision.online, &trainer.online, state, 1)[LEFT];
	float rewards[2] = {estimate + 0.5F, estimate + 3};
	for (int i = 0; i < 32; i++) {
		uint64_t number = decision_remember(&decision,
						    &(struct transition){.state = state,
									 .next = state,
									 .action = LEFT,
									 .reward = rewards[i % 2]});
		decision_end_life(&decision, number, 0);
	}
	decision_learn(&decision);
	cr_assert_float_eq(decision.loss, (0.5 * 0.25 + 2.5) / 2, 1e-5);
}

/* A learner with other parameters, whose networks say the same of all states. */
static void remake(struct learning_parameters *other)
{
	drop();
	trainer_init(&trainer, other, 1, PLACES, ACTIONS);
	decision_init(&decision, &trainer, 99, STREAM_LEARNERS);
}

static void say(struct network *network, float left, float right)
{
	size_t biases = 16 * (PLACES + 1) + 16 * 17 + 16 * ACTIONS;
	memset(network->parameters, 0, network->parameter_count * sizeof(float));
	network->parameters[biases + LEFT] = left;
	network->parameters[biases + RIGHT] = right;
}

static void remember_chain(uint32_t count, float reward)
{
	static const float state[PLACES];
	uint64_t previous = 0;
	for (uint32_t i = 0; i < count; i++)
		previous = decision_remember(&decision, &(struct transition){.state = state,
									     .next = state,
									     .action = LEFT,
									     .reward = reward,
									     .next_allowed = 3,
									     .previous = previous});
}

Test(decision, n_steps_sum_as_many_rewards_as_are_known)
{
	struct learning_parameters other = parameters;
	other.n_step = 3;
	remake(&other);
	say(&decision.online, 0, 0);
	say(&decision.target, 10, 4);
	remember_chain(32, 1);
	decision_end_life(&decision, 32, 0);
	decision_learn(&decision);
	cr_assert_eq(decision.trainings, 1);
	for (uint32_t i = 0; i < 32; i++) {
		size_t left = 31 - trainer.rows[i]; /* turns to the death */
		float expected = left >= 3   ? 1 + 0.9F + 0.81F + 0.729F * 10
				 : left == 2 ? 1 + 0.9F + 0.81F
				 : left == 1 ? 1 + 0.9F
					     : 1;
		cr_assert_float_eq(trainer.goals[i], expected, 1e-5);
	}
}

Test(decision, double_learning_asks_the_target_about_the_online_choice)
{
	struct learning_parameters other = parameters;
	for (int algorithm = ALGORITHM_DQN; algorithm <= ALGORITHM_DDQN; algorithm++) {
		other.algorithm = algorithm;
		remake(&other);
		say(&decision.online, 1, 2);
		say(&decision.target, 10, 4);
		remember_chain(32, 1);
		decision_learn(&decision);
		cr_assert_float_eq(trainer.goals[0],
				   1 + 0.9 * (algorithm == ALGORITHM_DQN ? 10 : 4), 1e-5);
	}
}

Test(decision, a_hard_target_is_a_copy_every_so_many_trainings)
{
	struct learning_parameters other = parameters;
	other.target_every = 3;
	remake(&other);
	size_t bytes = decision.online.parameter_count * sizeof(float);
	for (int i = 0; i < 32; i++)
		live(PLACES - 1, RIGHT, 3);
	for (uint64_t training = 1; training < 10; training++) {
		cr_assert_eq(decision.trainings, training);
		bool same =
			memcmp(decision.target.parameters, decision.online.parameters, bytes) == 0;
		cr_assert_eq(same, training % 3 == 0);
		live(0, RIGHT, 3);
		live(0, RIGHT, 3);
	}
}

Test(decision, errors_become_priorities_and_weigh_in_the_loss)
{
	struct learning_parameters other = parameters;
	other.replay = REPLAY_PRIORITISED;
	remake(&other);
	say(&decision.online, 0, 0);
	say(&decision.target, 0, 0);
	remember_chain(32, 2);
	replay_weigh(&decision.replay, 5, 8); /* the others have 1: the sum is 39 */
	decision_learn(&decision);
	int drawn = 0;
	for (uint32_t i = 0; i < 32; i++) {
		/* (32 p)^-0.4 over the largest: 1 for the others, 8^-0.4 for this one. */
		bool heavy = trainer.rows[i] == 5;
		drawn += heavy;
		cr_assert_float_eq(trainer.weights[i], heavy ? 0.435275 : 1, 1e-5);
		cr_assert_float_eq(decision.replay.sums[decision.replay.leaves + trainer.rows[i]],
				   1.515717, 1e-5); /* 2^0.6 */
	}
	cr_assert(drawn >= 5 && drawn <= 8, "%d", drawn); /* of 32, 8/39 */
	cr_assert_float_eq(decision.loss, (32 - drawn + drawn * 0.435275) / 32 * 1.5, 1e-4);
}

Test(decision, without_a_network_all_is_chance)
{
	struct learning_parameters other = parameters;
	other.network = NETWORK_NONE;
	remake(&other);
	float state[PLACES] = {0};
	int right = 0;
	for (int i = 0; i < 1000; i++)
		right += decide(state, 3, 0) == RIGHT;
	cr_assert(right > 430 && right < 570);
	live(0, RIGHT, 3);
	cr_assert_eq(decision.replay.stored, 0);
	cr_assert_eq(trainer.online.forward_passes, 0);
}

Test(decision, double_learning_learns_the_corridor)
{
	struct learning_parameters other = parameters;
	other.algorithm = ALGORITHM_DDQN;
	other.replay = REPLAY_PRIORITISED;
	remake(&other);
	for (int i = 0; i < 8000; i++)
		live((int)random_below(&numbers, PLACES), random_below(&numbers, ACTIONS), 3);
	for (int place = 0; place < PLACES; place++)
		cr_assert_float_eq(value(place, RIGHT), pow(0.9, PLACES - 1 - place), 0.05);
}
