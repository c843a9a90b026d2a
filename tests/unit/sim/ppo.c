/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Advantages worked out by hand, and a task whose solution is known. */
#include "sim/decision/ppo.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum {
	STATES = 2,
	ACTIONS = 3
};

static const struct learning_parameters parameters = {
	.network = NETWORK_SMALL,
	.algorithm = ALGORITHM_PPO,
	.hidden = 16,
	.learning_rate = 0.003F,
	.discount = 0.9F,
	.memory = 400,
	.batch = 32,
	.gradient_limit = 1,
};

static struct trainer trainer;
static struct decision decision;
static struct random numbers;

static void make(void)
{
	random_seed(&numbers, 14, 1);
	trainer_init(&trainer, &parameters, 1, STATES, ACTIONS);
	decision_init(&decision, &trainer, 99, STREAM_LEARNERS);
}

static void drop(void)
{
	decision_done(&decision);
	trainer_done(&trainer);
}

TestSuite(ppo, .init = make, .fini = drop);

static struct choice choose(const float *state, uint32_t allowed)
{
	struct choice choice = {.allowed = allowed, .random = &numbers};
	decision_decide(&decision, &trainer.online, state, &choice, 1);
	return choice;
}

Test(ppo, draws_what_is_possible_by_the_probabilities_it_tells)
{
	static const float state[STATES] = {1, 0};
	int drawn[ACTIONS] = {0};
	double told[ACTIONS] = {0};
	for (int i = 0; i < 4000; i++) {
		struct choice choice = choose(state, 5);
		drawn[choice.action]++;
		told[choice.action] = exp(choice.log_probability);
	}
	cr_assert_eq(drawn[1], 0);
	cr_assert_float_eq(told[0] + told[2], 1, 1e-5);
	cr_assert_float_eq(drawn[0] / 4000.0, told[0], 0.03);
}

Test(ppo, advantages_follow_each_agent_s_own_turns)
{
	/* A critic that says 2 of everything: all weights 0, the last bias 2. */
	static const float state[STATES] = {1, 0};
	uint64_t last[2] = {0};
	memset(decision.critic.parameters, 0, decision.critic.parameter_count * sizeof(float));
	decision.critic.parameters[16 * (STATES + 1) + 16 * 17 + 16] = 2;
	for (int i = 0; i < PPO_ROLLOUT; i++)
		last[i % 2] =
			decision_remember(&decision, &(struct transition){.state = state,
									  .next = state,
									  .reward = i % 2 ? 1 : 3,
									  .previous = last[i % 2]});
	decision_end_life(&decision, last[0], 0);
	ppo_estimate_advantages(&decision);
	/* Agent 0, reward 3, dies at the end: 3 - 2 = 1; before: 3 + 0.9 2 - 2 + 0.9 0.95 1. */
	cr_assert_float_eq(trainer.weights[PPO_ROLLOUT - 2], 1, 1e-5);
	cr_assert_float_eq(trainer.weights[PPO_ROLLOUT - 4], 2.8 + 0.855, 1e-5);
	/* Agent 1, reward 1, lives on: 1 + 0.9 2 - 2 = 0.8; before: 0.8 + 0.855 0.8. */
	cr_assert_float_eq(trainer.weights[PPO_ROLLOUT - 1], 0.8, 1e-5);
	cr_assert_float_eq(trainer.weights[PPO_ROLLOUT - 3], 0.8 + 0.855 * 0.8, 1e-5);
	cr_assert_float_eq(trainer.goals[PPO_ROLLOUT - 1], 2.8, 1e-5);
}

Test(ppo, learns_which_action_pays_in_which_state)
{
	for (int i = 0; i < 20 * PPO_ROLLOUT; i++) {
		float state[STATES] = {0};
		uint32_t place = random_below(&numbers, STATES);
		state[place] = 1;
		struct choice choice = choose(state, 7);
		bool right = choice.action == (place ? 2 : 0);
		uint64_t number = decision_remember(
			&decision, &(struct transition){.state = state,
							.next = state,
							.action = choice.action,
							.reward = right,
							.allowed = 7,
							.log_probability = choice.log_probability});
		decision_end_life(&decision, number, 0);
		decision_learn(&decision);
	}
	cr_assert_eq(decision.trainings, 20);
	for (uint32_t place = 0; place < STATES; place++) {
		float state[STATES] = {0};
		int right = 0;
		state[place] = 1;
		for (int i = 0; i < 200; i++)
			right += choose(state, 7).action == (place ? 2 : 0);
		cr_assert(right > 180, "%d", right);
		float worth = network_forward(&decision.critic, &trainer.target, state, 1)[0];
		cr_assert_float_eq(worth, 1, 0.15);
	}
}
