/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/resolve/go_table.c, and of walks and names that rest on it, on a program
 * assembled to look as Go's (tests/fixtures/go_table.S). tests/cli has a real one.
 */
#include "collector/resolve/go_table.h"

#include "collector/resolve/module.h"
#include "collector/resolve/symbols.h"
#include "collector/resolve/unwind.h"
#include "tests/unit/collector/module_suite.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT 0x401000
/* Offsets of its functions. */
enum {
	WORK = 0,
	SYSTEMSTACK = 0x40,
	MCALL = 0x80,
	GOEXIT = 0xc0,
	NANOTIME = 0x100,
	SIGRETURN = 0x140
};

TestSuite(go_table, .init = setup, .fini = teardown, .timeout = 60);

/* Assembles the program with further @flags and opens it. */
static struct module *open_program(const char *flags)
{
	struct module_identity identity = {0};
	struct module *module;
	char command[400];
	char *path = fixture_path("program");

	snprintf(command, sizeof(command),
		 "gcc -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=%#x %s -o $F/program "
		 "tests/fixtures/go_table.S && strip $F/program",
		 TEXT, flags);
	cr_assert(fixture_run(command));
	identity.path = path;
	module = modules_get(modules, &identity, getpid());
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	free(path);
	return module;
}

#define GO_1_18 "-DTEXT_START=0x401000"

static enum go_stack rule_at(const struct module *module, uint64_t offset, struct cfi_rule *rule)
{
	enum go_stack stack;

	module_rule(module, TEXT + offset, rule, &stack);
	return stack;
}

static void assert_rule(const struct module *module, uint64_t offset, uint8_t reg, int32_t cfa,
			enum cfi_saved bp)
{
	struct cfi_rule rule;

	rule_at(module, offset, &rule);
	cr_assert_eq(rule.kind, CFI_REGISTER, "at %#lx", offset);
	cr_assert_eq(rule.cfa_register, reg, "at %#lx", offset);
	cr_assert_eq(rule.cfa_offset, cfa, "at %#lx: %d", offset, rule.cfa_offset);
	cr_assert_eq(rule.bp_saved, bp, "at %#lx", offset);
	cr_assert_eq(rule.ip_offset, -8);
}

static void assert_rules(const struct module *module)
{
	struct cfi_rule rule;

	assert_rule(module, WORK, CFI_SP, 8, CFI_SAME);
	assert_rule(module, WORK + 3, CFI_SP, 8, CFI_SAME);
	assert_rule(module, WORK + 4, CFI_SP, 32, CFI_AT_CFA);
	assert_rule(module, WORK + 59, CFI_SP, 32, CFI_AT_CFA);
	assert_rule(module, WORK + 60, CFI_SP, 8, CFI_SAME);
	cr_assert_eq(rule_at(module, WORK + 4, &rule), GO_STACK_KEPT);
	assert_rule(module, SYSTEMSTACK, CFI_SP, 8, CFI_SAME);
	cr_assert_eq(rule_at(module, SYSTEMSTACK, &rule), GO_STACK_SWITCHED);
	cr_assert_eq(rule_at(module, MCALL, &rule), GO_STACK_LEFT);
	assert_rule(module, NANOTIME + 10, CFI_BP, 16, CFI_AT_CFA);
	cr_assert_eq(rule_at(module, NANOTIME + 10, &rule), GO_STACK_SWITCHED);
	rule_at(module, GOEXIT, &rule);
	cr_assert_eq(rule.kind, CFI_END);
	/* The first instruction of the trampoline, and what a return to it looks for. */
	for (uint64_t i = SIGRETURN - 1; i <= SIGRETURN; i++) {
		rule_at(module, i, &rule);
		cr_assert_eq(rule.kind, CFI_SIGNAL);
		cr_assert(rule.is_signal);
	}
	cr_assert_eq(rule_at(module, SIGRETURN + 1, &rule), GO_STACK_KEPT);
	cr_assert_eq(rule_at(module, 0x1000, &rule), GO_STACK_NONE);
	cr_assert_eq(rule.kind, CFI_NO_RULE);
}

Test(go_table, gives_rules)
{
	assert_rules(open_program(GO_1_18));
}

Test(go_table, knows_the_layout_of_go_1_20)
{
	assert_rules(open_program(GO_1_18 " -DMAGIC=0xfffffff1"));
}

Test(go_table, counts_from_the_code_where_the_loader_fills_in_the_start)
{
	assert_rules(open_program("-DTEXT_START=0"));
}

Test(go_table, is_not_read_in_layouts_it_does_not_know)
{
	cr_assert_null(open_program(GO_1_18 " -DMAGIC=0xfffffffb")->go);
}

Test(go_table, names_functions_of_stripped_programs)
{
	const struct module *module = open_program(GO_1_18);
	uint32_t frame = profile_frame(profile, module->id, TEXT + MCALL + 5);
	const struct profile_function *function;

	symbols_name(modules, profile);
	function = &profile->functions[profile->lines[profile->frames[frame].first_line].function];
	cr_assert_str_eq(function->name, "runtime.mcall");
	cr_assert(function->named);
}

/* ---- walks --------------------------------------------------------------------------------- */

#define SYSTEM_STACK 0x7000000
#define GOROUTINE    0xc000000

static uint64_t words[64];
static uint32_t frames[UNWIND_DEPTH];
static enum profile_ending ending;

/* A walk that begins in main.work, called at @words[3] by @caller on the system's stack. */
static uint32_t walk(uint64_t caller, const uint64_t *callers, size_t caller_count)
{
	struct address_space *space = address_space_new(profile, modules, getpid());
	char *path = fixture_path("program");
	struct module_identity identity = {.path = path};
	struct unwind_sample sample = {
		.stack = (const uint8_t *)words,
		.stack_bytes = sizeof(words),
		.callers = callers,
		.caller_count = caller_count,
	};
	uint32_t count;

	address_space_map(space, TEXT, TEXT + 0x1000, 0x1000, &identity);
	sample.registers[CFI_SP] = SYSTEM_STACK;
	sample.registers[CFI_IP] = TEXT + WORK + 10;
	sample.registers[CFI_BP] = SYSTEM_STACK + 16;
	words[2] = GOROUTINE; /* the caller's bp */
	words[3] = TEXT + caller;
	count = unwind_walk(space, NULL, 0, &sample, frames, &ending);
	address_space_free(space);
	free(path);
	return count;
}

static uint64_t offset_of(uint32_t i)
{
	return profile->frames[frames[i]].address - TEXT;
}

Test(go_table, a_walk_ends_at_the_first_function_of_a_goroutine)
{
	open_program(GO_1_18);
	cr_assert_eq(walk(GOEXIT + 1, NULL, 0), 2);
	cr_assert_eq(ending, PROFILE_ENDING_COMPLETE);
}

Test(go_table, a_walk_ends_where_a_thread_returned_to_its_scheduler)
{
	open_program(GO_1_18);
	cr_assert_eq(walk(MCALL + 1, NULL, 0), 2);
	cr_assert_eq(ending, PROFILE_ENDING_COMPLETE);
}

Test(go_table, a_walk_crosses_to_the_goroutine_by_the_kernels_chain)
{
	/* systemstack's caller has no part in the chain; a call instruction names it. */
	const uint64_t callers[] = {TEXT + WORK + 10, TEXT + SYSTEMSTACK + 1,
				    TEXT + SYSTEMSTACK + 37, TEXT + GOEXIT + 1};

	open_program(GO_1_18);
	cr_assert_eq(walk(SYSTEMSTACK + 1, callers, 4), 5);
	cr_assert_eq(ending, PROFILE_ENDING_GUESSED);
	cr_assert_eq(offset_of(1), SYSTEMSTACK);
	cr_assert_eq(offset_of(2), WORK, "the target of the call");
	cr_assert_eq(offset_of(3), SYSTEMSTACK + 36);
	cr_assert_eq(offset_of(4), GOEXIT);
}

Test(go_table, a_chain_that_does_not_reach_the_root_is_not_used)
{
	const uint64_t callers[] = {TEXT + WORK + 10, TEXT + SYSTEMSTACK + 1, TEXT + WORK + 37};
	const uint64_t elsewhere[] = {TEXT + WORK + 10, TEXT + GOEXIT + 1};
	const uint64_t unmapped[] = {TEXT + WORK + 10, TEXT + SYSTEMSTACK + 1, 0x123456,
				     TEXT + GOEXIT + 1};

	open_program(GO_1_18);
	cr_assert_eq(walk(SYSTEMSTACK + 1, callers, 3), 2);
	cr_assert_eq(ending, PROFILE_ENDING_TRUNCATED);
	cr_assert_eq(walk(SYSTEMSTACK + 1, elsewhere, 2), 2);
	cr_assert_eq(ending, PROFILE_ENDING_TRUNCATED);
	cr_assert_eq(walk(SYSTEMSTACK + 1, unmapped, 4), 2);
	cr_assert_eq(ending, PROFILE_ENDING_TRUNCATED);
	cr_assert_eq(walk(SYSTEMSTACK + 1, NULL, 0), 2);
	cr_assert_eq(ending, PROFILE_ENDING_TRUNCATED);
}

/* ---- damaged tables ------------------------------------------------------------------------ */

Test(go_table, survives_any_damage)
{
	struct elf_image image;
	char *path;
	FILE *file;
	uint8_t bytes[16384], damaged[16384];
	size_t count;

	open_program(GO_1_18);
	path = fixture_path("program");
	file = fopen(path, "rb");
	count = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	free(path);
	for (size_t at = 0x2000; at < 0x21e0; at++)
		for (int value = 0; value < 4; value++) {
			static const uint8_t values[] = {0, 0x7f, 0x80, 0xff};
			struct go_table *table;

			memcpy(damaged, bytes, count);
			damaged[at] = values[value];
			cr_assert_eq(elf_image_init(&image, -1, damaged, count, NULL), 0);
			table = go_table_new(&image);
			for (uint64_t offset = 0; table && offset < 0x180; offset += 5) {
				enum go_stack stack;
				struct cfi_rule rule;
				const char *name;
				uint64_t start;

				go_table_rule(table, TEXT + offset, &rule, &stack);
				go_table_function(table, TEXT + offset, &start, &name);
			}
			go_table_free(table);
			elf_image_done(&image);
		}
}
