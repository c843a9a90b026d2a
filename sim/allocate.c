/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation that ends the program when memory is out. */
#include "sim/allocate.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *memory)
{
	if (!memory) {
		fputs("sim: out of memory; try fewer --agents or a lower --max-population\n",
		      stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

void *allocate(size_t count, size_t bytes)
{
	return checked(calloc(count ? count : 1, bytes));
}

void *reallocate(void *memory, size_t count, size_t bytes)
{
	return checked(reallocarray(memory, count ? count : 1, bytes));
}
