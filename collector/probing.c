/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probing: see probing.h. */
#include "collector/probing.h"

#include "collector/preload.h"

#include <errno.h>

int probing_open(struct probing *probing, const struct session_options *options,
		 const struct probe_memory *shared, struct error *error)
{
	char library[PATH_MAX], path[64];

	if (!options->is_memory)
		return 0;
	if (preload_find(library, &probing->why_not) ||
	    preload_check(options->argv[0], &probing->why_not))
		return 0;
	probing->memory = memory_source_open(shared, error);
	if (!probing->memory)
		return -errno;
	if (!shared) {
		probe_memory_path(memory_source_memory(probing->memory), path, sizeof(path));
		probing->environment = preload_environment(library, path);
	}
	return 0;
}

void probing_done(struct probing *probing)
{
	preload_free(probing->environment);
	probing->environment = NULL;
}
