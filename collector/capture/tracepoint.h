/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tracepoint: the number by which perf_event_open knows a tracepoint of the kernel.
 *
 * Source: perf_event_open(2), PERF_TYPE_TRACEPOINT; Linux, Documentation/trace/events.rst.
 */
#pragma once

#include "collector/base/error.h"

#include <stdint.h>

/*
 * Reads it from tracefs, mounted or not.
 *
 * @name    subsystem and event, such as "signal/signal_deliver"
 * @number  receives perf_event_attr.config
 * Returns 0, or -EACCES with a sentence: no tracefs, no right to read it, no such tracepoint.
 */
int tracepoint_find(const char *name, uint64_t *number, struct error *error);
