/* SPDX-License-Identifier: GPL-3.0-or-later */
/* address_space: see address_space.h. */
#include "collector/resolve/address_space.h"
#include "collector/base/xalloc.h"
#include "collector/profile/id_table.h"
#include "collector/resolve/epilogue.h"

#include <sys/uio.h>

#define CACHE_BITS 8 /* 256 entries to begin with: 10 KB */

#define PAGE_BYTES 4096

/* An indirect call with a base, an index and a distance; prefixes do not count. */
#define LONGEST_CALL 7

/* What was read of code that may be replaced is used so often before it is read again. */
#define GENERATED_USES 4096

/* Hand-written entry points without CFI are shorter than this (ld.so's: 64 bytes). */
#define ENTRY_BYTES 128

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t file_offset;
	struct module *module;
	uint64_t bias;	/* run address - elf address; meaningful when is_known */
	bool is_known;	/* the module was opened and the bias computed */
	bool has_rules; /* elf addresses are real ones */
	bool is_cached; /* addresses of it are in the cache */
};

/* What the instructions around an address say. */
struct code_reading {
	struct cfi_rule rule;
	bool has_rule; /* it was looked for */
	bool has_call; /* so was the call before */
	bool follows_call;
};

struct code_cache {
	struct id_table ids; /* address → number of a reading, from 1 */
	struct code_reading *readings;
	size_t count;
	size_t capacity;
};

struct address_space {
	struct profile *profile;
	struct modules *modules;
	pid_t pid;
	struct mapping *mappings; /* sorted, disjoint */
	size_t mapping_count;
	size_t mapping_capacity;
	/* Open addressing, linear probing, at most half full; address 0 marks a free entry. */
	struct code_address *cache;
	unsigned int cache_bits;
	size_t cache_count;
	struct code_cache filed;	  /* of files */
	struct code_cache generated;	  /* of code that is read in the process */
	struct epilogue_memory stretches; /* of the same */
	unsigned int generated_uses;	  /* since it was read */
	bool has_unknown;		  /* addresses outside all mappings are in the cache */
	struct code_address zero; /* the answer for address 0, which the cache cannot hold */
};

struct address_space *address_space_new(struct profile *profile, struct modules *modules, pid_t pid)
{
	struct address_space *space = xcalloc(1, sizeof(*space));

	space->profile = profile;
	space->modules = modules;
	space->pid = pid;
	space->cache_bits = CACHE_BITS;
	space->cache = xcalloc((size_t)1 << CACHE_BITS, sizeof(*space->cache));
	return space;
}

struct address_space *address_space_fork(const struct address_space *parent, pid_t pid)
{
	struct address_space *space = xmalloc(sizeof(*space));
	size_t cache_bytes = sizeof(*space->cache) << parent->cache_bits;

	*space = *parent;
	space->pid = pid;
	/* Few programs need these, they are learnt again. */
	space->filed = space->generated = (struct code_cache){0};
	space->stretches = (struct epilogue_memory){0};
	space->generated_uses = 0;
	space->mappings = xreallocarray(NULL, parent->mapping_count, sizeof(*space->mappings));
	space->mapping_capacity = parent->mapping_count;
	if (parent->mapping_count)
		memcpy(space->mappings, parent->mappings,
		       parent->mapping_count * sizeof(*space->mappings));
	space->cache = xmalloc(cache_bytes);
	memcpy(space->cache, parent->cache, cache_bytes);
	return space;
}

static void code_cache_forget(struct code_cache *cache)
{
	id_table_done(&cache->ids);
	cache->count = 0;
}

static void forget_generated(struct address_space *space)
{
	code_cache_forget(&space->generated);
	epilogue_memory_done(&space->stretches);
	space->generated_uses = 0;
}

static void forget_code(struct address_space *space)
{
	code_cache_forget(&space->filed);
	forget_generated(space);
}

void address_space_exec(struct address_space *space)
{
	forget_code(space);
	free(space->cache);
	space->cache_bits = CACHE_BITS;
	space->cache = xcalloc((size_t)1 << CACHE_BITS, sizeof(*space->cache));
	space->cache_count = 0;
	space->mapping_count = 0;
	space->has_unknown = false;
}

void address_space_free(struct address_space *space)
{
	if (!space)
		return;
	forget_code(space);
	free(space->filed.readings);
	free(space->generated.readings);
	free(space->mappings);
	free(space->cache);
	free(space);
}

pid_t address_space_pid(const struct address_space *space)
{
	return space->pid;
}

/* ---- cache -------------------------------------------------------------------------------- */

/* Returns the entry of @address, or the free one where it belongs. */
static struct code_address *cache_entry(const struct address_space *space, uint64_t address)
{
	size_t mask = ((size_t)1 << space->cache_bits) - 1;
	size_t i = (address * 0x9e3779b97f4a7c15) >> (64 - space->cache_bits);

	while (space->cache[i].address != address && space->cache[i].address)
		i = (i + 1) & mask;
	return &space->cache[i];
}

/* Moves all entries outside [start, end) to a new table. */
static void rebuild_cache(struct address_space *space, unsigned int bits, uint64_t start,
			  uint64_t end)
{
	struct code_address *old = space->cache;
	size_t old_size = (size_t)1 << space->cache_bits;

	space->cache = xcalloc((size_t)1 << bits, sizeof(*space->cache));
	space->cache_bits = bits;
	space->cache_count = 0;
	for (size_t i = 0; i < old_size; i++) {
		if (!old[i].address || (old[i].address >= start && old[i].address < end))
			continue;
		*cache_entry(space, old[i].address) = old[i];
		space->cache_count++;
	}
	free(old);
}

/* ---- mappings ----------------------------------------------------------------------------- */

/* Returns the index of the first mapping that ends above @address. */
static size_t first_above(const struct address_space *space, uint64_t address)
{
	size_t low = 0;
	size_t high = space->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct mapping *find_mapping(const struct address_space *space, uint64_t address)
{
	size_t i = first_above(space, address);

	if (i == space->mapping_count || space->mappings[i].start > address)
		return NULL;
	return &space->mappings[i];
}

static void insert_mapping(struct address_space *space, size_t at, const struct mapping *mapping)
{
	xgrow(space->mappings, space->mapping_count, space->mapping_capacity);
	memmove(&space->mappings[at + 1], &space->mappings[at],
		(space->mapping_count - at) * sizeof(*space->mappings));
	space->mappings[at] = *mapping;
	space->mapping_count++;
}

static void remove_mapping(struct address_space *space, size_t at)
{
	space->mapping_count--;
	memmove(&space->mappings[at], &space->mappings[at + 1],
		(space->mapping_count - at) * sizeof(*space->mappings));
}

/* Cuts [start, end) out of all mappings. Returns whether cached addresses were in there. */
static bool cut_mappings(struct address_space *space, uint64_t start, uint64_t end)
{
	size_t i = first_above(space, start);
	bool was_cached = false;

	while (i < space->mapping_count && space->mappings[i].start < end) {
		struct mapping *mapping = &space->mappings[i];
		struct mapping rest = *mapping;

		was_cached |= mapping->is_cached;
		if (rest.end > end) {
			rest.file_offset += end - rest.start;
			rest.start = end;
			insert_mapping(space, i + 1, &rest);
			mapping = &space->mappings[i];
		}
		if (mapping->start < start) {
			mapping->end = start;
			i++;
		} else {
			remove_mapping(space, i);
		}
		if (rest.start == end)
			break;
	}
	return was_cached;
}

void address_space_map(struct address_space *space, uint64_t start, uint64_t end,
		       uint64_t file_offset, const struct module_identity *identity)
{
	struct mapping mapping = {.start = start, .end = end, .file_offset = file_offset};
	struct module_identity mapped = *identity;
	bool was_cached;

	if (start >= end)
		return;
	mapped.start = start;
	mapped.end = end;
	mapping.module = modules_get(space->modules, &mapped, space->pid);
	was_cached = cut_mappings(space, start, end);
	if (was_cached)
		forget_code(space);
	if (was_cached || space->has_unknown)
		rebuild_cache(space, space->cache_bits, start, end);
	insert_mapping(space, first_above(space, start), &mapping);
}

/* Opens a mapping's module and finds how its run addresses translate. */
static void learn_mapping(struct mapping *mapping)
{
	const struct module *module = mapping->module;
	uint64_t elf_address;

	mapping->is_known = true;
	module_open(mapping->module);
	if (module->kind == PROFILE_MODULE_JIT)
		return;
	/* The kernel maps the whole vDSO and reports an offset without meaning. */
	if (module->kind == PROFILE_MODULE_VDSO)
		mapping->file_offset = 0;
	mapping->has_rules = module_elf_address(module, mapping->file_offset, &elf_address);
	mapping->bias = mapping->start - (mapping->has_rules ? elf_address : mapping->file_offset);
}

/* ---- looking up --------------------------------------------------------------------------- */

static void learn_address(struct address_space *space, uint64_t address, struct code_address *code)
{
	struct mapping *mapping = find_mapping(space, address);
	uint64_t elf_address;

	*code = (struct code_address){.address = address, .kind = PROFILE_MODULE_UNKNOWN};
	if (!mapping) {
		uint32_t module =
			profile_module(space->profile, PROFILE_MODULE_UNKNOWN, "[unknown]", NULL);

		space->has_unknown = true;
		code->frame = profile_frame(space->profile, module, address);
		return;
	}
	if (!mapping->is_known)
		learn_mapping(mapping);
	mapping->is_cached = true;
	elf_address = address - mapping->bias;
	code->kind = (uint8_t)mapping->module->kind;
	code->frame = profile_frame(space->profile, mapping->module->id, elf_address);
	if (!mapping->has_rules)
		return;
	module_rule(mapping->module, elf_address, &code->rule, &code->stack);
	code->is_before_root = module_is_before_root(mapping->module, elf_address);
	code->is_entry = code->rule.kind == CFI_NO_RULE &&
			 elf_address - mapping->module->entry < ENTRY_BYTES;
}

static __attribute__((noinline)) const struct code_address *find_new(struct address_space *space,
								     uint64_t address)
{
	struct code_address *code = &space->zero;

	if (address) {
		if (space->cache_count >= (size_t)1 << (space->cache_bits - 1))
			rebuild_cache(space, space->cache_bits + 1, 0, 0);
		space->cache_count++;
		code = cache_entry(space, address);
	}
	learn_address(space, address, code);
	return code;
}

const struct code_address *address_space_find(struct address_space *space, uint64_t address)
{
	const struct code_address *code = cache_entry(space, address);

	return address && code->address ? code : find_new(space, address);
}

bool address_space_function(struct address_space *space, uint64_t address, uint64_t *start)
{
	const struct mapping *mapping;
	uint64_t elf_start;

	address_space_find(space, address); /* opens the module */
	mapping = find_mapping(space, address);
	if (!mapping || !mapping->has_rules ||
	    !module_function_start(mapping->module, address - mapping->bias, &elf_start))
		return false;
	*start = elf_start + mapping->bias;
	return true;
}

bool address_space_call_target(struct address_space *space, uint64_t return_address,
			       uint64_t *target)
{
	const struct mapping *mapping = find_mapping(space, return_address - 1);
	uint8_t code[5]; /* e8 and a 32-bit distance */
	int32_t distance;

	if (!mapping || !mapping->has_rules ||
	    module_read(mapping->module, return_address - sizeof(code) - mapping->bias, code,
			sizeof(code)) != sizeof(code) ||
	    code[0] != 0xe8)
		return false;
	memcpy(&distance, code + 1, sizeof(distance));
	*target = return_address + (uint64_t)(int64_t)distance;
	return true;
}

/* ---- code without call frame information --------------------------------------------------- */

static size_t read_file(void *context, uint64_t address, uint8_t *buffer, size_t bytes)
{
	const struct mapping *mapping = context;

	return module_read(mapping->module, address, buffer, bytes);
}

/* Page by page, since what is not there ends the rest of a piece. */
static size_t read_process(void *context, uint64_t address, uint8_t *buffer, size_t bytes)
{
	const struct address_space *space = context;
	uint64_t room = PAGE_BYTES - address % PAGE_BYTES;
	size_t first = bytes < room ? bytes : (size_t)room;
	struct iovec local = {buffer, bytes};
	struct iovec remote[2] = {
		{(void *)(uintptr_t)address, first},
		{(void *)(uintptr_t)(address + first), bytes - first}, /* NOLINT: not ours */
	};
	ssize_t count = process_vm_readv(space->pid, &local, 1, remote, 2, 0);

	return count > 0 ? (size_t)count : 0;
}

/* Reads the code of a mapping that is known, at a run address. */
static size_t read_code(struct address_space *space, struct mapping *mapping, uint64_t address,
			uint8_t *buffer, size_t bytes)
{
	return mapping->has_rules ? read_file(mapping, address - mapping->bias, buffer, bytes)
				  : read_process(space, address, buffer, bytes);
}

/* Finds what is known of the code at @address, in @mapping. Borrowed until the next call. */
static struct code_reading *find_reading(struct address_space *space, struct mapping *mapping,
					 uint64_t address)
{
	struct code_cache *cache = &space->filed;
	uint32_t *id;

	if (!mapping->is_known)
		learn_mapping(mapping);
	mapping->is_cached = true;
	if (!mapping->has_rules) {
		cache = &space->generated;
		if (space->generated_uses++ == GENERATED_USES)
			forget_generated(space);
	}
	id = id_table_slot(&cache->ids, address, 0);
	if (!*id) {
		xgrow(cache->readings, cache->count, cache->capacity);
		cache->readings[cache->count++] = (struct code_reading){0};
		*id = (uint32_t)cache->count;
	}
	return &cache->readings[*id - 1];
}

/* By what follows up to the return, else by what came before. */
static void learn_filed(struct mapping *mapping, uint64_t elf_address, struct cfi_rule *rule)
{
	struct module *module = mapping->module;
	uint64_t start;

	if (epilogue_rule(&module->epilogues, read_file, mapping, elf_address, rule))
		return;
	function_starts_read(&module->starts, module->fd);
	/* Where one begins just here it may be that one, or the end of the one before. */
	if (function_starts_find(&module->starts, elf_address, &start) && start != elf_address)
		epilogue_rule_from_start(read_file, mapping, start, elf_address, rule);
}

static struct cfi_rule learn_epilogue(struct address_space *space, struct mapping *mapping,
				      uint64_t ip)
{
	struct cfi_rule rule = {.kind = CFI_NO_RULE};

	if (mapping->has_rules)
		learn_filed(mapping, ip - mapping->bias, &rule);
	else
		epilogue_rule(&space->stretches, read_process, space, ip, &rule);
	return rule;
}

const struct cfi_rule *address_space_epilogue(struct address_space *space, uint64_t ip)
{
	static const struct cfi_rule none = {.kind = CFI_NO_RULE};
	struct mapping *mapping = find_mapping(space, ip);
	struct code_reading *reading;

	if (!mapping)
		return &none;
	reading = find_reading(space, mapping, ip);
	if (!reading->has_rule)
		reading->rule = learn_epilogue(space, mapping, ip);
	reading->has_rule = true;
	return &reading->rule;
}

/* Returns the bytes of the indirect call (ff /2) at @code, of which 8 can be read, without its
 * prefixes; 0 when it is none. Source: Intel SDM volume 2, table 2-2. */
static size_t indirect_call_bytes(const uint8_t *code)
{
	unsigned int mode = code[1] >> 6, memory = code[1] & 7;
	size_t bytes = 2;
	bool is_absolute = memory == 5;

	if (code[0] != 0xff || (code[1] >> 3 & 7) != 2)
		return 0;
	if (mode == 3)
		return bytes;
	if (memory == 4) { /* a byte for base and index */
		bytes++;
		is_absolute = (code[2] & 7) == 5;
	}
	if (mode == 1)
		return bytes + 1;
	return bytes + (mode == 2 || is_absolute ? 4 : 0);
}

/* Says whether the last of @count bytes end a call instruction. */
static bool ends_with_call(const uint8_t *code, size_t count)
{
	uint8_t padded[2 * LONGEST_CALL] = {0};

	memcpy(padded, code, count);
	if (count >= 5 && code[count - 5] == 0xe8)
		return true;
	for (size_t bytes = 2; bytes <= count; bytes++)
		if (indirect_call_bytes(padded + count - bytes) == bytes)
			return true;
	return false;
}

bool address_space_follows_call(struct address_space *space, uint64_t address)
{
	struct mapping *mapping = find_mapping(space, address - 1);
	struct code_reading *reading;
	uint8_t code[LONGEST_CALL];

	if (!mapping)
		return false;
	reading = find_reading(space, mapping, address);
	for (size_t bytes = sizeof(code); !reading->has_call && bytes >= 2; bytes--) {
		if (address - mapping->start < bytes ||
		    read_code(space, mapping, address - bytes, code, bytes) != bytes)
			continue;
		reading->follows_call = ends_with_call(code, bytes);
		reading->has_call = true;
	}
	reading->has_call = true;
	return reading->follows_call;
}
