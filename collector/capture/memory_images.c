/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_images: see memory_images.h. */
#include "collector/capture/memory_images.h"

#include "collector/base/xalloc.h"

/* What is looked at of a row, which the target may go on writing. */
struct program {
	int32_t pid;
	uint32_t row;
	bool is_fork;
	bool has_ended; /* by itself: nothing replaced it */
	uint64_t peak;
};

static int compare(const void *left, const void *right)
{
	const struct program *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

struct memory_image *memory_images_find(const struct wire_process *rows, uint32_t count)
{
	struct memory_image *images = xcalloc((size_t)count + 1, sizeof(*images));
	struct program *programs = xcalloc((size_t)count + 1, sizeof(*programs));
	uint32_t highest = 0; /* of the process at hand, in order */

	for (uint32_t i = 0; i < count; i++)
		programs[i] = (struct program){
			.pid = rows[i].pid,
			.row = i,
			.is_fork = rows[i].is_fork != 0,
			.has_ended = rows[i].resident_bytes != 0,
			.peak = rows[i].peak,
		};
	qsort(programs, count, sizeof(*programs), compare);
	for (uint32_t i = 1; i < count; i++) {
		if (programs[i].pid <= 0 || programs[i].pid != programs[i - 1].pid ||
		    programs[i].is_fork || programs[i - 1].has_ended) {
			highest = i;
			continue;
		}
		images[programs[i - 1].row].is_replaced = true;
		images[programs[i].row].is_lower = programs[i].peak <= programs[highest].peak;
		if (programs[i].peak <= programs[highest].peak)
			continue;
		images[programs[highest].row].is_lower = true;
		highest = i;
	}
	free(programs);
	return images;
}
