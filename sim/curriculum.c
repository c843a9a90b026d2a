/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases, one row each. */
#include "sim/curriculum.h"

#include "sim/action.h"

static const struct {
	uint32_t until; /* step */
	uint32_t actions;
} phases[] = {
	{100, 1U << ACTION_MOVE | 1U << ACTION_GATHER},
	{200, 1U << ACTION_MOVE | 1U << ACTION_GATHER | 1U << ACTION_SHARE | 1U << ACTION_ATTACK},
};

uint32_t curriculum_actions(uint32_t step)
{
	for (unsigned i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (step < phases[i].until)
			return phases[i].actions;
	return (1U << ACTION_COUNT) - 1;
}
