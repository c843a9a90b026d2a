/* SPDX-License-Identifier: MIT */
/* locks: see locks.h. Source: glibc manual, _dl_find_object. */
#include "probe/locks.h"

#include "probe/clock.h"
#include "probe/live.h"
#include "probe/objects.h"
#include "probe/releases.h"

#include <dlfcn.h>
#include <link.h>

#define LONGEST_PROBE 8 /* of a thread's counters */

static int (*find_object)(void *, struct dl_find_object *);

void locks_prepare(void)
{
	find_object =
		(int (*)(void *, struct dl_find_object *))dlsym(RTLD_DEFAULT, "_dl_find_object");
}

void locks_adopt(void)
{
	releases_adopt();
}

/* ---- names -------------------------------------------------------------------------------- */

static uint32_t length(const char *text)
{
	uint32_t bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

/* Finds the object file whose memory has an address; returns its path or NULL. */
static const char *object_of(uint64_t address, uint64_t *elf_address)
{
	struct dl_find_object found;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): memory of the process */
	if (!find_object || find_object((void *)address, &found))
		return NULL;
	*elf_address = address - found.dlfo_link_map->l_addr;
	return *found.dlfo_link_map->l_name ? found.dlfo_link_map->l_name : objects_program();
}

/* Returns the subject's number: a variable of an object file, a piece of the heap, or nameless. */
static uint32_t subject_of(const void *lock, enum wire_subject_kind kind)
{
	struct wire_subject model = {
		.kind = kind,
		.identity = (uint64_t)lock,
		.process = operation_process,
	};
	const char *path = object_of(model.identity, &model.elf_address);

	if (path)
		model.text_bytes = length(path);
	else
		model.node = live_around(model.identity).node;
	return operation_subject(&model, path);
}

/* ---- locks that are free ------------------------------------------------------------------ */

static void count_shared(struct wire_count *count)
{
	__atomic_fetch_add(&count->count, 1, __ATOMIC_RELAXED);
}

void locks_count_slowly(const void *lock, enum wire_subject_kind kind)
{
	struct wire_count *counts = operation_mine()->counts;
	uint64_t key = locks_key(lock, kind);
	uint64_t at = (uint64_t)lock * 0x9e3779b97f4a7c15u >> 54;

	if (!counts)
		return;
	for (int i = 0; i < LONGEST_PROBE; i++, at++) {
		struct wire_count *count = &counts[at % (WIRE_COUNTS_MOST - 1)];
		uint64_t found = atomic_load_explicit(&count->key, memory_order_relaxed);

		if (!found && atomic_compare_exchange_strong(&count->key, &found, key)) {
			count->kind = kind;
			count->subject = subject_of(lock, kind);
			found = key;
		}
		if (found == key) {
			count_shared(count);
			return;
		}
	}
	count_shared(&counts[WIRE_COUNTS_MOST - 1]);
}

/* ---- locks that are not ------------------------------------------------------------------- */

static void leave(const struct locks_wait *wait)
{
	releases_end(wait->lock);
	operation_wait(wait->kind <= WIRE_SUBJECT_SPIN, -1);
}

struct locks_wait locks_begin(const void *lock, enum wire_subject_kind kind)
{
	operation_wait(kind <= WIRE_SUBJECT_SPIN, 1);
	return (struct locks_wait){
		.lock = lock,
		.kind = kind,
		.since = releases_begin(lock),
		.start_ns = clock_now_ns(),
	};
}

void locks_drop(const struct locks_wait *wait)
{
	leave(wait);
}

/* Books the parts of a wait; the wait itself is counted in the longest one. */
static void book_parts(struct operation *operation, const struct locks_wait *wait, uint64_t end_ns)
{
	struct release releases[RELEASES_KEPT];
	uint32_t count = releases_since(wait->lock, wait->since, releases), longest = 0;
	uint64_t parts[RELEASES_KEPT + 1], from_ns = wait->start_ns;

	for (uint32_t i = 0; i <= count; i++) {
		uint64_t to_ns =
			i < count && releases[i].time_ns < end_ns ? releases[i].time_ns : end_ns;

		parts[i] = to_ns > from_ns ? to_ns - from_ns : 0;
		from_ns = to_ns > from_ns ? to_ns : from_ns;
		if (parts[i] > parts[longest])
			longest = i;
	}
	/* What follows the last release is the way from there to here. */
	if (count) {
		parts[count - 1] += parts[count];
		longest = longest == count ? count - 1 : longest;
	}
	for (uint32_t i = 0; i < (count ? count : 1); i++) {
		operation->other = count ? releases[i].node : 0;
		operation->total_ns = parts[i];
		operation->count = i == longest;
		operation->whole_ns = i == longest ? end_ns - wait->start_ns : 0;
		operation_book(operation);
	}
}

void locks_end(const struct locks_wait *wait, enum wire_operation_kind kind,
	       const struct walk_start *start)
{
	uint64_t end_ns = clock_now_ns();
	struct operation operation = {
		.subject = subject_of(wait->lock, wait->kind),
		.kind = kind,
		.node = operation_stack(start),
	};

	leave(wait);
	book_parts(&operation, wait, end_ns);
	operation_spread(operation.subject, kind, end_ns - wait->start_ns);
}

void locks_end_await(const struct locks_wait *wait, const struct walk_start *start)
{
	uint64_t end_ns = clock_now_ns();
	struct release releases[RELEASES_KEPT];
	uint32_t count;
	struct operation operation = {
		.subject = subject_of(wait->lock, wait->kind),
		.kind = WIRE_OPERATION_AWAIT,
		.node = operation_stack(start),
		.count = 1,
		.total_ns = end_ns - wait->start_ns,
	};

	leave(wait);
	count = releases_since(wait->lock, wait->since, releases);
	operation.other = count ? releases[count - 1].node : 0;
	operation_book(&operation);
	operation_spread(operation.subject, operation.kind, operation.total_ns);
}

void locks_release(const void *lock, const struct walk_start *start)
{
	releases_note(lock, operation_stack(start));
}
