/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probing: see probing.h. */
#include "collector/probing.h"

#include "collector/base/xalloc.h"
#include "collector/preload.h"

#include <errno.h>

struct probe_memory_options probing_options(const struct session_options *options)
{
	return (struct probe_memory_options){
		.modes = options->operations | (options->is_memory ? WIRE_MODE_MEMORY : 0),
		.memory_rate = options->memory_rate,
		.temporary_within = options->temporary_within,
	};
}

void probing_open(struct probing *probing, const struct session_options *options,
		  const struct probe_memory *shared)
{
	struct probe_memory_options asked = probing_options(options);
	char path[64];

	if (!asked.modes)
		return;
	if (!preload_find(probing->library, &probing->why_not) &&
	    !preload_check(options->argv[0], &probing->why_not))
		probing->memory = memory_source_open(shared, &asked, &probing->why_not);
	if (!probing->memory) {
		probing->refused = asked.modes;
		*probing->library = '\0';
	} else if (!shared) {
		probe_memory_path(memory_source_memory(probing->memory), path, sizeof(path));
		probing->environment = preload_environment(probing->library, path);
	}
}

void probing_fill_in(const struct probing *probing, struct function_probes_target *target)
{
	const struct probe_memory *memory;

	if (!probing->memory)
		return;
	memory = memory_source_memory(probing->memory);
	target->library = probing->library;
	target->modes = memory->modes;
	target->is_sampled = memory->memory_rate != 0;
}

void probing_take(const struct probing *probing, const struct event *event)
{
	if (probing->memory && event->kind == EVENT_NAME && event->name.is_exec)
		memory_source_take_exec(probing->memory, event->pid, event->time_ns);
}

void probing_describe(const struct probing *probing, struct profile *profile)
{
	static const struct {
		uint32_t mode;
		const char *key; /* NULL: the source says it */
		const char *refused, *what;
	} modes[] = {
		{WIRE_MODE_MEMORY, NULL, "refused.memory", "allocations"},
		{WIRE_MODE_LOCKS, "locks", "refused.locks", "waits for locks"},
		{WIRE_MODE_IO, "io", "refused.io", "calls on files"},
		{WIRE_MODE_SQL, "sql", "refused.sql", "SQL statements"},
	};
	uint32_t asked = probing->memory ? memory_source_memory(probing->memory)->modes : 0;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		char *sentence;

		if (asked & modes[i].mode && modes[i].key)
			profile_set_number(profile, modes[i].key, 1);
		if (!(probing->refused & modes[i].mode))
			continue;
		sentence =
			xasprintf("%s were not counted: %s", modes[i].what, probing->why_not.text);
		profile_set_text(profile, modes[i].refused, sentence);
		free(sentence);
	}
}

int64_t probing_describe_end(const struct probing *probing, struct executions *executions,
			     struct profile *profile)
{
	static const char *const keys[] = {"sampling.no_room", "memory.no_room",
					   "operations.no_room"};
	int64_t most = 0;

	if (probing->memory)
		executions_describe(executions, memory_source_memory(probing->memory), profile);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int64_t count = profile_number(profile, keys[i], 0);

		most = count > most ? count : most;
	}
	return most;
}

void probing_done(struct probing *probing)
{
	preload_free(probing->environment);
	probing->environment = NULL;
}
