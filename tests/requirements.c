/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * requirements NAME: asks for one of the abilities in requirements.h on behalf of a shell test.
 * Exit status 0: the machine has it. 77: it has not, and nobody promised it. 1: REQUIRE promised
 * it. The sentence goes to stdout.
 */
#include "tests/requirements.h"

enum {
	EXIT_SKIP = 77
}; /* as automake's and meson's test runners use it */

int main(int argc, char **argv)
{
	char why[256];

	if (argc != 2) {
		fputs("usage: requirements NAME\n", stderr);
		return 1;
	}
	if (!requirement_lacks(argv[1], why, sizeof(why)))
		return 0;
	if (requirement_promised(argv[1])) {
		printf("REQUIRE promises %s, but: %s\n", argv[1], why);
		return 1;
	}
	puts(why);
	return EXIT_SKIP;
}
