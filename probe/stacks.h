/* SPDX-License-Identifier: MIT */
/*
 * stacks: the prefix tree of call stacks in the shared memory (struct wire_node).
 *
 * All processes of a recording share it; each has a root of its own. Nodes are dense, so that what
 * is in use lies together; a hash table of buckets, each a chain, finds them. Nothing is locked: a
 * node is written, then put in front of its bucket by compare-and-swap. Two threads may at worst
 * make two nodes of one stack, which the collector takes for the same.
 */
#pragma once

#include "probe/probe.h"

/* Finds the regions. Returns false when they are not here. */
bool stacks_prepare(void);

/*
 * Returns the number of the stack that @address makes of @parent, added when it is new; @parent
 * itself when there is no room, which is counted.
 */
uint32_t stacks_node(uint32_t parent, uint64_t address);

/* The root under which the stacks of this process hang; 0: there was no room for one. Another one
 * after code was unloaded, since the same addresses may mean other functions then. */
extern _Atomic uint32_t stacks_root;

/* Makes a new root. @row  of the process, from 1 */
void stacks_begin(uint32_t row);
