/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_windows: functions that are too dear to be probed all the time are probed in windows, of
 * whole steps or of time, as often as the budget has room (timing_budget.h).
 */
#pragma once

#include "collector/timing_budget_state.h"

/* Begins or makes a window when one is wanted and the bank has what it needs; those of steps and
 * those of time take turns. */
void timing_windows_make(struct timing_budget *budget, struct uprobe *uprobe);

/* Ends a window of steps that has closed, or has cost too much. */
void timing_windows_end(struct timing_budget *budget, struct uprobe *uprobe);

/* From now on a function's windows are pieces of time. */
void timing_windows_leave_steps(struct timing_budget *budget, struct uprobe *uprobe,
				size_t function);
