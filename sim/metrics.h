/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics: a step in numbers, and its rows in the log.
 */
#pragma once

struct environment;

/*
 * Logs the end of a step: every living agent, every resource, the step itself. Does nothing, not
 * even compute, when nothing is logged.
 */
void metrics_log_step(struct environment *environment);
