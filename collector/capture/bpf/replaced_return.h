/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replaced_return: a return address on a stack that the kernel has replaced by its own, because a
 * probe waits for the return. Known to both sides.
 */
#pragma once

#include <linux/types.h>

#define REPLACED_RETURNS 64 /* the kernel itself follows no more of a thread at a time */

struct replaced_return {
	__u64 slot;    /* where it stands */
	__u64 address; /* what stood there */
};
