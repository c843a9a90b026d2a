/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/module.c: files in memory, which have no name in any file system. */
#include "collector/resolve/module.h"
#include "tests/unit/collector/module_suite.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "/memfd:held (deleted)"

TestSuite(module_memory, .init = setup, .fini = teardown);

/* Returns a file in memory with the same bytes. */
static int copy_of(const char *path)
{
	int held = memfd_create("held", MFD_CLOEXEC);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	cr_assert_eq(fstat(file, &status), 0);
	cr_assert_eq(sendfile(held, file, NULL, (size_t)status.st_size), status.st_size);
	close(file);
	return held;
}

static struct module_identity identity_of(int fd)
{
	struct module_identity identity = {.path = NAME};
	struct stat status;

	cr_assert_eq(fstat(fd, &status), 0);
	identity.inode = status.st_ino;
	return identity;
}

/* Executes a copy of `sleep` in memory; returns when it runs. */
static pid_t execute(int fd)
{
	static char name[] = "sleep", seconds[] = "60";
	static char *arguments[] = {name, seconds, NULL}, *environment[] = {NULL};
	int ends[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		fexecve(fd, arguments, environment);
		_exit(127);
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 0, "closed by the execution");
	close(ends[0]);
	return pid;
}

Test(module_memory, finds_a_program_that_was_executed_from_there)
{
	int fd = copy_of("/bin/sleep");
	struct module_identity identity = identity_of(fd);
	pid_t pid = execute(fd);
	struct module *module = modules_get(modules, &identity, pid);

	cr_expect_eq(module_open(module), 0);
	cr_expect_eq(module->kind, PROFILE_MODULE_ELF);
	cr_expect_gt(module->cfi[0].table_count, 10);
	cr_expect_str_eq(profile->modules[module->id].path, NAME);
	/* Another file of the same name is not the program. */
	identity.inode++;
	module = modules_get(modules, &identity, pid);
	cr_expect_eq(module_open(module), 0);
	cr_expect_eq(module->kind, PROFILE_MODULE_JIT);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

/* Maps a file's first page as code. */
static struct module *map(int fd)
{
	struct module_identity identity = identity_of(fd);
	void *mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	cr_assert_neq(mapped, MAP_FAILED);
	identity.start = (uint64_t)(uintptr_t)mapped;
	identity.end = identity.start + 4096;
	return modules_get(modules, &identity, getpid());
}

Test(module_memory, tells_a_library_from_generated_code_of_the_same_name)
{
	int code = memfd_create("held", MFD_CLOEXEC), more = memfd_create("held", MFD_CLOEXEC);
	int library = copy_of("/proc/self/exe");
	struct module *generated, *loaded, *other;

	if (geteuid() != 0)
		cr_skip_test("only root may look behind mappings");
	cr_assert_eq(ftruncate(code, 4096), 0);
	cr_assert_eq(ftruncate(more, 4096), 0);
	generated = map(code);
	loaded = map(library);
	other = map(more);
	close(code);
	close(library);
	close(more);
	cr_assert_neq(generated, loaded);
	cr_expect_eq(module_open(generated), 0);
	cr_expect_eq(module_open(loaded), 0);
	cr_expect_eq(module_open(other), 0);
	cr_expect_eq(generated->kind, PROFILE_MODULE_JIT);
	cr_expect_eq(loaded->kind, PROFILE_MODULE_ELF);
	cr_expect_gt(loaded->cfi[0].table_count, 1000);
	cr_expect_eq(other->id, generated->id, "a process's generated code of one name");
	cr_expect_neq(loaded->id, generated->id);
}
