/* SPDX-License-Identifier: MIT */
/* probe: see probe.h. Sources: ld.so(8), LD_PRELOAD; madvise(2), MADV_WIPEONFORK; proc(5);
 * pid_namespaces(7): getppid in a process whose parent is in another namespace. */
#include "probe/probe.h"

#include "probe/clock.h"
#include "probe/execute.h"
#include "probe/io.h"
#include "probe/memory.h"
#include "probe/objects.h"
#include "probe/operation.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/sampler.h"
#include "probe/thread.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE_BYTES   4096u
#define LEAST_MAPPED (4u << 20) /* with less memory than this the probe stays off */

struct probe probe;

/* Returns the value of a variable of the environment, or NULL. */
static const char *variable(char **environment, const char *name)
{
	for (; environment && *environment; environment++) {
		const char *entry = *environment, *wanted = name;

		while (*wanted && *entry == *wanted)
			entry++, wanted++;
		if (!*wanted && *entry == '=')
			return entry + 1;
	}
	return NULL;
}

/* Returns the process number that /proc shows of this process, or 0: there is no /proc here. */
static int number_in_proc(void)
{
	char text[16] = "";
	long bytes = RAW_3(SYS_readlink, "/proc/self", text, sizeof(text));
	int number = 0;

	for (long i = 0; i < bytes; i++)
		number = 10 * number + (text[i] - '0');
	return number;
}

/*
 * Says whether a forked child has the process numbers that its parent had, which the collector
 * sees. Where there is no /proc, after chroot for instance, its parent tells: a process whose
 * parent is in another pid namespace has none.
 */
static bool has_parents_numbers(int pid)
{
	int number = number_in_proc();

	return number ? number == pid : RAW_1(SYS_getppid, 0) > 0;
}

static bool is_ours(const struct wire_header *wire)
{
	return wire->magic == WIRE_MAGIC && wire->version == WIRE_VERSION &&
	       wire->bytes >= PAGE_BYTES && wire->ring_bytes && wire->regions[WIRE_SLOTS].offset;
}

/* Returns how much we may take of the program's address space. */
static uint64_t most_bytes(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (RAW_2(SYS_getrlimit, RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur / WIRE_LIMIT_PARTS;
}

void probe_refuse_room(struct wire_header *wire, uint32_t modes)
{
	static const struct {
		uint32_t modes;
		enum wire_refusal refusal;
	} refusals[] = {
		{WIRE_MODE_SAMPLE, WIRE_REFUSED_ROOM_SAMPLE},
		{WIRE_MODE_MEMORY, WIRE_REFUSED_ROOM_MEMORY},
		{WIRE_MODES_OPERATIONS, WIRE_REFUSED_ROOM_OPERATIONS},
	};

	for (uint32_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (wire->modes & modes & refusals[i].modes)
			atomic_fetch_add(&wire->refused[refusals[i].refusal], 1);
}

/* Maps the whole memory, or as much of it as the limit of this process's memory lets us. */
static struct wire_header *map(int fd, uint64_t *bytes)
{
	struct wire_header *header = raw_map(PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	struct wire_header *wire = NULL;
	uint64_t wanted = 0;

	if (raw_failed(header))
		return NULL;
	if (is_ours(header))
		wanted = header->bytes < most_bytes() ? header->bytes : most_bytes();
	for (; wanted >= LEAST_MAPPED && !wire; wanted /= 2) {
		wire = raw_map(wanted, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
		*bytes = wanted;
		if (raw_failed(wire))
			wire = NULL;
	}
	if (!wire && is_ours(header))
		probe_refuse_room(header, UINT32_MAX);
	RAW_2(SYS_munmap, header, PAGE_BYTES);
	return wire;
}

void *probe_region(enum wire_region_kind kind, uint64_t *bytes)
{
	const struct wire_region *region = &probe.wire->regions[kind];

	if (!region->offset || region->offset >= probe.mapped_bytes)
		return NULL;
	*bytes = probe.mapped_bytes - region->offset;
	if (*bytes > region->bytes)
		*bytes = region->bytes;
	return (uint8_t *)probe.wire + region->offset;
}

static bool find_regions(void)
{
	uint64_t slot_bytes, ring_bytes = 0;

	probe.slots = probe_region(WIRE_SLOTS, &slot_bytes);
	probe.rings = probe_region(WIRE_RINGS, &ring_bytes);
	if (!probe.slots || (!probe.rings && probe.wire->modes & WIRE_MODE_SAMPLE))
		return false;
	probe.slot_count = (uint32_t)(slot_bytes / sizeof(*probe.slots));
	if (probe.rings && probe.slot_count > ring_bytes / probe.wire->ring_bytes)
		probe.slot_count = (uint32_t)(ring_bytes / probe.wire->ring_bytes);
	return probe.slot_count > 0;
}

/* Makes the word that is 0 in a forked child. Its page is private and has nothing else on it. */
static bool make_word(void)
{
	uint32_t *word =
		raw_map(PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (raw_failed(word) || RAW_3(SYS_madvise, word, PAGE_BYTES, MADV_WIPEONFORK))
		return false;
	*word = 1;
	probe.is_alive = word;
	return true;
}

static bool connect_to(const char *path)
{
	long fd = RAW_4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	struct wire_header *wire;

	if (fd < 0)
		return false;
	wire = map((int)fd, &probe.mapped_bytes);
	RAW_1(SYS_close, fd);
	if (!wire)
		return false;
	probe.wire = wire;
	if (find_regions() && make_word())
		return true;
	probe_refuse_room(wire, UINT32_MAX);
	return false;
}

void probe_retire(void)
{
	static struct wire_header retired;

	probe_refuse(WIRE_REFUSED_CONFINED);
	thread_retire();
	raw_copy(&retired, probe.wire, sizeof(retired));
	retired.modes = 0;
	atomic_store(&retired.recorder, 0);
	__atomic_store_n(&probe.wire, &retired, __ATOMIC_RELEASE);
	execute_retire();
}

void probe_adopt(void)
{
	int parent_pid = probe.pid;
	int parent_tid = thread_self ? thread_self->slot->tid : parent_pid;

	*probe.is_alive = 1;
	if (!wire_is_recording(probe.wire))
		return;
	probe.pid = raw_pid();
	if (has_parents_numbers(probe.pid)) {
		memory_adopt();
		operation_adopt();
		thread_adopt(WIRE_BIRTH_FORK, parent_pid, parent_tid);
		thread_measure();
	} else {
		thread_self = NULL;
		probe.wire = NULL;
	}
}

static void after_fork(void)
{
	if (probe.wire && !*probe.is_alive)
		probe_adopt();
}

static void start(char **environment)
{
	const char *path = variable(environment, WIRE_VARIABLE);

	probe.is_started = true;
	real_find_all();
	if (!path || !*path)
		return;
	probe.pid = raw_pid();
	/* The /proc through which the memory is found shows the numbers that the collector sees. */
	if (number_in_proc() != probe.pid || !connect_to(path)) {
		probe.wire = NULL;
		return;
	}
	execute_prepare(path);
	clock_prepare();
	objects_prepare();
	thread_prepare();
	if (probe.wire->modes & WIRE_MODE_SAMPLE)
		sampler_prepare();
	memory_prepare();
	operation_prepare();
	pthread_atfork(NULL, NULL, after_fork);
	thread_adopt(WIRE_BIRTH_EXEC, 0, 0);
	objects_tell();
	thread_measure();
}

void probe_start_early(void)
{
	if (environ)
		start(environ);
}

__attribute__((constructor)) static void construct(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	if (!probe.is_started)
		start(environment);
}

__attribute__((destructor)) static void destruct(void)
{
	io_end_process();
	if (probe.wire)
		memory_end_process();
}
