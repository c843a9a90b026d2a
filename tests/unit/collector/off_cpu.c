/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/off_cpu.c and bpf_kernel.c, on threads of our own. */
#include "collector/capture/off_cpu.h"
#include "collector/capture/bpf_kernel.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/requirements.h"

#define MILLISECOND 1000000ull

static struct error error;

static void sleep_ms(long milliseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static void *sleeper(void *tid)
{
	*(pid_t *)tid = gettid();
	sleep_ms(60);
	return NULL;
}

Test(off_cpu, books_the_sleep_of_a_thread_that_has_ended)
{
	struct off_cpu *off_cpu;
	struct off_cpu_times *times;
	pthread_t thread;
	size_t count, found = 0;
	pid_t tid = 0;

	require("root");
	require("bpf");
	off_cpu = off_cpu_open(&error);
	cr_assert_not_null(off_cpu, "%s", error.text);
	cr_assert_eq(off_cpu_watch(off_cpu, getpid(), &error), 0, "%s", error.text);
	pthread_create(&thread, NULL, sleeper, &tid);
	pthread_join(thread, NULL);
	sleep_ms(5); /* the thread's last switch comes after the join */
	count = off_cpu_read_times(off_cpu, &times);
	for (size_t i = 0; i < count; i++) {
		cr_expect_eq(times[i].running_ns + times[i].runnable_ns + times[i].blocked_ns,
			     times[i].wall_ns);
		if (times[i].tid != tid)
			continue;
		found++;
		cr_expect_eq(times[i].pid, getpid());
		cr_expect_geq(times[i].blocked_ns, 60 * MILLISECOND);
		cr_expect_geq(times[i].switches, 2);
	}
	cr_expect_eq(found, 1);
	free(times);
	off_cpu_close(off_cpu);
}

Test(bpf_kernel, names_the_remedy_where_bpf_is_refused)
{
	require("root");
	require("bpf");
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert_null(off_cpu_open(&error));
	cr_expect_eq(errno, EPERM);
	cr_expect_not_null(strstr(error.text, "run as root"), "%s", error.text);
}
