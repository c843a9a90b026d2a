/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state_hash: the complete state of a world in 64 bits.
 *
 * Two worlds with equal hashes at every step did the same: clock, every agent with its random
 * numbers and what it remembers, every resource, every weight and moment of every learner go in.
 * Not the learners' memory, whose effect is in the weights. Numbers go in by their bits.
 * Cost: one multiplication per 8 bytes; with 200 agents and the default learners 4.3 MB a step.
 */
#pragma once

#include <stdint.h>

struct environment;

uint64_t state_hash(const struct environment *environment);
