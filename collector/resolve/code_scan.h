/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * code_scan: what instructions, one after the other, do to the stack pointer and to the registers
 * that rules follow (bp, bx). For epilogue.c only.
 *
 * Positions are those of the stack pointer in bytes from where it, or the register that it was
 * taken from, was at the first instruction.
 */
#pragma once

#include "collector/cfi/cfi.h"

#include <capstone/capstone.h>

#define CODE_SCAN_JUMPS 32

#define NO_SLOT INT32_MIN

/* What has become of a register since the sampled instruction. */
struct code_scan_register {
	int32_t slot;	   /* where it was last loaded from; NO_SLOT: not from the stack */
	bool is_written;   /* no longer holds what it held */
	bool is_lost;	   /* nor will it at the return */
	uint64_t write_at; /* address of the last write while the scan was linear; 0: none */
	int32_t pushed;	   /* where what it held was pushed; NO_SLOT: nowhere */
	bool is_frame;	   /* holds the address of the position `frame` */
	int32_t frame;
};

/* What is known after the instructions so far. */
struct code_scan {
	uint64_t at;	  /* address of the instruction at hand */
	uint64_t address; /* of the next instruction */
	uint64_t run;	  /* from here to `at` all instructions were passed in line */
	uint8_t base;	  /* positions count from this sampled register: CFI_SP, CFI_BP, CFI_BX */
	int32_t position; /* of the stack pointer, from that base */
	bool is_adrift;	  /* the stack pointer was set in a way that is not followed */
	struct code_scan_register bp, bx;
	bool is_plain;			 /* the stack pointer has not moved */
	bool is_linear;			 /* nor was a jump followed */
	uint64_t last;			 /* address of the instruction that ended this */
	uint64_t jumps[CODE_SCAN_JUMPS]; /* followed so far */
	int jump_count;
	int32_t released;  /* bytes above the return address that the return releases */
	x86_reg held;	   /* what was popped last and is not followed: the return address? */
	int32_t held_slot; /* from where */
	bool is_floor;	   /* it was pushed again, at a position that is not known */
	bool was_syscall;  /* the instruction before */
	uint64_t until;	   /* the scan ends there; 0: at the return */
	uint64_t branch;   /* where the conditional jump at hand leads; 0: it is none */
};

enum code_scan_verdict {
	CODE_SCAN_ON,
	CODE_SCAN_RETURNS,
	CODE_SCAN_ENDS, /* the thread */
	CODE_SCAN_LOST,
};

/* Begins at @address. */
void code_scan_begin(struct code_scan *scan, uint64_t address);

/* Notes that from here on another way leads on than straight ahead. */
void code_scan_end_linear(struct code_scan *scan);

/* Takes the instruction at scan->at, which scan->address is behind already. */
enum code_scan_verdict code_scan_take(struct code_scan *scan, csh capstone,
				      const cs_insn *instruction);
