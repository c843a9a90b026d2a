/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations: see operations.h. */
#include "collector/operations.h"

#include "collector/base/xalloc.h"
#include "collector/profile/id_table.h"
#include "collector/resolve/variable.h"

#include <limits.h>
#include <uthash.h>

#define FRAME_TEXT_BYTES 120 /* of a subject's name in a picture */

/* Two threads may have made two rows of one subject. */
struct subject_key {
	uint64_t identity;
	int32_t pid;
	uint32_t kind;
	uint64_t site; /* that allocated its memory: wide, so that nothing of the key is unset */
};

struct known {
	UT_hash_handle hh;
	struct subject_key key;
	uint32_t id;
};

struct operations {
	struct profile *profile;
	struct modules *modules;
	struct variable_names *names;
	struct known *known;
	uint32_t *ids; /* of the profile's subjects, by number */
	size_t id_count, id_capacity;
	uint32_t *rows; /* of the profile's operations, by number; from 1, 0: none yet */
	size_t row_count, row_capacity;
	struct id_table spreads; /* (subject, kind and bucket) → row, from 1 */
	uint32_t *frames;	 /* by subject and kind of operation; 0: not made */
	size_t frame_count, frame_capacity;
};

struct operations *operations_new(struct profile *profile, struct modules *modules)
{
	struct operations *operations = xcalloc(1, sizeof(*operations));

	operations->profile = profile;
	operations->modules = modules;
	operations->names = variable_names_new();
	return operations;
}

void operations_free(struct operations *operations)
{
	struct known *known, *next;

	if (!operations)
		return;
	HASH_ITER (hh, operations->known, known, next) {
		HASH_DEL(operations->known, known);
		free(known);
	}
	variable_names_free(operations->names);
	free(operations->ids);
	free(operations->rows);
	id_table_done(&operations->spreads);
	free(operations->frames);
	free(operations);
}

/* ---- subjects ----------------------------------------------------------------------------- */

/* Returns the row of a file that code was seen of, 0 when there is none. */
static uint32_t known_module(const struct profile *profile, const char *path)
{
	for (size_t i = 1; i < profile->modules_count; i++)
		if (profile->modules[i].kind == PROFILE_MODULE_ELF &&
		    !strcmp(profile->modules[i].path, path))
			return (uint32_t)i;
	return 0;
}

/*
 * Returns the row of the object file that the dynamic linker has under @path, which may be a link;
 * 0 when it cannot be opened. One that no code was seen of is opened now, as it lies there.
 */
static uint32_t module_of(struct operations *operations, const char *path, pid_t pid)
{
	char resolved[PATH_MAX];
	uint32_t known = known_module(operations->profile, path);
	struct module_identity identity = {.path = resolved};
	struct module *module;

	if (known || !realpath(path, resolved))
		return known;
	known = known_module(operations->profile, resolved);
	if (known)
		return known;
	module = modules_get(operations->modules, &identity, pid);
	return module_open(module) ? 0 : module->id;
}

/* Names a variable; where there is no symbol, by its place in the file. */
static char *variable_text(struct operations *operations, uint32_t module, const char *path,
			   uint64_t elf_address)
{
	const struct module *opened = module ? modules_find(operations->modules, module) : NULL;
	const char *slash = strrchr(path, '/');
	char text[256];

	if (!opened || !variable_name(operations->names, opened, elf_address, text, sizeof(text)))
		snprintf(text, sizeof(text), "%s+0x%llx", slash ? slash + 1 : path,
			 (unsigned long long)elf_address);
	return xstrdup(text);
}

static void name_subject(struct operations *operations, const struct event_subject *told,
			 struct profile_subject *subject)
{
	char *text = xmalloc(told->text_bytes + 1);

	memcpy(text, told->text, told->text_bytes);
	text[told->text_bytes] = '\0';
	if (told->kind < PROFILE_SUBJECT_FILE && *text) {
		subject->module = module_of(operations, text, subject->pid);
		subject->name = variable_text(operations, subject->module, text, told->elf_address);
		free(text);
	} else {
		subject->name = text;
	}
}

static void set_id(struct operations *operations, uint32_t number, uint32_t id)
{
	while (operations->id_count <= number) {
		xgrow(operations->ids, operations->id_count, operations->id_capacity);
		operations->ids[operations->id_count++] = 0;
	}
	operations->ids[number] = id;
}

void operations_subject(struct operations *operations, const struct event *event, uint32_t site)
{
	const struct event_subject *told = &event->subject;
	struct known *known;
	struct subject_key key = {told->identity, event->pid, told->kind, site};
	bool is_lock = told->kind < PROFILE_SUBJECT_FILE;

	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it is all set */
	HASH_FIND(hh, operations->known, &key, sizeof(key), known);
	if (!known) {
		struct profile_subject subject = {
			.kind = told->kind,
			.pid = event->pid,
			.address = is_lock ? told->identity & INT64_MAX : 0,
			.site = site,
		};

		name_subject(operations, told, &subject);
		known = xcalloc(1, sizeof(*known));
		known->key = key;
		known->id = profile_subject_add(operations->profile, &subject);
		HASH_ADD(hh, operations->known, key, sizeof(key), known);
		free(subject.name);
	}
	profile_subject_more(operations->profile, known->id, told->taken);
	set_id(operations, told->number, known->id);
}

static uint32_t id_of(const struct operations *operations, uint32_t number)
{
	return number < operations->id_count ? operations->ids[number] : 0;
}

/* ---- operations --------------------------------------------------------------------------- */

/* Returns the row of the thread of an operation, which may have ended long ago; 0: not known. */
static uint32_t thread_of(struct operations *operations, const struct event *event)
{
	struct profile *profile = operations->profile;

	if (!event->pid)
		return 0;
	for (size_t i = profile->threads_count; i-- > 1;)
		if (profile->threads[i].pid == event->pid && profile->threads[i].tid == event->tid)
			return (uint32_t)i;
	return profile_thread_add(profile, event->pid, event->tid, "");
}

/* Writes what a picture calls an operation: "[mutex world_lock]", "[read /etc/passwd]". */
static void frame_text(const struct profile_subject *subject, uint8_t kind, char *text,
		       size_t bytes)
{
	bool is_lock = subject->kind < PROFILE_SUBJECT_FILE;
	const char *what = is_lock && subject->kind ? profile_subject_kinds[subject->kind]
						    : profile_operation_kinds[kind];

	if (*subject->name)
		snprintf(text, bytes, "[%s %.*s]", what, FRAME_TEXT_BYTES, subject->name);
	else if (is_lock && subject->address)
		snprintf(text, bytes, "[%s 0x%llx]", what, (unsigned long long)subject->address);
	else
		snprintf(text, bytes, "[%s]", what);
}

static uint32_t frame_of(struct operations *operations, uint32_t subject, uint8_t kind)
{
	struct profile *profile = operations->profile;
	size_t index = (size_t)subject * PROFILE_OPERATION_KINDS + kind;
	char text[FRAME_TEXT_BYTES + 40];
	struct profile_line line = {0};
	uint32_t module;

	while (operations->frame_count <= index) {
		xgrow(operations->frames, operations->frame_count, operations->frame_capacity);
		operations->frames[operations->frame_count++] = 0;
	}
	if (operations->frames[index])
		return operations->frames[index];
	module = profile_module(profile, PROFILE_MODULE_NOTE, "[note]", NULL);
	frame_text(&profile->subjects[subject], kind, text, sizeof(text));
	line.function = profile_function(profile, text, NULL, module, 0, 0, true);
	operations->frames[index] = profile_frame(profile, module, PROFILE_ENDINGS + index);
	profile_frame_set_lines(profile, operations->frames[index], &line, 1);
	return operations->frames[index];
}

/* Returns where the row of an operation is noted. */
static uint32_t *row_of(struct operations *operations, uint32_t number)
{
	while (operations->row_count <= number) {
		xgrow(operations->rows, operations->row_count, operations->row_capacity);
		operations->rows[operations->row_count++] = 0;
	}
	return &operations->rows[number];
}

uint32_t operations_take(struct operations *operations, const struct event *event,
			 struct profile_operation *row)
{
	const struct event_operation *told = &event->operation;
	uint32_t *number = row_of(operations, told->number);

	row->count = told->count;
	row->total_ns = told->total_ns;
	row->longest_ns = told->longest_ns;
	row->amount = told->amount;
	row->part_ns = told->part_ns;
	if (*number) {
		profile_operation_more(operations->profile, *number - 1, row);
	} else {
		row->subject = id_of(operations, told->subject);
		row->kind = told->kind;
		row->thread = thread_of(operations, event);
		*number = profile_operation_add(operations->profile, row) + 1;
	}
	*row = operations->profile->operations[*number - 1];
	return frame_of(operations, row->subject, row->kind);
}

void operations_spread(struct operations *operations, const struct event *event)
{
	const struct event_spread *told = &event->spread;
	uint32_t subject = id_of(operations, told->subject);
	uint32_t *number = id_table_slot(&operations->spreads, subject,
					 (uint64_t)told->kind << 32 | told->bucket);

	if (*number)
		profile_spread_more(operations->profile, *number - 1, told->count);
	else
		*number = profile_spread_add(operations->profile,
					     &(struct profile_spread){
						     .subject = subject,
						     .kind = told->kind,
						     .bucket = told->bucket,
						     .count = told->count,
					     }) +
			  1;
}
