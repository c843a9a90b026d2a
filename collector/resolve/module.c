/* SPDX-License-Identifier: GPL-3.0-or-later */
/* module: see module.h. */
#include "collector/resolve/module.h"
#include "collector/base/xalloc.h"
#include "collector/resolve/elf_image.h"
#include "collector/resolve/module_cfi.h"
#include "collector/resolve/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* A module and what was told of it. The public part is first, so that one is the other. */
struct owned_module {
	struct module module;
	struct modules *modules;
	pid_t pid; /* of a process that maps it */
	uint64_t inode, device;
	uint64_t start, end; /* of a mapping in that process */
	uint8_t build_id[ELF_IMAGE_BUILD_ID];
	size_t build_id_bytes;
	bool was_opened;
};

struct modules {
	struct profile *profile;
	time_t start; /* when the recording began */
	struct owned_module **rows;
	size_t count;
	size_t capacity;
	bool have_go;
};

struct modules *modules_new(struct profile *profile)
{
	struct modules *modules = xcalloc(1, sizeof(*modules));

	modules->profile = profile;
	modules->start = time(NULL);
	return modules;
}

void modules_free(struct modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->count; i++) {
		struct module *module = &modules->rows[i]->module;

		module_cfi_done(&module->cfi[0]);
		module_cfi_done(&module->cfi[1]);
		go_table_free(module->go);
		epilogue_memory_done(&module->epilogues);
		function_starts_done(&module->starts);
		if (module->fd >= 0)
			close(module->fd);
		free(module->segments);
		free(module->problem);
		free(module->path);
		free(modules->rows[i]);
	}
	free(modules->rows);
	free(modules);
}

bool modules_have_go(const struct modules *modules)
{
	return modules->have_go;
}

/* What a path names. The kernel marks what is no file in ways of its own. */
static enum profile_module_kind kind_of(const char *path)
{
	static const char *const generated[] = {"//anon", "/memfd:", "/dev/zero", "/SYSV",
						"/anon_hugepage"};

	if (strcmp(path, "[vdso]") == 0)
		return PROFILE_MODULE_VDSO;
	if (path[0] != '/')
		return PROFILE_MODULE_JIT;
	for (size_t i = 0; i < sizeof(generated) / sizeof(generated[0]); i++)
		if (strncmp(path, generated[i], strlen(generated[i])) == 0)
			return PROFILE_MODULE_JIT;
	return PROFILE_MODULE_ELF;
}

/* A file that lives in memory and has no name anywhere: generated code mostly, but a program or a
 * library may be put there, too. Source: memfd_create(2). */
static bool is_in_memory(const char *path)
{
	return strncmp(path, "/memfd:", 7) == 0;
}

/* Each process generates code of its own. */
static bool is_same(const struct owned_module *row, const struct module_identity *identity,
		    pid_t pid)
{
	if (strcmp(row->module.path, identity->path) != 0 ||
	    (row->module.kind == PROFILE_MODULE_JIT && row->pid != pid) ||
	    (is_in_memory(identity->path) && row->inode != identity->inode))
		return false;
	return row->module.kind != PROFILE_MODULE_ELF ||
	       (row->inode == identity->inode &&
		(row->device == identity->device || !row->device || !identity->device) &&
		row->build_id_bytes == identity->build_id_bytes &&
		memcmp(row->build_id, identity->build_id, row->build_id_bytes) == 0);
}

static void mapped_by(struct owned_module *row, const struct module_identity *identity, pid_t pid)
{
	row->pid = pid;
	row->start = identity->start;
	row->end = identity->end;
}

struct module *modules_get(struct modules *modules, const struct module_identity *identity,
			   pid_t pid)
{
	struct module_identity bounded = *identity;
	struct owned_module *row;

	if (bounded.build_id_bytes > ELF_IMAGE_BUILD_ID)
		bounded.build_id_bytes = ELF_IMAGE_BUILD_ID;
	for (size_t i = 0; i < modules->count; i++) {
		row = modules->rows[i];
		if (!is_same(row, &bounded, pid))
			continue;
		if (!row->was_opened) /* the first process may be gone by then */
			mapped_by(row, identity, pid);
		return &row->module;
	}
	row = xcalloc(1, sizeof(*row));
	row->module.kind = kind_of(bounded.path);
	row->module.path = xstrdup(bounded.path);
	row->module.fd = -1;
	row->modules = modules;
	mapped_by(row, identity, pid);
	row->inode = bounded.inode;
	row->device = bounded.device;
	row->build_id_bytes = bounded.build_id_bytes;
	memcpy(row->build_id, bounded.build_id, bounded.build_id_bytes);
	xgrow(modules->rows, modules->count, modules->capacity);
	modules->rows[modules->count++] = row;
	return &row->module;
}

struct module *modules_find(const struct modules *modules, uint32_t id)
{
	for (size_t i = 0; id && i < modules->count; i++)
		if (modules->rows[i]->module.id == id)
			return &modules->rows[i]->module;
	return NULL;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Is the file at hand the one that was mapped? By build-id where the kernel told it, since a
 * package update keeps names and may reuse inodes. */
static bool is_mapped_file(const struct owned_module *row, const struct elf_image *image)
{
	uint8_t build_id[ELF_IMAGE_BUILD_ID];
	struct stat status;

	if (row->build_id_bytes)
		return elf_image_build_id(image, build_id) == row->build_id_bytes &&
		       memcmp(build_id, row->build_id, row->build_id_bytes) == 0;
	return !row->inode || (fstat(image->fd, &status) == 0 && status.st_ino == row->inode);
}

/* Opens a file only if it is a regular one: opening a pipe or a device has effects. Returns the
 * descriptor or a negative errno. */
static int open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -ENOEXEC;
}

/* Tries one place where the file may be. On success @image is open and 0 is returned; else what
 * stood in the way is in @error. */
static int try_place(struct owned_module *row, const char *place, struct elf_image *image,
		     struct error *error)
{
	struct error why = {0};
	int fd = open_regular(place);
	int status;

	if (fd == -ENOEXEC)
		return fail(error, fd, "%s cannot be used: it is no regular file", place);
	if (fd < 0)
		return fail(error, fd, "%s cannot be opened: %m", place);
	status = elf_image_init(image, fd, NULL, 0, &why);
	if (status < 0)
		fail(error, status, "%s cannot be used: %s", place, why.text);
	else if (!is_mapped_file(row, image))
		status = fail(error, -ESTALE,
			      "%s is not the file that the program runs: it was replaced since",
			      place);
	if (status < 0) {
		elf_image_done(image);
		close(fd);
	}
	return status;
}

/* Tries the file behind the mapping itself. */
static int try_mapping(struct owned_module *row, struct elf_image *image)
{
	char place[96];

	if (!row->end)
		return -ENOENT;
	snprintf(place, sizeof(place), "/proc/%d/map_files/%llx-%llx", (int)row->pid,
		 (unsigned long long)row->start, (unsigned long long)row->end);
	return try_place(row, place, image, NULL);
}

/* Says whether a process has another mount namespace than we. Source: namespaces(7). */
static bool has_other_mounts(pid_t pid)
{
	struct stat ours, theirs;
	char place[64];

	snprintf(place, sizeof(place), "/proc/%d/ns/mnt", (int)pid);
	return !stat("/proc/self/ns/mnt", &ours) && !stat(place, &theirs) &&
	       ours.st_ino != theirs.st_ino;
}

/* Finds the file of a module: under its path, in the process's mount namespace, as its program.
 * The trouble with its own path is the one to tell. Another file system behind the same path has
 * the same inodes: there only a build-id can tell that the file at hand is the one. */
static int find_file(struct owned_module *row, struct elf_image *image, struct error *error)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(row->module.path);
	char place[PATH_MAX + 64];
	struct error first = {0};

	if (length > strlen(deleted) &&
	    strcmp(row->module.path + length - strlen(deleted), deleted) == 0)
		length -= strlen(deleted);
	if (length >= PATH_MAX)
		return fail(error, -ENAMETOOLONG, "the path of a mapped file is too long");
	if (!row->build_id_bytes && !try_mapping(row, image))
		return 0;
	if (row->build_id_bytes || !has_other_mounts(row->pid)) {
		if (!try_place(row, row->module.path, image, &first))
			return 0;
		snprintf(place, sizeof(place), "%.*s", (int)length, row->module.path);
		if (row->module.path[length] && !try_place(row, place, image, &first))
			return 0;
	}
	snprintf(place, sizeof(place), "/proc/%d/root%.*s", (int)row->pid, (int)length,
		 row->module.path);
	if (!try_place(row, place, image, first.text[0] ? NULL : &first))
		return 0;
	if (row->build_id_bytes && !try_mapping(row, image))
		return 0;
	/* Any program may be behind this name: only an identity can tell. */
	snprintf(place, sizeof(place), "/proc/%d/exe", (int)row->pid);
	if ((row->inode || row->build_id_bytes) && !try_place(row, place, image, NULL))
		return 0;
	return fail(error, -ENOENT, "%s", first.text);
}

/* Says whether a link of the kernel's leads to the module's file by its name there. */
static bool leads_to(const char *link, const struct owned_module *row)
{
	char target[PATH_MAX];
	ssize_t length = readlink(link, target, sizeof(target));

	return length > 0 && (size_t)length == strlen(row->module.path) &&
	       memcmp(target, row->module.path, (size_t)length) == 0;
}

/* Finds a file in memory that is a program or a library: behind its mapping or as the process's
 * program. Other file systems have the same inodes, so the name must be the same. Returns a
 * negative errno when it is neither, or gone. */
static int find_file_in_memory(struct owned_module *row, struct elf_image *image)
{
	char place[64];

	if (!try_mapping(row, image))
		return 0;
	snprintf(place, sizeof(place), "/proc/%d/exe", (int)row->pid);
	return leads_to(place, row) ? try_place(row, place, image, NULL) : -ENOENT;
}

/* The vDSO in our own memory; its size is that of its only loaded segment. */
static int find_vdso(struct elf_image *image, struct error *error)
{
	const uint8_t *memory = (const uint8_t *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Phdr *loaded;
	int status;

	if (!memory)
		return fail(error, -ENOENT, "the kernel gives our process no vDSO to read");
	status = elf_image_init(image, -1, memory, (size_t)sysconf(_SC_PAGESIZE), error);
	if (status < 0)
		return status;
	loaded = elf_image_segment(image, PT_LOAD);
	if (loaded)
		image->bytes = loaded->p_offset + loaded->p_filesz;
	return 0;
}

static void read_segments(struct module *module, const struct elf_image *image)
{
	module->segments = xcalloc(image->segment_count, sizeof(*module->segments));
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
			module->segments[module->segment_count++] = (struct module_segment){
				segment->p_vaddr, segment->p_offset, segment->p_filesz};
	}
	module->entry = image->entry;
}

static void read_image(struct owned_module *row, const struct elf_image *image)
{
	struct module *module = &row->module;

	read_segments(module, image);
	module_cfi_read_eh_frame(image, &module->cfi[0]);
	module->go = go_table_new(image);
	row->modules->have_go |= module->go != NULL;
	if (!module->go)
		module_cfi_read_debug_frame(image, &module->cfi[1]);
	if (!row->build_id_bytes)
		row->build_id_bytes = elf_image_build_id(image, row->build_id);
	module->fd = image->fd;
}

/* Says whether a row of the profile is another file's, or another process's generated code. */
static bool is_anothers(const struct owned_module *row, uint32_t id)
{
	const struct owned_module *owner =
		(const struct owned_module *)modules_find(row->modules, id);

	return owner && !(row->module.kind == PROFILE_MODULE_JIT && owner->pid == row->pid);
}

/* The profile knows a module by kind, path and build-id. A second file of the same path without a
 * build-id gets a name of its own, lest its addresses be mixed with the first's, and so does the
 * code that a second process generates. */
static void add_row(struct owned_module *row)
{
	struct profile *profile = row->modules->profile;
	struct module *module = &row->module;
	char build_id[2 * ELF_IMAGE_BUILD_ID + 1] = "";
	uint32_t id;

	for (size_t i = 0; i < row->build_id_bytes; i++)
		snprintf(build_id + 2 * i, 3, "%02x", row->build_id[i]);
	id = profile_module(profile, module->kind, module->path,
			    row->build_id_bytes ? build_id : NULL);
	if (module->kind != PROFILE_MODULE_VDSO && !row->build_id_bytes && is_anothers(row, id)) {
		bool is_elf = module->kind == PROFILE_MODULE_ELF;
		char path[PATH_MAX + 64];

		snprintf(path, sizeof(path), "%s (%s %llu)", module->path,
			 is_elf ? "inode" : "process",
			 is_elf ? (unsigned long long)row->inode : (unsigned long long)row->pid);
		id = profile_module(profile, module->kind, path, NULL);
	}
	module->id = id;
}

void module_open_map(struct module *module)
{
	const struct owned_module *row = (const struct owned_module *)module;

	if (module->fd < 0)
		module->fd = perf_map_open(row->pid, row->modules->start);
}

int module_open(struct module *module)
{
	struct owned_module *row = (struct owned_module *)module;
	struct elf_image image = {0};
	struct error error = {0};
	int status = 0;

	if (row->was_opened)
		return module->problem ? -1 : 0;
	row->was_opened = true;
	if (is_in_memory(module->path) && !find_file_in_memory(row, &image)) {
		module->kind = PROFILE_MODULE_ELF;
		read_image(row, &image);
		elf_image_done(&image);
		add_row(row);
		return 0;
	}
	if (module->kind == PROFILE_MODULE_ELF)
		status = find_file(row, &image, &error);
	else if (module->kind == PROFILE_MODULE_VDSO)
		status = find_vdso(&image, &error);
	if (status < 0) {
		module->problem = xstrdup(error.text);
	} else if (module->kind == PROFILE_MODULE_ELF || module->kind == PROFILE_MODULE_VDSO) {
		read_image(row, &image);
		elf_image_done(&image);
	} else {
		module_open_map(module);
	}
	add_row(row);
	return status < 0 ? -1 : 0;
}

void modules_describe(const struct modules *modules)
{
	const char *problem = NULL;
	int64_t count = 0;

	for (size_t i = 0; i < modules->count; i++) {
		const struct module *module = &modules->rows[i]->module;

		count += module->problem != NULL;
		if (module->problem && !problem)
			problem = module->problem;
	}
	profile_set_number(modules->profile, "file_problems", count);
	if (problem)
		profile_set_text(modules->profile, "file_problem", problem);
}

/* ---- asking ------------------------------------------------------------------------------- */

bool module_elf_address(const struct module *module, uint64_t file_offset, uint64_t *elf_address)
{
	const uint64_t page = 4096;

	for (size_t i = 0; i < module->segment_count; i++) {
		const struct module_segment *segment = &module->segments[i];
		uint64_t start = segment->offset & ~(page - 1); /* the kernel maps whole pages */

		if (file_offset >= start &&
		    file_offset - start < segment->bytes + (segment->offset - start)) {
			*elf_address = segment->address + (file_offset - segment->offset);
			return true;
		}
	}
	return false;
}

/* Says whether the code at @elf_address is `mov $15,%eax; syscall` (rt_sigreturn), as debuggers
 * know it: libraries other than glibc describe it by nothing else. */
static bool is_trampoline(const struct module *module, uint64_t elf_address)
{
	static const uint8_t short_form[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const uint8_t long_form[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	uint8_t code[sizeof(long_form)] = {0};
	size_t bytes = module_read(module, elf_address, code, sizeof(code));

	return (bytes >= sizeof(short_form) && !memcmp(code, short_form, sizeof(short_form))) ||
	       (bytes >= sizeof(long_form) && !memcmp(code, long_form, sizeof(long_form)));
}

void module_rule(const struct module *module, uint64_t elf_address, struct cfi_rule *rule,
		 enum go_stack *stack)
{
	*stack = GO_STACK_NONE;
	cfi_find(&module->cfi[0], elf_address, rule);
	if (rule->kind != CFI_NO_RULE)
		return;
	if (is_trampoline(module, elf_address) || is_trampoline(module, elf_address + 1))
		*rule = (struct cfi_rule){.kind = CFI_SIGNAL, .is_signal = true};
	else if (!module->go || !go_table_rule(module->go, elf_address, rule, stack))
		cfi_find(&module->cfi[1], elf_address, rule);
}

bool module_is_before_root(const struct module *module, uint64_t elf_address)
{
	/* mov %rbx,%rsp; mov (%rsp),%rdi; test %rdi,%rdi */
	static const uint8_t start_context[] = {0x48, 0x89, 0xdc, 0x48, 0x8b,
						0x3c, 0x24, 0x48, 0x85, 0xff};
	uint8_t code[sizeof(start_context)];
	uint64_t first = elf_address + 1;

	return !(first & 15) && module_read(module, first, code, sizeof(code)) == sizeof(code) &&
	       !memcmp(code, start_context, sizeof(code));
}

size_t module_read(const struct module *module, uint64_t elf_address, uint8_t *buffer, size_t bytes)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct module_segment *segment = &module->segments[i];
		uint64_t offset = elf_address - segment->address;
		ssize_t count;

		if (offset >= segment->bytes)
			continue;
		if (bytes > segment->bytes - offset)
			bytes = segment->bytes - offset;
		count = pread(module->fd, buffer, bytes, (off_t)(segment->offset + offset));
		return count > 0 ? (size_t)count : 0;
	}
	return 0;
}

bool module_function_start(const struct module *module, uint64_t elf_address, uint64_t *start)
{
	struct cfi_range range;
	const char *name;

	if (cfi_find_range(&module->cfi[0], elf_address, &range) ||
	    cfi_find_range(&module->cfi[1], elf_address, &range)) {
		*start = range.start;
		return true;
	}
	return module->go && go_table_function(module->go, elf_address, start, &name);
}
