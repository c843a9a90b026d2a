/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placement: where in a function's first instructions a probe costs least and is safe.
 *
 * A probe is a trap. What follows it decides the price: most instructions must be executed
 * elsewhere, with a second trap behind them (10 us in a virtual machine); the kernel emulates a few
 * (0.5 us): nop, push of a register, near jmp, jcc and call. So the probe is moved down from the
 * entry to the first of those, past instructions that every call executes exactly once:
 *
 *     endbr64                  ← entry
 *     mov   0x10(%rdi),%rax
 *     test  %rax,%rax
 *     je    …                  ← probe: emulated; the stack pointer is still that of the entry
 *
 * The way down ends at the first jump, call or return, and before an instruction that a jump in the
 * function (or in its parts elsewhere, "name.cold") leads to, for that would be met more often than
 * the entry. Where jumps lead through a table, only a push of a register that the caller owns is
 * taken beyond the entry: no loop leads back to that.
 *
 * For a probe at the return the stack pointer must still be the entry's, since the kernel looks for
 * the return address there.
 *
 * A 5-byte nop is cheapest, because newer kernels turn it into a call; but that call writes below
 * the stack pointer, where a leaf function may keep data (red zone). So nops count only when
 * nothing was written to memory above them.
 *
 * Source: arch/x86/kernel/uprobes.c of Linux 6.18, branch_setup_insn and push_setup_insn; System V
 * ABI AMD64, 3.2.2 (red zone).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACEMENT_LONGEST                                                                          \
	65536 /* bytes of a function that are searched for jumps into its start                    \
	       */

/* In the order of their costs. */
enum placement_kind {
	PLACEMENT_NOP5,
	PLACEMENT_EMULATED,
	PLACEMENT_STEPPED
};

/* A piece of code. */
struct placement_code {
	uint64_t address; /* of its first byte */
	const uint8_t *bytes;
	size_t count;
};

#define PLACEMENT_MOVED_UNKNOWN UINT32_MAX

struct placement {
	uint64_t address; /* of the probe */
	enum placement_kind kind;
	uint32_t moved; /* bytes that the stack pointer has gone down from the entry to there */
	bool is_loop;	/* a jump leads back to the entry, which so is met more often than called */
};

/*
 * Chooses the place of a probe.
 *
 * @code        the function from its first byte on, then its parts elsewhere; @part_count >= 1
 * @is_counted  only the entry is probed, so the stack pointer may have moved
 * Returns true and the place: the entry itself, with kind PLACEMENT_STEPPED, where there is no
 * better one, or the first instruction after it that the kernel takes. False when it takes none of
 * those on the way, or the first bytes are no code. Cost: a microsecond an instruction decoded.
 */
bool placement_find(const struct placement_code *code, size_t part_count, bool is_counted,
		    struct placement *placement);
