/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ppo: proximal policy optimization.
 *
 * An actor's outputs are the logarithms of what each action's probability is proportional to, among
 * those possible; actions are drawn from them. A critic estimates what a state is worth. Whenever
 * 256 transitions have been remembered both learn from these, ten times in batches, and they are
 * never used again, but for the last one of an agent of which it was not known then that it dies:
 * that one is remembered once more, as the final one. Advantages by generalized estimation (lambda
 * 0.95) along each agent's own turns, normalised; the ratio of new to old probability clipped to 1
 * +- 0.2; entropy rewarded by 0.01; the critic's squared error weighs 0.5. Replay, n steps, target
 * and epsilon do not apply. Source: J. Schulman et al., "Proximal Policy Optimization Algorithms",
 * arXiv:1707.06347, 2017; "High-Dimensional Continuous Control Using Generalized Advantage
 * Estimation", ICLR 2016.
 */
#pragma once

#include "sim/decision/decision.h"

enum {
	PPO_ROLLOUT = 256,
};

extern const struct algorithm algorithm_ppo;

/*
 * Advantages (weights) and what states turned out to be worth (goals) of all remembered rows, by
 * the critic as it is. For ppo itself and its tests; not normalised.
 */
void ppo_estimate_advantages(struct decision *decision);

/*
 * The actor's loss for one remembered row, whose advantage is in the trainer's weights; for ppo
 * itself and its tests.
 *
 * @values      what the actor says of each action in the row's state
 * @derivative  receives the derivatives by @values; of actions that were impossible 0
 * @rows        of the batch, over which derivatives are averaged
 * Returns the loss, not averaged.
 */
double ppo_actor_loss(const struct decision *decision, size_t row, const float *values,
		      float *derivative, size_t rows);
