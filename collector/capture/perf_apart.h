/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_apart: keeps the events of a process apart from those that its children inherit.
 *
 * Where a processor goes over from a task to another that has inherited the same events, the kernel
 * saves itself the work and lets them swap their events. With them goes the part of the sampling
 * period that has passed: a parent that forks again and again hands it to each child, which ends
 * with it, begins a new period, and would never come to a sample of its own. The kernel
 * does not swap where the parent has an event that the child has not inherited: one here, which
 * counts nothing and is inherited by threads only. Among threads the swap stays: without it each
 * of their switches would start and stop timers.
 *
 * Children get theirs a round after their birth, so that those which end within it, as most do,
 * cost nothing. Each takes a descriptor; those that live beyond PERF_APART_MOST at a time are not
 * kept apart. Nor are the children of a kernel without such events (before Linux 5.13). Source:
 * perf_event_open(2), inherit_thread; context_equiv() in the kernel's kernel/events/core.c.
 */
#pragma once

#include "collector/capture/event.h"

#include <sys/types.h>

#define PERF_APART_MOST 256

struct perf_apart;

struct perf_apart *perf_apart_new(void);
void perf_apart_free(struct perf_apart *apart); /* accepts NULL */

/* Keeps what a running thread, or one about to run, will fork apart. Where that fails it is not. */
void perf_apart_add(struct perf_apart *apart, pid_t tid);

/* Takes births and deaths from the stream of events. */
void perf_apart_take(struct perf_apart *apart, const struct event *event);

/* A round begins: children that were told of before the last one are kept apart, too. */
void perf_apart_look(struct perf_apart *apart);
