/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * instruction: which instructions the kernel emulates when they are probed, instead of executing
 * them elsewhere with a second trap behind them, and which it does not take.
 *
 * Source: arch/x86/kernel/uprobes.c of Linux 6.18, branch_setup_insn, push_setup_insn and
 * is_prefix_bad.
 */
#pragma once

#include <capstone/capstone.h>
#include <stdbool.h>

/* The nops that the kernel knows, by length. */
bool instruction_is_kernel_nop(const cs_insn *instruction);

bool instruction_is_register_push(const cs_insn *instruction);

/* Near jump, conditional jump or call with the distance in it, and no prefix. */
bool instruction_is_emulated_branch(const cs_insn *instruction);

/* Returns the first byte behind the prefixes. */
const uint8_t *instruction_opcode(const cs_insn *instruction);

/*
 * Says whether no probe may be put on an instruction: the kernel refuses lock, segment prefixes
 * (those of notrack and hints too) and what is privileged or traps by itself; a repeated string
 * instruction would trap once a round.
 */
bool instruction_is_refused(csh handle, const cs_insn *instruction);
