/* SPDX-License-Identifier: GPL-3.0-or-later */
/* block_hits: see block_hits.h. */
#include "collector/capture/block_hits.h"

#include "block_hits.skel.h"
#include "collector/base/xalloc.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/link_holding.h"
#include "collector/capture/link_readiness.h"
#include "collector/capture/uprobe_stacks.h"
#include "collector/capture/uprobe_link.h"
#include "collector/capture/uprobe_trial.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_SHARDS 16

/* Probes of one file that are in place. */
struct link {
	struct link_holder *holder;
	bool is_entries;
	ino_t inode; /* of the file */
};

struct block_hits {
	struct block_hits_bpf *programs;
	size_t shards;
	size_t uncounted;		 /* number of the counter of hits outside a window */
	struct block_hits_count *counts; /* by probe and shard; the kernel's memory */
	size_t count_bytes;
	struct block_hits_function *functions; /* likewise */
	size_t function_bytes;
	struct probe_limit limit;
	struct link *links;
	size_t link_count, link_capacity;
	struct link_holding holding;
	struct link_readiness readiness;
	struct ring_buffer *stacks;
	struct uprobe_stacks sampled;
};

static void *map_memory(const struct bpf_map *map, size_t *bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	*bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	*bytes = (*bytes + page - 1) / page * page;
	memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static int take_stack(void *context, void *data, size_t bytes)
{
	struct block_hits *hits = context;

	if (bytes >= sizeof(struct uprobe_stack))
		uprobe_stacks_add(&hits->sampled, data);
	return 0;
}

static int load(struct block_hits *hits, size_t probes, struct error *error)
{
	struct block_hits_bpf *programs;
	size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	programs = hits->programs = block_hits_bpf__open();
	if (!programs)
		return bpf_kernel_fail(error, -errno, "load the counting programs");
	hits->shards = cpus < MOST_SHARDS ? cpus : MOST_SHARDS;
	programs->rodata->numbers_namespace = bpf_kernel_namespace();
	programs->rodata->shards = (uint32_t)hits->shards;
	programs->rodata->uncounted = (uint32_t)probes;
	hits->uncounted = probes;
	bpf_map__set_max_entries(programs->maps.counts, (uint32_t)((probes + 1) * hits->shards));
	bpf_program__set_expected_attach_type(programs->progs.on_block,
					      (enum bpf_attach_type)UPROBE_LINK_ENTRY);
	result = block_hits_bpf__load(programs);
	if (result)
		return bpf_kernel_fail(error, result, "load the counting programs");
	programs->links.on_fork = bpf_program__attach(programs->progs.on_fork);
	if (!programs->links.on_fork)
		return bpf_kernel_fail(error, -errno, "attach the counting programs");
	hits->counts = map_memory(programs->maps.counts, &hits->count_bytes);
	hits->functions = map_memory(programs->maps.functions, &hits->function_bytes);
	hits->stacks = ring_buffer__new(bpf_map__fd(programs->maps.stacks), take_stack, hits, NULL);
	if (!hits->stacks)
		return fail(error, -errno, "cannot read the ring of sampled stacks: %m");
	if (!hits->counts || !hits->functions)
		return fail(error, -errno, "cannot map the counters of blocks: %m");
	return probe_limit_open(&hits->limit, bpf_map__fd(programs->maps.limits),
				&programs->bss->spent_ns, &programs->bss->limit_ns, error);
}

int block_hits_watch(struct block_hits *hits, pid_t pid, struct error *error)
{
	uint32_t key = (uint32_t)pid;
	uint8_t yes = 1;
	int result = bpf_map__update_elem(hits->programs->maps.processes, &key, sizeof(key), &yes,
					  sizeof(yes), BPF_ANY);

	return result ? bpf_kernel_fail(error, result, "count in another process") : 0;
}

static uint64_t cookie_of(const struct block_hits_probe *probe)
{
	return probe->number | (uint64_t)probe->condition << 24 | (uint64_t)probe->function << 32 |
	       (probe->is_entry ? BLOCK_HITS_ENTRY : 0) |
	       (probe->is_emulated ? 0 : BLOCK_HITS_STEPPED);
}

/* Says whether a link holds those of a file. */
static bool is_in_place(const struct block_hits *hits, ino_t inode, bool is_entries)
{
	for (size_t i = 0; i < hits->link_count; i++)
		if (hits->links[i].inode == inode && hits->links[i].is_entries == is_entries)
			return true;
	return false;
}

/* Places of a link that is to be put in place. */
struct placing {
	int program, fd;
	uint64_t *offsets, *cookies;
	size_t count;
};

static int put(void *context, struct error *error)
{
	const struct placing *placing = context;
	int link = uprobe_link(placing->program, UPROBE_LINK_ENTRY, 0, placing->fd,
			       placing->offsets, placing->cookies, placing->count, error);

	return link < 0 ? link : 0;
}

/* Puts the entries, or all others, of a file in place with one link. */
static int attach(struct block_hits *hits, int fd, const struct block_hits_probe *probes,
		  size_t count, bool is_entries, uint64_t functions, struct error *error)
{
	struct placing placing = {
		.program = bpf_program__fd(hits->programs->progs.on_block),
		.fd = fd,
		.offsets = xcalloc(count + 1, sizeof(*placing.offsets)),
		.cookies = xcalloc(count + 1, sizeof(*placing.cookies)),
	};
	const int kept[] = {placing.fd, placing.program};
	struct link row = {.is_entries = is_entries};
	struct stat status = {0};
	int result = 0;

	fstat(fd, &status);
	row.inode = status.st_ino;
	for (size_t i = 0; i < count; i++) {
		if (probes[i].is_entry != is_entries || !(functions >> probes[i].function & 1))
			continue;
		placing.offsets[placing.count] = probes[i].offset;
		placing.cookies[placing.count++] = cookie_of(&probes[i]);
	}
	if (placing.count && !is_in_place(hits, row.inode, is_entries)) {
		result = link_holding_add(&(struct link_placing){kept, 2, put, &placing},
					  &row.holder, error);
		if (!result) {
			xgrow(hits->links, hits->link_count, hits->link_capacity);
			hits->links[hits->link_count++] = row;
		}
	}
	free(placing.offsets);
	free(placing.cookies);
	return result;
}

/* Entries last: no call begins to be counted of which a part would not be. */
int block_hits_attach(struct block_hits *hits, int fd, const struct block_hits_probe *probes,
		      size_t count, enum block_hits_part part, uint64_t functions,
		      struct error *error)
{
	int result = 0;

	if (part == BLOCK_HITS_ALL)
		result = attach(hits, fd, probes, count, false, functions, error);

	return result ? result : attach(hits, fd, probes, count, true, functions, error);
}

void block_hits_set_window(struct block_hits *hits, enum block_hits_window window)
{
	for (size_t i = 0; i < BLOCK_HITS_FUNCTIONS; i++)
		__atomic_store_n(&hits->functions[i].window, window, __ATOMIC_RELEASE);
}

void block_hits_detach(struct block_hits *hits, bool keeps_entries)
{
	size_t kept = 0;

	for (size_t i = 0; i < hits->link_count; i++)
		if (keeps_entries && hits->links[i].is_entries)
			hits->links[kept++] = hits->links[i];
		else
			link_holding_drop(&hits->holding, hits->links[i].holder);
	hits->link_count = kept;
}

void block_hits_wait(struct block_hits *hits)
{
	link_readiness_end(&hits->readiness);
	link_holding_wait(&hits->holding);
}

struct probe_limit *block_hits_limit(struct block_hits *hits)
{
	return &hits->limit;
}

void block_hits_get_ready(struct block_hits *hits)
{
	if (!hits->readiness.is_begun)
		link_readiness_begin(&hits->readiness,
				     bpf_program__fd(hits->programs->progs.on_block));
}

/* Measures what a hit costs, on functions of our own (uprobe_trial.h). */
static int measure(struct block_hits *hits, struct error *error)
{
	const enum uprobe_kind kinds[] = {UPROBE_EMULATED, UPROBE_STEPPED};
	struct block_hits_probe probes[2] = {0};
	struct uprobe_trial trial;
	int result = uprobe_trial_start(&trial, error);

	if (result)
		return result;
	for (size_t i = 0; i < 2; i++) {
		probes[i].offset = trial.functions[UPROBE_KINDS + kinds[i]].offset;
		probes[i].number = (uint32_t)hits->uncounted;
		probes[i].condition = BLOCK_HITS_ALWAYS;
		probes[i].is_entry = true;
		probes[i].is_emulated = kinds[i] == UPROBE_EMULATED;
	}
	result = block_hits_watch(hits, trial.pid, error);
	if (!result)
		result = block_hits_attach(hits, trial.fd, probes, 2, BLOCK_HITS_ALL, 1, error);
	if (!result)
		result = uprobe_trial_run(&trial, error);
	block_hits_detach(hits, false);
	block_hits_wait(hits);
	uprobe_trial_end(&trial);
	if (result)
		return result;
	for (size_t i = 0; i < 2; i++)
		hits->programs->bss->costs_ns[i] = trial.added_ns[UPROBE_KINDS + kinds[i]];
	assert(hits->counts && hits->functions);
	memset(hits->counts, 0, hits->count_bytes);
	memset(hits->functions, 0, hits->function_bytes);
	return 0;
}

uint32_t block_hits_cost_ns(const struct block_hits *hits, bool is_emulated)
{
	return hits->programs->bss->costs_ns[is_emulated ? 0 : 1];
}

struct block_hits *block_hits_open(size_t probes, struct error *error)
{
	struct block_hits *hits;
	int result;

	if (probes > BLOCK_HITS_PROBES) {
		fail(error, -E2BIG,
		     "%zu pieces of code are too many to count; at most %d: name fewer functions",
		     probes, BLOCK_HITS_PROBES);
		errno = E2BIG;
		return NULL;
	}
	hits = xcalloc(1, sizeof(*hits));
	result = load(hits, probes, error);
	if (!result)
		result = measure(hits, error);
	if (result) {
		block_hits_close(hits);
		errno = -result;
		return NULL;
	}
	return hits;
}

void block_hits_close(struct block_hits *hits)
{
	if (!hits)
		return;
	block_hits_detach(hits, false);
	block_hits_wait(hits);
	probe_limit_done(&hits->limit);
	ring_buffer__free(hits->stacks);
	uprobe_stacks_done(&hits->sampled);
	if (hits->counts)
		munmap(hits->counts, hits->count_bytes);
	if (hits->functions)
		munmap(hits->functions, hits->function_bytes);
	block_hits_bpf__destroy(hits->programs);
	free(hits->links);
	free(hits);
}

uint64_t block_hits_entries(const struct block_hits *hits, size_t function)
{
	return __atomic_load_n(&hits->functions[function].entries, __ATOMIC_RELAXED);
}

struct block_hits_count block_hits_read(const struct block_hits *hits, size_t probe)
{
	struct block_hits_count sum = {0};

	for (size_t shard = 0; shard < hits->shards; shard++) {
		const struct block_hits_count *count = &hits->counts[probe * hits->shards + shard];

		sum.hits += __atomic_load_n(&count->hits, __ATOMIC_RELAXED);
		sum.taken += __atomic_load_n(&count->taken, __ATOMIC_RELAXED);
	}
	return sum;
}

uint64_t block_hits_lost_threads(const struct block_hits *hits)
{
	return hits->programs->bss->threads_lost;
}

int block_hits_sample_program(const struct block_hits *hits)
{
	return bpf_program__fd(hits->programs->progs.on_sample);
}

void block_hits_correct(struct block_hits *hits, struct event *event)
{
	if (event->kind != EVENT_SAMPLE || event->sample.has_registers != EVENT_REGISTERS_64)
		return;
	ring_buffer__consume(hits->stacks);
	uprobe_stacks_correct(&hits->sampled, event);
}

uint64_t block_hits_lost_stacks(const struct block_hits *hits)
{
	return hits->programs->bss->stacks_lost;
}
