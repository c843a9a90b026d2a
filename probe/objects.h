/* SPDX-License-Identifier: MIT */
/*
 * objects: which files' code is mapped where, told to the collector as records of the calling
 * thread.
 *
 * All of them are told at start-up, before and after one is unloaded, and at the exit; the
 * collector finds those loaded meanwhile in /proc. dlopen is not wrapped: the library looks up by
 * its caller where to search, and that would be us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Once a process, before anything is told. */
void objects_prepare(void);

/* Tells all mappings; what was told before is void. */
void objects_tell(void);

/* Finds the object that an address lies in, from its first to behind its last byte; returns false
 * when there is none. At start-up only: it takes the linker's lock. */
bool objects_extent(uint64_t address, uint64_t *start, uint64_t *end);

/* Path of the program that this process executes, "" when it is not known. */
const char *objects_program(void);
