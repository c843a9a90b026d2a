/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress: see progress.h. */
#include "collector/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_NS 2000000000u
#define BAR_CELLS 20

static double steps_per_second(const struct profile *profile, uint64_t now_ns)
{
	uint64_t window_ns = now_ns < WINDOW_NS ? now_ns : WINDOW_NS;
	size_t first = profile->steps_count;

	while (first > 0 && profile->steps[first - 1].end_ns + window_ns > now_ns)
		first--;
	return window_ns ? (double)(profile->steps_count - first) * 1e9 / (double)window_ns : 0;
}

/* "5.6 s", "12 min", "3.4 h" */
static void format_left(double seconds, char *text, size_t bytes)
{
	if (seconds < 100)
		snprintf(text, bytes, "%.1f s", seconds);
	else if (seconds < 6000)
		snprintf(text, bytes, "%.0f min", seconds / 60);
	else
		snprintf(text, bytes, "%.1f h", seconds / 3600);
}

void progress_text(const struct profile *profile, uint64_t total, uint64_t now_ns, char *text,
		   size_t bytes)
{
	uint64_t done = profile->steps_count;
	double speed = steps_per_second(profile, now_ns);
	char bar[BAR_CELLS + 1], left[32] = "";
	size_t filled;

	if (!total || done > total) {
		snprintf(text, bytes, "steps %llu  %.4g steps/s", (unsigned long long)done, speed);
		return;
	}
	filled = (size_t)(done * BAR_CELLS / total);
	memset(bar, '-', BAR_CELLS);
	memset(bar, '#', filled);
	bar[BAR_CELLS] = '\0';
	if (speed > 0)
		format_left((double)(total - done) / speed, left, sizeof(left));
	snprintf(text, bytes, "steps %llu of %llu [%s] %3.0f %%  %.4g steps/s%s%s%s",
		 (unsigned long long)done, (unsigned long long)total, bar,
		 100 * (double)done / (double)total, speed, *left ? ", " : "", left,
		 *left ? " left" : "");
}

uint64_t progress_total_of(const char *const *argv)
{
	static const char option[] = "--steps";
	size_t length = sizeof(option) - 1;

	for (; *argv; argv++) {
		const char *value = NULL;
		unsigned long long number;
		char *end;

		if (!strncmp(*argv, option, length))
			value = (*argv)[length] == '=' ? *argv + length + 1
				: (*argv)[length]      ? NULL
						       : argv[1];
		if (!value || *value == '-')
			continue;
		errno = 0;
		number = strtoull(value, &end, 10);
		if (!errno && end != value && !*end)
			return number;
	}
	return 0;
}
