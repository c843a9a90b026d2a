/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operations: what threads did to locks, files and statements, from events to rows of a profile.
 * A part of the recorder, which knows the stacks.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/profile/profile.h"
#include "collector/resolve/module.h"

struct operations;

/* @profile, @modules  borrowed, outlive it */
struct operations *operations_new(struct profile *profile, struct modules *modules);
void operations_free(struct operations *operations); /* accepts NULL */

/* Takes a subject (EVENT_SUBJECT). @site  stack that allocated it; 0: not known */
void operations_subject(struct operations *operations, const struct event *event, uint32_t site);

/*
 * Takes what came to an operation (EVENT_OPERATION).
 *
 * @row    its stack and other are filled in; receives the row as it is then
 * Returns the frame that says in pictures what was done to what, to stand above the stack.
 */
uint32_t operations_take(struct operations *operations, const struct event *event,
			 struct profile_operation *row);

/* Takes a part of a histogram (EVENT_SPREAD). */
void operations_spread(struct operations *operations, const struct event *event);
