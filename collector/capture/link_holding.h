/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_holding: puts probes in place and takes them off without waiting, also at a violent end.
 *
 * The kernel takes the probes of a link off at once when its descriptor is closed, but who closes
 * it waits until nobody can be in their programs any more: some hundredths of a second for each
 * link, while probes of others stay where they are. The descriptors of a killed process are closed
 * one after the other, table by table, each by the last thread that uses it. So what is put in
 * place is held by a thread of its own with a table of its own, in which there is nothing else,
 * and nobody else has it: all wait at the same time, whether they are told to or killed.
 *
 * Source: close_range(2), CLOSE_RANGE_UNSHARE (Linux 5.9); kernel/trace/bpf_trace.c,
 * bpf_uprobe_unregister, kernel/events/uprobes.c, uprobe_unregister_sync, and kernel/exit.c of
 * Linux 6.18.
 */
#pragma once

#include "collector/base/error.h"

#include <stddef.h>

struct link_holder;

/* Zero-initialised: nothing is being taken off. */
struct link_holding {
	struct link_holder **dropped;
	size_t count, capacity;
};

/*
 * What shall be held.
 *
 * @kept   @count descriptors that @put needs; they keep their numbers. All others are closed where
 *         it runs, and these once it has run.
 * @put    opens what is to be held and leaves it open; returns 0 or a negative errno, after which
 *         what it has opened is closed
 */
struct link_placing {
	const int *kept;
	size_t count;
	int (*put)(void *context, struct error *error);
	void *context;
};

/*
 * Calls @placing->put in a thread of its own, waits for it, and returns in @holder who holds what
 * it has opened, until it is dropped. Returns 0 or a negative errno. Cost: 0.1 ms besides @put.
 */
int link_holding_add(const struct link_placing *placing, struct link_holder **holder,
		     struct error *error);

/* Lets @holder close what it holds, and does not wait for that. */
void link_holding_drop(struct link_holding *holding, struct link_holder *holder);

/* Waits until all is closed that was dropped, and frees what is behind @holding. */
void link_holding_wait(struct link_holding *holding);
