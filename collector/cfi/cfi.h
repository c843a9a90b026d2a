/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cfi: how to leave a function, from DWARF call frame information.
 *
 * Freestanding: no allocation, no libc, no system call, so that the same code runs in the
 * collector and inside a profiled process. Its input is untrusted bytes: every read is bounded,
 * every loop makes progress, nothing recurses.
 *
 *     address ── cfi_find ──→ rule (16 bytes; callers cache it by address)
 *     rule, registers, memory ── cfi_step ──→ registers of the caller
 *
 * cfi_find interprets the frame description entry that covers an address into a compact rule.
 * Followed are the registers ip, sp, bp and bx (bx because the dynamic linker's resolver uses it as
 * its frame's base) through all frames, and any register in the innermost frame and in one that a
 * signal interrupted, where all are known. Over Debian's libc, cc1, node, LLVM and libcrypto that
 * holds all rules but three to five an object.
 *
 * Sources: DWARF 5 section 6.4; System V ABI AMD64 (register numbers, frame pointer); Linux
 * Standard Base 5.0 (.eh_frame, .eh_frame_hdr, pointer encodings).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DWARF register numbers of x86-64 that code names. */
enum {
	CFI_CX = 2,
	CFI_BX = 3,
	CFI_BP = 6,
	CFI_SP = 7,
	CFI_IP = 16,
	CFI_REGISTERS = 17,
};

/*
 * One element of a search table: a function's first address and where its entry is, both relative
 * to cfi_section.table_address. This is .eh_frame_hdr's own layout (table encoding 0x3b), so that
 * the table of most files is used as it was read.
 */
struct cfi_table_entry {
	int32_t start;
	int32_t entry;
};

/* One section of call frame information in memory; all borrowed from its owner. */
struct cfi_section {
	const uint8_t *data;
	size_t bytes;
	uint64_t address;    /* elf address of data[0]; for .debug_frame any constant */
	bool is_debug_frame; /* .debug_frame's layout instead of .eh_frame's */
	/* Sorted by start. The entry itself decides which addresses it covers, so that a wrong
	 * table can only make rules be missed, never be misapplied. */
	const struct cfi_table_entry *table;
	size_t table_count;
	uint64_t table_address;
};

enum cfi_kind {
	CFI_NO_RULE,	 /* nothing covers the address */
	CFI_REGISTER,	 /* CFA = register + offset */
	CFI_DEREFERENCE, /* CFA = *(register + offset) + offset2 */
	CFI_PLT,	 /* CFA = register + offset, + 8 where ip modulo 16 >= offset2: the linker's
			    procedure linkage table */
	CFI_SIGNAL,	 /* signal frame: all registers stand in the kernel's ucontext at sp */
	CFI_END,	 /* return address undefined: the thread's first function */
	CFI_UNSUPPORTED, /* a rule that the compact form cannot hold */
};

/* Where the caller's value of a register is. */
enum cfi_saved {
	CFI_SAME,	 /* unchanged */
	CFI_AT_CFA,	 /* saved at CFA + offset */
	CFI_AT_BP,	 /* saved at bp + offset (stack realigning prologues) */
	CFI_CFA_PLUS,	 /* is CFA + offset itself */
	CFI_IN_REGISTER, /* in the register whose number is the offset */
	CFI_LOST,	 /* nowhere, or where the compact form cannot say */
};

struct cfi_rule {
	uint8_t kind : 7;	  /* enum cfi_kind */
	uint8_t is_signal : 1;	  /* the caller was interrupted: its ip is no return address */
	uint8_t cfa_register : 7; /* DWARF number */
	uint8_t is_floor : 1;	  /* the caller's sp is at or above the CFA, and not known */
	uint8_t bp_saved : 4;	  /* enum cfi_saved */
	uint8_t bx_saved : 4;
	uint8_t ip_saved; /* CFI_AT_CFA or CFI_IN_REGISTER */
	int32_t cfa_offset;
	int16_t cfa_offset2; /* CFI_DEREFERENCE: added after the read; CFI_PLT: the limit */
	int16_t bp_offset;
	int16_t bx_offset;
	int16_t ip_offset;
};

_Static_assert(sizeof(struct cfi_rule) == 16, "rules are cached by the ten thousand");

/*
 * Finds the rule for @address.
 *
 * @address  elf address of the instruction; return address minus one for a caller
 * @rule     receives it; kind CFI_NO_RULE when no entry covers the address or its bytes are bad
 * Cost: one bisection and one entry interpreted, about a microsecond; grows with the length of the
 * function's entry.
 */
void cfi_find(const struct cfi_section *section, uint64_t address, struct cfi_rule *rule);

/* The addresses [start, end) that one frame description entry covers: a function, or a part. */
struct cfi_range {
	uint64_t start;
	uint64_t end;
};

/* Finds the entry that covers @address by the section's table; returns false when none does. */
bool cfi_find_range(const struct cfi_section *section, uint64_t address, struct cfi_range *range);

/*
 * Steps through the entries of a section in the order of its bytes, to build a table.
 *
 * @offset  where to go on; 0 at first. Receives the offset after the returned entry
 * @entry   receives the offset of the returned entry
 * @range   receives what it covers
 * Returns false at the end. Entries that cannot be read are skipped. Cost: linear in the bytes.
 */
bool cfi_next(const struct cfi_section *section, size_t *offset, size_t *entry,
	      struct cfi_range *range);

/* Says whether an entry of the section names a personality routine: code there takes part when
 * stacks are unwound for exceptions. Cost: linear in the bytes. */
bool cfi_has_personality(const struct cfi_section *section);

/* Bytes of the walked thread's memory, and where else to look for those not in here. */
struct cfi_memory {
	const uint8_t *data;
	uint64_t start; /* run address of data[0] */
	uint64_t bytes;
	const struct cfi_memory *next; /* NULL: none */
};

/* Reads a word of the thread's memory; returns false when @memory lacks it. */
bool cfi_read_word(const struct cfi_memory *memory, uint64_t address, uint64_t *value);

/* One activation of a function. */
struct cfi_frame {
	uint64_t registers[CFI_REGISTERS]; /* by DWARF number; [CFI_SP] is the position of the
					      frame's lower end, [CFI_IP] its code address */
	uint32_t known;			   /* bit n: registers[n] holds its value */
	bool is_exact;			   /* ip is the next instruction, not a return address: the
					      innermost frame, or one that a signal interrupted */
	uint64_t return_slot; /* where ip was read; 0 when it came from no stack slot */
	uint64_t missing;     /* after CFI_STEP_OUTSIDE: the address that could not be read */
};

enum cfi_step {
	CFI_STEP_DONE,	     /* the frame is now its caller's */
	CFI_STEP_END,	     /* there is no caller: the thread's first function */
	CFI_STEP_OUTSIDE,    /* @memory lacks the bytes at frame->missing */
	CFI_STEP_NO_RULE,    /* no rule, or one that needs a register whose value is not known */
	CFI_STEP_IMPOSSIBLE, /* the caller's frame would not lie above this one */
};

/* The elf or run address by which to look up a frame's code: inside the call, for a caller. */
static inline uint64_t cfi_frame_address(const struct cfi_frame *frame)
{
	return frame->registers[CFI_IP] - !frame->is_exact;
}

/*
 * Replaces a frame by its caller's. Unless it returns CFI_STEP_DONE the frame stays as it was
 * (but for `missing`), so that a step can be repeated with more memory.
 *
 * A slot below the stack pointer is not read: compilers do not mark that an epilogue has popped a
 * register, so the register already holds the value.
 * Cost: two to four reads of memory, no call.
 */
enum cfi_step cfi_step(const struct cfi_rule *rule, struct cfi_frame *frame,
		       const struct cfi_memory *memory);

/* Computes the canonical frame address where that needs no memory; returns false otherwise. */
bool cfi_frame_top(const struct cfi_rule *rule, const struct cfi_frame *frame, uint64_t *cfa);

/* As cfi_step for code without rules, supposing that it keeps a frame pointer in bp. The caller
 * judges whether the return address that this gives is plausible. */
enum cfi_step cfi_step_by_frame_pointer(struct cfi_frame *frame, const struct cfi_memory *memory);
