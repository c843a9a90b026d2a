/* SPDX-License-Identifier: MIT */
/* execute: see execute.h. Sources: execve(2), exec(3), posix_spawn(3), ld.so(8). */
#include "probe/execute.h"

#include "probe/loadable.h"
#include "probe/probe.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/thread.h"

#include <dlfcn.h>
#include <spawn.h>
#include <stdarg.h>
#include <unistd.h>

#define ENTRY_BYTES 4096u
#define MOST_ROOM   (32u << 10) /* on the caller's stack; larger environments go as they are */
#define PRELOAD	    "LD_PRELOAD="
#define MEMORY	    WIRE_VARIABLE "="

static char library[ENTRY_BYTES];		  /* path of libprobe.so, "" when it is not known */
static char memory[sizeof(MEMORY) + ENTRY_BYTES]; /* the whole entry */

REAL(execve);
REAL(execvpe);
REAL(fexecve);
REAL(execveat);
REAL(posix_spawn);
REAL(posix_spawnp);

static uint64_t length(const char *text)
{
	uint64_t bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

/* Returns what follows @start in @text, NULL when it does not begin so. */
static const char *after(const char *text, const char *start)
{
	while (*start && *text == *start)
		text++, start++;
	return *start ? NULL : text;
}

void execute_prepare(const char *memory_path)
{
	Dl_info own;
	uint64_t bytes = length(memory_path);

	if (bytes >= ENTRY_BYTES || !dladdr(&library, &own) || *own.dli_fname != '/' ||
	    length(own.dli_fname) >= ENTRY_BYTES)
		return;
	raw_copy(memory, MEMORY, sizeof(MEMORY));
	raw_copy(memory + sizeof(MEMORY) - 1, memory_path, bytes + 1);
	raw_copy(library, own.dli_fname, length(own.dli_fname) + 1);
}

/* In place: copies that the program has made of its environment have the same entries. */
void execute_retire(void)
{
	*library = '\0';
	for (char **entry = environ; entry && *entry; entry++) {
		char *path = (char *)after(*entry, MEMORY);

		if (path)
			*path = '\0';
	}
}

/* ---- environments -------------------------------------------------------------------------- */

/* Says whether a list of libraries has ours. */
static bool has_library(const char *list)
{
	while (*list) {
		const char *rest = after(list, library);

		if (rest && (!*rest || *rest == ':' || *rest == ' '))
			return true;
		while (*list && *list != ':' && *list != ' ')
			list++;
		list += *list != '\0';
	}
	return false;
}

/* Half of what the caller's stack has left, so that the library's own function has the other. */
static uint64_t most_room(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	uint64_t start = thread_self ? thread_self->stack_start : here;

	return here > start && (here - start) / 2 < MOST_ROOM ? (here - start) / 2 : MOST_ROOM;
}

struct plan {
	bool is_wanted; /* the new program can take the library */
	bool is_as_it_should_be;
	uint64_t room; /* bytes for the new environment */
};

static struct plan plan(char *const *environment, bool is_wanted)
{
	struct plan plan = {.is_wanted = is_wanted};
	bool has_memory = false, is_preloaded = false;
	uint64_t count = 0, list_bytes = 0;

	for (; environment && environment[count]; count++) {
		const char *list = after(environment[count], PRELOAD);

		has_memory |= after(environment[count], MEMORY) != NULL;
		if (!list)
			continue;
		is_preloaded |= has_library(list);
		list_bytes += length(list);
	}
	plan.room = (count + 3) * sizeof(char *) + sizeof(PRELOAD) + ENTRY_BYTES + list_bytes;
	plan.is_as_it_should_be =
		(is_wanted ? has_memory && is_preloaded : !is_preloaded) || plan.room > most_room();
	return plan;
}

/* Appends a library to a list; returns the list's new length. */
static uint64_t append(char *list, uint64_t used, const char *path, uint64_t bytes)
{
	if (used)
		list[used++] = ':';
	raw_copy(list + used, path, bytes);
	return used + bytes;
}

/* Appends the libraries of another list that are not ours. */
static uint64_t append_others(char *list, uint64_t used, const char *others)
{
	while (*others) {
		uint64_t bytes = 0;
		const char *rest = after(others, library);

		while (others[bytes] && others[bytes] != ':' && others[bytes] != ' ')
			bytes++;
		if (bytes && !(rest && rest == others + bytes))
			used = append(list, used, others, bytes);
		others += bytes + (others[bytes] != '\0');
	}
	return used;
}

/* Makes the new environment in @room. */
static char *const *make(const struct plan *plan, char *const *environment, void *room)
{
	char **entries = room;
	uint64_t count = 0, used = 0, list_bytes = 0;
	char *preload, *list;

	while (environment && environment[count])
		count++;
	preload = (char *)room + (count + 3) * sizeof(char *);
	raw_copy(preload, PRELOAD, sizeof(PRELOAD));
	list = preload + sizeof(PRELOAD) - 1;
	if (plan->is_wanted) {
		list_bytes = append(list, list_bytes, library, length(library));
		entries[used++] = memory;
	}
	for (uint64_t i = 0; i < count; i++) {
		const char *others = after(environment[i], PRELOAD);

		if (others)
			list_bytes = append_others(list, list_bytes, others);
		else if (!plan->is_wanted || !after(environment[i], MEMORY))
			entries[used++] = environment[i];
	}
	list[list_bytes] = '\0';
	if (list_bytes)
		entries[used++] = preload;
	entries[used] = NULL;
	return entries;
}

static bool follows(void)
{
	return *library && probe_is_on();
}

/* Where the library cannot be opened, after chroot for instance, ld.so would complain. */
static bool is_reachable(void)
{
	return !RAW_2(SYS_access, library, R_OK);
}

/* The environment to execute with. In the caller's frame: nothing may be allocated elsewhere, as
 * the caller may be a child of vfork. */
#define ENVIRONMENT(environment, is_loadable)                                                      \
	({                                                                                         \
		char *const *chosen_ = (environment);                                              \
                                                                                                   \
		if (follows()) {                                                                   \
			struct plan plan_ = plan(chosen_, is_reachable() && (is_loadable));        \
                                                                                                   \
			if (!plan_.is_as_it_should_be)                                             \
				chosen_ = make(&plan_, chosen_, __builtin_alloca(plan_.room));     \
		}                                                                                  \
		chosen_;                                                                           \
	})

/* ---- the wrappers -------------------------------------------------------------------------- */

EXPORT int execve(const char *path, char *const *arguments, char *const *environment)
{
	return REAL_NOW(execve)(path, arguments, ENVIRONMENT(environment, loadable(path, false)));
}

EXPORT int execv(const char *path, char *const *arguments)
{
	return REAL_NOW(execve)(path, arguments, ENVIRONMENT(environ, loadable(path, false)));
}

EXPORT int execvpe(const char *file, char *const *arguments, char *const *environment)
{
	return REAL_NOW(execvpe)(file, arguments, ENVIRONMENT(environment, loadable(file, true)));
}

EXPORT int execvp(const char *file, char *const *arguments)
{
	return REAL_NOW(execvpe)(file, arguments, ENVIRONMENT(environ, loadable(file, true)));
}

EXPORT int fexecve(int fd, char *const *arguments, char *const *environment)
{
	return REAL_NOW(fexecve)(fd, arguments, ENVIRONMENT(environment, loadable_fd(fd)));
}

EXPORT int execveat(int folder, const char *path, char *const *arguments, char *const *environment,
		    int flags)
{
	return REAL_NOW(execveat)(folder, path, arguments,
				  ENVIRONMENT(environment, loadable_at(folder, path, flags)),
				  flags);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const *arguments,
		       char *const *environment)
{
	return REAL_NOW(posix_spawn)(pid, path, actions, attributes, arguments,
				     ENVIRONMENT(environment, loadable(path, false)));
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const *arguments,
			char *const *environment)
{
	return REAL_NOW(posix_spawnp)(pid, file, actions, attributes, arguments,
				      ENVIRONMENT(environment, loadable(file, true)));
}

/* The list of arguments as an array in the caller's frame; @last receives what follows its NULL. */
#define ARGUMENTS(first, rest, list)                                                               \
	do {                                                                                       \
		uint64_t count_ = 1;                                                               \
		va_list counted_;                                                                  \
                                                                                                   \
		va_copy(counted_, rest);                                                           \
		while (va_arg(counted_, char *))                                                   \
			count_++;                                                                  \
		va_end(counted_);                                                                  \
		(list) = __builtin_alloca((count_ + 1) * sizeof(char *));                          \
		(list)[0] = (char *)(first);                                                       \
		for (uint64_t i_ = 1; i_ <= count_; i_++)                                          \
			(list)[i_] = va_arg(rest, char *);                                         \
	} while (0)

EXPORT int execl(const char *path, const char *first, ...)
{
	char **arguments;
	va_list rest;

	va_start(rest, first);
	ARGUMENTS(first, rest, arguments);
	va_end(rest);
	return execv(path, arguments);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	char **arguments;
	va_list rest;

	va_start(rest, first);
	ARGUMENTS(first, rest, arguments);
	va_end(rest);
	return execvp(file, arguments);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char **arguments;
	char *const *environment;
	va_list rest;

	va_start(rest, first);
	ARGUMENTS(first, rest, arguments);
	environment = va_arg(rest, char *const *);
	va_end(rest);
	return execve(path, arguments, environment);
}
