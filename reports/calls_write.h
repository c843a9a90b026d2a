/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_write: counted calls as tables for people and as JSON.
 */
#pragma once

#include "reports/calls.h"

/* Writes tables of functions, of callers and, with @threads, of threads, and how exact they are. */
void calls_write_text(const struct report *report, const struct calls *calls, uint32_t limit,
		      bool threads, FILE *stream);

void calls_write_json(const struct report *report, const struct calls *calls, uint32_t limit,
		      FILE *stream);
