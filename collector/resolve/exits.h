/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exits: the instructions that leave a function: its returns, and its jumps to other functions.
 *
 *     ret                      each of them
 *     jmp, jcc  elsewhere      a tail call; a conditional one leaves when it is taken
 *     jmp *0x10(%rax)          a tail call through a pointer
 *     jmp *(%rdx,%rax,8)       the same, through an array of pointers
 *     jmp *%rax                the same, unless the instructions before it look a distance up in a
 *                              table: then it is a switch, as jmp *table(,%rax,8) is; it may be
 *                              loaded with movslq, or with mov and cltq
 *
 * Several jumps through arrays are an interpreter's, between labels of its own: not known.
 *
 * A jump that is taken for a tail call in the middle of a function does no harm where the stack
 * pointer is not that of the entry, which whoever probes it compares.
 */
#pragma once

#include "collector/resolve/placement.h"

#define EXITS_MOST 256

struct exit_place {
	uint64_t address;
	uint8_t condition; /* under which it leaves: the last four bits of a conditional jump's
			      opcode, EXITS_ALWAYS for the others */
	bool is_emulated;  /* by the kernel, when it is probed */
	bool is_tail_call; /* a jump, where the stack pointer is that of the entry */
};

#define EXITS_ALWAYS 16

struct exits {
	struct exit_place places[EXITS_MOST];
	size_t count;
};

/*
 * Finds all exits of a function, which may be none.
 *
 * @code  the whole function, then its parts elsewhere; @part_count >= 1
 * Returns NULL, or why they are not all known: half a sentence about the function, static.
 * Cost: a microsecond an instruction.
 */
const char *exits_find(const struct placement_code *code, size_t part_count, struct exits *exits);
