/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * push: a pprof profile sent to a server that collects those of many machines.
 *
 * The call is Pyroscope's PusherService, one POST of JSON with the profile in base64. A URL without
 * a path gets the service's. Tried again are what may pass: no connection, a time-out, and the
 * answers 408, 429 and 5xx, after 1, 2, 4 … seconds or as long as the server asks (at most a
 * minute); every try carries the same profile id. Redirections are not followed.
 * Source: grafana/pyroscope, api/push/v1/push.proto, in Connect's JSON form.
 */
#pragma once

#include "collector/base/error.h"

#include <stddef.h>

enum {
	PUSH_LIST = 32
};

struct push {
	const char *url;     /* http or https */
	const char *metric;  /* "cpu"; becomes the label __name__ */
	const char *service; /* any bytes; the label service_name */
	/* "NAME=VALUE"; NAME has only letters, digits and _ */
	const char *labels[PUSH_LIST];
	size_t labels_count;
	const char *headers[PUSH_LIST]; /* "Name: value", or @FILE with such lines */
	size_t headers_count;
	unsigned retries;
};

/*
 * Sends @bytes bytes at @profile.
 * Returns 0, or a negative errno: -EINVAL for a URL, label or header that cannot be used, -EIO with
 * what the server or the network answered.
 */
int push_profile(const struct push *push, const void *profile, size_t bytes, struct error *error);
