/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_memory: see probe_memory.h. Sources: memfd_create(2); setrlimit(2); ftruncate(2);
 * set_robust_list(2); kernel documentation, "The robust futex ABI". */
#include "collector/capture/probe_memory.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define SLOTS	   512u
#define PROCESSES  8192u /* a fork and what it executes are two */
#define NODES	   WIRE_NODES_MOST
#define BUCKETS	   (128u << 10) /* a power of two */
#define SEGMENTS   4096u
#define THREADS	   16384u
#define SUBJECTS   16384u /* these three are powers of two */
#define OPERATIONS 65536u
#define SPREADS	   65536u
#define TEXTS	   (4u << 20)
#define RING_BYTES (1u << 20) /* 16 of the largest samples: three polls at the tick's rate */

#define HALVINGS_MOST 4

/* Appends a region, from the next page on. */
static void add_region(struct wire_header *header, enum wire_region_kind kind, uint64_t bytes)
{
	header->regions[kind].offset = header->bytes;
	header->regions[kind].bytes = bytes;
	header->bytes += (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void *region(const struct probe_memory *memory, const struct wire_header *plan,
		    enum wire_region_kind kind)
{
	return (uint8_t *)memory->header + plan->regions[kind].offset;
}

/*
 * A memory file, too, may not be larger than the limit of files (ulimit -f), which says nothing
 * about this one: it is raised for a moment, where it may be.
 */
static int set_size(int fd, uint64_t bytes, struct error *error)
{
	struct rlimit before = {RLIM_INFINITY, RLIM_INFINITY}, raised = {bytes, bytes};
	int result;

	getrlimit(RLIMIT_FSIZE, &before);
	if (raised.rlim_max < before.rlim_max)
		raised.rlim_max = before.rlim_max;
	if (before.rlim_cur < bytes && setrlimit(RLIMIT_FSIZE, &raised))
		return fail(error, -EFBIG,
			    "cannot make memory to share with the program: `ulimit -f` allows %llu "
			    "bytes a file",
			    (unsigned long long)before.rlim_cur);
	result = ftruncate(fd, (off_t)bytes) ? -errno : 0;
	if (before.rlim_cur < bytes)
		setrlimit(RLIMIT_FSIZE, &before);
	errno = -result;
	return result ? fail(error, result, "cannot make memory to share with the program: %m") : 0;
}

static int map(struct probe_memory *memory, const struct wire_header *plan, struct error *error)
{
	void *address;
	int result;

	memory->fd = memfd_create("simprof", MFD_CLOEXEC);
	if (memory->fd < 0)
		return fail(error, -errno, "cannot make memory to share with the program: %m");
	result = set_size(memory->fd, plan->bytes, error);
	if (result)
		return result;
	address = mmap(NULL, plan->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);
	if (address == MAP_FAILED)
		return fail(error, -errno, "cannot map memory to share with the program: %m");
	memory->header = address;
	return 0;
}

static void plan_operations(struct wire_header *plan, unsigned halvings)
{
	add_region(plan, WIRE_THREADS, (THREADS >> halvings) * sizeof(struct wire_thread));
	add_region(plan, WIRE_SUBJECTS, (SUBJECTS >> halvings) * sizeof(struct wire_subject));
	add_region(plan, WIRE_OPERATIONS, (OPERATIONS >> halvings) * sizeof(struct wire_operation));
	add_region(plan, WIRE_SPREADS, (SPREADS >> halvings) * sizeof(struct wire_spread));
	add_region(plan, WIRE_TEXTS, TEXTS >> halvings);
	add_region(plan, WIRE_COUNTS,
		   (plan->slot_count + 1) * WIRE_COUNTS_MOST * sizeof(struct wire_count));
}

/* Returns how many rows of so many bytes a region has. */
static uint32_t rows(const struct wire_header *plan, enum wire_region_kind kind, uint64_t row_bytes)
{
	return (uint32_t)(plan->regions[kind].bytes / row_bytes);
}

static void find_operations(struct probe_memory *memory, const struct wire_header *plan)
{
	memory->threads = region(memory, plan, WIRE_THREADS);
	memory->thread_limit = rows(plan, WIRE_THREADS, sizeof(*memory->threads));
	memory->subjects = region(memory, plan, WIRE_SUBJECTS);
	memory->subject_limit = rows(plan, WIRE_SUBJECTS, sizeof(*memory->subjects));
	memory->operations = region(memory, plan, WIRE_OPERATIONS);
	memory->operation_limit = rows(plan, WIRE_OPERATIONS, sizeof(*memory->operations));
	memory->spreads = region(memory, plan, WIRE_SPREADS);
	memory->spread_limit = rows(plan, WIRE_SPREADS, sizeof(*memory->spreads));
	memory->texts = region(memory, plan, WIRE_TEXTS);
	memory->text_limit = rows(plan, WIRE_TEXTS, 1);
	memory->counts = region(memory, plan, WIRE_COUNTS);
}

/*
 * With little room a target maps the beginning only, so what every mode needs comes first and what
 * is largest last.
 */
static void plan_regions(struct wire_header *plan, unsigned halvings)
{
	uint64_t slots = SLOTS >> halvings;

	plan->bytes = PAGE_BYTES;
	plan->slot_count = (uint32_t)slots;
	add_region(plan, WIRE_SLOTS, slots * sizeof(struct wire_slot));
	if (plan->modes & WIRE_MODES_STACKS) {
		add_region(plan, WIRE_PROCESSES,
			   (PROCESSES >> halvings) * sizeof(struct wire_process));
		add_region(plan, WIRE_BUCKETS, (BUCKETS >> halvings) * sizeof(uint32_t));
	}
	if (plan->modes & WIRE_MODES_OPERATIONS)
		plan_operations(plan, halvings);
	if (plan->modes & WIRE_MODE_MEMORY)
		add_region(plan, WIRE_TALLY_ROWS,
			   (slots + 1) * WIRE_ROW_SEGMENTS * sizeof(uint32_t));
	if (plan->modes & WIRE_MODE_MEMORY)
		add_region(plan, WIRE_SHAPES, (slots + 1) * sizeof(struct wire_shape));
	if (plan->modes & WIRE_MODES_STACKS)
		add_region(plan, WIRE_NODES, (NODES >> halvings) * sizeof(struct wire_node));
	/* The modes that count in tables tell nothing by records. */
	if (!plan->modes || plan->modes & ~WIRE_MODES_STACKS)
		add_region(plan, WIRE_RINGS, slots * RING_BYTES);
	if (plan->modes & WIRE_MODE_MEMORY)
		add_region(plan, WIRE_TALLIES,
			   (SEGMENTS >> halvings) * (uint64_t)WIRE_SEGMENT_TALLIES *
				   sizeof(struct wire_tally));
}

/* Halves the tables until a program that has this process's limit of memory maps all of them. */
static void plan_within_limit(struct wire_header *plan)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	unsigned halvings = 0;

	getrlimit(RLIMIT_AS, &limit);
	do
		plan_regions(plan, halvings);
	while (plan->bytes > limit.rlim_cur / WIRE_LIMIT_PARTS && halvings++ < HALVINGS_MOST);
}

/*
 * What the kernel looks at when this thread dies: no mutex is held, but one is about to be. Nothing
 * of it lies in the shared memory but the futex itself, so no target can lead the kernel, or us,
 * astray. The C library's own list, of which the collector makes no use, is replaced.
 */
static struct robust_list_head at_death = {.list = {&at_death.list}};

/* From here on the kernel tells the targets when this process dies. */
static void start(struct probe_memory *memory)
{
	at_death.list_op_pending = (struct robust_list *)&memory->header->recorder;
	syscall(SYS_set_robust_list, &at_death, sizeof(at_death));
	atomic_store(&memory->header->recorder, (uint32_t)gettid());
	memory->is_recording = true;
}

void probe_memory_stop(struct probe_memory *memory)
{
	if (!memory->is_recording)
		return;
	if (memory->clock)
		probe_clock_stop(memory->clock);
	at_death.list_op_pending = NULL;
	atomic_store(&memory->header->recorder, 0);
	memory->is_recording = false;
}

int probe_memory_make(struct probe_memory *memory, const struct probe_memory_options *options,
		      struct error *error)
{
	struct wire_header plan = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.modes = options->modes,
		.period_ns = options->period_ns,
		.copy_bytes = options->copy_bytes,
		.ring_bytes = RING_BYTES,
		.node_count = 1,
		.text_bytes = 1,
		.memory_rate = options->memory_rate,
		.temporary_within = options->temporary_within ? options->temporary_within : 1,
	};
	int result;

	_Static_assert(sizeof(plan) <= PAGE_BYTES, "the header is the first page");
	plan_within_limit(&plan);
	*memory = (struct probe_memory){.bytes = plan.bytes,
					.modes = plan.modes,
					.slot_count = plan.slot_count,
					.ring_bytes = RING_BYTES,
					.memory_rate = plan.memory_rate};
	result = map(memory, &plan, error);
	if (result) {
		probe_memory_done(memory);
		return result;
	}
	memory->slots = region(memory, &plan, WIRE_SLOTS);
	memory->rings = region(memory, &plan, WIRE_RINGS);
	memory->processes = region(memory, &plan, WIRE_PROCESSES);
	memory->process_limit = rows(&plan, WIRE_PROCESSES, sizeof(*memory->processes));
	memory->nodes = region(memory, &plan, WIRE_NODES);
	memory->node_limit = rows(&plan, WIRE_NODES, sizeof(*memory->nodes));
	memory->tally_rows = region(memory, &plan, WIRE_TALLY_ROWS);
	memory->shapes = region(memory, &plan, WIRE_SHAPES);
	memory->tallies = region(memory, &plan, WIRE_TALLIES);
	memory->segment_limit =
		rows(&plan, WIRE_TALLIES, WIRE_SEGMENT_TALLIES * sizeof(*memory->tallies));
	find_operations(memory, &plan);
	*memory->header = plan;
	start(memory);
	if (plan.modes & WIRE_MODE_MEMORY) {
		memory->clock = xcalloc(1, sizeof(*memory->clock));
		probe_clock_start(memory->clock, &memory->header->clock);
	}
	return 0;
}

void probe_memory_done(struct probe_memory *memory)
{
	probe_memory_stop(memory);
	free(memory->clock);
	if (memory->header)
		munmap(memory->header, memory->bytes);
	if (memory->fd >= 0)
		close(memory->fd);
	*memory = (struct probe_memory){.fd = -1};
}

void probe_memory_path(const struct probe_memory *memory, char *path, size_t bytes)
{
	snprintf(path, bytes, "/proc/%d/fd/%d", getpid(), memory->fd);
}
