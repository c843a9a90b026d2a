/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/perf_apart.c: the descriptors it takes, and gives back. That parents
 * keep their samples is tested in perf_source.c. */
#include "collector/capture/perf_apart.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <unistd.h>

#include "tests/requirements.h"

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void tell_birth(struct perf_apart *apart, pid_t pid, pid_t parent)
{
	perf_apart_take(apart, &(struct event){.kind = EVENT_FORK,
					       .pid = pid,
					       .tid = pid,
					       .fork = {.parent_pid = parent}});
}

/* Tells of the birth of a process under our number, which is one that can be watched. */
static void be_born(struct perf_apart *apart, pid_t parent)
{
	tell_birth(apart, getpid(), parent);
}

static void end(struct perf_apart *apart)
{
	perf_apart_take(apart,
			&(struct event){.kind = EVENT_EXIT, .pid = getpid(), .tid = getpid()});
}

Test(perf_apart, a_child_has_an_event_when_it_lives_for_a_round)
{
	struct perf_apart *apart = perf_apart_new();
	int before = count_descriptors();

	require("perf");
	be_born(apart, 1);
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before, "it was told of in this round");
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before + 1);
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before + 1);
	end(apart);
	cr_assert_eq(count_descriptors(), before);
	perf_apart_free(apart);
}

Test(perf_apart, one_that_ends_before_and_a_thread_have_none)
{
	struct perf_apart *apart = perf_apart_new();
	int before = count_descriptors();

	require("perf");
	be_born(apart, 1);
	end(apart);
	be_born(apart, getpid());
	perf_apart_look(apart);
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before);
	perf_apart_free(apart);
}

Test(perf_apart, gives_back_what_it_has_also_of_a_number_that_comes_twice)
{
	struct perf_apart *apart = perf_apart_new();
	int before = count_descriptors();

	require("perf");
	perf_apart_add(apart, getpid());
	perf_apart_add(apart, getpid());
	cr_assert_eq(count_descriptors(), before + 1);
	perf_apart_add(apart, INT32_MAX);
	cr_assert_eq(count_descriptors(), before + 1, "there is no such thread");
	perf_apart_free(apart);
	cr_assert_eq(count_descriptors(), before);
}

Test(perf_apart, each_of_several_children_has_one_event)
{
	struct perf_apart *apart = perf_apart_new();
	int before = count_descriptors();

	require("perf");
	be_born(apart, 1);
	perf_apart_look(apart);
	tell_birth(apart, getppid(), 1);
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before + 1);
	perf_apart_look(apart);
	cr_assert_eq(count_descriptors(), before + 2);
	perf_apart_free(apart);
	cr_assert_eq(count_descriptors(), before);
}

Test(perf_apart, those_that_have_ended_and_those_that_were_refused_take_nobodys_room)
{
	struct perf_apart *apart = perf_apart_new();
	int before = count_descriptors();

	require("perf");
	for (int i = 0; i < PERF_APART_MOST; i++) {
		perf_apart_add(apart, getpid());
		end(apart);
		perf_apart_add(apart, INT32_MAX - i);
	}
	cr_assert_eq(count_descriptors(), before);
	perf_apart_add(apart, getpid());
	cr_assert_eq(count_descriptors(), before + 1);
	perf_apart_free(apart);
}
