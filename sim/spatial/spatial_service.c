/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, and the indices behind them. */
#include "sim/spatial/spatial_service.h"

#include "sim/allocate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct spatial_named *find(const struct spatial_service *service, const char *name)
{
	for (uint32_t i = 0; i < service->count; i++)
		if (strcmp(service->named[i].name, name) == 0)
			return &service->named[i];
	return NULL;
}

int spatial_service_register(struct spatial_service *service, const char *name,
			     struct spatial_index *index)
{
	if (strlen(name) >= SPATIAL_NAME_CAPACITY)
		return -ENAMETOOLONG;
	if (find(service, name))
		return -EEXIST;
	if (service->count == SPATIAL_NAMES_MAXIMUM)
		return -ENOSPC;
	struct spatial_named *named = &service->named[service->count++];
	*named = (struct spatial_named){.index = index};
	strcpy(named->name, name);
	return 0;
}

static int follow(struct spatial_service *service, struct spatial_index *leader, const char *name,
		  const struct spatial_structure *structure, enum spatial_update updates)
{
	char full[2 * SPATIAL_NAME_CAPACITY];
	struct spatial_index *index = allocate(1, sizeof(*index));
	snprintf(full, sizeof(full), "%s_%s", name, structure->name);
	int failed = spatial_service_register(service, full, index);
	if (failed) {
		free(index);
		return failed;
	}
	service->named[service->count - 1].own = true;
	spatial_index_init(index, structure, updates);
	spatial_index_limit_flushes(index, leader->flush_moves);
	spatial_index_follow(leader, index);
	return 0;
}

int spatial_service_follow(struct spatial_service *service, const char *name, uint32_t structures,
			   enum spatial_update updates)
{
	const struct spatial_named *named = find(service, name);
	int failed = named ? 0 : -ENOENT;
	for (int kind = 0; kind < SPATIAL_COUNT && !failed; kind++)
		if (structures & 1U << kind)
			failed = follow(service, named->index, name, spatial_structures[kind],
					updates);
	return failed;
}

const struct spatial_index *spatial_service_find(const struct spatial_service *service,
						 const char *name)
{
	const struct spatial_named *named = find(service, name);
	return named ? named->index : NULL;
}

void spatial_service_done(struct spatial_service *service)
{
	for (uint32_t i = 0; i < service->count; i++)
		if (service->named[i].own) {
			spatial_index_done(service->named[i].index);
			free(service->named[i].index);
		} else {
			service->named[i].index->follower = NULL;
		}
	*service = (struct spatial_service){0};
}
