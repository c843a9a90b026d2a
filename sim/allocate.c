/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation that ends the program when memory is out. */
#include "sim/allocate.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Any thread may be the one that gets nothing, and several may be; one of them says so and ends. */
static void *checked(void *memory)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;
	if (!memory) {
		while (atomic_flag_test_and_set(&ending))
			pause();
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

double allocate_available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	double kibibytes = 0, amount;
	int found = 0;
	while (file && found < 2 && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lf", &amount) == 1 ||
		    sscanf(line, "SwapFree: %lf", &amount) == 1) {
			kibibytes += amount;
			found++;
		}
	if (file)
		fclose(file);
	return found > 0 ? kibibytes * 1024 : INFINITY;
}

void *reallocate(void *memory, size_t count, size_t bytes)
{
	return checked(reallocarray(memory, count ? count : 1, bytes));
}
