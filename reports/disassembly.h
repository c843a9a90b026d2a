/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disassembly: the instructions of a function and what was sampled at each.
 *
 * The code is read from the program's file, if that is still the one that was recorded: a profile
 * holds addresses, no code. Where the file names the function, all of it is shown; otherwise, and
 * where only a build id of another build is found, what can be said is said. x86-64 only.
 *
 * A sample stands at the instruction that was to be executed next when the clock rang, so the cost
 * of a slow one is found at it and right behind it.
 *
 * Source: System V ABI, ELF notes; Intel SDM volume 3, 6.9 (interrupts come between instructions).
 */
#pragma once

#include "reports/report.h"

struct instruction {
	uint64_t address; /* as stated in the file */
	char *text;
	bool is_division; /* or a square root, which takes the same unit */
	uint64_t self;	  /* in periods */
	uint32_t samples;
	uint32_t symbol, line; /* of the sampled address, inlined code at its own; 0: no sample */
};

struct disassembly {
	struct instruction *rows; /* by address; functions may lie in several parts */
	size_t count, capacity;
	bool is_whole; /* false: the file names no function there, so its bounds are not known */
};

/*
 * Disassembles the function @symbol.
 *
 * Returns 0 or a negative errno with a sentence: no code of its own was sampled, the file is not
 * there, is another build or holds other code. disassembly_done after success.
 */
int disassembly_read(struct disassembly *disassembly, const struct report *report, uint32_t symbol,
		     struct error *error);
void disassembly_done(struct disassembly *disassembly);

/* Returns the instruction that begins at @address, NULL: none. */
const struct instruction *disassembly_at(const struct disassembly *disassembly, uint64_t address);
