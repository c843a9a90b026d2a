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

/* Remembers transitions of reward 1; returns the number of the last. */
static uint64_t remember(int count, float place)
{
	uint64_t number = 0;
	for (int i = 0; i < count; i++) {
		float state[STATES] = {(float)i, place}, next[STATES] = {(float)i, -place};
		number = decision_remember(&decision, &(struct transition){.state = state,
									   .next = next,
									   .action = 2,
									   .allowed = 6,
									   .next_allowed = 4,
									   .log_probability = -0.5F,
									   .reward = 1});
		decision_learn(&decision);
	}
	return number;
}

Test(ppo, a_death_that_comes_after_the_rollout_was_learnt_from_is_learnt_with_the_next)
{
	uint64_t last = remember(PPO_ROLLOUT, 3);
	cr_assert_eq(decision.trainings, 1);
	uint64_t living = remember(PPO_ROLLOUT / 2, 5);
	decision_end_life(&decision, last, -10);
	const struct replay *replay = &decision.replay;
	size_t row = PPO_ROLLOUT / 2;
	const struct replay_entry *entry = &replay->entries[row];
	cr_assert_eq(replay->stored, living + 1);
	cr_assert(entry->terminal);
	cr_assert_eq(entry->reward, -9);
	cr_assert_eq(entry->action, 2);
	cr_assert_eq(entry->allowed, 6);
	cr_assert_eq(entry->next_allowed, 4);
	cr_assert_eq(entry->log_probability, -0.5F);
	cr_assert_eq(replay->states[row * STATES], PPO_ROLLOUT - 1);
	cr_assert_eq(replay->states[row * STATES + 1], 3);
	cr_assert_eq(replay->nexts[row * STATES + 1], -3);
	/* One that is still to be learnt from only changes. */
	decision_end_life(&decision, living, -10);
	cr_assert_eq(replay->stored, living + 1);
	cr_assert(replay->entries[row - 1].terminal);
	ppo_estimate_advantages(&decision);
	cr_assert_float_eq(trainer.goals[row], -9, 1e-3);
}

Test(ppo, a_death_that_completes_a_rollout_has_it_learnt_from)
{
	/* The last of the rollout before, in whose place it comes, and one that was overwritten. */
	uint64_t last = remember(PPO_ROLLOUT, 3);
	remember(PPO_ROLLOUT - 1, 5);
	decision_end_life(&decision, last - 1, -10);
	cr_assert_eq(decision.replay.stored, 2 * PPO_ROLLOUT - 1);
	decision_end_life(&decision, last, -10);
	cr_assert_eq(decision.replay.stored, 2 * PPO_ROLLOUT);
	cr_assert_eq(decision.trainings, 2);
	cr_assert_eq(decision.replay.entries[PPO_ROLLOUT - 1].reward, -9);
	cr_assert_eq(decision.replay.states[(PPO_ROLLOUT - 1) * STATES + 1], 3);
}

Test(ppo, the_actor_s_loss_is_clipped_and_its_derivatives_are_right)
{
	static const float step = 1.0F / 256;
	int clipped = 0, free = 0;
	remember(PPO_ROLLOUT - 1, 3);
	for (int i = 0; i < 400; i++) {
		/* Every set of possible actions, both signs, ratios from 0.4 to 2.5. */
		struct replay_entry *entry = &decision.replay.entries[7];
		float values[ACTIONS], derivative[ACTIONS], ignored[ACTIONS];
		entry->allowed = 1 + random_below(&numbers, (1U << ACTIONS) - 1);
		do
			entry->action = random_below(&numbers, ACTIONS);
		while (!(entry->allowed & 1U << entry->action));
		trainer.weights[7] = 4 * random_unit(&numbers) - 2;
		double sum = 0;
		for (int action = 0; action < ACTIONS; action++) {
			values[action] = 4 * random_unit(&numbers) - 2;
			if (entry->allowed & 1U << action)
				sum += exp(values[action]);
		}
		double ratio = exp(2 * random_unit(&numbers) - 1);
		entry->log_probability = (float)(values[entry->action] - log(sum) - log(ratio));
		/* Where it bends there is no derivative. */
		if (fabs(ratio - 1.2) < 0.02 || fabs(ratio - 0.8) < 0.02)
			continue;
		bool flat = trainer.weights[7] > 0 ? ratio > 1.2 : ratio < 0.8;
		clipped += flat;
		free += !flat;
		double loss = ppo_actor_loss(&decision, 7, values, derivative, 4);
		double advantage = trainer.weights[7];
		double cut = fmin(fmax(ratio, 0.8), 1.2), entropy = 0;
		for (int action = 0; action < ACTIONS; action++)
			if (entry->allowed & 1U << action)
				entropy -= exp(values[action]) / sum * (values[action] - log(sum));
		cr_assert_float_eq(loss, -fmin(ratio * advantage, cut * advantage) - 0.01 * entropy,
				   1e-5);
		for (int action = 0; action < ACTIONS; action++) {
			float above[ACTIONS], below[ACTIONS];
			memcpy(above, values, sizeof(values));
			memcpy(below, values, sizeof(values));
			above[action] += step;
			below[action] -= step;
			double slope = (ppo_actor_loss(&decision, 7, above, ignored, 4) -
					ppo_actor_loss(&decision, 7, below, ignored, 4)) /
				       ((double)above[action] - (double)below[action]);
			cr_assert_float_eq(4 * derivative[action], slope, 1e-4,
					   "case %d, action %d: %g, not %g", i, action,
					   4 * derivative[action], slope);
		}
	}
	cr_assert(clipped > 50 && free > 50, "%d %d", clipped, free);
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
