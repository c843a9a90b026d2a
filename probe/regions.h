/* SPDX-License-Identifier: MIT */
/*
 * regions: memory that the program asks of the kernel itself, past the allocator: anonymous mmap,
 * mremap, sbrk and brk, with the stacks that did; and its return by munmap, or by another mapping
 * in its place. What the C library asks for itself does not come by here, so nothing is counted
 * twice.
 *
 * Regions are few and system calls dear, so they stand in one small table, each call looking at all
 * of it. A lock guards it that nobody waits for long: who does not get it counts that. What a
 * forked child inherits is not counted to it.
 *
 * They are counted in tallies as blocks are, each at a node below its stack (WIRE_REGIONS_OF), and
 * are no part of the process's live bytes.
 */
#pragma once

/* The calling process is a forked child, in which nothing is mapped yet. */
void regions_adopt(void);
