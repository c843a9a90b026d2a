/* SPDX-License-Identifier: MIT */
/* footprint: how much memory the process has, and parts of it take. */
#pragma once

#include <stdint.h>

/* Returns how many bytes of a mapping are in memory. Source: mincore(2). */
uint64_t footprint_of(const void *address, uint64_t bytes);

/* What the process has for itself, in bytes; 0 when that is not known. */
struct footprint {
	uint64_t private;
	uint64_t highest; /* that it ever had, less what it shares now */
};

/* Looks at the calling process; for one thread at a time. Source: proc(5), /proc/pid/status. */
struct footprint footprint_look(void);
