/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/resolve/module.c, elf_image.c and module_cfi.c: on real files of this machine
 * (libc and the test program itself) and on damaged copies of them.
 */
#include "collector/resolve/module.h"
#include "collector/resolve/elf_image.h"
#include "collector/base/xalloc.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct profile *profile;
static struct modules *modules;
static enum go_stack stack; /* that module_rule told last */
static char folder[] = "/tmp/simprof-module.XXXXXX";

static void setup(void)
{
	profile = profile_new();
	modules = modules_new(profile);
	cr_assert(mkdtemp(folder));
}

static void teardown(void)
{
	char command[PATH_MAX];

	modules_free(modules);
	profile_free(profile);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(module, .init = setup, .fini = teardown);

/* The file that holds a function of libc. */
static const char *libc_path(void)
{
	Dl_info info;

	cr_assert(dladdr((void *)(uintptr_t)qsort, &info));
	return info.dli_fname;
}

static uint64_t inode_of(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0, "%s", path);
	return status.st_ino;
}

static struct module *get(const char *path, uint64_t inode)
{
	struct module_identity identity = {.path = path, .inode = inode};

	return modules_get(modules, &identity, getpid());
}

/* Reads a whole file; the caller frees. */
static uint8_t *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;

	cr_assert(file);
	fseek(file, 0, SEEK_END);
	*bytes = (size_t)ftell(file);
	rewind(file);
	data = malloc(*bytes);
	cr_assert_eq(fread(data, 1, *bytes, file), *bytes);
	fclose(file);
	return data;
}

/* Writes a file into the test's folder and returns its path, valid until the next call. */
static const char *write_file(const char *name, const void *data, size_t bytes)
{
	static char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	cr_assert(file);
	cr_assert_eq(fwrite(data, 1, bytes, file), bytes);
	fclose(file);
	return path;
}

Test(module, opens_the_file_that_was_mapped)
{
	struct module *module = get(libc_path(), inode_of(libc_path()));

	cr_expect_eq(module->id, 0);
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	cr_expect_eq(module_open(module), 0);
	cr_expect_eq(module->kind, PROFILE_MODULE_ELF);
	cr_expect_geq(module->fd, 0);
	cr_expect_null(module->problem);
	cr_expect_eq(module->segment_count, 1);
	cr_expect_gt(module->cfi[0].table_count, 1000);
	cr_expect_eq(modules_find(modules, module->id), module);
	cr_expect_str_eq(profile->modules[module->id].path, libc_path());
	cr_expect_eq(strlen(profile->modules[module->id].build_id), 40);
}

/* Maps a copy of libc, then puts another file in its place. Returns the mapping. */
static char *map_and_replace(const char **path, uint64_t *inode)
{
	size_t bytes;
	uint8_t *data = read_file(libc_path(), &bytes);
	char *mapped;
	int fd;

	*path = write_file("mapped.so", data, bytes);
	*inode = inode_of(*path);
	fd = open(*path, O_RDONLY);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	free(data);
	cr_assert_neq(mapped, MAP_FAILED);
	cr_assert_eq(unlink(*path), 0);
	write_file("mapped.so", "other", 5);
	return mapped;
}

Test(module, finds_the_file_behind_the_mapping_when_another_took_its_place)
{
	const char *path;
	uint64_t inode;
	char *mapped = map_and_replace(&path, &inode);
	struct module_identity identity = {.path = path,
					   .inode = inode,
					   .start = (uint64_t)(uintptr_t)mapped,
					   .end = (uint64_t)(uintptr_t)mapped + 4096};
	struct module *module = modules_get(modules, &identity, getpid());

	if (geteuid() != 0)
		cr_skip_test("only root may look behind mappings");
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	cr_expect_gt(module->cfi[0].table_count, 1000);
	modules_describe(modules);
	cr_expect_eq(profile_number(profile, "file_problems", -1), 0);
}

Test(module, says_which_files_could_not_be_used)
{
	const char *path;
	uint64_t inode;

	map_and_replace(&path, &inode);
	cr_assert_neq(module_open(get(path, inode)), 0);
	modules_describe(modules);
	cr_expect_eq(profile_number(profile, "file_problems", -1), 1);
	cr_expect(strstr(profile_text(profile, "file_problem", ""), "mapped.so"));
}

Test(module, is_another_one_on_another_file_system)
{
	struct module_identity identity = {.path = "/nowhere/app", .inode = 5, .device = 1};
	struct profile *own = profile_new();
	struct modules *both = modules_new(own);
	const struct module *first = modules_get(both, &identity, 0);

	cr_expect_eq(modules_get(both, &identity, 0), first);
	identity.device = 2;
	cr_expect_neq(modules_get(both, &identity, 0), first);
	identity.device = 0;
	cr_expect_eq(modules_get(both, &identity, 0), first, "one that is not known is any");
	modules_free(both);
	profile_free(own);
}

Test(module, is_the_same_for_the_same_identity)
{
	struct module *module = get("/some/file", 7);

	cr_expect_eq(get("/some/file", 7), module);
	cr_expect_neq(get("/some/file", 8), module);
	cr_expect_neq(get("/some/other", 7), module);
	cr_expect_eq(get("[heap]", 1), get("[heap]", 2), "generated code has no inode");
}

Test(module, translates_offsets_of_executable_segments)
{
	struct module *module = get(libc_path(), 0);
	const struct module_segment *segment;
	uint64_t elf_address;

	cr_assert_eq(module_open(module), 0);
	segment = &module->segments[0];
	cr_assert(module_elf_address(module, segment->offset + 0x123, &elf_address));
	cr_expect_eq(elf_address, segment->address + 0x123);
	cr_expect_not(module_elf_address(module, 0, &elf_address));
	cr_expect_not(module_elf_address(module, segment->offset + segment->bytes, &elf_address));
}

Test(module, knows_where_functions_begin)
{
	struct module *module = get(libc_path(), 0);
	uint64_t start, offset;
	Dl_info info;

	cr_assert(dladdr((void *)(uintptr_t)qsort, &info));
	offset = (uint64_t)((char *)info.dli_saddr - (char *)info.dli_fbase);
	cr_assert_eq(module_open(module), 0);
	cr_assert(module_function_start(module, offset + 3, &start));
	cr_expect_eq(start, offset);
	cr_expect_not(module_function_start(module, 0, &start));
}

/* ---- identity ----------------------------------------------------------------------------- */

Test(module, refuses_a_file_that_was_replaced)
{
	size_t bytes;
	uint8_t *data = read_file(libc_path(), &bytes);
	const char *path = write_file("replaced.so", data, bytes);
	struct module *module = get(path, inode_of(path) + 1);

	cr_assert_eq(module_open(module), -1);
	cr_expect_eq(module_open(module), -1);
	cr_expect_eq(module->fd, -1);
	cr_expect(strstr(module->problem, path));
	cr_expect(strstr(module->problem, "replaced"), "%s", module->problem);
	cr_expect_eq(module->cfi[0].bytes, 0);
	cr_expect_neq(module->id, 0, "its frames still need a module");
	free(data);
}

Test(module, believes_the_build_id_more_than_the_inode)
{
	size_t bytes;
	uint8_t *data = read_file(libc_path(), &bytes);
	const char *path = write_file("copy.so", data, bytes);
	struct module_identity identity = {.path = path, .inode = 1, .build_id_bytes = 20};
	struct elf_image image;

	cr_assert_eq(elf_image_init(&image, -1, data, bytes, NULL), 0);
	cr_assert_eq(elf_image_build_id(&image, identity.build_id), 20);
	elf_image_done(&image);
	cr_expect_eq(module_open(modules_get(modules, &identity, getpid())), 0);
	identity.build_id[19] ^= 1;
	identity.inode = inode_of(path);
	cr_expect_eq(module_open(modules_get(modules, &identity, getpid())), -1);
	free(data);
}

Test(module, keeps_two_files_of_one_path_apart)
{
	static const char empty[64 + 56 * 1] = "\x7f"
					       "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1";
	uint8_t header[sizeof(empty)];
	Elf64_Ehdr *elf = (Elf64_Ehdr *)header;
	const char *path;
	struct module *first, *second;

	memcpy(header, empty, sizeof(header));
	elf->e_phoff = sizeof(*elf);
	elf->e_phentsize = sizeof(Elf64_Phdr);
	elf->e_phnum = 1;
	path = write_file("same", header, sizeof(header));
	first = get(path, inode_of(path));
	cr_assert_eq(module_open(first), 0, "%s", first->problem);
	/* the old inode is still in use, by the open module */
	cr_assert_eq(unlink(path), 0);
	path = write_file("same", header, sizeof(header));
	second = get(path, inode_of(path));
	cr_assert_neq(first, second);
	cr_assert_eq(module_open(second), 0, "%s", second->problem);
	cr_expect_neq(first->id, second->id);
}

/* Runs a copy of `sleep` that deletes its own file's name before we look. */
static pid_t run_deleted(char *path, size_t size)
{
	size_t bytes;
	uint8_t *data = read_file("/bin/sleep", &bytes);
	pid_t pid;

	snprintf(path, size, "%s", write_file("deleted", data, bytes));
	free(data);
	chmod(path, 0755);
	pid = fork();
	if (!pid) {
		execl(path, path, "60", (char *)NULL);
		_exit(127);
	}
	return pid;
}

Test(module, finds_a_deleted_main_program)
{
	char path[PATH_MAX], link[64], target[PATH_MAX];
	struct module_identity identity = {.path = path};
	struct module *module;
	ssize_t length = 0;
	pid_t pid = run_deleted(path, sizeof(path));

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	for (int i = 0; i < 500; i++) {
		length = readlink(link, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (strcmp(target, path) == 0)
			break;
		usleep(10000);
	}
	cr_assert_str_eq(target, path);
	identity.inode = inode_of(path);
	unlink(path);
	strcat(path, " (deleted)");
	module = modules_get(modules, &identity, pid);
	cr_expect_eq(module_open(module), 0, "%s", module->problem);
	cr_expect_gt(module->cfi[0].table_count, 10);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* now nothing is left of it */
	identity.inode++;
	module = modules_get(modules, &identity, pid);
	cr_expect_eq(module_open(module), -1);
	cr_expect(strstr(module->problem, "No such file"), "%s", module->problem);
}

Test(module, says_why_a_file_is_of_no_use)
{
	static const struct {
		const char *path, *says;
	} rows[] = {
		{"/nowhere/at/all", "No such file"},
		{"/tmp", "no regular file"},
		{"/dev/null", "no regular file"},
		{"/proc/self/status", "not an ELF file"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct module *module = get(rows[i].path, 0);

		cr_assert_eq(module_open(module), -1, "%s", rows[i].path);
		cr_expect(strstr(module->problem, rows[i].says), "%s", module->problem);
	}
}

Test(module, takes_what_is_no_file_for_generated_code)
{
	static const char *const paths[] = {"//anon",
					    "[heap]",
					    "[stack]",
					    "/memfd:code (deleted)",
					    "anon_inode:[perf_event]",
					    "/dev/zero (deleted)",
					    ""};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct module *module = get(paths[i], 0);
		struct cfi_rule rule;

		cr_expect_eq(module->kind, PROFILE_MODULE_JIT, "%s", paths[i]);
		cr_expect_eq(module_open(module), 0);
		module_rule(module, 0x1000, &rule, &stack);
		cr_expect_eq(rule.kind, CFI_NO_RULE);
	}
}

Test(module, reads_the_vdso_from_its_own_memory)
{
	struct module *module = get("[vdso]", 0);
	size_t rules = 0;

	cr_assert_eq(module->kind, PROFILE_MODULE_VDSO);
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	cr_assert_eq(module->segment_count, 1);
	for (uint64_t i = 0; i < module->segments[0].bytes; i += 16) {
		struct cfi_rule rule;

		module_rule(module, module->segments[0].address + i, &rule, &stack);
		rules += rule.kind == CFI_REGISTER;
	}
	cr_expect_gt(rules, 16);
}

/* ---- rules -------------------------------------------------------------------------------- */

/* Asks for the rules at every 37th byte of a module's code. */
static size_t collect_rules(const struct module *module, struct cfi_rule *rules, size_t room)
{
	const struct module_segment *segment = &module->segments[0];
	size_t count = 0;

	for (uint64_t i = 0; i < segment->bytes && count < room; i += 37)
		module_rule(module, segment->address + i, &rules[count++], &stack);
	return count;
}

#define RULES 60000

/* Damages a copy of libc in a way that leaves its call frame information whole, and expects the
 * same rules from it. */
static void expect_same_rules(const char *name, void (*damage)(uint8_t *elf))
{
	size_t bytes, count;
	uint8_t *data = read_file(libc_path(), &bytes);
	struct cfi_rule *good = xcalloc(RULES, sizeof(*good));
	struct cfi_rule *rules = xcalloc(RULES, sizeof(*rules));
	struct module *module = get(libc_path(), 0);

	cr_assert_eq(module_open(module), 0);
	count = collect_rules(module, good, RULES);
	damage(data);
	module = get(write_file(name, data, bytes), 0);
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	cr_assert_eq(collect_rules(module, rules, RULES), count);
	for (size_t i = 0; i < count; i++)
		cr_assert_arr_eq(&good[i], &rules[i], sizeof(rules[i]), "rule %zu of %s", i, name);
	free(data);
	free(good);
	free(rules);
}

static void drop_header(uint8_t *elf)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)elf;
	Elf64_Phdr *segments = (Elf64_Phdr *)(elf + header->e_phoff);

	for (size_t i = 0; i < header->e_phnum; i++)
		if (segments[i].p_type == PT_GNU_EH_FRAME)
			segments[i].p_type = PT_NULL;
}

static void drop_sections(uint8_t *elf)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)elf;

	header->e_shnum = 0;
	header->e_shoff = 0;
}

Test(module, scans_a_file_without_a_search_table)
{
	expect_same_rules("no-header.so", drop_header);
}

Test(module, needs_no_section_headers)
{
	expect_same_rules("no-sections.so", drop_sections);
}

/* What libdw says of one register, in the words of a rule. Where nothing is said of bx, libdw 0.188
 * calls it undefined (its list of registers that a call preserves has 0 in the place of bx); the
 * ABI preserves it. */
static enum cfi_saved their_saved(Dwarf_Frame *frame, int number, int64_t *offset)
{
	Dwarf_Op memory[3], *operations;
	size_t count;

	if (dwarf_frame_register(frame, number, memory, &operations, &count) != 0)
		return CFI_LOST;
	if (!count)
		return operations == memory && number != CFI_BX ? CFI_LOST : CFI_SAME;
	if (operations[0].atom == DW_OP_call_frame_cfa) {
		*offset = count > 1 && operations[1].atom == DW_OP_plus_uconst
				  ? (int64_t)operations[1].number
				  : 0;
		return CFI_AT_CFA;
	}
	*offset = (int64_t)operations[0].number;
	return operations[0].atom == DW_OP_regx ? CFI_IN_REGISTER : CFI_CFA_PLUS;
}

Test(module, agrees_with_libdw_on_every_rule_of_libc)
{
	struct module *module = get(libc_path(), 0);
	size_t compared = 0, saved = 0;
	Dwarf_CFI *cfi;
	Elf *elf;

	cr_assert_eq(module_open(module), 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(module->fd, ELF_C_READ, NULL);
	cfi = dwarf_getcfi_elf(elf);
	cr_assert(cfi);
	for (uint64_t i = 0; i < module->segments[0].bytes; i += 7) {
		uint64_t address = module->segments[0].address + i;
		int64_t bp = 0, bx = 0, ip = 0;
		Dwarf_Frame *frame = NULL;
		struct cfi_rule rule;
		Dwarf_Op *cfa;
		size_t count;

		module_rule(module, address, &rule, &stack);
		if (dwarf_cfi_addrframe(cfi, address, &frame) != 0) {
			cr_assert_eq(rule.kind, CFI_NO_RULE, "%llx", (unsigned long long)address);
			continue;
		}
		if (rule.kind == CFI_REGISTER) {
			enum cfi_saved bp_saved = their_saved(frame, CFI_BP, &bp);
			enum cfi_saved bx_saved = their_saved(frame, CFI_BX, &bx);

			cr_assert_eq(dwarf_frame_cfa(frame, &cfa, &count), 0);
			cr_assert_eq(count, 1);
			cr_assert_eq(cfa[0].atom, DW_OP_bregx, "%x", cfa[0].atom);
			cr_assert_eq(cfa[0].number, rule.cfa_register);
			cr_assert_eq((int64_t)cfa[0].number2, rule.cfa_offset);
			cr_assert_eq(bp_saved, rule.bp_saved, "%llx: %d, not %d",
				     (unsigned long long)address, bp_saved, rule.bp_saved);
			cr_assert_eq(bx_saved, rule.bx_saved, "%llx: %d, not %d",
				     (unsigned long long)address, bx_saved, rule.bx_saved);
			if (bp_saved != CFI_SAME)
				cr_assert_eq(bp, rule.bp_offset);
			if (bx_saved != CFI_SAME)
				cr_assert_eq(bx, rule.bx_offset);
			if (rule.ip_saved == CFI_AT_CFA) {
				cr_assert_eq(their_saved(frame, CFI_IP, &ip), CFI_AT_CFA);
				cr_assert_eq(ip, rule.ip_offset);
			}
			compared++;
			saved += bp_saved == CFI_AT_CFA;
		}
		free(frame);
	}
	dwarf_cfi_end(cfi);
	elf_end(elf);
	cr_expect_gt(compared, 100000);
	cr_expect_gt(saved, 10000);
}

/* ---- hostile files ------------------------------------------------------------------------- */

static void survive(const char *name, const uint8_t *data, size_t bytes)
{
	struct module *module = get(write_file(name, data, bytes), 0);
	struct cfi_rule rule;
	uint64_t start;

	cr_assert_eq(module_open(module) < 0, module->problem != NULL);
	for (uint64_t address = 0; address < 0x4000; address += 61) {
		module_rule(module, address, &rule, &stack);
		cr_assert_leq(rule.kind, CFI_UNSUPPORTED);
		module_function_start(module, address, &start);
	}
}

Test(module, survives_cut_files)
{
	size_t bytes;
	uint8_t *data = read_file("/bin/true", &bytes);
	char name[32];

	for (size_t cut = 0; cut < bytes; cut += cut < 1200 ? 37 : bytes / 50) {
		snprintf(name, sizeof(name), "cut-%zu", cut);
		survive(name, data, cut);
	}
	free(data);
}

Test(module, survives_damaged_headers)
{
	size_t bytes;
	uint8_t *data = read_file("/bin/true", &bytes);
	uint8_t *damaged = malloc(bytes);
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;
	char name[32];

	srandom(3);
	for (int round = 0; round < 300; round++) {
		size_t sections = header->e_shoff;

		memcpy(damaged, data, bytes);
		for (int i = 0; i < 1 + round % 20; i++) {
			size_t at = round % 2 ? 16 + (size_t)random() % (64 + 56 * 13)
					      : sections + (size_t)random() % (64 * 28);

			if (at < bytes)
				damaged[at] = (uint8_t)random();
		}
		snprintf(name, sizeof(name), "damaged-%d", round);
		survive(name, damaged, bytes);
	}
	free(damaged);
	free(data);
}
