/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * elf: fuzz target of all that reads a program's file: headers, call frame information, Go's table,
 * code without information, symbols and debug information (with libelf and libdw behind).
 * Input: the file.
 */
#include "collector/profile/profile.h"
#include "collector/resolve/address_space.h"
#include "collector/resolve/module.h"
#include "collector/resolve/symbols.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAPPED	  0x10000000
#define MOST_PAGE 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Maps the file as a process would and asks for rules and frames all over its first pages. */
static void ask(struct profile *profile, struct modules *modules, const char *path)
{
	struct module_identity identity = {.path = path};
	struct address_space *space = address_space_new(profile, modules, getpid());

	for (uint64_t page = 0; page < MOST_PAGE; page++)
		address_space_map(space, MAPPED + (page << 12), MAPPED + ((page + 1) << 12),
				  page << 12, &identity);
	for (uint64_t i = 0; i < MOST_PAGE << 12; i += 97) {
		uint64_t start;

		address_space_find(space, MAPPED + i);
		address_space_function(space, MAPPED + i, &start);
		address_space_call_target(space, MAPPED + i, &start);
		if (i % 1067 == 0)
			address_space_epilogue(space, MAPPED + i);
	}
	address_space_free(space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct profile *profile;
	struct modules *modules;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes) {
		profile = profile_new();
		modules = modules_new(profile);
		ask(profile, modules, path);
		symbols_name(modules, profile);
		modules_free(modules);
		profile_free(profile);
	}
	close(fd);
	return 0;
}
