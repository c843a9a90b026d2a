/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * go_table: the function table that the Go linker puts into every program (.gopclntab), stripped
 * ones too: names, and for each instruction how far the stack pointer is below the return address.
 *
 * Go programs have no .eh_frame, and Debian's have no .debug_frame either. The table holds what
 * the Go runtime itself walks stacks by, so it is as right as call frame information:
 *
 *     ip at sp + delta, and where delta is not 0 the caller's bp 8 bytes below it
 *     flag TOPFRAME: the first function of a stack (goexit, mstart, rt0_go)
 *     flag SPWRITE:  sets the stack pointer freely, so delta holds no longer; what it kept in its
 *                    frame is still below bp. Without a frame it is a switch to another stack,
 *                    called from a goroutine (systemstack, asmcgocall, morestack), or a thread's
 *                    return to its scheduler (mcall), which is the root of that stack
 *
 * Understood are the layouts of Go 1.18 and later (magic 0xfffffff0, 0xfffffff1).
 * Source: Go 1.19, src/runtime/symtab.go (pcHeader), runtime2.go (_func), debug/gosym/pclntab.go.
 */
#pragma once

#include "collector/cfi/cfi.h"
#include "collector/resolve/elf_image.h"

struct go_table;

/* What a function of the runtime does with its caller's stack. */
enum go_stack {
	GO_STACK_NONE, /* it is not Go's */
	GO_STACK_KEPT,
	GO_STACK_SWITCHED, /* sp says nothing of its caller, which may stand on another stack; bp is
			      its own or, where it has no frame, its caller's */
	GO_STACK_LEFT,	   /* it is the first function of this stack, though not marked as such */
};

/* Reads the table of a file; returns NULL when it has none that we understand. */
struct go_table *go_table_new(const struct elf_image *image);
void go_table_free(struct go_table *table); /* accepts NULL */

/*
 * Finds the rule for an elf address.
 *
 * @stack  receives what holds once the function has called another; the rule is for before
 * Returns false when no function of the table covers the address.
 * Cost: two bisections' worth of reads; one pass over the function's deltas.
 */
bool go_table_rule(const struct go_table *table, uint64_t address, struct cfi_rule *rule,
		   enum go_stack *stack);

/*
 * Finds the function around an elf address.
 *
 * @start  receives its first address
 * @name   receives its name ("main.(*tree).insert"), borrowed from the table; may be NULL
 * Returns false when no function of the table covers the address.
 */
bool go_table_function(const struct go_table *table, uint64_t address, uint64_t *start,
		       const char **name);
