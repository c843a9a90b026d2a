/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay: see replay.h. */
#include "tests/bench/oracle/replay.h"

#include "collector/base/xalloc.h"

#include <time.h>

#define STORED 3000 /* samples kept to measure speed */
#define CACHED 100  /* of these, what stays in the processor's cache */

struct stored {
	int pid;
	struct unwind_sample sample;
};

struct replay {
	struct sampler_mapping *mappings;
	size_t mapping_count, mapping_capacity;
	struct stored *stored;
	size_t stored_count, stored_capacity;
};

/* Of CPU time: the machine may be shared. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct replay *replay_new(void)
{
	return xcalloc(1, sizeof(struct replay));
}

void replay_map(struct replay *replay, const struct sampler_mapping *mapping)
{
	struct sampler_mapping *kept;

	xgrow(replay->mappings, replay->mapping_count, replay->mapping_capacity);
	kept = &replay->mappings[replay->mapping_count++];
	*kept = *mapping;
	kept->path = xstrdup(mapping->path);
}

void replay_exec(struct replay *replay, int pid)
{
	for (size_t i = 0; i < replay->mapping_count; i++)
		if (replay->mappings[i].pid == pid)
			replay->mappings[i].pid = -1;
}

static void *keep(const void *bytes, size_t count)
{
	return memcpy(xmalloc(count), bytes, count);
}

void replay_keep(struct replay *replay, int pid, const struct unwind_sample *sample)
{
	struct stored *stored;

	if (replay->stored_count == STORED)
		return;
	xgrow(replay->stored, replay->stored_count, replay->stored_capacity);
	stored = &replay->stored[replay->stored_count++];
	*stored = (struct stored){pid, *sample};
	stored->sample.stack = keep(sample->stack, sample->stack_bytes);
	stored->sample.callers = keep(sample->callers, 8 * sample->caller_count);
}

static struct address_space *cold_space(const struct replay *replay, struct profile *profile,
					struct modules *modules, int pid)
{
	struct address_space *space = address_space_new(profile, modules, pid);

	for (size_t i = 0; i < replay->mapping_count; i++) {
		const struct sampler_mapping *mapping = &replay->mappings[i];
		struct module_identity identity = {.path = mapping->path, .inode = mapping->inode};

		if (mapping->pid == pid)
			address_space_map(space, mapping->start, mapping->end, mapping->offset,
					  &identity);
	}
	return space;
}

static int busiest_process(const struct replay *replay)
{
	size_t most = 0;
	int pid = 0;

	for (size_t i = 0; i < replay->stored_count; i++) {
		size_t count = 0;

		if (replay->stored[i].pid == pid)
			continue;
		for (size_t k = i; k < replay->stored_count; k++)
			count += replay->stored[k].pid == replay->stored[i].pid;
		if (count > most) {
			most = count;
			pid = replay->stored[i].pid;
		}
	}
	return pid;
}

struct speed {
	size_t stacks;
	size_t frames;
	double seconds;
};

/* Walks up to @limit stored samples of a process once. */
static void walk_stored(const struct replay *replay, struct address_space *space, size_t limit,
			struct speed *speed)
{
	static struct unwind_memory memory;
	uint32_t frames[UNWIND_DEPTH];
	enum profile_ending ending;
	double start = seconds();
	size_t count = 0;

	for (size_t i = 0; i < replay->stored_count && count < limit; i++) {
		if (replay->stored[i].pid != address_space_pid(space))
			continue;
		speed->frames +=
			unwind_walk(space, &memory, 0, &replay->stored[i].sample, frames, &ending);
		count++;
	}
	speed->stacks += count;
	speed->seconds += seconds() - start;
}

void replay_measure(const struct replay *replay)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct address_space *space = cold_space(replay, profile, modules, busiest_process(replay));
	struct speed first = {0}, cold = {0}, again = {0}, warm = {0};

	walk_stored(replay, space, 1, &first);
	walk_stored(replay, space, STORED, &cold);
	walk_stored(replay, space, STORED, &again);
	while (warm.stacks < cold.stacks || warm.seconds < 1)
		walk_stored(replay, space, CACHED, &warm);
	printf("speed: first stack %.3f ms; %zu stacks of depth %.1f: nothing known %.2f us each, "
	       "again %.2f us; warm %.0f stacks/s, %.1f M frames/s\n",
	       first.seconds * 1e3, cold.stacks, (double)cold.frames / (double)cold.stacks,
	       cold.seconds * 1e6 / (double)cold.stacks, again.seconds * 1e6 / (double)again.stacks,
	       (double)warm.stacks / warm.seconds, (double)warm.frames / warm.seconds / 1e6);
	address_space_free(space);
	modules_free(modules);
	profile_free(profile);
}

void replay_free(struct replay *replay)
{
	for (size_t i = 0; i < replay->mapping_count; i++)
		free((char *)replay->mappings[i].path);
	for (size_t i = 0; i < replay->stored_count; i++) {
		free((void *)replay->stored[i].sample.stack);
		free((void *)replay->stored[i].sample.callers);
	}
	free(replay->mappings);
	free(replay->stored);
	free(replay);
}
