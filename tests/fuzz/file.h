/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file: the input as a file, for targets whose readers take a path. A real one, because SQLite
 * opens what a path leads to, and a file in memory (memfd) has no other name than its descriptor's.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static char file_path[] = "/tmp/fuzz-input.XXXXXX";

static void file_remove(void)
{
	unlink(file_path);
}

/* Writes the input; returns the path of the one file there is. */
static inline const char *file_of(const uint8_t *data, size_t bytes)
{
	static FILE *stream;

	if (!stream) {
		int descriptor = mkstemp(file_path);

		stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
		if (!stream || atexit(file_remove))
			abort();
	}
	rewind(stream);
	if (ftruncate(fileno(stream), 0) || fwrite(data, 1, bytes, stream) != bytes ||
	    fflush(stream))
		abort();
	return file_path;
}
