/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_budget: keeps what probes cost the target below a share of its own CPU time.
 *
 * Calls times cost are compared with the CPU time of the target every round. While they are too
 * much the dearest function falls back:
 *
 *     timed ─→ only counted, which costs half ─→ taken off
 *
 * and what has become of it stands in its row. Step functions stay as they are.
 */
#pragma once

#include "collector/capture/uprobe.h"

#include <stdbool.h>

struct timing_budget;

/* @share  of CPU time, > 0 */
struct timing_budget *timing_budget_new(double share);
void timing_budget_free(struct timing_budget *budget); /* accepts NULL */

/* Adds a function in the order of the uprobe's numbers. It is attached by itself. */
void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function);

/*
 * One round; one that follows too soon does nothing.
 *
 * @cpu_ns  that the target has used so far, with what probes cost
 */
void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns,
			 uint64_t cpu_ns);

/* Says since when a function is no longer timed, and no longer counted; 0: it is. */
void timing_budget_since(const struct timing_budget *budget, size_t function,
			 uint64_t *only_counted_ns, uint64_t *taken_off_ns);
