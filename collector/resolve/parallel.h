/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parallel: independent tasks on as many threads as there are processors, and a limit to what they
 * hold at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Does one task. @context is the caller's, @index tells which. */
typedef void parallel_task(void *context, size_t index);

/*
 * Does the tasks 0 … @count - 1, each once, begun in this order, and returns when all are done. A
 * single one is done by the calling thread, and so are all where no thread can be started.
 */
void parallel_run(size_t count, parallel_task *task, void *context);

/*
 * Waits until @bytes more fit into @limit together with what others hold; an amount above the limit
 * waits until nobody holds any. Each budget_take is followed by a budget_give of the same bytes.
 */
void parallel_budget_take(uint64_t bytes, uint64_t limit);
void parallel_budget_give(uint64_t bytes);
