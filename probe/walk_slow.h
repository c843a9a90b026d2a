/* SPDX-License-Identifier: MIT */
/*
 * walk_slow: walks that the short way (walk.h) cannot make: any rule, any readable memory.
 *
 * Before a page outside the thread's own stack is read, the kernel is asked whether it can be: by
 * rt_sigprocmask with an impossible request, which reads the set before it looks at the request.
 * It is a call that every sandbox allows, and no page that is asked for can go away meanwhile: it
 * holds frames of the very stack we stand on.
 */
#pragma once

#include "probe/walk.h"

/*
 * Goes on from a state, appending to walk->new_frames (ip alone counts).
 *
 * Returns 0 when it reached the thread's first function, else how it ended.
 */
enum wire_ending walk_slow(struct walk *walk, const struct walk_start *state);
