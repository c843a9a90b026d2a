/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/address_space.c. libc and made-up mappings, at addresses of our
 * choice: nothing is read from the address space itself. */
#include "collector/resolve/address_space.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#define BASE 0x7f0000000000

static struct profile *profile;
static struct modules *modules;
static enum go_stack stack; /* that module_rule told last */
static struct address_space *space;
static struct module_identity libc = {0};
static struct module *libc_module;

static void setup(void)
{
	Dl_info info;

	profile = profile_new();
	modules = modules_new(profile);
	space = address_space_new(profile, modules, getpid());
	cr_assert(dladdr((void *)(uintptr_t)qsort, &info));
	libc.path = info.dli_fname;
	libc_module = modules_get(modules, &libc, getpid());
	cr_assert_eq(module_open(libc_module), 0);
}

static void teardown(void)
{
	address_space_free(space);
	modules_free(modules);
	profile_free(profile);
}

TestSuite(address_space, .init = setup, .fini = teardown);

/* Maps libc's code as the loader would, to have elf address 0 at @base. */
static void map_libc(uint64_t base)
{
	const struct module_segment *segment = &libc_module->segments[0];

	address_space_map(space, base + segment->address, base + segment->address + segment->bytes,
			  segment->offset, &libc);
}

static void map_generated(uint64_t start, uint64_t end, const char *path)
{
	address_space_map(space, start, end, start, &(struct module_identity){.path = path});
}

static const struct profile_frame *frame_at(uint64_t address)
{
	uint32_t frame = address_space_find(space, address)->frame;

	return &profile->frames[frame];
}

static const char *path_at(uint64_t address)
{
	uint32_t module = frame_at(address)->module;

	return profile->modules[module].path;
}

Test(address_space, translates_to_elf_addresses_and_rules)
{
	uint64_t inside = libc_module->segments[0].address + 0x5000;
	const struct code_address *code;
	struct cfi_rule rule;

	map_libc(BASE);
	code = address_space_find(space, BASE + inside);
	module_rule(libc_module, inside, &rule, &stack);
	cr_expect_eq(code->kind, PROFILE_MODULE_ELF);
	cr_expect_eq(rule.kind, CFI_REGISTER);
	cr_expect_arr_eq(&code->rule, &rule, sizeof(rule));
	cr_expect_eq(frame_at(BASE + inside)->address, inside);
	cr_expect_eq(frame_at(BASE + inside)->module, libc_module->id);
}

Test(address_space, gives_one_frame_for_one_address_of_two_processes)
{
	struct address_space *other = address_space_new(profile, modules, 1);
	const struct module_segment *segment = &libc_module->segments[0];
	uint32_t frame;

	map_libc(BASE);
	address_space_map(other, 2 * BASE + segment->address,
			  2 * BASE + segment->address + segment->bytes, segment->offset, &libc);
	frame = address_space_find(space, BASE + segment->address + 9)->frame;
	cr_expect_eq(address_space_find(other, 2 * BASE + segment->address + 9)->frame, frame);
	address_space_free(other);
}

Test(address_space, answers_for_addresses_outside_every_mapping)
{
	map_libc(BASE);
	cr_expect_eq(address_space_find(space, 0)->kind, PROFILE_MODULE_UNKNOWN);
	cr_expect_eq(address_space_find(space, UINT64_MAX)->kind, PROFILE_MODULE_UNKNOWN);
	cr_expect_eq(address_space_find(space, BASE)->kind, PROFILE_MODULE_UNKNOWN);
	cr_expect_str_eq(path_at(BASE), "[unknown]");
	cr_expect_eq(frame_at(BASE)->address, BASE);
	cr_expect_eq(address_space_find(space, BASE)->rule.kind, CFI_NO_RULE);
}

Test(address_space, learns_of_a_mapping_after_its_address_was_asked_for)
{
	uint64_t inside = BASE + libc_module->segments[0].address + 100;

	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_UNKNOWN);
	map_libc(BASE);
	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_ELF);
}

Test(address_space, forgets_what_a_new_mapping_covers_and_only_that)
{
	map_generated(0x10000, 0x50000, "//anon");
	for (uint64_t address = 0x10000; address < 0x50000; address += 0x800)
		cr_expect_str_eq(path_at(address), "//anon");
	map_generated(0x20000, 0x30000, "[first]");
	map_generated(0x2f000, 0x38000, "[second]");
	for (uint64_t address = 0x10000; address < 0x50000; address += 0x800)
		cr_expect_str_eq(path_at(address),
				 address < 0x20000   ? "//anon"
				 : address < 0x2f000 ? "[first]"
				 : address < 0x38000 ? "[second]"
						     : "//anon",
				 "%llx", (unsigned long long)address);
	cr_expect_str_eq(path_at(0x50000), "[unknown]");
}

Test(address_space, keeps_file_offsets_right_when_a_mapping_is_cut)
{
	const struct module_segment *segment = &libc_module->segments[0];
	uint64_t start = BASE + segment->address;

	map_libc(BASE);
	map_generated(start + 0x2000, start + 0x4000, "//anon");
	cr_expect_eq(frame_at(start + 0x1fff)->address, segment->address + 0x1fff);
	cr_expect_str_eq(path_at(start + 0x2000), "//anon");
	cr_expect_eq(frame_at(start + 0x4321)->address, segment->address + 0x4321);
	cr_expect_eq(address_space_find(space, start + 0x4321)->kind, PROFILE_MODULE_ELF);
}

Test(address_space, matches_a_plain_table_of_pages)
{
	static const char *const names[] = {"[a]", "[b]", "[c]", "[d]"};
	const char *pages[64] = {0};

	srandom(4);
	for (int round = 0; round < 2000; round++) {
		uint64_t first = (uint64_t)random() % 64;
		uint64_t count = 1 + (uint64_t)random() % (64 - first);
		const char *name = names[random() % 4];
		uint64_t asked = (uint64_t)random() % 64;

		map_generated((1 + first) << 12, (1 + first + count) << 12, name);
		for (uint64_t i = first; i < first + count; i++)
			pages[i] = name;
		for (uint64_t i = 0; i < 8; i++, asked = (asked + 7) % 64)
			cr_assert_str_eq(path_at(((1 + asked) << 12) + 5),
					 pages[asked] ? pages[asked] : "[unknown]");
	}
}

Test(address_space, keeps_thousands_of_addresses_apart)
{
	map_generated(0x100000, 0x900000, "//anon");
	for (int round = 0; round < 2; round++)
		for (uint64_t address = 0x100000; address < 0x900000; address += 0x103)
			cr_assert_eq(frame_at(address)->address, address);
}

Test(address_space, forgets_all_at_exec)
{
	uint64_t inside = BASE + libc_module->segments[0].address;

	map_libc(BASE);
	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_ELF);
	address_space_exec(space);
	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_UNKNOWN);
	map_generated(inside, inside + 4096, "//anon");
	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_JIT);
}

Test(address_space, forks_into_an_independent_copy)
{
	struct address_space *child;
	uint64_t inside = BASE + libc_module->segments[0].address;

	map_libc(BASE);
	address_space_find(space, inside);
	child = address_space_fork(space, 77);
	cr_expect_eq(address_space_pid(child), 77);
	address_space_exec(space);
	cr_expect_eq(address_space_find(child, inside)->kind, PROFILE_MODULE_ELF);
	cr_expect_eq(address_space_find(child, inside + 1)->kind, PROFILE_MODULE_ELF);
	cr_expect_eq(address_space_find(space, inside)->kind, PROFILE_MODULE_UNKNOWN);
	address_space_free(child);
}

Test(address_space, gives_file_offsets_for_a_file_that_cannot_be_opened)
{
	address_space_map(space, 0x10000, 0x20000, 0x3000,
			  &(struct module_identity){.path = "/nowhere/lost.so", .inode = 5});
	cr_expect_eq(frame_at(0x10123)->address, 0x3123);
	cr_expect_eq(address_space_find(space, 0x10123)->kind, PROFILE_MODULE_ELF);
	cr_expect_eq(address_space_find(space, 0x10123)->rule.kind, CFI_NO_RULE);
}

Test(address_space, finds_the_function_around_an_address)
{
	uint64_t bias = (uint64_t)(uintptr_t)qsort, elf_qsort, start;
	Dl_info info;

	cr_assert(dladdr((void *)(uintptr_t)qsort, &info));
	elf_qsort = bias - (uint64_t)(uintptr_t)info.dli_fbase;
	map_libc(BASE);
	cr_assert(address_space_function(space, BASE + elf_qsort + 5, &start));
	cr_expect_eq(start, BASE + elf_qsort);
	cr_expect_not(address_space_function(space, 4711, &start));
}
