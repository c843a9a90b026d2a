/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spatial_service: indices by name.
 *
 * A world has an index of its agents and one of its resources. More indices of the same entities,
 * of other structures, may be kept beside each: they follow it (spatial_index_follow()), so each of
 * them answers every question as it does, and whoever asks chooses by name whom. Names are those of
 * the original: "agents", "resources"; "agents_quadtree", "resources_hash" ...
 */
#pragma once

#include "sim/spatial/spatial_index.h"

enum {
	SPATIAL_NAMES_MAXIMUM = 16,
	SPATIAL_NAME_CAPACITY = 32,
};

struct spatial_named {
	char name[SPATIAL_NAME_CAPACITY];
	struct spatial_index *index;
	bool own; /* the service made it */
};

struct spatial_service {
	struct spatial_named named[SPATIAL_NAMES_MAXIMUM]; /* in the order they came */
	uint32_t count;
};

/*
 * Gives an index a name. Borrowed until spatial_service_done(). @service is zeroed at first.
 *
 * Returns 0, -EEXIST if the name is taken, -ENOSPC if there are too many, -ENAMETOOLONG.
 */
int spatial_service_register(struct spatial_service *service, const char *name,
			     struct spatial_index *index);

/*
 * Makes indices that follow the one called @name and are called NAME_STRUCTURE.
 *
 * @structures  a bit for each enum spatial_variant
 * Returns 0, -ENOENT if nobody is called so, or as spatial_service_register() does.
 */
int spatial_service_follow(struct spatial_service *service, const char *name, uint32_t structures,
			   enum spatial_update updates);

/* The index of a name, to be asked; NULL if there is none. */
const struct spatial_index *spatial_service_find(const struct spatial_service *service,
						 const char *name);

/* Frees what the service made. Before that, nobody may be told anything any more. */
void spatial_service_done(struct spatial_service *service);
