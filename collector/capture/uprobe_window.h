/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_window: windows of whole steps, for functions whose probes can be in place for a moment
 * only.
 *
 * What is counted from the beginning of a step to that of a later one belongs to so many steps,
 * which a piece of time does not: the calls of a step come where its phases are. Between begin and
 * end the functions of uprobe_window_take count in that part only; probes cost as much before and
 * after it.
 */
#pragma once

#include "collector/capture/uprobe.h"

/* Says whether a function counts in windows only. */
void uprobe_window_take(struct uprobe *uprobe, size_t function, bool is_taken);

/* Lets so many steps go by before a window is due, which uprobe_poll_fd tells. The first step that
 * begins after a moment follows a long one more often than a short one, so that it would show too
 * few of what comes in long ones, or too many of what comes behind. */
void uprobe_window_skip(struct uprobe *uprobe, uint64_t steps);
bool uprobe_window_is_due(const struct uprobe *uprobe);

/* Begins one, which opens with the next step, and is so many steps long. */
void uprobe_window_begin(struct uprobe *uprobe, uint64_t steps);

/* Says whether it has closed: uprobe_poll_fd is readable then. */
bool uprobe_window_is_closed(const struct uprobe *uprobe);

/* Ends it. Returns of how many steps it was, 0 where it has not closed. */
uint64_t uprobe_window_end(struct uprobe *uprobe);

/* Returns how many steps had begun as the last window closed. */
uint64_t uprobe_window_place(const struct uprobe *uprobe);

/* Returns how many steps have begun so far. */
uint64_t uprobe_steps_begun(const struct uprobe *uprobe);

/* Says whether a step has begun within another thread's. What is counted between two beginnings is
 * then no number of whole steps, and the first beginning after a moment, at which a window opens,
 * follows a long gap more often than a short one, so that the window is a short one. */
bool uprobe_steps_overlap(const struct uprobe *uprobe);

/* The functions whose calls are steps are no longer probed: calls from now on are in none. */
void uprobe_end_steps(struct uprobe *uprobe);
