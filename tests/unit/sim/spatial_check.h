/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spatial_check: what every structure behind an index has to pass.
 */
#pragma once

#include "sim/spatial/spatial_index.h"

/*
 * Fails the test if any answer, its order included, is another than brute force gives: random,
 * clustered, duplicate and border places, all alike, from none to 700 entities, before and after
 * builds, moves, births, deaths and compaction, with each way of updating.
 */
void spatial_check(const struct spatial_structure *structure);

/* The same after thousands of changes from one kind of places to another. */
void spatial_check_many_changes(const struct spatial_structure *structure);
