/* SPDX-License-Identifier: MIT */
/* rules: see rules.h. Sources: Linux Standard Base 5.0, .eh_frame_hdr; glibc, <dlfcn.h>;
 * getauxval(3).
 */
#include "probe/rules.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>

#define FULL_ENTRIES 1024u
#define ENTRY_BYTES  128u /* of the dynamic linker's first code, which has no rules */

/* Encodings of .eh_frame_hdr that every linker writes. */
enum {
	HEADER_VERSION = 1,
	PCREL_SDATA4 = 0x1b,
	UDATA4 = 0x03,
	DATAREL_SDATA4 = 0x3b,
};

struct header {
	uint8_t version;
	uint8_t frame_encoding, count_encoding, table_encoding;
	int32_t frame; /* .eh_frame, from here */
	uint32_t count;
	struct cfi_table_entry table[];
};

/* A whole rule; the key is the address and both halves of the rule, combined. */
struct full_entry {
	_Atomic uint64_t key;
	_Atomic uint64_t halves[2];
};

struct rules_entry rules_cache[RULES_ENTRIES];
_Atomic uint32_t rules_generation;

static struct full_entry full_cache[FULL_ENTRIES];
static int (*find_object)(void *address, struct dl_find_object *object);

static uint64_t entry_start; /* of the dynamic linker: where a process begins */

/* The program's own segment that has its call frame information. Where its segments lie apart, the
 * linker tells the extent of one only. */
static uint64_t program_start, program_end;

static void find_program(void)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the program's headers, from the kernel */
	const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
	uint64_t count = headers ? getauxval(AT_PHNUM) : 0, bias = 0, frame = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			bias = (uint64_t)headers - headers[i].p_vaddr;
		if (headers[i].p_type == PT_GNU_EH_FRAME)
			frame = headers[i].p_vaddr;
	}
	for (uint64_t i = 0; i < count; i++) {
		const Elf64_Phdr *segment = &headers[i];

		if (segment->p_type != PT_LOAD || frame < segment->p_vaddr ||
		    frame - segment->p_vaddr >= segment->p_filesz)
			continue;
		program_start = bias + segment->p_vaddr;
		program_end = program_start + segment->p_filesz;
	}
}

void rules_prepare(void)
{
	find_program();
	const Elf64_Ehdr *linker = (const Elf64_Ehdr *)getauxval(AT_BASE);

	entry_start = linker ? (uint64_t)linker + linker->e_entry : getauxval(AT_ENTRY);
	find_object =
		(int (*)(void *, struct dl_find_object *))dlsym(RTLD_DEFAULT, "_dl_find_object");
}

void rules_forget(void)
{
	for (uint32_t i = 0; i < RULES_ENTRIES; i++)
		atomic_store_explicit(&rules_cache[i].leave, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < FULL_ENTRIES; i++)
		atomic_store_explicit(&full_cache[i].key, 0, memory_order_relaxed);
	atomic_fetch_add(&rules_generation, 1);
}

/* Finds the call frame information of the object around an address. */
static bool find_section(uint64_t address, struct cfi_section *section)
{
	struct dl_find_object object;
	const struct header *header;
	uint64_t frame, start, end;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the process */
	if (!find_object || find_object((void *)address, &object) || !object.dlfo_eh_frame)
		return false;
	header = object.dlfo_eh_frame;
	frame = (uint64_t)&header->frame + (uint64_t)(int64_t)header->frame;
	start = (uint64_t)object.dlfo_map_start;
	end = (uint64_t)object.dlfo_map_end;
	if (frame >= program_start && frame < program_end) {
		start = program_start;
		end = program_end;
	}
	if (header->version != HEADER_VERSION || header->frame_encoding != PCREL_SDATA4 ||
	    header->count_encoding != UDATA4 || header->table_encoding != DATAREL_SDATA4 ||
	    frame < start || frame >= end)
		return false;
	*section = (struct cfi_section){
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the process */
		.data = (const uint8_t *)frame,
		.bytes = end - frame,
		.address = frame,
		.table = header->table,
		.table_count = header->count,
		.table_address = (uint64_t)header,
	};
	return true;
}

static void interpret(uint64_t address, struct cfi_rule *rule)
{
	struct cfi_section section;

	*rule = (struct cfi_rule){.kind = CFI_NO_RULE};
	if (find_section(address, &section))
		cfi_find(&section, address, rule);
	if (rule->kind == CFI_NO_RULE && address - entry_start < ENTRY_BYTES)
		rule->kind = CFI_END;
}

/* Brings a rule into the short form. */
static uint64_t shorten(const struct cfi_rule *rule)
{
	uint64_t leave;

	if (rule->kind == CFI_END)
		return LEAVE_END;
	if (rule->kind == CFI_NO_RULE)
		return LEAVE_NO_RULE;
	if (rule->kind != CFI_REGISTER || rule->is_signal || rule->ip_saved != CFI_AT_CFA ||
	    rule->ip_offset != -8 || (rule->bp_saved != CFI_SAME && rule->bp_saved != CFI_AT_CFA))
		return LEAVE_FULL;
	if (rule->cfa_register == CFI_SP)
		leave = LEAVE_SP;
	else if (rule->cfa_register == CFI_BP)
		leave = LEAVE_BP;
	else
		return LEAVE_FULL;
	leave |= (uint64_t)(uint32_t)rule->cfa_offset << 32;
	if (rule->bp_saved == CFI_AT_CFA)
		leave |= LEAVE_SAVES_BP | (uint64_t)(uint16_t)rule->bp_offset << 16;
	return leave;
}

uint64_t rules_miss(uint64_t address)
{
	struct rules_entry *entry = rules_entry(address);
	struct cfi_rule rule;
	uint64_t leave;

	interpret(address - 1, &rule);
	leave = shorten(&rule);
	/* Code that is not known may be known later. */
	if (leave != LEAVE_NO_RULE) {
		atomic_store_explicit(&entry->leave, leave, memory_order_relaxed);
		atomic_store_explicit(&entry->key, address ^ leave, memory_order_relaxed);
	}
	return leave;
}

void rules_full(uint64_t address, struct cfi_rule *rule)
{
	struct full_entry *entry = &full_cache[address * 0x9e3779b97f4a7c15u >> 54];
	uint64_t halves[2] = {
		atomic_load_explicit(&entry->halves[0], memory_order_relaxed),
		atomic_load_explicit(&entry->halves[1], memory_order_relaxed),
	};

	_Static_assert(sizeof(halves) == sizeof(*rule), "a rule is two words");
	if ((atomic_load_explicit(&entry->key, memory_order_relaxed) ^ halves[0] ^ halves[1]) ==
	    address) {
		__builtin_memcpy(rule, halves, sizeof(*rule));
		return;
	}
	interpret(address, rule);
	__builtin_memcpy(halves, rule, sizeof(halves));
	atomic_store_explicit(&entry->halves[0], halves[0], memory_order_relaxed);
	atomic_store_explicit(&entry->halves[1], halves[1], memory_order_relaxed);
	atomic_store_explicit(&entry->key, address ^ halves[0] ^ halves[1], memory_order_relaxed);
}
