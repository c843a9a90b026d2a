/* SPDX-License-Identifier: MIT */
/*
 * rules: how to leave a function, by the address in it, for walks inside the process.
 *
 * On the first use of an address its frame description entry is interpreted (collector/cfi), as
 * glibc's _dl_find_object finds it: no lock, nothing allocated, fit for signal handlers. What
 * comes out is cached by address, for all threads, in entries that are their own check: torn
 * halves do not fit together and count as absent.
 *
 * Nearly all rules have one shape, which eight bytes hold (a "leave"): the canonical frame address
 * is sp or bp plus a constant, the return address stands below it, bp is untouched or saved in
 * between. The others are rules_full's.
 *
 * Source: glibc manual, _dl_find_object (glibc 2.35 and later; before that there are no rules).
 */
#pragma once

#include "collector/cfi/cfi.h"

#include <stdatomic.h>

/* A leave: kind in the lowest bits, then whether bp is saved, and where; above, what to add. */
enum leave_kind {
	LEAVE_SP = 1,  /* CFA = sp + offset */
	LEAVE_BP,      /* CFA = bp + offset */
	LEAVE_END,     /* no caller: the thread's first function */
	LEAVE_FULL,    /* ask rules_full */
	LEAVE_NO_RULE, /* no code that is known */
};

#define LEAVE_KIND	    7u
#define LEAVE_SAVES_BP	    8u
#define leave_offset(leave) ((int64_t)(leave) >> 32)
#define leave_bp(leave)	    ((int64_t)(int16_t)((leave) >> 16)) /* from the CFA */

struct rules_entry {
	_Atomic uint64_t key; /* address ^ leave */
	_Atomic uint64_t leave;
};

#define RULES_ENTRIES 16384u /* a power of two */
extern struct rules_entry rules_cache[RULES_ENTRIES];

/* Grows when code was unloaded: what was walked before is void. */
extern _Atomic uint32_t rules_generation;

void rules_prepare(void);

/* Forgets all rules, before and after code is unloaded. */
void rules_forget(void);

/* Interprets the rule of a return address and caches it. */
uint64_t rules_miss(uint64_t address);

/* Finds the whole rule of an address: return address - 1 for a caller. Cost: as cfi_find, cached.
 */
void rules_full(uint64_t address, struct cfi_rule *rule);

static inline struct rules_entry *rules_entry(uint64_t address)
{
	return &rules_cache[address * 0x9e3779b97f4a7c15u >> 50];
}

/* Returns how to leave the function that @address, a return address, returns into. */
static inline uint64_t rules_leave(uint64_t address)
{
	struct rules_entry *entry = rules_entry(address);
	uint64_t leave = atomic_load_explicit(&entry->leave, memory_order_relaxed);
	uint64_t key = atomic_load_explicit(&entry->key, memory_order_relaxed);

	return (key ^ leave) == address && leave ? leave : rules_miss(address);
}
