/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world: a small environment in which a test can put everybody where it wants.
 */
#pragma once

#include "sim/environment.h"

/* A world of 100 x 100 with agents far from each other, one full resource at (50, 50), no log. */
void world_make(struct environment *environment, uint32_t agents);

/* Puts an agent somewhere. */
void world_place(struct environment *environment, uint32_t slot, float x, float y);

/* Does one action of an agent with the options of the moment; fails the test if it is impossible.
 */
struct action_outcome world_do(struct environment *environment, uint32_t slot, enum action action);

/* One agent's turn: all its parts, as if it were alone. */
void world_turn(struct environment *environment, struct agent *agent);
