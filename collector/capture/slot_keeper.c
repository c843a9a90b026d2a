/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slot_keeper: see slot_keeper.h. Source: tgkill(2). */
#include "collector/capture/slot_keeper.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK_NS 100000000u

static bool is_active(const struct wire_slot *slot)
{
	return atomic_load_explicit(&slot->state, memory_order_acquire) == WIRE_SLOT_ACTIVE;
}

static void set_free(struct wire_slot *slot)
{
	atomic_store_explicit(&slot->state, WIRE_SLOT_FREE, memory_order_release);
}

static bool is_gone(const struct wire_slot *slot)
{
	return slot->pid > 0 && slot->tid > 0 && syscall(SYS_tgkill, slot->pid, slot->tid, 0) &&
	       errno == ESRCH;
}

/* The program that a process executes replaces all threads that it had before. */
static void free_replaced(const struct probe_memory *memory, uint32_t limit,
			  const struct wire_slot *first)
{
	for (uint32_t i = 0; i < limit; i++) {
		struct wire_slot *slot = &memory->slots[i];

		if (slot != first && is_active(slot) && slot->pid == first->pid &&
		    slot->born_ns < first->born_ns)
			set_free(slot);
	}
}

void slot_keeper_look(struct slot_keeper *keeper, const struct probe_memory *memory,
		      uint64_t now_ns)
{
	uint32_t limit = atomic_load(&memory->header->slot_limit);
	bool is_due = now_ns - keeper->check_ns >= CHECK_NS;

	if (limit > memory->slot_count)
		limit = memory->slot_count;
	for (uint32_t i = 0; i < limit; i++) {
		struct wire_slot *slot = &memory->slots[i];

		if (atomic_load_explicit(&slot->state, memory_order_acquire) == WIRE_SLOT_ENDED ||
		    (is_due && is_active(slot) && is_gone(slot)))
			set_free(slot);
		else if (is_due && is_active(slot) && slot->birth == WIRE_BIRTH_EXEC)
			free_replaced(memory, limit, slot);
	}
	if (is_due)
		keeper->check_ns = now_ns;
}
