/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary: what really happened, for people and for the log.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct environment;

/*
 * Prints one line per count, a name and a number.
 *
 * @status   completed, interrupted or extinct
 * @seconds  the steps took
 */
void summary_print(FILE *file, const struct environment *environment, const char *status,
		   double seconds);

/* The most important counts as a JSON object, cut at @capacity. */
void summary_json(char *text, size_t capacity, const struct environment *environment);
