/* SPDX-License-Identifier: MIT */
/* regions: see regions.h. Sources: mmap(2), mremap(2), munmap(2), sbrk(2). */
#include "probe/regions.h"

#include "probe/memory.h"
#include "probe/real.h"
#include "probe/walk.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGIONS	   4096
#define PATIENCE   1000 /* looks at the lock */
#define PAGE_BYTES 4096u
#define PIECES	   8 /* of one mremap that may yet fail; of more it is taken that it will not */

/* An end of 0 marks a free row. */
struct region {
	uint64_t start, end;
	uint32_t node;
};

/* What was taken out of the table and is not counted yet. */
struct taken {
	struct {
		struct region region;
		bool is_all; /* nothing is left of what it was a part of */
	} pieces[PIECES];
	uint32_t count;
};

static struct region regions[REGIONS];
static uint32_t region_limit; /* rows ever used */
static uint32_t is_locked;

REAL(mmap);
REAL(mmap64);
REAL(munmap);
REAL(mremap);
REAL(sbrk);
REAL(brk);

void regions_adopt(void)
{
	for (uint32_t i = 0; i < region_limit; i++)
		regions[i].end = 0;
	region_limit = 0;
	is_locked = 0;
}

static bool lock(void)
{
	for (int i = 0; i < PATIENCE; i++)
		if (!__atomic_exchange_n(&is_locked, 1, __ATOMIC_ACQUIRE))
			return true;
	probe_refuse(WIRE_REFUSED_REGION);
	return false;
}

static void unlock(void)
{
	__atomic_store_n(&is_locked, 0, __ATOMIC_RELEASE);
}

static void put(uint64_t start, uint64_t end, uint32_t node)
{
	uint32_t row = 0;

	while (row < region_limit && regions[row].end)
		row++;
	if (row == REGIONS) {
		probe_refuse(WIRE_REFUSED_REGION);
		return;
	}
	if (row == region_limit)
		region_limit++;
	regions[row] = (struct region){start, end, node};
}

/* Takes what lies between two addresses out of one region. Returns it; its end is 0 for nothing. */
static struct region cut(struct region *region, uint64_t start, uint64_t end)
{
	struct region old = *region;

	start = start > old.start ? start : old.start;
	end = end < old.end ? end : old.end;
	if (start >= end)
		return (struct region){0};
	if (start == old.start && end == old.end)
		region->end = 0;
	else if (start == old.start)
		region->start = end;
	else
		region->end = start;
	if (start > old.start && end < old.end)
		put(end, old.end, old.node);
	return (struct region){start, end, old.node};
}

/* Takes out of the table what lies between two addresses; what has no place in @taken is counted.
 */
static void take_out(uint64_t start, uint64_t end, struct taken *taken)
{
	uint32_t limit;

	if (!region_limit || !lock())
		return;
	limit = region_limit; /* what is put behind it is not in there */
	for (uint32_t i = 0; i < limit; i++) {
		struct region gone = cut(&regions[i], start, end);

		if (!gone.end)
			continue;
		if (taken && taken->count < PIECES) {
			taken->pieces[taken->count].region = gone;
			taken->pieces[taken->count++].is_all = !regions[i].end;
		} else {
			memory_count_unmapped(gone.node, gone.end - gone.start, !regions[i].end);
		}
	}
	unlock();
}

static void forget(uint64_t start, uint64_t end)
{
	take_out(start, end, NULL);
}

static void count_gone(const struct taken *taken)
{
	for (uint32_t i = 0; i < taken->count; i++) {
		const struct region *region = &taken->pieces[i].region;

		memory_count_unmapped(region->node, region->end - region->start,
				      taken->pieces[i].is_all);
	}
}

static void put_back(const struct taken *taken)
{
	if (!taken->count)
		return;
	if (!lock()) {
		count_gone(taken);
		return;
	}
	for (uint32_t i = 0; i < taken->count; i++)
		put(taken->pieces[i].region.start, taken->pieces[i].region.end,
		    taken->pieces[i].region.node);
	unlock();
}

static void remember(uint64_t start, uint64_t end, const struct walk_start *from)
{
	uint32_t node = memory_count_mapped(from, end - start);

	if (!node || !lock())
		return;
	put(start, end, node);
	unlock();
}

/* The kernel maps and unmaps whole pages. */
static uint64_t end_of(const void *place, size_t bytes)
{
	return ((uint64_t)place + bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

static void note(const void *place, size_t bytes, int flags, const struct walk_start *from)
{
	if (place == MAP_FAILED || !memory_is_counting())
		return;
	if (flags & MAP_FIXED)
		forget((uint64_t)place, end_of(place, bytes));
	if (flags & MAP_ANONYMOUS)
		remember((uint64_t)place, end_of(place, bytes), from);
}

EXPORT void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	struct walk_start start = WALK_START();
	void *place = REAL_NOW(mmap)(address, bytes, protection, flags, fd, offset);

	note(place, bytes, flags, &start);
	return place;
}

EXPORT void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
	struct walk_start start = WALK_START();
	void *place = REAL_NOW(mmap64)(address, bytes, protection, flags, fd, offset);

	note(place, bytes, flags, &start);
	return place;
}

/* Before the call: after it another thread may be given the addresses. */
EXPORT int munmap(void *address, size_t bytes)
{
	if (memory_is_counting() && !((uint64_t)address % PAGE_BYTES))
		forget((uint64_t)address, end_of(address, bytes));
	return REAL_NOW(munmap)(address, bytes);
}

/*
 * What was there is given back and taken anew, as realloc does; when it fails all is as before.
 * What is not known is a file, as a rule: so is what becomes of it. Old bytes of 0 ask for the same
 * memory at a second place.
 */
EXPORT void *mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	struct walk_start start = WALK_START();
	struct taken taken = {.count = 0};
	void *wanted = NULL, *new;
	va_list arguments;
	bool is_known;

	if (flags & MREMAP_FIXED) {
		va_start(arguments, flags);
		wanted = va_arg(arguments, void *);
		va_end(arguments);
	}
	if (memory_is_counting())
		take_out((uint64_t)old, end_of(old, old_bytes ? old_bytes : 1), &taken);
	is_known = taken.count > 0;
	if (!old_bytes) {
		put_back(&taken);
		taken.count = 0;
	}
	new = REAL_NOW(mremap)(old, old_bytes, new_bytes, flags, wanted);
	if (new == MAP_FAILED || flags & MREMAP_DONTUNMAP)
		put_back(&taken);
	else
		count_gone(&taken);
	note(new, new_bytes, (is_known ? MAP_ANONYMOUS : 0) | (wanted ? MAP_FIXED : 0), &start);
	return new;
}

static void note_break(uint64_t old, int64_t change, const struct walk_start *from)
{
	if (old == UINT64_MAX || !memory_is_counting())
		return;
	if (change > 0)
		remember(old, old + (uint64_t)change, from);
	else if (change < 0)
		forget(old + (uint64_t)change, old);
}

EXPORT void *sbrk(intptr_t change)
{
	struct walk_start start = WALK_START();
	void *old = REAL_NOW(sbrk)(change);

	note_break((uint64_t)old, change, &start);
	return old;
}

EXPORT int brk(void *end)
{
	struct walk_start start = WALK_START();
	uint64_t old = (uint64_t)REAL_NOW(sbrk)(0);
	int result = REAL_NOW(brk)(end);

	if (!result)
		note_break(old, (int64_t)((uint64_t)end - old), &start);
	return result;
}
