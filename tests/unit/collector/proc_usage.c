/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/proc_usage.c, on ourselves. */
#include "collector/capture/proc_usage.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct profile *profile;

/* Returns the last value of a series, -1 when it has none. */
static int64_t last(const char *name)
{
	int64_t value = -1;

	for (size_t i = 0; i < profile->points_count; i++)
		if (!strcmp(profile->series[profile->points[i].series].name, name))
			value = profile->points[i].value;
	return value;
}

static void setup(void)
{
	profile = profile_new();
}

static void teardown(void)
{
	profile_free(profile);
}

TestSuite(proc_usage, .init = setup, .fini = teardown);

Test(proc_usage, counts_what_is_used_between_two_looks_of_a_running_process)
{
	struct proc_usage *usage = proc_usage_new(profile, false);
	size_t bytes = 8 << 20;
	uint64_t cores[2] = {7, 9};
	pid_t pid = getpid();
	char *memory;

	proc_usage_look(usage, &pid, 1, 10, cores, 2);
	cr_assert_eq(last("minor-faults"), 0, "what it used before does not count");
	memory = malloc(bytes);
	memset(memory, 1, bytes);
	proc_usage_look(usage, &pid, 1, 20, cores, 2);
	cr_assert_geq(last("minor-faults"), (int64_t)bytes / 4096 / 2);
	cr_assert_geq(last("rss"), (int64_t)bytes);
	cr_assert_geq(last("context-switches"), 0);
	cr_assert_eq(last("processes"), 1);
	cr_assert_geq(last("threads"), 1); /* the test frame may have one, too */
	cr_assert_eq(last("cpu-1"), 9);
	free(memory);
	proc_usage_free(usage);
}

Test(proc_usage, what_a_new_process_has_used_already_counts)
{
	struct proc_usage *usage = proc_usage_new(profile, true);
	pid_t pid = getpid();

	proc_usage_look(usage, &pid, 1, 10, NULL, 0);
	cr_assert_gt(last("minor-faults"), 0);
	cr_assert_eq(last("cpu-0"), -1);
	proc_usage_free(usage);
}

Test(proc_usage, totals_keep_what_a_process_used_that_has_ended)
{
	struct proc_usage *usage = proc_usage_new(profile, true);
	pid_t pids[2] = {getpid(), fork()};
	int64_t before;

	if (pids[1] == 0) {
		pause();
		_exit(0);
	}
	proc_usage_look(usage, pids, 2, 10, NULL, 0);
	cr_assert_eq(last("processes"), 2);
	before = last("minor-faults");
	kill(pids[1], SIGKILL);
	waitpid(pids[1], NULL, 0);
	proc_usage_look(usage, pids, 2, 20, NULL, 0);
	cr_assert_eq(last("processes"), 1);
	cr_assert_geq(last("minor-faults"), before);
	proc_usage_free(usage);
}

/* Writes from a child; the parent has not waited for it when this returns. */
static pid_t write_in_child(int fd, size_t bytes)
{
	pid_t pid = fork();
	siginfo_t information;

	if (pid == 0)
		_exit(write(fd, calloc(1, bytes), bytes) != (ssize_t)bytes);
	waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT);
	return pid;
}

Test(proc_usage, what_a_child_moved_counts_once_also_when_it_has_been_waited_for)
{
	struct proc_usage *usage = proc_usage_new(profile, false);
	FILE *file = tmpfile();
	pid_t pids[2] = {getpid()};
	int64_t mib = 1 << 20;

	proc_usage_look(usage, pids, 1, 10, NULL, 0);
	pids[1] = write_in_child(fileno(file), (size_t)mib);
	proc_usage_look(usage, pids, 2, 20, NULL, 0);
	cr_assert_geq(last("bytes-written"), mib);
	proc_usage_look(usage, pids, 1, 30, NULL, 0);
	cr_assert_lt(last("bytes-written"), mib + mib / 2);
	waitpid(pids[1], NULL, 0);
	proc_usage_look(usage, pids, 1, 40, NULL, 0);
	cr_assert_lt(last("bytes-written"), mib + mib / 2, "not again as its parent's");

	waitpid(write_in_child(fileno(file), (size_t)mib), NULL, 0);
	proc_usage_look(usage, pids, 1, 50, NULL, 0);
	cr_assert_geq(last("bytes-written"), 2 * mib, "also of one that was never looked at");
	fclose(file);
	proc_usage_free(usage);
}

#define PAGES 16384 /* many more than the tests have themselves */

/* Faults in a child, which then lives on until it is killed. */
static pid_t fault_in_child(void)
{
	int channel[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(channel), 0);
	pid = fork();
	if (pid == 0) {
		char *memory = mmap(NULL, PAGES * 4096ul, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		madvise(memory, PAGES * 4096ul, MADV_NOHUGEPAGE);
		memset(memory, 1, PAGES * 4096ul);
		if (write(channel[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(channel[1]);
	cr_assert_eq(read(channel[0], &byte, 1), 1);
	close(channel[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	siginfo_t information;

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT);
}

Test(proc_usage, what_a_child_faulted_counts_once_also_when_it_has_been_waited_for)
{
	struct proc_usage *usage = proc_usage_new(profile, false);
	pid_t pids[2] = {getpid()};

	proc_usage_look(usage, pids, 1, 10, NULL, 0);
	pids[1] = fault_in_child();
	proc_usage_look(usage, pids, 2, 20, NULL, 0);
	cr_assert_geq(last("minor-faults"), PAGES);
	end_child(pids[1]);
	proc_usage_look(usage, pids, 1, 30, NULL, 0);
	waitpid(pids[1], NULL, 0);
	proc_usage_look(usage, pids, 1, 40, NULL, 0);
	cr_assert_lt(last("minor-faults"), PAGES + PAGES / 2, "not again as its parent's");

	pids[1] = fault_in_child();
	end_child(pids[1]);
	waitpid(pids[1], NULL, 0);
	proc_usage_look(usage, pids, 1, 50, NULL, 0);
	cr_assert_geq(last("minor-faults"), 2 * PAGES, "also of one that was never looked at");
	proc_usage_free(usage);
}

Test(proc_usage, of_children_that_nobody_took_over_the_next_ones_are_told_all_the_same)
{
	struct proc_usage *usage = proc_usage_new(profile, false);
	pid_t pids[2] = {getpid()};

	proc_usage_look(usage, pids, 1, 10, NULL, 0);
	signal(SIGCHLD, SIG_IGN); /* the kernel waits for them then, and adds them to nobody */
	pids[1] = fault_in_child();
	proc_usage_look(usage, pids, 2, 20, NULL, 0);
	kill(pids[1], SIGKILL);
	waitpid(pids[1], NULL, 0);
	for (uint64_t time_ns = 30; time_ns < 100; time_ns += 10)
		proc_usage_look(usage, pids, 1, time_ns, NULL, 0);
	signal(SIGCHLD, SIG_DFL);
	pids[1] = fault_in_child();
	end_child(pids[1]);
	waitpid(pids[1], NULL, 0);
	proc_usage_look(usage, pids, 1, 200, NULL, 0);
	cr_assert_geq(last("minor-faults"), 2 * PAGES);
	proc_usage_free(usage);
}

static void *nap(void *nothing)
{
	for (int i = 0; i < 100; i++)
		usleep(1);
	return nothing;
}

Test(proc_usage, at_the_end_what_threads_switched_that_had_ended_is_there)
{
	struct proc_usage *usage = proc_usage_new(profile, true);
	pid_t pid = fork();
	siginfo_t information;

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, nap, NULL);
		pthread_join(thread, NULL);
		_exit(0);
	}
	waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT);
	proc_usage_end(usage, pid, 10);
	cr_assert_geq(last("context-switches"), 50);
	cr_assert_gt(last("minor-faults"), 0);
	waitpid(pid, NULL, 0);
	proc_usage_free(usage);
}

Test(proc_usage, at_the_end_one_that_has_ended_is_looked_at_once_more)
{
	struct proc_usage *usage = proc_usage_new(profile, true);
	FILE *file = tmpfile();
	pid_t pid = write_in_child(fileno(file), 1 << 20);

	proc_usage_end(usage, pid, 10);
	cr_assert_geq(last("bytes-written"), 1 << 20);
	cr_assert_eq(last("rss"), -1);
	waitpid(pid, NULL, 0);
	fclose(file);
	proc_usage_free(usage);
}

Test(proc_usage, of_nobody_there_are_no_points)
{
	struct proc_usage *usage = proc_usage_new(profile, true);
	pid_t nobody = INT32_MAX;

	proc_usage_look(usage, &nobody, 1, 10, NULL, 0);
	proc_usage_look(usage, NULL, 0, 20, NULL, 0);
	cr_assert_eq(profile->points_count, 0);
	proc_usage_free(usage);
}
