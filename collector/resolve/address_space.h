/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address_space: what one process has mapped where, and a cache of what its code addresses mean.
 *
 * The cache is an open-addressing table from a code address to {profile frame, rule for leaving
 * its function}. It is filled on the first use of an address and emptied where a mapping changes,
 * so a warm step of the unwinder is one look-up. It starts small and doubles: short-lived
 * processes pay next to nothing. Rules are shared by all processes through their module.
 */
#pragma once

#include "collector/cfi/cfi.h"
#include "collector/profile/profile.h"
#include "collector/resolve/module.h"

struct address_space;

/* What the unwinder wants to know of a code address. */
struct code_address {
	uint64_t address;     /* run address, key of the cache */
	struct cfi_rule rule; /* kind CFI_NO_RULE when no CFI covers the address */
	uint32_t frame;	      /* row in profile->frames */
	uint8_t kind;	      /* enum profile_module_kind */
	enum go_stack stack;  /* what the function has done with its caller's */
	bool is_entry; /* near the file's entry point and without CFI: where a process starts */
	bool is_before_root; /* see module_is_before_root */
};

/* @profile, @modules  borrowed, outlive the address space */
struct address_space *address_space_new(struct profile *profile, struct modules *modules,
					pid_t pid);
/* A copy for a forked child. */
struct address_space *address_space_fork(const struct address_space *parent, pid_t pid);
/* Forgets all mappings: the process executes another program. */
void address_space_exec(struct address_space *space);
void address_space_free(struct address_space *space);
pid_t address_space_pid(const struct address_space *space);

/* Adds an executable mapping of [start, end); what it covers of older ones is replaced. */
void address_space_map(struct address_space *space, uint64_t start, uint64_t end,
		       uint64_t file_offset, const struct module_identity *identity);

/*
 * Looks @address up. For a caller pass the return address minus one.
 * Returns the entry, borrowed until the next call on @space; never NULL: an address outside every
 * mapping gives a frame of the "[unknown]" module and kind PROFILE_MODULE_UNKNOWN. Frames have elf
 * addresses; in generated code and in "[unknown]", run addresses; in a file that could not be
 * opened, file offsets.
 * Cost: one probe of a hash table; on a miss about a microsecond more, and module_open once a file.
 */
const struct code_address *address_space_find(struct address_space *space, uint64_t address);

/* Finds the function around a code address by its call frame information: run address of its
 * start. Returns false when there is none. Not cached. */
bool address_space_function(struct address_space *space, uint64_t address, uint64_t *start);

/* Decodes the call instruction before @return_address: run address of the function it calls.
 * Returns false when that is no direct call. Not cached. */
bool address_space_call_target(struct address_space *space, uint64_t return_address,
			       uint64_t *target);

/*
 * Reads from the code how to leave the function around @ip (epilogue.h), for code without CFI.
 * Generated code, and that of a file which could not be opened, is read in the live process; what
 * was read of it is believed for some thousand calls, since it may be replaced.
 *
 * @ip  the next instruction, for a caller too: its return address as it stands
 * Returns the rule, borrowed until the next call; kind CFI_NO_RULE when there is no answer.
 * Cost: one probe of a hash table; on a miss the decoding of all instructions up to the return.
 */
const struct cfi_rule *address_space_epilogue(struct address_space *space, uint64_t ip);

/* Says whether @address is that of mapped code behind a call instruction, as a return address must
 * be. Cost: a bisection of the mappings; in mapped code the same as address_space_epilogue. */
bool address_space_follows_call(struct address_space *space, uint64_t address);
