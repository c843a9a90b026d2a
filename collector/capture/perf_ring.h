/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_ring: the memory shared with the kernel into which it writes the records of one CPU.
 *
 *     page 0: struct perf_event_mmap_page {data_head, data_tail}
 *     2^n pages of data; the kernel advances data_head, we advance data_tail
 *
 * A round looks at the head once (perf_ring_snapshot), peeks records one by one and gives their
 * room back (perf_ring_advance); what is not advanced over stays for the next round.
 * Source: perf_event_open(2), "MMAP layout".
 */
#pragma once

#include "collector/base/error.h"

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

struct perf_ring {
	struct perf_event_mmap_page *page;
	uint8_t *data;
	uint64_t bytes; /* of data; a power of two */
	uint64_t head;	/* as of the last snapshot */
	uint64_t tail;
	uint8_t *whole; /* a record that wraps around is put together here; 64 KB */
};

/*
 * Maps the ring of event @fd.
 *
 * @bytes  size of the data, a power of two of at least a page
 * Returns 0; -EPERM when the memory may not be locked (try a smaller one); other negative errno.
 */
int perf_ring_map(struct perf_ring *ring, int fd, size_t bytes, struct error *error);
void perf_ring_unmap(struct perf_ring *ring);

void perf_ring_snapshot(struct perf_ring *ring);

/* Returns the first record before the snapshot's head, or NULL. Valid until the advance. */
const struct perf_event_header *perf_ring_peek(struct perf_ring *ring);
void perf_ring_advance(struct perf_ring *ring, const struct perf_event_header *record);
