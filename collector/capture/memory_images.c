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

void memory_execs_begin(struct memory_execs *execs, uint32_t row, uint64_t begun_ns)
{
	while (execs->count <= row) {
		xgrow(execs->programs, execs->count, execs->capacity);
		execs->programs[execs->count++] = (struct memory_program){0};
	}
	execs->programs[row].begun_ns = begun_ns;
}

bool memory_execs_take(struct memory_execs *execs, const struct wire_process *rows, int32_t pid,
		       uint64_t time_ns)
{
	size_t row = execs->count;
	bool is_news;

	while (row > 0 && (rows[row - 1].pid != pid || !execs->programs[row - 1].begun_ns ||
			   execs->programs[row - 1].begun_ns >= time_ns))
		row--;
	/* One that was seen to exit was another process with this number. */
	is_news = row > 0 && !execs->programs[row - 1].is_replaced && !rows[row - 1].resident_bytes;
	if (is_news)
		execs->programs[row - 1].is_replaced = true;
	return is_news;
}

void memory_execs_done(struct memory_execs *execs)
{
	free(execs->programs);
	*execs = (struct memory_execs){0};
}

struct memory_image *memory_images_find(const struct wire_process *rows, uint32_t count,
					const struct memory_execs *execs)
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
		images[programs[i - 1].row].is_followed = true;
		images[programs[i].row].is_lower = programs[i].peak <= programs[highest].peak;
		if (programs[i].peak <= programs[highest].peak)
			continue;
		images[programs[highest].row].is_lower = true;
		highest = i;
	}
	for (uint32_t row = 0; row < count && row < execs->count; row++)
		images[row].is_replaced |= execs->programs[row].is_replaced;
	free(programs);
	return images;
}
