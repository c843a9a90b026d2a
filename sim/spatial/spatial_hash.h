/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spatial_hash: a grid of square cells over the world, each with a chain of blocks of entities.
 *
 * A block is one cache line: the coordinates and ids of four entities. Cells are made so large,
 * when the grid is built, that two entities are in one on average; moving, adding and removing only
 * touch the cells concerned, so the grid never wears out and is built anew only when four times as
 * many entities are in it. Entities outside of the box that was covered when the grid was built are
 * in the cells at its border.
 *
 * Cost: build O(n), changes O(1), nearby and range O(cells touched + found), nearest O(1) where
 * entities are spread evenly; where all are in one place, O(n). Memory: about 48 bytes per entity.
 * Source: J. L. Bentley, J. H. Friedman, "Data Structures for Range Searching", ACM Computing
 * Surveys 11(4), 1979, "cells".
 */
#pragma once

#include "sim/spatial/spatial_index.h"

extern const struct spatial_structure spatial_hash_structure;
