/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dqn: deep Q-learning.
 *
 * The network estimates, for each action, the discounted reward that follows it. The best possible
 * action is taken, or with probability epsilon any possible one. Training draws a batch of
 * remembered transitions and moves the estimates towards
 *
 *     reward + discount * max over the actions possible next of target(next)
 *
 * (reward alone when the agent died), where the target network follows the online one slowly, or is
 * a copy of it every so many trainings. Double Q-learning takes the target's estimate of the action
 * that the online network holds for the best. With n steps the rewards of the agent's next n turns,
 * as far as they are known, come before the estimate. Loss: smooth L1, mean over the batch;
 * gradient clipped by norm; Adam.
 *
 * Drawn with priorities, a transition's weight is |error|^0.6, and its part in the loss is
 * multiplied by (count * probability)^-beta over the largest such factor of the batch; beta grows
 * from 0.4 to 1 in 100,000 trainings.
 * Source: V. Mnih et al., "Human-level control through deep reinforcement learning", Nature 518,
 * 2015; soft target updates: T. Lillicrap et al., "Continuous control with deep reinforcement
 * learning", ICLR 2016; H. van Hasselt et al., "Deep Reinforcement Learning with Double
 * Q-learning", AAAI 2016; T. Schaul et al., "Prioritized Experience Replay", ICLR 2016.
 */
#pragma once

#include "sim/decision/decision.h"

extern const struct algorithm algorithm_dqn;
extern const struct algorithm algorithm_ddqn;
