/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_link: see uprobe_link.h. */
#include "collector/capture/uprobe_link.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The part of union bpf_attr that BPF_LINK_CREATE reads for this kind of link. */
struct link_create {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t reference_counters;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags;
	uint32_t pid; /* 0: all processes */
	uint32_t unused;
};

/* The file as code of ours. */
struct mapping {
	void *memory;
	size_t bytes;
};

/* The kernel looks at an instruction when somebody has mapped it; when the program does that later,
 * a refusal is told to nobody. So we do it first. */
static struct mapping map_code(int fd)
{
	struct mapping mapping = {MAP_FAILED, 0};
	struct stat status;

	if (fstat(fd, &status) || status.st_size <= 0)
		return mapping;
	mapping.bytes = (size_t)status.st_size;
	mapping.memory = mmap(NULL, mapping.bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return mapping;
}

static void unmap_code(const struct mapping *mapping)
{
	int code = errno;

	if (mapping->memory != MAP_FAILED)
		munmap(mapping->memory, mapping->bytes);
	errno = code;
}

int uprobe_link(int program, uint32_t type, pid_t pid, int fd, const uint64_t *offsets,
		const uint64_t *cookies, size_t count, struct error *error)
{
	char path[64];
	struct link_create create = {
		.program = (uint32_t)program,
		.attach_type = type,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.count = (uint32_t)count,
		.pid = (uint32_t)pid,
	};
	struct mapping mapping = map_code(fd);
	int link;

	/* The file that was looked at, whatever its path names by now; of the thread's own table.
	 */
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));
	unmap_code(&mapping);
	if (link >= 0)
		return link;
	if (errno == EINVAL || errno == EOPNOTSUPP)
		return fail(error, -errno,
			    "cannot put probes into the program: the kernel refuses (%m); function "
			    "timing needs Linux 6.13");
	return fail(error, -errno, "cannot put %zu probes into the program: %m", count);
}

/* Returns the number behind a word in a file of the kernel's "uprobe" events; -1: there is none. */
static long event_number(const char *name, const char *word)
{
	char path[128], text[64] = "", *end;
	FILE *stream;
	long number;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/uprobe/%s", name);
	stream = fopen(path, "re");
	if (!stream)
		return -1;
	if (!fgets(text, sizeof(text), stream) || strncmp(text, word, strlen(word)) != 0)
		text[0] = '\0';
	fclose(stream);
	if (!text[0])
		return -1;
	number = strtol(text + strlen(word), &end, 10);
	return end == text + strlen(word) ? -1 : number;
}

int uprobe_link_classic(int program, int fd, uint64_t offset, uint64_t cookie, bool is_return,
			struct error *error)
{
	char path[64];
	struct perf_event_attr event = {.size = sizeof(event)};
	union bpf_attr create = {0};
	long type = event_number("type", ""), bit = event_number("format/retprobe", "config:");
	int event_fd, link, code;

	if (type < 0 || bit < 0)
		return fail(error, -ENOSYS, "this kernel has no uprobes");
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	event.type = (uint32_t)type;
	event.config = is_return ? 1ull << bit : 0;
	event.uprobe_path = (uintptr_t)path;
	event.probe_offset = offset;
	event_fd = (int)syscall(SYS_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event_fd < 0)
		return fail(error, -errno, "cannot put a probe into the program: %m");
	create.link_create.prog_fd = (uint32_t)program;
	create.link_create.target_fd = (uint32_t)event_fd;
	create.link_create.attach_type = BPF_PERF_EVENT;
	create.link_create.perf_event.bpf_cookie = cookie;
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));
	code = errno;
	close(event_fd);
	errno = code;
	return link < 0 ? fail(error, -errno, "cannot run a program at a probe: %m") : link;
}
