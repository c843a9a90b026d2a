/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gzip: compressed output. The header has no name and no time, so that the same data is always the
 * same bytes.
 *
 * Source: zlib.h, deflateInit2 (16 added to the window's bits asks for a gzip header); RFC 1952.
 */
#pragma once

#include <stdio.h>
#include <zlib.h>

struct gzip {
	z_stream zlib;
	FILE *stream; /* borrowed; its owner checks it for errors */
};

void gzip_begin(struct gzip *gzip, FILE *stream);
void gzip_append(struct gzip *gzip, const void *data, size_t bytes);
void gzip_end(struct gzip *gzip);
