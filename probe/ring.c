/* SPDX-License-Identifier: MIT */
/* ring: see ring.h. */
#include "probe/ring.h"

#include "probe/clock.h"

#define UNIT 16u /* of records: what is left at the ring's end always holds a head */

/*
 * Where the record goes: at the head, or behind a filler at the ring's beginning.
 *
 * @filler  receives the bytes of the filler
 * Returns whether there is room for both.
 */
static bool find_room(const struct thread *thread, uint64_t head, uint64_t bytes, uint64_t *filler)
{
	uint64_t ring_bytes = probe.wire->ring_bytes;
	uint64_t used = head - atomic_load_explicit(&thread->slot->tail, memory_order_acquire);
	uint64_t to_end = ring_bytes - (head & (ring_bytes - 1));

	*filler = bytes > to_end ? to_end : 0;
	return used <= ring_bytes && *filler + bytes <= ring_bytes - used;
}

void *ring_reserve(struct thread *thread, enum wire_record_kind kind, uint64_t bytes,
		   enum wire_loss loss)
{
	uint64_t mask = probe.wire->ring_bytes - 1, filler;
	uint64_t head = atomic_load_explicit(&thread->slot->head, memory_order_relaxed);
	struct wire_record *record;

	bytes = (bytes + UNIT - 1) & ~(uint64_t)(UNIT - 1);
	if (thread->is_writing || !find_room(thread, head, bytes, &filler)) {
		ring_lose(thread, thread->is_writing ? WIRE_LOST_BUSY : loss);
		return NULL;
	}
	thread->is_writing = 1;
	atomic_signal_fence(memory_order_seq_cst);
	record = (struct wire_record *)(thread->ring + (head & mask));
	if (filler) {
		record->bytes = (uint32_t)filler;
		record->kind = WIRE_PAD;
		record->time_ns = 0;
		record = (struct wire_record *)thread->ring;
	}
	record->bytes = (uint32_t)bytes;
	record->kind = kind;
	thread->new_head = head + filler + bytes;
	return record;
}

void ring_commit(struct thread *thread, struct wire_record *record)
{
	record->time_ns = clock_now_ns();
	atomic_store_explicit(&thread->slot->head, thread->new_head, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	thread->is_writing = 0;
}
