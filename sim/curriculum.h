/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * curriculum: which actions are open at which time.
 *
 * Three phases by the world's step, as the original configured and never reached: moving and
 * gathering; from step 100 on also sharing and attacking; from step 200 on all.
 */
#pragma once

#include <stdint.h>

/* The actions of a step, a bit each. */
uint32_t curriculum_actions(uint32_t step);
