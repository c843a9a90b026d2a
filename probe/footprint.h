/* SPDX-License-Identifier: MIT */
/* footprint: how much memory the process has, and parts of it take. */
#pragma once

#include <stdint.h>

/* Returns how many bytes of a mapping are in memory. Source: mincore(2). */
uint64_t footprint_of(const void *address, uint64_t bytes);

/* Returns how much the process has for itself, 0 when that is not known. Source: proc(5),
 * /proc/pid/statm. */
uint64_t footprint_private(void);
