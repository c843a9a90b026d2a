/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc: fuzz target of what reads text of /proc: lines of /proc/PID/maps, /proc/PID/stat, and
 * /proc/kallsyms. Input: the text.
 */
#include "collector/capture/proc_snapshot.h"
#include "collector/capture/proc_stat.h"
#include "collector/profile/profile.h"
#include "collector/resolve/kernel_symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void read_maps(char *text)
{
	for (char *line = text, *next; line; line = next) {
		struct event_mapping mapping;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (proc_parse_mapping(line, &mapping) &&
		    (mapping.start >= mapping.end || !*mapping.path))
			abort();
	}
}

static void read_stat(const char *text)
{
	struct proc_stat stat = {0};

	if (proc_stat_parse(text, &stat) && !stat.state)
		abort();
}

static void read_kallsyms(const uint8_t *data, size_t bytes)
{
	struct profile *profile = profile_new();
	uint32_t module = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	int fd = memfd_create("kallsyms", MFD_CLOEXEC);
	struct kernel_symbols *symbols;
	char path[64];

	profile_frame(profile, module, 0xffffffff81000010);
	profile_frame(profile, module, 0xffffffffffffffff);
	profile_frame(profile, module, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	symbols = kernel_symbols_new(path);
	if (write(fd, data, bytes) == (ssize_t)bytes)
		kernel_symbols_name(symbols, profile);
	kernel_symbols_free(symbols);
	close(fd);
	profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char *text = malloc(bytes + 1);

	if (!text)
		return 0;
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	read_stat(text);
	read_maps(text);
	free(text);
	read_kallsyms(data, bytes);
	return 0;
}
