/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/symbols.c: files damaged at random, wherever naming reads. */
#include "collector/resolve/symbols.h"

#include "collector/base/xalloc.h"
#include "tests/unit/collector/module_suite.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(symbols_damaged, .init = setup, .fini = teardown, .timeout = 120);

/* What a mutation may hit: everything that naming reads. */
struct target {
	size_t offset, bytes;
};

static size_t list_targets(Elf *elf, struct target *targets, size_t capacity)
{
	size_t count = 0, names;
	Elf_Scn *section = NULL;
	GElf_Ehdr header;

	gelf_getehdr(elf, &header);
	targets[count++] = (struct target){0, sizeof(Elf64_Ehdr)};
	targets[count++] = (struct target){header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)};
	elf_getshdrstrndx(elf, &names);
	while ((section = elf_nextscn(elf, section)) && count < capacity) {
		static const char *const wanted[] = {"debug_", "symtab", "strtab", "dyn",
						     "plt",    "note",	 "link"};
		GElf_Shdr shdr;

		gelf_getshdr(section, &shdr);
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strstr(elf_strptr(elf, names, shdr.sh_name), wanted[i]) &&
			    shdr.sh_size && shdr.sh_type != SHT_NOBITS) {
				targets[count++] = (struct target){shdr.sh_offset, shdr.sh_size};
				break;
			}
	}
	return count;
}

static uint64_t random_state;

static uint64_t random_number(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 20;
}

/* Damages @bytes of a file in one of three ways; returns its new length. */
static size_t mutate(uint8_t *file, size_t bytes, const struct target *target)
{
	uint64_t kind = random_number() % 10;

	if (kind == 0)
		return random_number() % bytes;
	if (kind == 1) {
		for (size_t i = 0; i < target->bytes; i++)
			file[target->offset + i] = (uint8_t)random_number();
		return bytes;
	}
	for (uint64_t i = 0; i < kind; i++) {
		uint8_t *byte = &file[target->offset + random_number() % target->bytes];
		const uint8_t edges[] = {0, 0xff, 0x80, (uint8_t)random_number()};

		*byte = edges[random_number() % 4];
	}
	return bytes;
}

/* Names addresses all over the file; runs in a child, whose end tells how it went. */
static void name_hostile(const char *path)
{
	struct module_identity identity = {.path = path};
	struct module *module = modules_get(modules, &identity, getpid());

	alarm(30); /* against hanging for ever, no measure of speed */
	module_open(module);
	if (module->fd < 0) /* its headers are damaged, yet libelf shall look at it */
		module->fd = open(path, O_RDONLY);
	for (uint64_t address = 0x1000; address < 0x1400; address += 3)
		profile_frame(profile, module->id, address);
	profile_frame(profile, module->id, UINT64_MAX - 1);
	symbols_name(modules, profile);
	for (size_t i = 1; i < profile->frames_count; i++)
		if (profile->frames[i].line_count == 0)
			_exit(1);
	_exit(0);
}

static void survive_mutations(const char *build, int count)
{
	char *original_path, *path = fixture_path("hostile");
	uint8_t *original, *file;
	struct target targets[64];
	size_t bytes, target_count;
	Elf *elf;
	int fd;

	cr_assert(fixture_run(build));
	original_path = fixture_path("program");
	fd = open(original_path, O_RDONLY);
	bytes = (size_t)lseek(fd, 0, SEEK_END);
	original = xmalloc(bytes);
	file = xmalloc(bytes);
	cr_assert_eq(pread(fd, original, bytes, 0), bytes);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	target_count = list_targets(elf, targets, 64);
	cr_assert_gt(target_count, 8);
	elf_end(elf);
	close(fd);
	for (int i = 0; i < count; i++) {
		size_t length;
		int status;
		pid_t child;

		random_state = (uint64_t)i;
		random_number();
		memcpy(file, original, bytes);
		length = mutate(file, bytes, &targets[random_number() % target_count]);
		fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		cr_assert_eq(write(fd, file, length), length);
		close(fd);
		child = fork();
		if (child == 0)
			name_hostile(path);
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0, "mutation %d ends with status %#x", i, status);
	}
	free(file);
	free(original);
	free(original_path);
	free(path);
}

Test(symbols_damaged, leave_no_frame_without_a_name)
{
	survive_mutations("gcc -O2 -gdwarf-5 -o $F/program tests/fixtures/inlined.c", 400);
	survive_mutations("gcc -O2 -gdwarf-4 -o $F/program tests/fixtures/inlined.c", 200);
	survive_mutations("gcc -O2 -g -gz -o $F/program tests/fixtures/inlined.c", 200);
}
