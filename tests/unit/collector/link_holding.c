/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/link_holding.c, with files and pipes for links. */
#include "collector/capture/link_holding.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD "/memfd:held"

static struct error error;
static struct link_holding holding;

static int hold_a_file(void *context, struct error *unused)
{
	(void)context;
	(void)unused;
	return memfd_create("held", MFD_CLOEXEC) < 0 ? -errno : 0;
}

/* What a thread's table has. */
struct table {
	size_t descriptors, held;
};

static struct table look(const char *tid)
{
	struct table table = {0};
	char path[300], target[300];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/self/task/%s/fd", tid);
	directory = opendir(path);
	cr_assert_not_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		ssize_t bytes = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target));

		table.descriptors += bytes > 0;
		table.held +=
			bytes >= (ssize_t)strlen(HELD) && !strncmp(target, HELD, strlen(HELD));
	}
	closedir(directory);
	return table;
}

Test(link_holding, what_is_held_is_alone_in_its_table_and_in_no_other)
{
	struct link_holder *holders[3];
	struct dirent *entry;
	DIR *directory;
	size_t found = 0;
	int needed = memfd_create("needed", MFD_CLOEXEC);

	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(link_holding_add(&(struct link_placing){&needed, 1, hold_a_file, NULL},
					      &holders[i], &error),
			     0, "%s", error.text);
	directory = opendir("/proc/self/task");
	cr_assert_not_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		struct table table;

		if (entry->d_name[0] == '.')
			continue;
		table = look(entry->d_name);
		if (atoi(entry->d_name) == getpid())
			cr_expect_eq(table.held, 0);
		if (!table.held)
			continue;
		cr_expect_eq(table.held, 1);
		cr_expect_eq(table.descriptors, 1);
		found++;
	}
	closedir(directory);
	cr_expect_eq(found, 3);
	for (size_t i = 0; i < 3; i++)
		link_holding_drop(&holding, holders[i]);
	link_holding_wait(&holding);
	cr_expect_eq(holding.count, 0);
}

/* Holds another descriptor of the kept one, if it has that and not the one behind it. */
static int hold_another(void *context, struct error *failure)
{
	const int *descriptors = context;

	if (fcntl(descriptors[1], F_GETFD) >= 0 || fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return fail(failure, -EEXIST, "what is not kept is there");
	return dup(descriptors[0]) < 0 ? fail(failure, -errno, "what is kept is not: %m") : 0;
}

/* Says whether nobody can write any more. */
static bool has_ended(int fd)
{
	struct pollfd end = {.fd = fd};

	return poll(&end, 1, 0) == 1 && end.revents & POLLHUP;
}

Test(link_holding, is_closed_when_it_was_dropped_and_waited_for)
{
	int held[2], other[2];
	struct link_holder *holder;

	cr_assert_eq(pipe(held) | pipe(other), 0);
	cr_assert_eq(link_holding_add(&(struct link_placing){&held[1], 1, hold_another,
							     (int[]){held[1], other[1]}},
				      &holder, &error),
		     0, "%s", error.text);
	close(held[1]);
	close(other[1]);
	cr_expect(has_ended(other[0]), "the holder keeps what is its creator's");
	cr_expect(!has_ended(held[0]), "nobody holds it");
	link_holding_drop(&holding, holder);
	link_holding_wait(&holding);
	cr_expect(has_ended(held[0]));
}

static int fail_late(void *context, struct error *failure)
{
	int result = hold_another(context, failure);

	return result ? result : fail(failure, -EXDEV, "it went wrong");
}

Test(link_holding, a_failure_is_returned_and_leaves_nothing)
{
	int held[2], other[2];
	struct link_holder *holder = NULL;

	cr_assert_eq(pipe(held) | pipe(other), 0);
	cr_expect_eq(link_holding_add(&(struct link_placing){&held[1], 1, fail_late,
							     (int[]){held[1], other[1]}},
				      &holder, &error),
		     -EXDEV);
	cr_expect_str_eq(error.text, "it went wrong");
	cr_expect_null(holder);
	close(held[1]);
	cr_expect(has_ended(held[0]));
}

/* Says whether another process could not lock a file. */
static bool is_locked(int fd)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

		_exit(fcntl(fd, F_SETLK, &lock) ? 1 : 0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* A table that is shared loses its locks with any descriptor of their file. */
Test(link_holding, locks_of_its_creator_stay)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = memfd_create("locked", MFD_CLOEXEC);
	struct link_holder *holder;

	cr_assert_eq(fcntl(fd, F_SETLK, &lock), 0);
	cr_assert_eq(link_holding_add(&(struct link_placing){&fd, 1, hold_a_file, NULL}, &holder,
				      &error),
		     0, "%s", error.text);
	cr_expect(is_locked(fd));
	link_holding_drop(&holding, holder);
	link_holding_wait(&holding);
	cr_expect(is_locked(fd));
}
