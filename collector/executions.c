/* SPDX-License-Identifier: GPL-3.0-or-later */
/* executions: see executions.h. */
#include "collector/executions.h"

#include "collector/base/xalloc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 6

void executions_take(struct executions *executions, const struct event *event)
{
	struct execution row = {.pid = event->pid, .time_ns = event->time_ns};

	snprintf(row.name, sizeof(row.name), "%s", event->name.name);
	xgrow(executions->rows, executions->count, executions->capacity);
	executions->rows[executions->count++] = row;
}

static int compare(const void *left, const void *right)
{
	const struct execution *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

/* The probe began in a process: it is that of the last program it had executed by then. */
static void note_probe(struct executions *executions, pid_t pid, uint64_t time_ns)
{
	const struct execution wanted = {.pid = pid, .time_ns = time_ns};
	size_t low = 0, high = executions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&executions->rows[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low && executions->rows[low - 1].pid == pid)
		executions->rows[low - 1].is_probed = true;
}

static void note_probes(struct executions *executions, const struct probe_memory *memory)
{
	uint32_t count = atomic_load(&memory->header->node_count);

	if (executions->count)
		qsort(executions->rows, executions->count, sizeof(*executions->rows), compare);
	for (uint32_t i = 1; i < count && i < memory->node_limit; i++) {
		const struct wire_node *node = &memory->nodes[i];
		uint64_t row = atomic_load_explicit(&node->address, memory_order_acquire);

		if (!node->parent && row && row <= memory->process_limit)
			note_probe(executions, memory->processes[row - 1].pid, node->time_ns);
	}
}

/* Writes the first different names of those without the probe. */
static void write_names(const struct executions *executions, char *text, size_t size)
{
	const char *shown[NAMES_SHOWN];
	size_t used = 0, count = 0;

	for (size_t i = 0; i < executions->count; i++) {
		const struct execution *row = &executions->rows[i];
		size_t same = 0;

		while (same < count && strcmp(shown[same], row->name) != 0)
			same++;
		if (row->is_probed || same < count)
			continue;
		if (count == NAMES_SHOWN) {
			snprintf(text + used, size - used, ", …");
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", count ? ", " : "",
					 row->name);
		shown[count++] = row->name;
	}
}

static void set_unprobed(struct profile *profile, const char *key, uint64_t count, uint64_t refused)
{
	if (count > refused)
		profile_set_number(profile, key, (int64_t)(count - refused));
}

void executions_describe(struct executions *executions, const struct probe_memory *memory,
			 struct profile *profile)
{
	const _Atomic uint64_t *refused = memory->header->refused;
	char names[(NAMES_SHOWN + 1) * (sizeof(executions->rows->name) + 2)] = "";
	uint64_t count = 0, rows = refused[WIRE_REFUSED_PROCESS];

	if (memory->modes & WIRE_MODE_SAMPLE || !(memory->modes & WIRE_MODES_STACKS))
		return;
	note_probes(executions, memory);
	for (size_t i = 0; i < executions->count; i++)
		count += !executions->rows[i].is_probed;
	if (memory->modes & WIRE_MODE_MEMORY)
		set_unprobed(profile, "memory.unprobed", count,
			     rows + refused[WIRE_REFUSED_ROOM_MEMORY]);
	if (memory->modes & WIRE_MODES_OPERATIONS)
		set_unprobed(profile, "operations.unprobed", count,
			     rows + refused[WIRE_REFUSED_ROOM_OPERATIONS]);
	if (!profile_meta_find(profile, "memory.unprobed") &&
	    !profile_meta_find(profile, "operations.unprobed"))
		return;
	write_names(executions, names, sizeof(names));
	profile_set_text(profile, "unprobed_names", names);
}

void executions_done(struct executions *executions)
{
	free(executions->rows);
	*executions = (struct executions){0};
}
