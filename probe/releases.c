/* SPDX-License-Identifier: MIT */
/* releases: see releases.h. */
#include "probe/releases.h"

#include "probe/clock.h"

/* A note is valid when its number is the one that is looked for, before and after it is read. */
struct note {
	_Atomic uint32_t number;
	_Atomic uint32_t node;
	_Atomic uint64_t lock;
	_Atomic uint64_t time_ns;
};

struct place {
	_Atomic uint32_t count;
	struct note notes[RELEASES_KEPT];
};

_Atomic uint32_t releases_waiters[RELEASES_PLACES];
static struct place places[RELEASES_PLACES];

void releases_adopt(void)
{
	for (uint32_t i = 0; i < RELEASES_PLACES; i++)
		atomic_store_explicit(&releases_waiters[i], 0, memory_order_relaxed);
}

uint32_t releases_begin(const void *lock)
{
	uint32_t place = releases_place(lock);

	atomic_fetch_add(&releases_waiters[place], 1);
	return atomic_load(&places[place].count);
}

void releases_end(const void *lock)
{
	atomic_fetch_sub(&releases_waiters[releases_place(lock)], 1);
}

static inline void set(_Atomic uint32_t *number, uint32_t value)
{
	atomic_store_explicit(number, value, memory_order_release);
}

void releases_note(const void *lock, uint32_t node)
{
	struct place *place = &places[releases_place(lock)];
	uint32_t number = atomic_fetch_add(&place->count, 1);
	struct note *note = &place->notes[number % RELEASES_KEPT];

	/* In this order for whoever reads it, and at no cost on this machine. */
	set(&note->number, number - RELEASES_KEPT); /* of none that is looked for */
	set(&note->node, node);
	atomic_store_explicit(&note->lock, (uint64_t)lock, memory_order_release);
	atomic_store_explicit(&note->time_ns, clock_now_ns(), memory_order_release);
	set(&note->number, number);
}

static bool read_note(const struct place *place, uint32_t number, const void *lock,
		      struct release *release)
{
	const struct note *note = &place->notes[number % RELEASES_KEPT];
	bool is_whole = atomic_load(&note->number) == number;

	*release = (struct release){atomic_load(&note->time_ns), atomic_load(&note->node)};
	return is_whole && atomic_load(&note->lock) == (uint64_t)lock &&
	       atomic_load(&note->number) == number;
}

uint32_t releases_since(const void *lock, uint32_t since, struct release *releases)
{
	const struct place *place = &places[releases_place(lock)];
	uint32_t end = atomic_load(&place->count), count = 0;

	if (end - since > RELEASES_KEPT)
		since = end - RELEASES_KEPT;
	for (uint32_t number = since; number != end; number++)
		if (read_note(place, number, lock, &releases[count]))
			count++;
	return count;
}
