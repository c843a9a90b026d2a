/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_files: see source_files.h. */
#include "collector/resolve/source_files.h"

#include "collector/base/xalloc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads a file as text with a zero byte behind it; NULL: there is none that can be read whole. */
static char *read_file(const char *path, size_t *bytes)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char *text = NULL;
	ssize_t got = -1;

	if (descriptor < 0)
		return NULL;
	if (!fstat(descriptor, &status) && S_ISREG(status.st_mode) &&
	    status.st_size <= SOURCE_FILES_LARGEST && profile_source_is_code(descriptor)) {
		*bytes = (size_t)status.st_size;
		text = xmalloc(*bytes + 1);
		got = read(descriptor, text, *bytes);
	}
	close(descriptor);
	if (text && got == (ssize_t)*bytes) {
		text[*bytes] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

void source_files_read(struct profile *profile, bool embed)
{
	size_t left = SOURCE_FILES_ALL;

	for (uint32_t file = 1; file < profile->files_count; file++) {
		size_t bytes;
		char *text = *profile->files[file] == '/' ? read_file(profile->files[file], &bytes)
							  : NULL;

		if (text && bytes <= left) {
			left -= bytes;
			profile_source_add(
				profile,
				&(struct profile_source){
					.file = file,
					.bytes = bytes,
					.hash = profile_source_hash(text, bytes),
					.text = embed && strlen(text) == bytes ? text : NULL,
				});
		}
		free(text);
	}
}
