/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/module.c: files of processes with another mount namespace. */
#include "collector/resolve/module.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/simprof-mounts.XXXXXX";
static char path[sizeof(folder) + 8];

/* Mounts an empty file system that only we see on the folder; its first file is a copy of @of. */
static void mount_copy(const char *of)
{
	char command[256];

	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", folder, "tmpfs", 0, NULL), 0);
	snprintf(command, sizeof(command), "cp '%s' '%s'", of, path);
	cr_assert_eq(system(command), 0);
}

/* Starts a process that has such a copy, and waits until it has. */
static pid_t start_with_copy(const char *of)
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		mount_copy(of);
		cr_assert_eq(write(ready[1], "", 1), 1);
		while (true)
			pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	return pid;
}

Test(module_mounts, another_file_of_the_same_path_and_inode_is_not_taken)
{
	struct module_identity identity = {.path = path};
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct stat wanted, status;
	struct module *module;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("only root may mount");
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/app", folder);
	cr_assert_eq(stat("/bin/sh", &wanted), 0);
	pid = start_with_copy("/bin/sh");
	mount_copy("/proc/self/exe");
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_neq(status.st_size, wanted.st_size);
	identity.inode = status.st_ino;
	module = modules_get(modules, &identity, pid);
	cr_expect_eq(module_open(module), 0, "%s", module->problem);
	cr_assert_eq(fstat(module->fd, &status), 0);
	cr_expect_eq(status.st_size, wanted.st_size);
	modules_free(modules);
	profile_free(profile);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert_eq(umount2(folder, MNT_DETACH), 0);
	cr_assert_eq(rmdir(folder), 0);
}
