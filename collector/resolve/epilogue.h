/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * epilogue: how to leave a function that has no call frame information, read from its code.
 *
 * Hand-written assembly (the kernels of BLAS, codecs and ciphers) often carries no CFI and keeps
 * no frame pointer, but it must return. So the instructions from the sampled one on are decoded
 * as if no conditional jump were taken, direct jumps followed once, until the return: what is
 * popped and added to the stack pointer on the way says where the return address is, and which
 * slots hold the caller's bp and bx (the last write to a register before the return decides). No
 * search for the function's start is needed. Where that way ends nowhere (an indirect jump, a trap)
 * the conditional jumps' other ways are tried, the last one first.
 *
 *      pc →  vmulps ...            sp + 0
 *            jg    loop            not taken
 *            pop   %rbx            bx at sp + 0
 *            add   $24,%rsp
 *            ret                   return address at sp + 32
 *
 * It can be wrong (an instruction after a call that never returns, a jump table), so the walk
 * marks such stacks as guessed and asks that the return address lies in mapped code behind a call
 * instruction. Code whose stack pointer is computed in any other way, and not taken from bp or bx
 * again, is given up on. A trap behind a system call is where a thread ends (musl's clone), unless
 * a conditional jump on the way there leads to a return. Source: Intel SDM volume 2 (through
 * capstone).
 */
#pragma once

#include "collector/cfi/cfi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads code for the scan.
 *
 * Returns the number of bytes read at @address into @buffer, at most @bytes; 0 outside the file.
 */
typedef size_t epilogue_read(void *context, uint64_t address, uint8_t *buffer, size_t bytes);

/* What earlier scans of the same code found: stretches of it with one rule. Zero-initialised by its
 * owner, released with epilogue_memory_done. */
struct epilogue_memory {
	struct epilogue_stretch *stretches; /* sorted */
	size_t count;
	size_t capacity;
};

void epilogue_memory_done(struct epilogue_memory *memory);

/*
 * Finds the rule for the code at @address.
 *
 * @memory  of the code's file
 * @rule    receives it; written on success only
 * Returns false when the return is not found within 10,000 instructions or the stack pointer's way
 * there is not plain. Cost: about a microsecond an instruction decoded, and each is decoded about
 * once however many addresses are asked for.
 */
bool epilogue_rule(struct epilogue_memory *memory, epilogue_read *read, void *context,
		   uint64_t address, struct cfi_rule *rule);

/*
 * The same from what the function has done so far: from its first instruction, at @start, to the
 * one at @address. For functions that end with a jump to another one.
 *
 * Returns false when no way from @start leads to @address, or the stack pointer's is not plain.
 */
bool epilogue_rule_from_start(epilogue_read *read, void *context, uint64_t start, uint64_t address,
			      struct cfi_rule *rule);
