/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * made_stack: for the tests of the unwinder, stacks of words in an array, and generated code
 * without rules, of our own: calls, and behind each of them a jump that leads nobody knows where,
 * so that no return is found.
 */
#pragma once

#include "tests/unit/collector/caught_stack.h"

#define BOTTOM	   0x7000000
#define CODE	   0x50000000
#define CODE_BYTES (8 * (UNWIND_DEPTH + 16))

/* The return address behind the @i-th call. */
#define MADE_CALL(i) (CODE + 8 * ((uint64_t)(i) + 1))

struct made_stack {
	uint64_t words[4 * (UNWIND_DEPTH + 1)];
	struct unwind_sample sample;
};

extern struct made_stack made;

/* The address of the @i-th word. */
uint64_t word_address(uint64_t i);

/* Writes the code and maps it in the address space. Returns it, to be changed. */
uint8_t *made_stack_code(void);

/* @count frames of four words that keep frame pointers; the last one was not called: its return
 * address is 0. */
void make_frame_pointers(uint64_t count);

/* Walks it. Returns the number of frames. */
uint32_t walk_made(void);
