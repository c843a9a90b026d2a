/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push: see push.h. */
#include "reports/push.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <sys/random.h>
#include <time.h>

static const char service_path[] = "/push.v1.PusherService/Push";
static const long most_wait_s = 60;

struct answer {
	char text[160]; /* how the body begins, for the error */
	size_t bytes;
};

static size_t keep_answer(const char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t bytes = size * count, room = sizeof(answer->text) - 1 - answer->bytes;

	memcpy(answer->text + answer->bytes, data, bytes < room ? bytes : room);
	answer->bytes += bytes < room ? bytes : room;
	return bytes;
}

/* Source: RFC 4648, section 4. */
static void write_base64(FILE *stream, const unsigned char *data, size_t bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes; i += 3) {
		size_t left = bytes - i;
		uint32_t three = (uint32_t)data[i] << 16 |
				 (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				 (left > 2 ? data[i + 2] : 0);

		fputc(digits[three >> 18], stream);
		fputc(digits[three >> 12 & 63], stream);
		fputc(left > 1 ? digits[three >> 6 & 63] : '=', stream);
		fputc(left > 2 ? digits[three & 63] : '=', stream);
	}
}

/* A random UUID. Source: RFC 4122, section 4.4. */
static void write_id(FILE *stream)
{
	unsigned char id[16] = {0};

	/* So few bytes always come, and whole: getrandom(2). */
	if (getrandom(id, sizeof(id), 0) < 0)
		memset(id, 0, sizeof(id));
	id[6] = (id[6] & 0x0f) | 0x40;
	id[8] = (id[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		fprintf(stream, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

static void write_label(FILE *stream, const char *name, const char *value)
{
	fputs(",{\"name\":", stream);
	export_json_text(stream, name);
	fputs(",\"value\":", stream);
	export_json_text(stream, value);
	fputc('}', stream);
}

/* Names of labels are [a-zA-Z_][a-zA-Z0-9_]*, for servers refuse all else. */
static size_t name_bytes(const char *label)
{
	size_t bytes = 0;

	while (isalnum((unsigned char)label[bytes]) || label[bytes] == '_')
		bytes++;
	return isdigit((unsigned char)*label) ? 0 : bytes;
}

static int write_labels(const struct push *push, FILE *stream, struct error *error)
{
	fprintf(stream, "{\"name\":\"__name__\",\"value\":\"%s\"}",
		!strcmp(push->metric, "cpu") ? "process_cpu" : "profile");
	write_label(stream, "service_name", push->service);
	write_label(stream, "metric", push->metric);
	for (size_t i = 0; i < push->labels_count; i++) {
		const char *label = push->labels[i];
		size_t bytes = name_bytes(label);
		char name[128];

		if (!bytes || bytes >= sizeof(name) || label[bytes] != '=')
			return fail(error, -EINVAL,
				    "a label is NAME=VALUE with letters, digits and _ in NAME, not "
				    "'%s'",
				    label);
		memcpy(name, label, bytes);
		name[bytes] = '\0';
		write_label(stream, name, label + bytes + 1);
	}
	return 0;
}

/* Returns the body, to be freed, or NULL with @error. */
static char *make_body(const struct push *push, const void *profile, size_t profile_bytes,
		       size_t *bytes, struct error *error)
{
	char *body = NULL;
	FILE *stream = xalloc_checked(open_memstream(&body, bytes));
	int result;

	fputs("{\"series\":[{\"labels\":[", stream);
	result = write_labels(push, stream, error);
	fputs("],\"samples\":[{\"ID\":\"", stream);
	write_id(stream);
	fputs("\",\"rawProfile\":\"", stream);
	write_base64(stream, profile, profile_bytes);
	fputs("\"}]}]}", stream);
	fclose(stream);
	if (!result)
		return body;
	free(body);
	return NULL;
}

/*
 * A URL of http or https, with the service's path when it has none. To be freed by curl_free, as is
 * @shown: the same without the name and password that it may hold.
 */
static char *make_url(const char *text, char **shown, struct error *error)
{
	CURLU *url = xalloc_checked(curl_url());
	char *scheme = NULL, *path = NULL, *whole = NULL;

	if (!curl_url_set(url, CURLUPART_URL, text, 0) &&
	    !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) && !strncmp(scheme, "http", 4) &&
	    !curl_url_get(url, CURLUPART_PATH, &path, 0)) {
		if (!strcmp(path, "/"))
			curl_url_set(url, CURLUPART_PATH, service_path, 0);
		curl_url_get(url, CURLUPART_URL, &whole, 0);
		curl_url_set(url, CURLUPART_USER, NULL, 0);
		curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
		curl_url_get(url, CURLUPART_URL, shown, 0);
	}
	if (!whole)
		fail(error, -EINVAL, "what --push names is no http or https address");
	curl_free(scheme);
	curl_free(path);
	curl_url_cleanup(url);
	return whole;
}

static int add_header_file(struct curl_slist **list, const char *path, struct error *error)
{
	FILE *stream = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;

	if (!stream)
		return fail(error, -errno, "cannot read headers from %s: %m", path);
	while (getline(&line, &capacity, stream) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line)
			*list = xalloc_checked(curl_slist_append(*list, line));
	}
	free(line);
	fclose(stream);
	return 0;
}

static int make_headers(const struct push *push, struct curl_slist **list, struct error *error)
{
	int result = 0;

	*list = xalloc_checked(curl_slist_append(NULL, "Content-Type: application/json"));
	*list = xalloc_checked(curl_slist_append(*list, "Expect:"));
	for (size_t i = 0; i < push->headers_count && !result; i++) {
		const char *header = push->headers[i];

		if (*header == '@')
			result = add_header_file(list, header + 1, error);
		else if (!strchr(header, ':') || strpbrk(header, "\r\n"))
			result =
				fail(error, -EINVAL, "a header is 'Name: value', not '%s'", header);
		else
			*list = xalloc_checked(curl_slist_append(*list, header));
	}
	return result;
}

static bool may_pass(CURLcode code, long status)
{
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT ||
	    code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_GOT_NOTHING ||
	    code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
		return true;
	return !code && (status == 408 || status == 429 || status >= 500);
}

static void wait_for_next(CURL *curl, unsigned tries)
{
	curl_off_t asked_s = 0;
	long wait_s = tries < 6 ? 1L << (tries - 1) : most_wait_s;

	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &asked_s);
	if (asked_s > 0)
		wait_s = asked_s < most_wait_s ? (long)asked_s : most_wait_s;
	nanosleep(&(struct timespec){.tv_sec = wait_s}, NULL);
}

static int send_body(const struct push *push, CURL *curl, const char *shown, struct error *error)
{
	char problem[CURL_ERROR_SIZE] = "";
	struct answer answer;
	unsigned tries = 0;
	CURLcode code;
	long status;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	for (;;) {
		answer = (struct answer){0};
		status = 0;
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		tries++;
		if (!code && status >= 200 && status < 300)
			return 0;
		if (!may_pass(code, status) || tries > push->retries)
			break;
		wait_for_next(curl, tries);
	}
	if (code)
		return fail(error, -EIO, "cannot push to %s: %s (%u tries)", shown,
			    *problem ? problem : curl_easy_strerror(code), tries);
	return fail(error, -EIO, "%s refused the profile with status %ld: %s (%u tries)", shown,
		    status, answer.text, tries);
}

static void set_options(CURL *curl, const char *url, const char *body, size_t bytes,
			struct curl_slist *headers)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "simprof/" VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

int push_profile(const struct push *push, const void *profile, size_t bytes, struct error *error)
{
	struct curl_slist *headers = NULL;
	char *shown = NULL, *url = make_url(push->url, &shown, error), *body;
	size_t body_bytes;
	int result = -EINVAL;
	CURL *curl;

	if (!url)
		return result;
	body = make_body(push, profile, bytes, &body_bytes, error);
	if (body && !(result = make_headers(push, &headers, error))) {
		curl = xalloc_checked(curl_easy_init());
		set_options(curl, url, body, body_bytes, headers);
		result = send_body(push, curl, shown, error);
		curl_easy_cleanup(curl);
	}
	curl_slist_free_all(headers);
	curl_free(url);
	curl_free(shown);
	free(body);
	return result;
}
