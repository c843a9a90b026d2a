/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/perf_map.c, and of the names that frames of generated code get. */
#include "collector/resolve/perf_map.h"

#include "collector/resolve/module.h"
#include "collector/resolve/symbols.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char map[] = "1000 100 JS:~first /home/me/engine.js:12:3\n"
			  "0x2000 0x10 with blanks (and signs) in it\n"
			  "garbage\n"
			  "3000\n"
			  "3000 zz name\n"
			  "3000 10\n"
			  "3000 10 \n"
			  "11111111111111111 10 too long a number\n"
			  "1080 20 second\n" /* later: the memory was used again */
			  "4000 0 empty\n"
			  "fffffffffffffff0 ffffffffffffffff beyond the end\n"
			  "5000 10 cut file.js:7";

static struct perf_map_entry find(uint64_t address)
{
	struct perf_map_entry entry;

	perf_map_find(map, strlen(map), &address, 1, &entry);
	return entry;
}

static void assert_entry(uint64_t address, const char *name, const char *file, uint32_t line)
{
	struct perf_map_entry entry = find(address);

	cr_assert_eq((size_t)entry.name_bytes, strlen(name), "at %lx: %d", address,
		     entry.name_bytes);
	cr_assert_eq(memcmp(entry.name, name, strlen(name)), 0);
	cr_assert_eq((size_t)entry.file_bytes, strlen(file));
	cr_assert_eq(memcmp(entry.file_bytes ? entry.file : "", file, strlen(file)), 0);
	cr_assert_eq(entry.line, line);
}

Test(perf_map, knows_names_and_places)
{
	assert_entry(0x1000, "JS:~first", "/home/me/engine.js", 12);
	assert_entry(0x10ff, "JS:~first", "/home/me/engine.js", 12);
	assert_entry(0x200f, "with blanks (and signs) in it", "", 0);
	assert_entry(0x5000, "cut", "file.js", 7);
}

Test(perf_map, later_lines_count_more)
{
	assert_entry(0x107f, "JS:~first", "/home/me/engine.js", 12);
	assert_entry(0x1080, "second", "", 0);
	assert_entry(0x109f, "second", "", 0);
	assert_entry(0x10a0, "JS:~first", "/home/me/engine.js", 12);
}

static void assert_other(const char *text, const char *other, bool has_more)
{
	const uint64_t address = 0x10;
	struct perf_map_entry entry;

	perf_map_find(text, strlen(text), &address, 1, &entry);
	cr_assert_eq(entry.has_more, has_more, "%s", text);
	if (other)
		cr_assert(entry.other_bytes == (int)strlen(other) &&
				  !strncmp(entry.other, other, strlen(other)),
			  "%s: %.*s", text, entry.other_bytes, entry.other);
	else
		cr_assert_null(entry.other, "%s", text);
}

Test(perf_map, tells_who_else_was_at_an_address)
{
	assert_other("10 8 a\n", NULL, false);
	assert_other("10 8 a\n8 20 a\n", NULL, false);
	assert_other("10 8 a\n20 8 b\n", NULL, false);
	assert_other("10 8 a\n10 8 b\n", "a", false);
	assert_other("10 8 a\n10 8 b\n10 8 b\n", "a", false);
	assert_other("10 8 a\n10 8 b\n10 8 a\n", "b", false);
	assert_other("10 8 a\n10 8 b\n10 8 c\n", "b", true);
	assert_other("10 8 a\n10 8 b\n10 8 c\n10 8 c\n", "b", true);
}

Test(perf_map, has_no_name_for_other_addresses)
{
	static const uint64_t nothing[] = {0,	   0xfff,  0x1100, 0x2010,
					   0x3000, 0x3008, 0x4000, 0x5010};

	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
		cr_assert_null(find(nothing[i]).name, "%lx", nothing[i]);
}

Test(perf_map, answers_many_addresses_at_once)
{
	static const uint64_t addresses[] = {0x10, 0x1000, 0x1081, 0x1081, 0x2000, 0x9000};
	struct perf_map_entry entries[6];

	perf_map_find(map, strlen(map), addresses, 6, entries);
	cr_assert_null(entries[0].name);
	cr_assert_eq(entries[1].name_bytes, 9);
	cr_assert_eq(entries[2].name_bytes, 6);
	cr_assert_eq(entries[3].name_bytes, 6);
	cr_assert_eq(entries[4].name_bytes, 29);
	cr_assert_null(entries[5].name);
}

/* Writes this process's own map, last changed @age seconds ago. */
static const char *write_map(time_t age)
{
	static char path[64];
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = time(NULL) - age}};
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_eq(write(fd, map, strlen(map)), (ssize_t)strlen(map));
	cr_assert_eq(futimens(fd, times), 0);
	close(fd);
	return path;
}

Test(perf_map, is_not_taken_from_an_earlier_process_of_the_same_number)
{
	const char *path = write_map(1000);

	cr_assert_lt(perf_map_open(getpid(), 0), 0);
	unlink(path);
}

Test(perf_map, is_no_pipe_and_no_link)
{
	const char *path = write_map(0);

	cr_assert_geq(perf_map_open(getpid(), 0), 0);
	unlink(path);
	cr_assert_lt(perf_map_open(getpid(), 0), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_lt(perf_map_open(getpid(), 0), 0);
	unlink(path);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_assert_lt(perf_map_open(getpid(), 0), 0);
	unlink(path);
}

/* Says whether a map that @writer owns is taken for a process of @runner's. */
static bool is_taken(uid_t writer, uid_t runner)
{
	char path[64], byte;
	int ready[2], fd, opened;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (setresuid(runner, runner, runner) || write(ready[1], "", 1) != 1)
			_exit(1);
		while (true)
			pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fchown(fd, writer, writer), 0);
	opened = perf_map_open(pid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	close(fd);
	close(ready[0]);
	close(ready[1]);
	return opened >= 0 && !close(opened);
}

Test(perf_map, is_taken_from_root_and_the_user_of_the_process_only)
{
	if (geteuid() != 0)
		cr_skip_test("only root may give files away");
	cr_expect(is_taken(0, 0));
	cr_expect(is_taken(0, 65534));
	cr_expect(is_taken(65534, 65534));
	cr_expect_not(is_taken(65534, 0));
	cr_expect_not(is_taken(65533, 65534));
}

Test(perf_map, names_the_frames_of_its_own_process)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct module_identity identity = {.path = "//anon"};
	struct module *ours = modules_get(modules, &identity, getpid());
	struct module *theirs = modules_get(modules, &identity, 1);
	uint32_t frames[3];
	static const char *const names[] = {"JS:~first or second", "[jit]", "[jit]"};
	const char *path;

	cr_assert_neq(ours, theirs);
	module_open(ours);
	module_open(theirs);
	cr_assert_neq(ours->id, theirs->id);
	frames[0] = profile_frame(profile, ours->id, 0x1080);
	frames[1] = profile_frame(profile, ours->id, 0x7000);
	frames[2] = profile_frame(profile, theirs->id, 0x1080);
	path = write_map(0); /* after the first sample: when it is there at the end it counts */
	symbols_name(modules, profile);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		const struct profile_frame *frame = &profile->frames[frames[i]];
		const struct profile_function *function =
			&profile->functions[profile->lines[frame->first_line].function];

		cr_assert_str_eq(function->name, names[i]);
		cr_assert_eq(function->named, i == 0);
	}
	modules_free(modules);
	profile_free(profile);
}
