/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/probe_memory.c, and of the probe's start in a program. */
#include "collector/capture/probe_memory.h"

#include "collector/preload.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct probe_memory memory;
static struct error error;
static char **environment;

static void make(const struct probe_memory_options *options)
{
	const char *build = getenv("BUILD"); /* of scripts/run-tests */
	char library[PATH_MAX], path[64];

	cr_assert_eq(probe_memory_make(&memory, options, &error), 0, "%s", error.text);
	snprintf(library, sizeof(library), "%s/bin/libprobe.so", build ? build : "build");
	probe_memory_path(&memory, path, sizeof(path));
	environment = preload_environment(library, path);
}

static void setup(void)
{
	static const struct probe_memory_options options = {.period_ns = 1000000};

	make(&options);
}

static void teardown(void)
{
	preload_free(environment);
	probe_memory_done(&memory);
}

TestSuite(probe_memory, .init = setup, .fini = teardown);

/* Runs a shell; returns its exit status. */
static int run_with(char **variables, const char *script, pid_t *pid)
{
	int status;

	*pid = fork();
	if (*pid == 0) {
		execle("/bin/bash", "bash", "-c", script, NULL, variables);
		_exit(99);
	}
	cr_assert_eq(waitpid(*pid, &status, 0), *pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The same with the probe. */
static int run(const char *script, pid_t *pid)
{
	return run_with(environment, script, pid);
}

static const struct wire_slot *slot_of(int pid, enum wire_birth birth)
{
	for (uint32_t i = 0; i < memory.header->slot_limit; i++)
		if (memory.slots[i].pid == pid && memory.slots[i].birth == birth)
			return &memory.slots[i];
	return NULL;
}

Test(probe_memory, costs_nothing_until_it_is_touched)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	for (uint32_t i = 0; i < memory.slot_count; i++)
		cr_assert_eq(memory.slots[i].state, WIRE_SLOT_FREE);
	getrusage(RUSAGE_SELF, &after);
	cr_assert_lt(after.ru_maxrss - before.ru_maxrss, 4096, "KB");
}

Test(probe_memory, is_made_where_files_are_limited_and_the_limit_stays)
{
	struct rlimit limit = {1u << 20, RLIM_INFINITY}, after;

	getrlimit(RLIMIT_FSIZE, &after);
	limit.rlim_max = after.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	teardown();
	setup();
	getrlimit(RLIMIT_FSIZE, &after);
	cr_assert_eq(after.rlim_cur, limit.rlim_cur);
	cr_assert_eq(after.rlim_max, limit.rlim_max);
}

Test(probe_memory, shows_a_program_that_starts)
{
	const struct wire_slot *slot;
	pid_t pid;

	cr_assert_eq(run("exit 7", &pid), 7);
	slot = slot_of(pid, WIRE_BIRTH_EXEC);
	cr_assert(slot);
	cr_assert_eq(slot->state, WIRE_SLOT_ACTIVE, "nobody else may free it");
	cr_assert_eq(slot->tid, pid);
	cr_assert_gt(slot->born_ns, 0);
}

Test(probe_memory, shows_forked_children_with_their_parent)
{
	const struct wire_slot *slot = NULL;
	pid_t pid;

	cr_assert_eq(run("(exit 3); exit $?", &pid), 3);
	for (uint32_t i = 0; i < memory.header->slot_limit; i++)
		if (memory.slots[i].birth == WIRE_BIRTH_FORK)
			slot = &memory.slots[i];
	cr_assert(slot);
	cr_assert_eq(slot->parent_pid, pid);
	cr_assert_eq(slot->parent_tid, pid);
	cr_assert_neq(slot->pid, pid);
}

Test(probe_memory, tells_the_targets_when_the_collector_has_died)
{
	struct probe_memory killed;
	int channel[2], fd = -1, status;
	char path[64] = "";
	pid_t pid;

	cr_assert_eq(pipe(channel), 0);
	pid = fork();
	if (pid == 0) {
		static const struct probe_memory_options options = {.period_ns = 1};

		if (probe_memory_make(&killed, &options, &error))
			_exit(1);
		probe_memory_path(&killed, path, sizeof(path));
		if (write(channel[1], path, sizeof(path)) == sizeof(path))
			pause();
		_exit(2);
	}
	cr_assert_eq(read(channel[0], path, sizeof(path)), sizeof(path));
	fd = open(path, O_RDWR);
	struct wire_header *seen =
		mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(seen, MAP_FAILED);
	cr_assert(wire_is_recording(seen));
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
	cr_assert(!wire_is_recording(seen));
	cr_assert(wire_is_recording(memory.header), "another's stays");
}

Test(probe_memory, leaves_no_descriptor_open)
{
	static const char count[] = "set -- /proc/$$/fd/*; exit $#";
	pid_t pid;
	int without = run_with(environ, count, &pid);

	cr_assert_eq(run(count, &pid), without);
	cr_assert(slot_of(pid, WIRE_BIRTH_EXEC));
}

Test(probe_memory, maps_less_where_the_address_space_is_limited)
{
	struct rlimit limit = {100u << 20, 100u << 20};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setrlimit(RLIMIT_AS, &limit);
		execle("/bin/bash", "bash", "-c", "exit 5", NULL, environment);
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	cr_assert(slot_of(pid, WIRE_BIRTH_EXEC));
}

Test(probe_memory, counts_limited_programs_by_what_had_no_room_in_them)
{
	static const struct {
		rlim_t bytes;
		uint64_t memory, operations;
	} cases[] = {
		{48u << 20, 1, 1}, {100u << 20, 1, 1}, {400u << 20, 1, 0}, {2000u << 20, 0, 0}};
	const struct probe_memory_options both = {.modes = WIRE_MODE_MEMORY | WIRE_MODE_IO,
						  .period_ns = 1};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rlimit limit = {cases[i].bytes, cases[i].bytes};
		_Atomic uint64_t *refused;
		int status;
		pid_t pid;

		teardown();
		make(&both);
		refused = memory.header->refused;
		pid = fork();
		if (pid == 0) {
			setrlimit(RLIMIT_AS, &limit);
			execle("/bin/bash", "bash", "-c", "exit 5", NULL, environment);
			_exit(99);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
		cr_assert_eq(refused[WIRE_REFUSED_ROOM_MEMORY], cases[i].memory, "%zu", i);
		cr_assert_eq(refused[WIRE_REFUSED_ROOM_OPERATIONS], cases[i].operations, "%zu", i);
		cr_assert_eq(refused[WIRE_REFUSED_ROOM_SAMPLE], 0);
	}
}

Test(probe_memory, leaves_programs_alone_that_cannot_find_it)
{
	pid_t pid;

	for (char **entry = environment; *entry; entry++)
		if (!strncmp(*entry, WIRE_VARIABLE "=", sizeof(WIRE_VARIABLE)))
			strcpy(*entry + sizeof(WIRE_VARIABLE), "/nowhere");
	cr_assert_eq(run("exit 7", &pid), 7);
	cr_assert_eq(memory.header->slot_limit, 0);
}

Test(probe_memory, leaves_programs_alone_that_speak_another_version)
{
	pid_t pid;

	memory.header->version = WIRE_VERSION + 1;
	cr_assert_eq(run("exit 7", &pid), 7);
	cr_assert_eq(memory.header->slot_limit, 0);
}
