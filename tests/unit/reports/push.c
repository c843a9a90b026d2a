/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/push.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server of one answer to each of so many requests; it keeps the last body. */
struct server {
	int socket;
	int status, requests;
	char url[64], body[20000];
	pthread_t thread;
};

/* Reads one request; returns its body. */
static void read_request(int connection, char *body, size_t capacity)
{
	char text[20000] = "", *head_end = NULL;
	size_t have = 0, length = 0;
	ssize_t got;

	while ((got = read(connection, text + have, sizeof(text) - 1 - have)) > 0) {
		const char *field;

		text[have += (size_t)got] = '\0';
		head_end = strstr(text, "\r\n\r\n");
		field = strcasestr(text, "\r\nContent-Length:");
		if (field)
			length = strtoul(field + 17, NULL, 10);
		if (head_end && have >= (size_t)(head_end + 4 - text) + length)
			break;
	}
	snprintf(body, capacity, "%s", head_end ? head_end + 4 : "");
}

static void *serve(void *context)
{
	struct server *server = context;

	for (int i = 0; i < server->requests; i++) {
		int connection = accept(server->socket, NULL, NULL);

		read_request(connection, server->body, sizeof(server->body));
		dprintf(connection,
			"HTTP/1.1 %d x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
			server->status);
		close(connection);
	}
	return NULL;
}

static void start(struct server *server, int status, int requests)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(address);

	*server = (struct server){.status = status, .requests = requests};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(server->socket, (struct sockaddr *)&address, bytes), 0);
	cr_assert_eq(listen(server->socket, 4), 0);
	cr_assert_eq(getsockname(server->socket, (struct sockaddr *)&address, &bytes), 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	cr_assert_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->socket);
}

static int send_to(const char *url, const char *label, const char *header, const char *bytes,
		   struct error *error)
{
	struct push push = {.url = url, .metric = "cpu", .service = "sim \"1\""};

	if (label)
		push.labels[push.labels_count++] = label;
	if (header)
		push.headers[push.headers_count++] = header;
	return push_profile(&push, bytes, strlen(bytes), error);
}

Test(push, what_cannot_be_used_is_refused_before_anything_is_sent, .timeout = 60)
{
	struct error error;

	cr_expect_eq(send_to("ftp://127.0.0.1:1", NULL, NULL, "x", &error), -EINVAL);
	cr_expect_eq(send_to("no address", NULL, NULL, "x", &error), -EINVAL);
	cr_expect_eq(send_to("http://127.0.0.1:1", "a b=c", NULL, "x", &error), -EINVAL);
	cr_expect_eq(send_to("http://127.0.0.1:1", NULL, "nonsense", "x", &error), -EINVAL);
}

Test(push, the_profile_arrives_in_base64_whatever_its_length, .timeout = 60)
{
	/* RFC 4648, section 10. */
	static const char *const known[][2] = {{"f", "\"Zg==\""},
					       {"fo", "\"Zm8=\""},
					       {"foo", "\"Zm9v\""},
					       {"foob", "\"Zm9vYg==\""}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct server server;
		struct error error;
		json_t *body;

		start(&server, 200, 1);
		cr_assert_eq(send_to(server.url, "run=3", NULL, known[i][0], &error), 0);
		stop(&server);
		cr_expect(strstr(server.body, known[i][1]), "%s in %s", known[i][1], server.body);
		body = json_loads(server.body, 0, NULL);
		cr_expect(body, "the body is JSON: %s", server.body);
		json_decref(body);
	}
}

Test(push, an_answer_that_is_final_is_an_error_after_one_try, .timeout = 60)
{
	struct server server;
	struct error error;

	start(&server, 400, 1);
	cr_assert_eq(send_to(server.url, NULL, NULL, "x", &error), -EIO);
	stop(&server);
	cr_assert(strstr(error.text, "400"));
}
