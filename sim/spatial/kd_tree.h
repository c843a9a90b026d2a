/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kd_tree: a balanced kd-tree in flat arrays, with buckets and bounding boxes.
 *
 * A complete binary tree: node i has the children 2i + 1 and 2i + 2, the entities of a node are one
 * range of one array, halved at the median of the longer side of the node's bounding box down to
 * buckets of at most 8. Queries prune by the boxes, not by the splitting planes, which is what
 * makes changes cheap and exact between two builds:
 *
 *   move    the entity stays in its bucket; the boxes from there to the root are grown, O(log n)
 *   insert  the entity waits behind the tree in a list that every query scans; when the list
 *           outgrows the square root of the tree, insert() asks for a rebuild
 *   remove  the entity gets coordinates that no comparison accepts
 *
 * Cost: build O(n log n); nearby and range O(log n + found);
 * nearest O(log n). Memory: 20 bytes per entity and 24 per
 * node, of which there is one for every 2 to 4 entities.
 * Source: J. L. Bentley, "Multidimensional Binary Search Trees Used for Associative Searching",
 * CACM 18(9), 1975; boxes as in S. Omohundro, "Five Balltree Construction Algorithms", 1989.
 */
#pragma once

#include "sim/spatial/spatial_index.h"

extern const struct spatial_structure kd_tree_structure;
