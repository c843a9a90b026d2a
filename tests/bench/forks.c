/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forks COUNT: makes so many children that end at once, one after the other, and says how long the
 * median one took from fork to wait, in us.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0;
	double *took_us = count > 0 ? calloc((size_t)count, sizeof(*took_us)) : NULL;

	if (!took_us)
		return 1;
	for (int i = 0; i < count; i++) {
		double start_us = now_us();
		pid_t child = fork();

		if (!child)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			return 1;
		took_us[i] = now_us() - start_us;
	}
	qsort(took_us, (size_t)count, sizeof(*took_us), compare);
	printf("%.1f\n", took_us[count / 2]);
	free(took_us);
	return 0;
}
