/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * caught_stack: for the tests of the unwinder, a walked process (our own), and what a profiler
 * would have seen of the test's own thread: a signal handler below a recursion of known depth
 * catches registers and stack, and libc's backtrace() says what the truth is.
 */
#pragma once

#include "collector/resolve/unwind.h"

#include <signal.h>

/* The address space under test and the answer of the last walk. */
extern struct profile *profile;
extern struct modules *modules;
extern struct address_space *space;
extern uint32_t frames[UNWIND_DEPTH];
extern enum profile_ending ending;

/* A suite's .init and .fini. */
void caught_stack_setup(void);
void caught_stack_teardown(void);

/* Maps in the address space what our process has mapped. */
void map_ourselves(void);

#define DEPTH 40

struct caught_stack {
	uint64_t registers[CFI_REGISTERS];
	uint8_t *stack;
	size_t stack_bytes;
	void *addresses[256]; /* of backtrace(): the handler and its trampoline come first */
	void **truth;	      /* in addresses, from the interrupted function on */
	uint32_t truth_count;
};

extern struct caught_stack caught;

/* A handler of signals that fills `caught`. */
void catch_sample(int number, siginfo_t *information, void *context);

/* Calls itself @levels deep and raises SIGUSR1 at the bottom. */
int descend(int levels, volatile int *kept);

/* Maps ourselves and catches a stack below DEPTH calls of descend. */
void catch_ourselves(void);

/* What was caught, with the first @bytes of the stack. */
struct unwind_sample caught_sample(size_t bytes);

/* Compares `frames` with the truth. */
void expect_truth(uint32_t count);
