/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plugins: loads and unloads shared objects in turn, so that one's code lies where the other's lay.
 *
 *     plugins SECONDS PLUGIN…
 *
 * Each PLUGIN has a function `run`, that is called by use_even for even places in the list and by
 * use_odd for odd ones. What they call is theirs: nothing of one may be seen below the other.
 */
#include "tests/workloads/workload.h"

#include <dlfcn.h>

static volatile uint64_t sum = 1;

FUNCTION static void use_even(uint64_t (*run)(uint64_t))
{
	sum = run(sum);
	NOT_A_TAIL_CALL();
}

FUNCTION static void use_odd(uint64_t (*run)(uint64_t))
{
	sum = run(sum + 1);
	NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);
	void *first = NULL;
	int same = 1;

	for (int i = 0; clock() < end; i++) {
		void *object = dlopen(argv[2 + i % (argc - 2)], RTLD_NOW);
		uint64_t (*run)(uint64_t);

		if (!object)
			return 1;
		run = (uint64_t(*)(uint64_t))dlsym(object, "run");
		first = first ? first : (void *)run;
		same = same && first == (void *)run;
		(i % (argc - 2) % 2 ? use_odd : use_even)(run);
		dlclose(object);
	}
	printf("%llu, %s\n", (unsigned long long)sum,
	       same ? "same address" : "different addresses");
	return 0;
}
