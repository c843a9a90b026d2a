/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bpf_ring: the memory shared with the kernel into which BPF programs of all CPUs write records.
 *
 *     page 0: our position; page 1: the kernel's; then 2^n pages of data, mapped twice in a row, so
 *     that no record is ever in two pieces
 *
 * libbpf's own reader hands out whatever there is; this one can be asked what comes next, so that
 * sources can be merged in the order of time, and lends the record instead of copying it.
 * Source: Documentation/bpf/ringbuf.rst; kernel/bpf/ringbuf.c.
 */
#pragma once

#include "collector/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct bpf_ring {
	uint64_t *tail;	      /* our position */
	const uint64_t *head; /* the kernel's */
	const uint8_t *data;
	size_t bytes;	 /* of data; a power of two */
	uint64_t seen;	 /* the head as of the last snapshot */
	uint64_t passed; /* the tail */
};

/*
 * Maps a map of type BPF_MAP_TYPE_RINGBUF.
 *
 * @bytes  its size (max_entries)
 * Returns 0 or a negative errno.
 */
int bpf_ring_map(struct bpf_ring *ring, int fd, size_t bytes, struct error *error);
void bpf_ring_unmap(struct bpf_ring *ring); /* also one that was never mapped, all zero */

void bpf_ring_snapshot(struct bpf_ring *ring);

/*
 * Returns the first record before the snapshot's head that is completely written, or NULL. Valid
 * until the advance.
 *
 * @bytes  receives its size
 */
const void *bpf_ring_peek(struct bpf_ring *ring, size_t *bytes);
void bpf_ring_advance(struct bpf_ring *ring);
