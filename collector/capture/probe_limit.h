/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_limit: how much the probes of BPF programs (bpf/probe_limit.h) may cost until they tell.
 */
#pragma once

#include "collector/base/error.h"

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

struct ring_buffer;

struct probe_limit {
	__u64 *spent_ns, *limit_ns; /* the programs' own */
	struct ring_buffer *told;
};

/*
 * Opens a zero-initialised one.
 *
 * @ring                   descriptor of the programs' map `limits`
 * @spent_ns and @limit_ns  their variables of these names; borrowed
 * Returns 0 or a negative errno.
 */
int probe_limit_open(struct probe_limit *limit, int ring, __u64 *spent_ns, __u64 *limit_ns,
		     struct error *error);
void probe_limit_done(struct probe_limit *limit); /* also one that was never opened */

/* Returns what probes have cost since there has been a limit. */
double probe_limit_spent_ns(const struct probe_limit *limit);

/* Sets how many nanoseconds all probes together may cost from now on, until it is over. */
void probe_limit_set(struct probe_limit *limit, double more_ns);
bool probe_limit_is_over(const struct probe_limit *limit);

/* Waits until it is over, at most so long. */
void probe_limit_wait(struct probe_limit *limit, uint64_t most_ns);

/* Returns a descriptor that is readable when the limit has been passed, until the next one is set.
 * Owned by @limit. */
int probe_limit_fd(const struct probe_limit *limit);
