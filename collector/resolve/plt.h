/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plt: names of the linker's call stubs, "memcpy@plt".
 *
 * No symbol covers a stub. A stub jumps through a slot of the global offset table, and a dynamic
 * relocation says whose address the loader writes into that slot. Reading the jump itself works
 * for .plt, .plt.sec and .plt.got alike, where counting entries would need a rule for each.
 * x86-64 only: elsewhere nothing is found.
 *
 * Source: System V ABI AMD64, section 5.2.
 */
#pragma once

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct plt;

/* @elf  borrowed, outlives the result. Nothing is read before the first address inside a stub. */
struct plt *plt_new(Elf *elf);
void plt_free(struct plt *plt);

/*
 * Finds the stub around @address.
 *
 * @start  receives its first address
 * Returns the name of the function it leads to, borrowed from the Elf; NULL when @address is in no
 * stub or the stub cannot be read.
 */
const char *plt_find(struct plt *plt, uint64_t address, uint64_t *start);
