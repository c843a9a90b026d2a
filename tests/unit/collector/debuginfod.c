/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/debuginfod.c, with a server that says nothing. */
#include "collector/resolve/debuginfod.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned char build_id[20] = {0xab, 0xcd};
static char cache[] = "/tmp/debuginfod.XXXXXX";

/* Names a server of its own in DEBUGINFOD_URLS, which accepts and never answers. Returns it. */
static int name_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(address);
	char url[64];
	int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (!dlopen("libdebuginfod.so.1", RTLD_NOW))
		cr_skip_test("libdebuginfod1 is not installed");
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(server, 8), 0);
	cr_assert_eq(getsockname(server, (struct sockaddr *)&address, &bytes), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	cr_assert(mkdtemp(cache));
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
	return server;
}

/* Returns how many files in the cache say that no server has a file. */
static int notes(void)
{
	char command[128];

	snprintf(command, sizeof(command), "exit $(find %s -name debuginfo | wc -l)", cache);
	return WEXITSTATUS(system(command));
}

static void remove_cache(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", cache);
	cr_assert_eq(system(command), 0);
}

/* Returns how many have connected since it was asked last. */
static int connections(int server)
{
	int count = 0;

	while (accept(server, NULL, NULL) >= 0)
		count++;
	return count;
}

Test(debuginfod, a_silent_server_is_asked_once_and_said, .timeout = 60)
{
	int server = name_server();
	char problem[128], *path = NULL;

	setenv("DEBUGINFOD_TIMEOUT", "1", 1);
	cr_expect_not(debuginfod_problem(problem, sizeof(problem)));
	cr_expect_eq(debuginfod_fetch(build_id, sizeof(build_id), &path), -1);
	cr_expect_geq(connections(server), 1);
	cr_expect(debuginfod_problem(problem, sizeof(problem)));
	cr_expect_str_eq(problem, "nothing came for 1 s (DEBUGINFOD_TIMEOUT)");
	cr_expect_eq(debuginfod_fetch(build_id, sizeof(build_id), &path), -1);
	cr_expect_eq(connections(server), 0);
	cr_expect_eq(notes(), 0, "it would not be asked in the next recording either");
	remove_cache();
}

static void *give_up_when_asked(void *server)
{
	struct pollfd asked = {.fd = *(int *)server, .events = POLLIN};
	static bool has_ended;

	poll(&asked, 1, -1);
	has_ended = debuginfod_give_up();
	return &has_ended;
}

Test(debuginfod, a_question_can_be_given_up, .timeout = 60)
{
	int server = name_server();
	char problem[128], *path = NULL;
	pthread_t thread;
	void *has_ended;

	setenv("DEBUGINFOD_TIMEOUT", "600", 1);
	setenv("DEBUGINFOD_MAXTIME", "600", 1);
	pthread_create(&thread, NULL, give_up_when_asked, &server);
	cr_expect_eq(debuginfod_fetch(build_id, sizeof(build_id), &path), -1);
	pthread_join(thread, &has_ended);
	cr_expect(*(bool *)has_ended);
	cr_expect(debuginfod_problem(problem, sizeof(problem)));
	cr_expect_str_eq(problem, "it was interrupted");
	cr_expect_not(debuginfod_give_up(), "nothing is asked any more");
	cr_expect_eq(notes(), 0);
	remove_cache();
}

Test(debuginfod, nobody_is_asked_who_is_not_named)
{
	char problem[128], *path = NULL;

	unsetenv("DEBUGINFOD_URLS");
	cr_expect_eq(debuginfod_fetch(build_id, sizeof(build_id), &path), -1);
	cr_expect_not(debuginfod_problem(problem, sizeof(problem)));
}
