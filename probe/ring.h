/* SPDX-License-Identifier: MIT */
/*
 * ring: records from a thread to the collector. One writer, the thread itself; nobody waits.
 *
 * Between reserve and commit the thread may be interrupted by a signal, whose handler must then
 * write no record: thread->is_writing says so.
 */
#pragma once

#include "probe/thread.h"

/*
 * Reserves room for a record of the calling thread.
 *
 * @bytes  with its head; rounded up to 16 here
 * @loss   what is counted when there is no room
 * Returns it with `bytes` and `kind` filled in, or NULL. To be committed at once.
 */
void *ring_reserve(struct thread *thread, enum wire_record_kind kind, uint64_t bytes,
		   enum wire_loss loss);

/* Stamps the reserved record with the time and shows it to the collector. */
void ring_commit(struct thread *thread, struct wire_record *record);

static inline void ring_lose(struct thread *thread, enum wire_loss loss)
{
	atomic_fetch_add_explicit(&thread->slot->lost[loss], 1, memory_order_relaxed);
}
