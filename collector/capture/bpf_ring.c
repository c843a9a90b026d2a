/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bpf_ring: see bpf_ring.h. */
#include "collector/capture/bpf_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define FLAGS (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)

int bpf_ring_map(struct bpf_ring *ring, int fd, size_t bytes, struct error *error)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *ours = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	void *theirs;

	if (ours == MAP_FAILED)
		return fail(error, -errno, "cannot map a BPF ring: %m");
	theirs = mmap(NULL, page + 2 * bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (theirs == MAP_FAILED) {
		int code = errno;

		munmap(ours, page);
		return fail(error, -code, "cannot map a BPF ring: %m");
	}
	*ring = (struct bpf_ring){
		.tail = ours,
		.head = theirs,
		.data = (const uint8_t *)theirs + page,
		.bytes = bytes,
	};
	return 0;
}

void bpf_ring_unmap(struct bpf_ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!ring->tail)
		return;
	munmap(ring->tail, page);
	munmap((void *)ring->head, page + 2 * ring->bytes);
	*ring = (struct bpf_ring){0};
}

void bpf_ring_snapshot(struct bpf_ring *ring)
{
	ring->seen = __atomic_load_n(ring->head, __ATOMIC_ACQUIRE);
}

/* Returns the length word of the record at the tail. */
static uint32_t length_word(const struct bpf_ring *ring)
{
	const uint8_t *at = ring->data + (ring->passed & (ring->bytes - 1));

	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

const void *bpf_ring_peek(struct bpf_ring *ring, size_t *bytes)
{
	while (ring->passed < ring->seen) {
		uint32_t length = length_word(ring);

		if (length & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
			*bytes = length;
			return ring->data + (ring->passed & (ring->bytes - 1)) + BPF_RINGBUF_HDR_SZ;
		}
		bpf_ring_advance(ring);
	}
	return NULL;
}

void bpf_ring_advance(struct bpf_ring *ring)
{
	uint64_t length = length_word(ring) & ~FLAGS;

	ring->passed += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	__atomic_store_n(ring->tail, ring->passed, __ATOMIC_RELEASE);
}
