/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap_trial: what a probe on an allocator's function costs the program, measured in our own.
 */
#pragma once

#include "collector/capture/heap.h"

/*
 * Measures with a function whose first instruction is of the kind that the allocator's is.
 *
 * @program  file descriptor of the loaded program
 * @hit_ns   receives the CPU time of a hit
 * Returns 0, or a negative errno with @error set. Cost: some hundredths of a second.
 */
int heap_trial(int program, const struct heap_file *file, double *hit_ns, struct error *error);
