/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap_ticks: what probes in an allocator take of the processors, in the program that meets them.
 *
 * What a probe takes depends on the program: on what it leaves in the caches, on which instruction
 * it replaces, on the machine's mood. So it is not measured beforehand. While a window is open each
 * processor is looked at, 2000 times a second, whether it is at work for a probe: entry into the
 * kernel, program, way back. The kernel delivers an interrupt that falls on the way back right
 * after it, at the instruction that follows, which counts as the probe's.
 *
 * What ticks lose (by a busy host, by the kernel's throttling) they lose everywhere alike, so it is
 * their share that counts, of each processor.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/bpf/heap.h"

#include <stdbool.h>
#include <stddef.h>

struct heap_ticks {
	int *fds; /* a perf event of each processor */
	size_t count;
};

/*
 * @program  descriptor of the program that runs at each tick
 * Returns 0, or a negative errno with @error set.
 */
int heap_ticks_open(struct heap_ticks *ticks, int program, struct error *error);
void heap_ticks_close(struct heap_ticks *ticks);

/* Ticks begin, or end. */
void heap_ticks_switch(const struct heap_ticks *ticks, bool is_on);

/* How many processors were at work for probes in the mean, and the standard error of that. */
struct heap_share {
	double processors;
	double error;
	size_t ticks; /* that found a probe */
};

struct heap_share heap_ticks_share(const struct heap_cpu *cpus, size_t count);
