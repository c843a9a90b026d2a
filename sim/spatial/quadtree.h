/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quadtree: squares divided in four wherever more than eight entities are in one.
 *
 * A bucket quadtree over the box of all entities; a node is divided at its middle when its bucket
 * is full, at most 16 times, below which buckets are chained (that is where duplicates end).
 * Entities outside of the box belong to the nodes at its border. Changes are exact and touch one
 * path; emptied nodes stay, and when there are twice as many nodes as were built the tree is worn.
 *
 * Cost: build O(n log n), changes O(log n), nearby and range O(log n + found), nearest O(log n) for
 * entities spread evenly. Memory: about 50 bytes per entity.
 * Source: R. A. Finkel, J. L. Bentley, "Quad Trees: A Data Structure for Retrieval on Composite
 * Keys", Acta Informatica 4(1), 1974; H. Samet, "The Design and Analysis of Spatial Data
 * Structures", 1990, "bucket PR quadtree".
 */
#pragma once

#include "sim/spatial/spatial_index.h"

extern const struct spatial_structure quadtree_structure;
