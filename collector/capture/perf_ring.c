/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_ring: see perf_ring.h. */
#include "collector/capture/perf_ring.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGEST_RECORD_BYTES 65536 /* header->size is 16 bits wide */

int perf_ring_map(struct perf_ring *ring, int fd, size_t bytes, struct error *error)
{
	size_t page_bytes = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page_bytes + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return fail(error, -errno, "cannot map a ring of %zu KB: %m; raise %s",
			    bytes / 1024,
			    errno == ENOMEM ? "`ulimit -v`" : "kernel.perf_event_mlock_kb");
	*ring = (struct perf_ring){
		.page = memory,
		.data = (uint8_t *)memory + page_bytes,
		.bytes = bytes,
		.whole = xmalloc(LARGEST_RECORD_BYTES),
	};
	return 0;
}

void perf_ring_unmap(struct perf_ring *ring)
{
	if (ring->page)
		munmap(ring->page, sysconf(_SC_PAGESIZE) + ring->bytes);
	free(ring->whole);
	*ring = (struct perf_ring){0};
}

void perf_ring_snapshot(struct perf_ring *ring)
{
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
}

const struct perf_event_header *perf_ring_peek(struct perf_ring *ring)
{
	uint64_t left = ring->head - ring->tail;
	size_t at = ring->tail & (ring->bytes - 1);
	/* Records are 8-byte aligned, so a header never wraps. */
	const struct perf_event_header *header = (const void *)(ring->data + at);
	size_t first_bytes = ring->bytes - at;

	if (left < sizeof(*header))
		return NULL;
	if (header->size < sizeof(*header) || header->size > left) {
		ring->tail = ring->head; /* never seen; resynchronise rather than loop */
		return NULL;
	}
	if (header->size <= first_bytes)
		return header;
	memcpy(ring->whole, ring->data + at, first_bytes);
	memcpy(ring->whole + first_bytes, ring->data, header->size - first_bytes);
	return (const void *)ring->whole;
}

void perf_ring_advance(struct perf_ring *ring, const struct perf_event_header *record)
{
	ring->tail += record->size;
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}
