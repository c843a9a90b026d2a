/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * requirements: what a test needs from the machine, and what happens when it is not there.
 *
 * A test that needs something special begins with require("perf"). Where the machine lacks it the
 * test is skipped and says why; on a machine that is known to have it, the environment variable
 * REQUIRE=perf,browser turns that skip into a failure, so that a CI which silently lost an ability
 * does not stay green. The program build/tests/requirements does the same for tests/cli.
 *
 *   root      effective user 0
 *   perf      perf_event_open(2) may sample this user's processes by cpu-clock
 *   cycles    the same by a hardware counter
 *   bpf       bpf(2) may be used, the kernel describes its types, and processes have the machine's
 *             numbers
 *   mount     a private mount namespace may be made (for a small tmpfs that fills up)
 *   browser   Chromium and its WebDriver are installed
 *   readers   scripts/install-readers has put the foreign readers of exports into build/npm
 *   NAME      anything else is a program, looked up in PATH: gdb, sqlite3, valgrind
 *
 * Include after criterion.h, which gives require(); without it only the questions are there.
 */
#pragma once

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool requirement_program(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t bytes = strcspn(path, ":");
		char file[4096];

		snprintf(file, sizeof(file), "%.*s/%s", (int)bytes, path, name);
		if (access(file, X_OK) == 0)
			return true;
		path += bytes + (path[bytes] == ':');
	}
	return false;
}

static inline bool requirement_event(unsigned int type, unsigned long long config)
{
	struct perf_event_attr event = {
		.type = type,
		.size = sizeof(event),
		.config = config,
		.sample_period = 1000000,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	long fd = syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* The smallest map there is: what may make one may load programs, but for odd sets of capabilities.
 */
static inline bool requirement_bpf(void)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd >= 0)
		close((int)fd);
	return fd >= 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0;
}

/* In a child, because a process cannot leave the namespace it made. */
static inline bool requirement_mount(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(unshare(CLONE_NEWNS) == 0 ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* BUILD is set by scripts/run-tests. */
static inline bool requirement_readers(void)
{
	const char *build = getenv("BUILD");
	char file[4096];

	snprintf(file, sizeof(file), "%s/npm/installed-lock.json", build ? build : "build");
	return access(file, R_OK) == 0;
}

/*
 * Says what is missing.
 *
 * @why  receives one sentence when something is
 * Returns true when the machine lacks @name.
 */
static inline bool requirement_lacks(const char *name, char *why, size_t why_bytes)
{
	bool has;

	if (strcmp(name, "root") == 0) {
		has = geteuid() == 0;
		snprintf(why, why_bytes, "needs root");
	} else if (strcmp(name, "perf") == 0) {
		has = requirement_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
		snprintf(why, why_bytes,
			 "perf_event_open is refused (%s); see kernel.perf_event_paranoid",
			 strerror(errno));
	} else if (strcmp(name, "cycles") == 0) {
		has = requirement_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
		snprintf(why, why_bytes, "no hardware counter (%s)", strerror(errno));
	} else if (strcmp(name, "bpf") == 0) {
		has = requirement_bpf();
		snprintf(why, why_bytes, "no BPF programs can be loaded (%s)", strerror(errno));
	} else if (strcmp(name, "mount") == 0) {
		has = requirement_mount();
		snprintf(why, why_bytes, "may not make a mount namespace");
	} else if (strcmp(name, "browser") == 0) {
		has = requirement_program("chromium") && requirement_program("chromedriver");
		snprintf(why, why_bytes,
			 "chromium and chromedriver are not both installed; "
			 "run scripts/install-deps test");
	} else if (strcmp(name, "readers") == 0) {
		has = requirement_program("node") && requirement_readers();
		snprintf(why, why_bytes,
			 "the readers of exports are not installed; run scripts/install-readers "
			 "(needs npm)");
	} else {
		has = requirement_program(name);
		snprintf(why, why_bytes, "%s is not installed; run scripts/install-deps test",
			 name);
	}
	return !has;
}

/* Whether the environment promises that this machine has @name. */
static inline bool requirement_promised(const char *name)
{
	const char *promised = getenv("REQUIRE");
	size_t bytes = strlen(name);

	while (promised && *promised) {
		size_t word = strcspn(promised, ",");

		if (word == bytes && strncmp(promised, name, bytes) == 0)
			return true;
		promised += word + (promised[word] == ',');
	}
	return false;
}

#ifdef cr_skip_test
#define require(name)                                                                              \
	do {                                                                                       \
		char why_[256];                                                                    \
                                                                                                   \
		if (!requirement_lacks((name), why_, sizeof(why_)))                                \
			break;                                                                     \
		if (requirement_promised(name))                                                    \
			cr_assert_fail("REQUIRE promises %s, but: %s", (name), why_);              \
		cr_skip_test("%s", why_);                                                          \
	} while (0)
#endif
