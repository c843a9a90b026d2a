/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/proc_stat.c. */
#include "collector/capture/proc_stat.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As the kernel writes it; fields 3 to 40 hold their own number but for the state. */
static const char line[] = "77 (a) R 9 9\nb) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 "
			   "23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40\n";

Test(proc_stat, reads_each_field_from_its_place_whatever_the_name_is)
{
	struct proc_stat stat;

	cr_assert(proc_stat_parse(line, &stat));
	cr_assert_eq(stat.state, 'S');
	cr_assert_eq(stat.parent, 4);
	cr_assert_eq(stat.flags, 9);
	cr_assert_eq(stat.minor_faults, 10);
	cr_assert_eq(stat.child_minor_faults, 11);
	cr_assert_eq(stat.major_faults, 12);
	cr_assert_eq(stat.child_major_faults, 13);
	cr_assert_eq(stat.threads, 20);
	cr_assert_eq(stat.rss_pages, 24);
	cr_assert_eq(stat.processor, 39);
}

Test(proc_stat, refuses_a_line_that_is_cut)
{
	const size_t needed = strstr(line, " 39 ") + 3 - line;
	struct proc_stat stat;
	char text[sizeof(line)];

	for (size_t bytes = 0; bytes < needed - 2; bytes++) {
		memcpy(text, line, bytes);
		text[bytes] = '\0';
		cr_assert_not(proc_stat_parse(text, &stat), "%zu bytes", bytes);
	}
}

Test(proc_stat, reads_processes_and_threads_and_knows_when_they_are_gone)
{
	struct proc_stat stat;

	prctl(PR_SET_NAME, "new\nline) Z 1");
	cr_assert(proc_stat_read(getpid(), &stat));
	cr_assert_eq(stat.state, 'R');
	cr_assert_eq(stat.parent, getppid());
	cr_assert_gt(stat.rss_pages, 0);
	cr_assert(proc_stat_read_thread(getpid(), getpid(), &stat));
	cr_assert_eq(stat.parent, getppid());
	cr_assert_not(proc_stat_read(999999999, &stat));
	cr_assert_not(proc_stat_read_thread(getpid(), 999999999, &stat));
}
