/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gzip: see gzip.h. */
#include "reports/gzip.h"

#include "collector/base/xalloc.h"

#include <limits.h>

static void compress_input(struct gzip *gzip, int flush)
{
	unsigned char out[16384];

	do {
		gzip->zlib.next_out = out;
		gzip->zlib.avail_out = sizeof(out);
		deflate(&gzip->zlib, flush);
		fwrite(out, 1, sizeof(out) - gzip->zlib.avail_out, gzip->stream);
	} while (!gzip->zlib.avail_out);
}

void gzip_begin(struct gzip *gzip, FILE *stream)
{
	*gzip = (struct gzip){.stream = stream};
	if (deflateInit2(&gzip->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		xalloc_checked(NULL);
}

void gzip_append(struct gzip *gzip, const void *data, size_t bytes)
{
	const unsigned char *next = data;

	while (bytes) {
		size_t part = bytes < INT_MAX ? bytes : INT_MAX;

		gzip->zlib.next_in = (unsigned char *)next;
		gzip->zlib.avail_in = (uInt)part;
		compress_input(gzip, Z_NO_FLUSH);
		next += part;
		bytes -= part;
	}
}

void gzip_end(struct gzip *gzip)
{
	compress_input(gzip, Z_FINISH);
	deflateEnd(&gzip->zlib);
}
