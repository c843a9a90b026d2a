/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shares [PERCENT]: six functions with fixed work; heaviest() has three tenths of it, times PERCENT
 * / 100, so that 110 is a change of 10 % in a function of 30 %.
 */
#include <stdio.h>
#include <stdlib.h>

#define PART __attribute__((noinline, noclone)) static

/* Work that no optimizer takes away and no memory slows, in code that differs, so that no two
 * functions are folded into one. */
#define DEFINE(name, constant)                                                                     \
	PART unsigned name(unsigned state, long rounds)                                            \
	{                                                                                          \
		for (long i = 0; i < rounds; i++)                                                  \
			state = state * 1664525 + (constant) + (state >> 16);                      \
		return state;                                                                      \
	}

DEFINE(heaviest, 1013904223)
DEFINE(heavy, 1013904225)
DEFINE(middle, 1013904227)
DEFINE(light, 1013904229)
DEFINE(lighter, 1013904231)
DEFINE(lightest, 1013904233)

int main(int count, char **arguments)
{
	long percent = count > 1 ? strtol(arguments[1], NULL, 10) : 100;
	unsigned state = 1;

	for (int i = 0; i < 400; i++) {
		state = heaviest(state, 3000 * percent);
		state = heavy(state, 250000);
		state = middle(state, 200000);
		state = light(state, 120000);
		state = lighter(state, 80000);
		state = lightest(state, 50000);
	}
	printf("%u\n", state);
	return 0;
}
