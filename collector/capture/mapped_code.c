/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mapped_code: see mapped_code.h. */
#include "collector/capture/mapped_code.h"

#include "collector/base/xalloc.h"

#include <string.h>

static void add(struct mapped_code *code, const struct mapped_range *model)
{
	struct mapped_range *range;

	xgrow(code->ranges, code->count, code->capacity);
	range = &code->ranges[code->count++];
	*range = *model;
	range->path = xstrdup(model->path);
}

static void remove_overlapped(struct mapped_code *code, uint64_t start, uint64_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < code->count; i++) {
		if (code->ranges[i].start < end && code->ranges[i].end > start)
			free(code->ranges[i].path);
		else
			code->ranges[kept++] = code->ranges[i];
	}
	code->count = kept;
}

bool mapped_code_note(struct mapped_code *code, const struct event_mapping *mapping)
{
	struct mapped_range wanted = {mapping->start, mapping->end, mapping->file_offset,
				      code->round, (char *)mapping->path};

	for (size_t i = 0; i < code->count; i++) {
		struct mapped_range *range = &code->ranges[i];

		if (range->start == wanted.start && range->end == wanted.end &&
		    range->file_offset == wanted.file_offset && !strcmp(range->path, wanted.path)) {
			range->round = code->round;
			return false;
		}
	}
	remove_overlapped(code, wanted.start, wanted.end);
	add(code, &wanted);
	return true;
}

void mapped_code_doubt(struct mapped_code *code)
{
	code->round++;
}

bool mapped_code_has(const struct mapped_code *code, uint64_t address)
{
	for (size_t i = 0; i < code->count; i++)
		if (address >= code->ranges[i].start && address < code->ranges[i].end &&
		    code->ranges[i].round == code->round)
			return true;
	return false;
}

void mapped_code_copy(struct mapped_code *code, const struct mapped_code *parent)
{
	mapped_code_done(code);
	code->round = parent->round;
	for (size_t i = 0; i < parent->count; i++)
		add(code, &parent->ranges[i]);
}

void mapped_code_done(struct mapped_code *code)
{
	for (size_t i = 0; i < code->count; i++)
		free(code->ranges[i].path);
	free(code->ranges);
	*code = (struct mapped_code){0};
}
