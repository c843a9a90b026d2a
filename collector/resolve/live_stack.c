/* SPDX-License-Identifier: GPL-3.0-or-later */
/* live_stack: see live_stack.h. */
#include "collector/resolve/live_stack.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define WINDOW_BELOW 2048 /* bytes before the missing address: slots of the same frame */
#define WINDOW_LIMIT 64	  /* per walk: 1 MB of stack */
#define WHOLE_LIMIT  512  /* of a walk that may read more: 8 MB, the usual limit of stacks */
#define PAGE	     4096
#define WINDOW_PAGES (LIVE_STACK_WINDOW / PAGE + 1)

void live_stack_begin(struct live_stack *live, pid_t pid, bool needs_witness)
{
	live->pid = pid;
	live->needs_witness = needs_witness;
	live->is_gone = false;
	live->seen_bytes = 0;
	live->window_count = 0;
	live->witness_count = 0;
	live->first_count = 0;
	live_stack_clear(live);
}

void live_stack_clear(struct live_stack *live)
{
	live->memory = (struct cfi_memory){0};
}

void live_stack_note(struct live_stack *live, uint64_t slot, uint64_t value)
{
	live->witnesses[live->witness_count++ % LIVE_STACK_WITNESSES] =
		(struct live_stack_witness){slot, value};
}

void live_stack_forget(struct live_stack *live)
{
	live->witness_count = 0;
}

/* Describes [start, start + LIVE_STACK_WINDOW) page by page: the kernel delivers whole pieces, so
 * an absent page costs only itself and what follows. */
static unsigned int split_pages(uint64_t start, struct iovec *pieces)
{
	uint64_t end = start + LIVE_STACK_WINDOW;
	unsigned int count = 0;

	while (start < end) {
		uint64_t next = (start / PAGE + 1) * PAGE;

		if (next > end)
			next = end;
		pieces[count++] = (struct iovec){(void *)(uintptr_t)start, next - start};
		start = next;
	}
	return count;
}

/* Lists the slots of witnesses. */
static void list_slots(const struct live_stack_witness *witnesses, uint32_t count,
		       struct iovec *slots)
{
	for (uint32_t i = 0; i < count; i++)
		slots[i] = (struct iovec){(void *)(uintptr_t)witnesses[i].slot, 8};
}

static bool stand_still(const struct live_stack_witness *witnesses, uint32_t count,
			const uint64_t *seen)
{
	for (uint32_t i = 0; i < count; i++)
		if (seen[i] != witnesses[i].value)
			return false;
	return true;
}

/* Says whether the window holds what the sample saw at its place. */
static bool is_as_seen(struct live_stack *live, const struct cfi_memory *seen, uint64_t start,
		       size_t bytes)
{
	uint64_t offset = start - seen->start;

	if (offset >= seen->bytes)
		return true;
	if (bytes > seen->bytes - offset)
		bytes = seen->bytes - offset;
	live->seen_bytes += bytes;
	return memcmp(live->window, seen->data + offset, bytes) == 0;
}

bool live_stack_read(struct live_stack *live, const struct cfi_frame *frame,
		     const struct cfi_memory *seen, bool is_whole)
{
	struct iovec remote[LIVE_STACK_WITNESSES + WINDOW_PAGES];
	uint64_t words[LIVE_STACK_WITNESSES];
	struct iovec local[2] = {{words, 0}, {live->window, LIVE_STACK_WINDOW}};
	uint32_t count = live->witness_count < LIVE_STACK_WITNESSES ? live->witness_count
								    : LIVE_STACK_WITNESSES;
	uint64_t start = frame->missing & ~7ULL;
	uint64_t bottom = (seen ? seen->start : frame->registers[CFI_SP]) & ~7ULL;
	ssize_t bytes;

	if (!live->pid || (!count && live->needs_witness) ||
	    live->window_count++ >= (is_whole ? WHOLE_LIMIT : WINDOW_LIMIT))
		return false;
	if (start >= bottom)
		start = start - bottom > WINDOW_BELOW ? start - WINDOW_BELOW : bottom;
	list_slots(live->witnesses, count, remote);
	local[0].iov_len = count * sizeof(words[0]);
	bytes = process_vm_readv(live->pid, local, 2, remote,
				 count + split_pages(start, remote + count), 0);
	live->is_gone = bytes < 0 && errno == ESRCH;
	if (bytes < 0 || (size_t)bytes <= local[0].iov_len)
		return false;
	if (!stand_still(live->witnesses, count, words) ||
	    (seen && !is_as_seen(live, seen, start, (size_t)bytes - local[0].iov_len)))
		return false;
	if (!live->first_count) {
		memcpy(live->first, live->witnesses, count * sizeof(live->first[0]));
		live->first_count = count;
	}
	live->memory = (struct cfi_memory){
		.data = live->window,
		.start = start,
		.bytes = (size_t)bytes - local[0].iov_len,
	};
	return frame->missing - start < live->memory.bytes;
}

bool live_stack_was_long(const struct live_stack *live)
{
	return live->window_count > WINDOW_LIMIT;
}

bool live_stack_stands(const struct live_stack *live, const struct live_stack_witness *witnesses,
		       uint32_t count)
{
	struct iovec remote[LIVE_STACK_WITNESSES];
	uint64_t seen[LIVE_STACK_WITNESSES];
	struct iovec local = {seen, count * sizeof(seen[0])};

	if (!count || count > LIVE_STACK_WITNESSES)
		return !count;
	list_slots(witnesses, count, remote);
	return process_vm_readv(live->pid, &local, 1, remote, count, 0) == (ssize_t)local.iov_len &&
	       stand_still(witnesses, count, seen);
}

bool live_stack_holds(struct live_stack *live, const struct cfi_memory *part)
{
	for (size_t offset = 0; offset < part->bytes; offset += LIVE_STACK_WINDOW) {
		size_t rest = part->bytes - offset;
		size_t bytes = rest < LIVE_STACK_WINDOW ? rest : LIVE_STACK_WINDOW;
		struct iovec local = {live->window, bytes};
		struct iovec remote = {(void *)(uintptr_t)(part->start + offset), bytes};

		if (process_vm_readv(live->pid, &local, 1, &remote, 1, 0) != (ssize_t)bytes ||
		    memcmp(live->window, part->data + offset, bytes) != 0)
			return false;
	}
	return true;
}

bool live_stack_confirm(const struct live_stack *live)
{
	return live_stack_stands(live, live->first, live->first_count);
}
