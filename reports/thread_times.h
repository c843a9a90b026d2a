/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * thread_times: what became of the time of each thread: on a processor, waiting for one, blocked;
 * and what of it is not explained. Of profiles recorded with --off-cpu.
 */
#pragma once

#include "reports/report.h"

#include <jansson.h>

enum {
	THREAD_TIMES_ROWS = 10
};

/* Writes a table of the threads that lived longest, and of all together; nothing when the profile
 * has no such times. @width, @colour as for table_write. */
void thread_times_write(const struct report *report, FILE *stream, int width, bool colour);

/* An array of all threads, NULL when the profile has no such times. Owned by the caller. */
json_t *thread_times_json(const struct report *report);
