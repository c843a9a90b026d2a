/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import: what the readers share; see import.h. */
#include "collector/import/import.h"

#include "collector/base/xalloc.h"

#include <uthash.h>

/* Frames are told apart by everything they say, written into one text. */
struct import_frame {
	UT_hash_handle hh;
	char *key;
	uint32_t frame;
};

struct import_thread {
	UT_hash_handle hh;
	struct {
		int32_t pid, tid;
	} key;
	uint32_t thread;
};

void import_init(struct import *import, struct profile *profile,
		 int (*take)(void *context, const struct profile_sample *sample,
			     struct error *error),
		 void *context)
{
	*import = (struct import){.profile = profile, .take = take, .context = context};
}

void import_done(struct import *import)
{
	struct import_frame *frame, *next_frame;
	struct import_thread *thread, *next_thread;

	HASH_ITER (hh, import->frames, frame, next_frame) {
		HASH_DEL(import->frames, frame);
		free(frame->key);
		free(frame);
	}
	HASH_ITER (hh, import->threads, thread, next_thread) {
		HASH_DEL(import->threads, thread);
		free(thread);
	}
}

ssize_t import_line(struct import *import, FILE *stream, char **line, size_t *capacity)
{
	ssize_t bytes = getline(line, capacity, stream);

	if (bytes < 0)
		return -1;
	if (!import->lines++ && bytes >= 3 && !memcmp(*line, "\xef\xbb\xbf", 3)) {
		bytes -= 3;
		memmove(*line, *line + 3, (size_t)bytes + 1);
	}
	while (bytes && ((*line)[bytes - 1] == '\n' || (*line)[bytes - 1] == '\r'))
		(*line)[--bytes] = '\0';
	for (char *zero; (zero = memchr(*line, '\0', (size_t)bytes));)
		*zero = '?';
	return bytes;
}

void import_skip(struct import *import)
{
	if (!import->skipped++)
		import->first_skipped = import->lines;
}

static uint32_t place_module(struct import *import, const struct import_place *place)
{
	const char *path = place->module ? place->module : "";
	enum profile_module_kind kind = PROFILE_MODULE_ELF;

	if (!strncmp(path, "[kernel", 7) || !strncmp(path, "[guest.kernel", 13))
		return profile_module(import->profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	if (!strcmp(path, "[vdso]"))
		kind = PROFILE_MODULE_VDSO;
	else if (!strcmp(path, "[jit]") || !strncmp(path, "//anon", 6))
		kind = PROFILE_MODULE_JIT;
	else if (!*path || !strcmp(path, "[unknown]"))
		return profile_module(import->profile, PROFILE_MODULE_UNKNOWN, "[unknown]", NULL);
	return profile_module(import->profile, kind, path, NULL);
}

/* Addresses of a text belong to many processes; a frame's is its own number. */
static uint32_t add_frame(struct import *import, const struct import_place *places, size_t count)
{
	struct profile *profile = import->profile;
	struct profile_line *lines = xcalloc(count, sizeof(*lines));
	uint32_t module = place_module(import, &places[count - 1]), frame;

	for (size_t i = 0; i < count; i++) {
		uint32_t file = profile_file_name(profile, places[i].file ? places[i].file : "");
		bool named = strcmp(places[i].function, "[unknown]") != 0;

		lines[i].function =
			profile_function(profile, places[i].function, NULL, module, file, 0, named);
		lines[i].line = places[i].line;
	}
	frame = profile_frame(profile, module, profile->frames_count);
	profile_frame_set_lines(profile, frame, lines, count);
	free(lines);
	return frame;
}

uint32_t import_frame(struct import *import, const struct import_place *places, size_t count)
{
	struct import_frame *found;
	char *key = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&key, &bytes));

	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s\n%s\n%s\n%u\n", places[i].function,
			places[i].module ? places[i].module : "",
			places[i].file ? places[i].file : "", places[i].line);
	fclose(stream);
	HASH_FIND_STR(import->frames, key, found);
	if (found) {
		free(key);
		return found->frame;
	}
	found = xcalloc(1, sizeof(*found));
	found->key = key;
	found->frame = add_frame(import, places, count);
	HASH_ADD_KEYPTR(hh, import->frames, found->key, bytes, found);
	return found->frame;
}

uint32_t import_thread(struct import *import, int32_t pid, int32_t tid, const char *name)
{
	struct import_thread *found, wanted = {.key = {pid, tid}};

	HASH_FIND(hh, import->threads, &wanted.key, sizeof(wanted.key), found);
	if (!found) {
		found = xcalloc(1, sizeof(*found));
		found->key.pid = pid;
		found->key.tid = tid;
		found->thread = profile_thread_add(import->profile, pid, tid, name);
		HASH_ADD(hh, import->threads, key, sizeof(found->key), found);
	} else if (strcmp(import->profile->threads[found->thread].name, name) != 0) {
		profile_thread_rename(import->profile, found->thread, name);
	}
	return found->thread;
}

uint16_t import_metric(struct import *import, const char *name, const char *unit)
{
	struct profile *profile = import->profile;

	for (size_t i = 0; i < profile->metrics_count; i++)
		if (!strcmp(profile->metrics[i].name, name))
			return (uint16_t)i;
	if (profile->metrics_count == 64)
		return UINT16_MAX;
	return (uint16_t)profile_metric_add(profile, name, unit, 1);
}
