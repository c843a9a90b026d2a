/* SPDX-License-Identifier: MIT */
/* objects: see objects.h. Sources: dl_iterate_phdr(3), vdso(7), elf(5) (notes). */
#include "probe/objects.h"

#include "probe/memory.h"
#include "probe/operation.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/ring.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>

#define PAGE_MASK  4095ull
#define PATH_BYTES 4096u

static char executable[PATH_BYTES]; /* its path: the linker gives none for it */
static uint64_t vdso;
static unsigned long long told_loads; /* objects ever loaded, as of the last telling */

REAL(dlclose);

void objects_prepare(void)
{
	long bytes = RAW_3(SYS_readlink, "/proc/self/exe", executable, sizeof(executable) - 1);

	executable[bytes > 0 ? bytes : 0] = '\0';
	vdso = getauxval(AT_SYSINFO_EHDR);
}

const char *objects_program(void)
{
	return executable;
}

static uint64_t length(const char *text)
{
	uint64_t bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

static bool is_vdso(const struct dl_phdr_info *object, const ElfW(Phdr) * header)
{
	return vdso && object->dlpi_addr + header->p_vaddr - header->p_offset == vdso;
}

static const char *path_of(const struct dl_phdr_info *object, const ElfW(Phdr) * header)
{
	if (is_vdso(object, header))
		return "[vdso]";
	return object->dlpi_name && *object->dlpi_name ? object->dlpi_name : executable;
}

/* Finds the build-id among the notes of one segment; returns its bytes, 0 when there is none. */
static uint8_t take_build_id(const uint8_t *notes, uint64_t bytes, uint8_t *identity)
{
	uint64_t at = 0;

	while (at + sizeof(ElfW(Nhdr)) <= bytes) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
		uint64_t name = at + sizeof(*note);
		uint64_t content = name + ((note->n_namesz + 3ull) & ~3ull);

		at = content + ((note->n_descsz + 3ull) & ~3ull);
		if (at > bytes)
			return 0;
		if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
		    note->n_descsz > sizeof(((struct wire_mapping *)0)->build_id))
			continue;
		raw_copy(identity, notes + content, note->n_descsz);
		return (uint8_t)note->n_descsz;
	}
	return 0;
}

static uint8_t build_id(const struct dl_phdr_info *object, uint8_t *identity)
{
	uint8_t bytes = 0;

	for (int i = 0; i < object->dlpi_phnum && !bytes; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];

		if (header->p_type == PT_NOTE && header->p_align <= 4)
			bytes = take_build_id(
				(const uint8_t *)(object->dlpi_addr + header->p_vaddr),
				header->p_memsz, identity);
	}
	return bytes;
}

/* Copies the folder that a path begins in; returns its bytes, with a slash, 0 for a whole path. */
static uint64_t folder_of(const char *path, char folder[PATH_BYTES])
{
	long bytes;

	if (!*path || *path == '/' || *path == '[')
		return 0;
	*folder = '\0';
	bytes = RAW_2(SYS_getcwd, folder, PATH_BYTES); /* with the zero; "(unreachable)..." */
	if (bytes <= 1 || *folder != '/')
		return 0;
	folder[bytes - 1] = '/';
	return (uint64_t)bytes;
}

static void tell_segment(struct thread *thread, const struct dl_phdr_info *object,
			 const ElfW(Phdr) * header)
{
	const char *path = path_of(object, header);
	char folder[PATH_BYTES];
	uint64_t path_bytes = length(path) + 1, folder_bytes = folder_of(path, folder);
	uint64_t address = object->dlpi_addr + header->p_vaddr;
	struct wire_mapping *mapping;

	if (folder_bytes + path_bytes > PATH_BYTES)
		return;
	mapping = ring_reserve(thread, WIRE_MAPPING, sizeof(*mapping) + folder_bytes + path_bytes,
			       WIRE_LOST_SIDE);
	if (!mapping)
		return;
	mapping->start = address & ~PAGE_MASK;
	mapping->end = (address + header->p_memsz + PAGE_MASK) & ~PAGE_MASK;
	mapping->file_offset = header->p_offset & ~PAGE_MASK;
	mapping->build_id_bytes = build_id(object, mapping->build_id);
	raw_copy(mapping->path, folder, folder_bytes);
	raw_copy(mapping->path + folder_bytes, path, path_bytes);
	ring_commit(thread, &mapping->record);
}

static int tell_object(struct dl_phdr_info *object, size_t bytes, void *context)
{
	(void)bytes;
	told_loads = object->dlpi_adds;
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD && object->dlpi_phdr[i].p_flags & PF_X)
			tell_segment(context, object, &object->dlpi_phdr[i]);
	return 0;
}

void objects_tell(void)
{
	struct thread *thread = probe.wire->modes & WIRE_MODE_SAMPLE ? thread_self : NULL;
	struct wire_record *record =
		thread ? ring_reserve(thread, WIRE_FORGET, sizeof(*record), WIRE_LOST_SIDE) : NULL;

	if (!record)
		return;
	ring_commit(thread, record);
	dl_iterate_phdr(tell_object, thread);
}

struct extent {
	uint64_t address, start, end;
};

static int measure_object(struct dl_phdr_info *object, size_t bytes, void *context)
{
	struct extent *wanted = context, found = {.start = UINT64_MAX};

	(void)bytes;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];
		uint64_t start = object->dlpi_addr + header->p_vaddr;

		if (header->p_type != PT_LOAD)
			continue;
		if (start < found.start)
			found.start = start;
		if (start + header->p_memsz > found.end)
			found.end = start + header->p_memsz;
	}
	if (wanted->address < found.start || wanted->address >= found.end)
		return 0;
	wanted->start = found.start;
	wanted->end = found.end;
	return 1;
}

bool objects_extent(uint64_t address, uint64_t *start, uint64_t *end)
{
	struct extent extent = {.address = address};

	if (!dl_iterate_phdr(measure_object, &extent))
		return false;
	*start = extent.start;
	*end = extent.end;
	return true;
}

static void forget_code(void)
{
	memory_forget_code();
	operation_forget_code();
}

static int count_loads(struct dl_phdr_info *object, size_t bytes, void *context)
{
	unsigned long long *loads = context;

	(void)bytes;
	*loads = object->dlpi_adds;
	return 1;
}

/* Tells what was loaded since the last telling, while it is there. */
static void tell_new_ones(void)
{
	unsigned long long loads = 0;

	dl_iterate_phdr(count_loads, &loads);
	if (loads != told_loads)
		objects_tell();
}

EXPORT int dlclose(void *object)
{
	int result;

	if (probe_is_on())
		tell_new_ones();
	forget_code();
	result = REAL_NOW(dlclose)(object);
	forget_code();
	if (probe_is_on())
		objects_tell();
	return result;
}

__attribute__((destructor)) static void tell_late_ones(void)
{
	if (probe_is_on())
		tell_new_ones();
}
