/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program: see program.h. */
#include "collector/program.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"
#include "collector/resolve/elf_image.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool is_executable(const char *path)
{
	struct stat status;

	return !access(path, X_OK) && !stat(path, &status) && S_ISREG(status.st_mode);
}

char *program_find(const char *name)
{
	const char *folders = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(name, '/'))
		return realpath(name, NULL);
	for (const char *at = folders ? folders : "/bin:/usr/bin"; *at;) {
		int length = (int)strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", length ? length : 1, length ? at : ".",
			 name);
		if (is_executable(path))
			return realpath(path, NULL);
		at += length + (at[length] == ':');
	}
	return NULL;
}

/* As the kernel tells a mapping: the path and the build-id, else the inode. */
struct module *program_module(struct modules *modules, const char *path, pid_t pid)
{
	struct module_identity identity = {.path = path};
	struct elf_image image;
	struct module *module = NULL;
	struct stat status;
	struct error error;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) &&
	    !elf_image_init(&image, fd, NULL, 0, &error)) {
		identity.build_id_bytes = (uint8_t)elf_image_build_id(&image, identity.build_id);
		if (!identity.build_id_bytes)
			identity.inode = status.st_ino;
		elf_image_done(&image);
		module = modules_get(modules, &identity, pid);
	}
	close(fd);
	return module;
}

bool program_soname(const char *path, char *name, size_t bytes)
{
	struct elf_image image;
	struct error error;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool has_name = false;

	if (fd < 0)
		return false;
	if (!elf_image_init(&image, fd, NULL, 0, &error)) {
		has_name = elf_image_soname(&image, name, bytes);
		elf_image_done(&image);
	}
	close(fd);
	return has_name;
}

bool program_files_add(struct program_files *files, struct module *module)
{
	if (!module)
		return false;
	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->modules[i]->path, module->path))
			return false;
	xgrow(files->modules, files->count, files->capacity);
	files->modules[files->count++] = module;
	return true;
}

void program_files_done(struct program_files *files)
{
	free(files->modules);
	*files = (struct program_files){0};
}

/* Reads the name of the loader that a program asks for; "" when it is linked statically. */
static void read_loader(const char *program, char *loader, size_t bytes)
{
	struct elf_image image;
	struct error error;
	const Elf64_Phdr *segment;
	int fd = open(program, O_RDONLY | O_CLOEXEC);

	*loader = '\0';
	if (fd < 0)
		return;
	if (!elf_image_init(&image, fd, NULL, 0, &error)) {
		segment = elf_image_segment(&image, PT_INTERP);
		if (segment && segment->p_filesz < bytes &&
		    elf_image_read(&image, segment->p_offset, loader, segment->p_filesz))
			loader[segment->p_filesz] = '\0';
		else
			*loader = '\0';
		elf_image_done(&image);
	}
	close(fd);
}

/* Starts the loader so that it only lists; returns a stream of what it says, or NULL. */
static FILE *start_loader(const char *loader, const char *program, pid_t *pid)
{
	const char *arguments[] = {loader, "--list", program, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	code = posix_spawn(pid, loader, &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (code) {
		close(ends[0]);
		return NULL;
	}
	return fdopen(ends[0], "r");
}

/* "	libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f…)", or the path alone. */
static void take_line(struct program_files *files, struct modules *modules, char *line, pid_t pid)
{
	char *path = strchr(line, '/'), *end = path ? strstr(path, " (0x") : NULL, *real;

	if (strstr(line, "=> "))
		path = strstr(line, "=> ") + 3;
	if (!path || !end)
		return;
	*end = '\0';
	real = realpath(path, NULL);
	if (real)
		program_files_add(files, program_module(modules, real, pid));
	free(real);
}

static void list_libraries(struct program_files *files, struct modules *modules,
			   const char *program, pid_t pid)
{
	char loader[PATH_MAX], *line = NULL;
	size_t capacity = 0;
	pid_t child;
	FILE *stream;

	read_loader(program, loader, sizeof(loader));
	stream = *loader ? start_loader(loader, program, &child) : NULL;
	if (!stream)
		return;
	while (getline(&line, &capacity, stream) > 0)
		take_line(files, modules, line, pid);
	free(line);
	fclose(stream);
	waitpid(child, NULL, 0);
}

void program_files_of_name(struct program_files *files, struct modules *modules, const char *name,
			   pid_t pid)
{
	char *path = program_find(name);

	if (path && program_files_add(files, program_module(modules, path, pid)))
		list_libraries(files, modules, path, pid);
	free(path);
}

/* Who lists the files of a process. */
struct listing {
	struct program_files *files;
	struct modules *modules;
	pid_t pid;
};

static void take_mapping(void *context, const struct event *event)
{
	struct listing *listing = context;
	struct module_identity identity;

	if (event->kind != EVENT_MAPPING || *event->mapping.path != '/')
		return;
	identity = (struct module_identity){
		.path = event->mapping.path,
		.inode = event->mapping.inode,
		.device = event->mapping.device,
		.build_id_bytes = event->mapping.build_id_bytes,
	};
	memcpy(identity.build_id, event->mapping.build_id, sizeof(identity.build_id));
	program_files_add(listing->files, modules_get(listing->modules, &identity, listing->pid));
}

void program_files_of_process(struct program_files *files, struct modules *modules, pid_t pid)
{
	char link[64], path[PATH_MAX];
	struct listing listing = {files, modules, pid};
	ssize_t bytes;

	proc_mappings(pid, 0, take_mapping, &listing);
	/* The program itself first, wherever the kernel put it. */
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	bytes = readlink(link, path, sizeof(path) - 1);
	path[bytes > 0 ? bytes : 0] = '\0';
	for (size_t i = 1; i < files->count; i++)
		if (!strcmp(files->modules[i]->path, path)) {
			struct module *first = files->modules[0];

			files->modules[0] = files->modules[i];
			files->modules[i] = first;
		}
}
