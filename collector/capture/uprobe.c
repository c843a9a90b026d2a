/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe: see uprobe.h. */
#include "collector/capture/uprobe.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/uprobe_link.h"
#include "collector/capture/uprobe_state.h"
#include "collector/capture/uprobe_trial.h"
#include "uprobe.skel.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define CELL_MEMORY	 (48u << 20)
#define HISTOGRAM_MEMORY (64u << 20)
#define LEAST_SLOTS	 64
#define MOST_SLOTS	 16384

#define NO_FUNCTION SIZE_MAX

static size_t clamp(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

static void size_maps(struct uprobe *uprobe)
{
	struct uprobe_bpf *programs = uprobe->programs;
	size_t functions = uprobe->capacity + UPROBE_TRIAL_FUNCTIONS;
	size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_CONF);

	uprobe->slot_count = clamp(CELL_MEMORY / (functions * sizeof(struct uprobe_cell)),
				   LEAST_SLOTS, MOST_SLOTS);
	uprobe->shards =
		clamp(HISTOGRAM_MEMORY / (functions * sizeof(struct uprobe_histogram)), 1, cpus);
	bpf_map__set_max_entries(programs->maps.settings, (uint32_t)functions);
	bpf_map__set_max_entries(programs->maps.threads, (uint32_t)uprobe->slot_count);
	bpf_map__set_max_entries(programs->maps.cells, (uint32_t)(functions * uprobe->slot_count));
	bpf_map__set_max_entries(programs->maps.histograms, (uint32_t)(functions * uprobe->shards));
	programs->rodata->numbers_namespace = bpf_kernel_namespace();
	programs->rodata->function_count = (uint32_t)functions;
	programs->rodata->returns_wait_everywhere = uprobe->is_classic;
	programs->rodata->slot_count = (uint32_t)uprobe->slot_count;
	programs->rodata->histogram_shards = (uint32_t)uprobe->shards;
}

static int map_memory(const struct bpf_map *map, struct mapped *mapped, struct error *error)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);

	mapped->bytes = (bytes + page - 1) / page * page;
	mapped->memory =
		mmap(NULL, mapped->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (mapped->memory == MAP_FAILED) {
		mapped->memory = NULL;
		return fail(error, -errno, "cannot map the counters of probes: %m");
	}
	return 0;
}

static void unmap(struct mapped *mapped)
{
	if (mapped->memory)
		munmap(mapped->memory, mapped->bytes);
}

static int map_all(struct uprobe *uprobe, struct error *error)
{
	const struct uprobe_bpf *programs = uprobe->programs;
	int result = map_memory(programs->maps.settings, &uprobe->settings, error);

	if (!result)
		result = map_memory(programs->maps.threads, &uprobe->threads, error);
	if (!result)
		result = map_memory(programs->maps.cells, &uprobe->cells, error);
	if (!result)
		result = map_memory(programs->maps.histograms, &uprobe->histograms, error);
	return result;
}

static int take_step(void *context, void *data, size_t bytes)
{
	struct uprobe *uprobe = context;

	if (bytes >= sizeof(struct uprobe_step))
		uprobe->take_step(uprobe->step_context, data);
	return 0;
}

static int take_stack(void *context, void *data, size_t bytes)
{
	struct uprobe *uprobe = context;

	if (bytes >= sizeof(struct uprobe_stack))
		uprobe_stacks_add(&uprobe->sampled, data);
	return 0;
}

static int load(struct uprobe *uprobe, struct error *error)
{
	struct uprobe_bpf *programs;
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	programs = uprobe->programs = uprobe_bpf__open();
	if (!programs)
		return bpf_kernel_fail(error, -errno, "load the timing programs");
	bpf_program__set_autoload(programs->progs.on_call, !uprobe->is_classic);
	bpf_program__set_autoload(programs->progs.on_entry, uprobe->is_classic);
	bpf_program__set_autoload(programs->progs.on_return, uprobe->is_classic);
	if (!uprobe->is_classic) {
		bpf_program__set_expected_attach_type(programs->progs.on_call,
						      (enum bpf_attach_type)UPROBE_LINK_SESSION);
		bpf_program__set_expected_attach_type(programs->progs.on_edge,
						      (enum bpf_attach_type)UPROBE_LINK_ENTRY);
	}
	size_maps(uprobe);
	result = uprobe_bpf__load(programs);
	if (result)
		return bpf_kernel_fail(error, result, "load the timing programs");
	programs->links.on_fork = bpf_program__attach(programs->progs.on_fork);
	programs->links.on_exec = bpf_program__attach(programs->progs.on_exec);
	programs->links.on_fork_trust = bpf_program__attach(programs->progs.on_fork_trust);
	programs->links.on_thread_end = bpf_program__attach(programs->progs.on_thread_end);
	if (!programs->links.on_fork || !programs->links.on_exec ||
	    !programs->links.on_fork_trust || !programs->links.on_thread_end)
		return bpf_kernel_fail(error, -errno, "attach the timing programs");
	uprobe->steps =
		ring_buffer__new(bpf_map__fd(programs->maps.steps), take_step, uprobe, NULL);
	uprobe->stacks =
		ring_buffer__new(bpf_map__fd(programs->maps.stacks), take_stack, uprobe, NULL);
	if (!uprobe->steps || !uprobe->stacks)
		return bpf_kernel_fail(error, -errno, "map the rings of the timing programs");
	uprobe->window = &programs->bss->window;
	uprobe->states = programs->maps.states;
	uprobe->trusted = programs->maps.trusted;
	uprobe->trust_changes = &programs->bss->trust_changes;
	result = probe_limit_open(&uprobe->limit, bpf_map__fd(programs->maps.limits),
				  &programs->bss->spent_ns, &programs->bss->limit_ns, error);
	return result ? result : map_all(uprobe, error);
}

static void detach(struct uprobe *uprobe, size_t first, bool only_exits)
{
	for (size_t i = uprobe->link_count; i-- > 0;)
		if (uprobe->links[i].first == first && (!only_exits || uprobe->links[i].is_exits)) {
			link_holding_drop(&uprobe->holding, uprobe->links[i].holder);
			uprobe->links[i] = uprobe->links[--uprobe->link_count];
		}
}

void uprobe_set_mode(struct uprobe *uprobe, size_t number, enum uprobe_mode mode)
{
	struct uprobe_setting *row = uprobe_setting(uprobe, number);

	row->moved = uprobe->functions[number].moved;
	__atomic_store_n(&row->mode, mode, __ATOMIC_RELEASE);
	uprobe_set_costs(uprobe, number);
	if (mode == UPROBE_COUNT && uprobe->functions[number].by_exits)
		detach(uprobe, number, true);
}

/* Returns what the handling of a function's returns takes. */
static double handling_ns(const struct uprobe *uprobe, size_t function)
{
	uint64_t handled = 0, sum_ns = 0;

	for (size_t slot = 0; slot < uprobe_slots(uprobe); slot++) {
		handled += uprobe_slot_cell(uprobe, slot, function)->handled;
		sum_ns += uprobe_slot_cell(uprobe, slot, function)->handling_ns;
	}
	return handled ? (double)sum_ns / (double)handled : 0;
}

/* Measures the costs with functions of our own, which stand behind the caller's. */
static int measure(struct uprobe *uprobe, struct error *error)
{
	struct uprobe_trial trial;
	int result = uprobe_trial_start(&trial, error);

	if (result)
		return result;
	for (size_t i = 0; i < UPROBE_TRIAL_FUNCTIONS; i++) {
		uprobe->functions[uprobe->capacity + i] = trial.functions[i];
		uprobe_set_mode(uprobe, uprobe->capacity + i, trial.functions[i].mode);
	}
	result = uprobe_watch(uprobe, trial.pid, true, error);
	if (!result)
		result = uprobe_attach(uprobe, trial.fd, uprobe->capacity, UPROBE_TRIAL_FUNCTIONS,
				       error);
	if (!result)
		result = uprobe_trial_run(&trial, error);
	uprobe_trial_end(&trial);
	uprobe_detach(uprobe);
	for (int kind = 0; kind < UPROBE_KINDS && !result; kind++) {
		uint64_t counts[UPROBE_BUCKETS], exit_counts[UPROBE_BUCKETS];

		uprobe_histogram(uprobe, uprobe->capacity + kind, counts);
		uprobe_histogram(uprobe, uprobe->capacity + UPROBE_TRIAL_EXITS + kind, exit_counts);
		uprobe->costs[kind] = uprobe_trial_cost(&trial, kind, counts, exit_counts);
		uprobe->handling_ns[kind][false] = handling_ns(uprobe, uprobe->capacity + kind);
		uprobe->handling_ns[kind][true] =
			handling_ns(uprobe, uprobe->capacity + UPROBE_TRIAL_EXITS + kind);
	}
	return result;
}

static struct uprobe *open_rung(size_t capacity, bool is_classic, struct error *error)
{
	struct uprobe *uprobe = xcalloc(1, sizeof(*uprobe));
	int result;

	uprobe->capacity = capacity;
	uprobe->is_classic = is_classic;
	uprobe->factor = 1;
	uprobe->functions = xcalloc(capacity + UPROBE_TRIAL_FUNCTIONS, sizeof(*uprobe->functions));
	result = load(uprobe, error);
	if (!result)
		result = measure(uprobe, error);
	if (result) {
		uprobe_close(uprobe);
		errno = -result;
		return NULL;
	}
	return uprobe;
}

bool uprobe_is_classic(const struct uprobe *uprobe)
{
	return uprobe->is_classic;
}

struct uprobe *uprobe_open(size_t capacity, enum uprobe_rung rung, struct error *error)
{
	struct uprobe *uprobe = NULL;

	if (capacity > UPROBE_FUNCTIONS) {
		fail(error, -E2BIG, "%zu functions are too many to probe; at most %d", capacity,
		     UPROBE_FUNCTIONS);
		errno = E2BIG;
		return NULL;
	}
	if (rung != UPROBE_CLASSIC)
		uprobe = open_rung(capacity, false, error);
	/* What an older kernel says to a kind of link that it does not know. */
	if (!uprobe && (rung == UPROBE_CLASSIC || errno == EINVAL || errno == EOPNOTSUPP))
		uprobe = open_rung(capacity, true, error);
	return uprobe;
}

void uprobe_close(struct uprobe *uprobe)
{
	if (!uprobe)
		return;
	uprobe_detach(uprobe);
	ring_buffer__free(uprobe->steps);
	ring_buffer__free(uprobe->stacks);
	probe_limit_done(&uprobe->limit);
	uprobe_stacks_done(&uprobe->sampled);
	unmap(&uprobe->settings);
	unmap(&uprobe->threads);
	unmap(&uprobe->cells);
	unmap(&uprobe->histograms);
	uprobe_bpf__destroy(uprobe->programs);
	free(uprobe->functions);
	free(uprobe->links);
	free(uprobe);
}

int uprobe_watch(struct uprobe *uprobe, pid_t pid, bool is_trusted, struct error *error)
{
	uint32_t key = (uint32_t)pid;
	uint8_t yes = 1;
	int result = bpf_map__update_elem(uprobe->programs->maps.processes, &key, sizeof(key), &yes,
					  sizeof(yes), BPF_ANY);

	if (!result)
		result = uprobe_trust_begin(uprobe, pid, is_trusted);
	return result ? bpf_kernel_fail(error, result, "time another process") : 0;
}

size_t uprobe_add(struct uprobe *uprobe, const struct uprobe_function *function)
{
	assert(uprobe->count < uprobe->capacity);
	uprobe->functions[uprobe->count] = *function;
	uprobe_set_mode(uprobe, uprobe->count, function->mode);
	return uprobe->count++;
}

/* Places of one link. */
struct places {
	uint64_t *offsets, *cookies;
	size_t count, capacity;
};

static void add_place(struct places *places, uint64_t offset, uint64_t cookie)
{
	if (places->count == places->capacity) {
		places->capacity = places->capacity ? 2 * places->capacity : 16;
		places->offsets =
			xreallocarray(places->offsets, places->capacity, sizeof(uint64_t));
		places->cookies =
			xreallocarray(places->cookies, places->capacity, sizeof(uint64_t));
	}
	places->offsets[places->count] = offset;
	places->cookies[places->count++] = cookie;
}

static void add_exits(struct places *places, const struct uprobe_function *function, size_t number)
{
	for (size_t i = 0; i < function->exit_count; i++) {
		const struct uprobe_exit *exit = &function->exits[i];
		uint32_t cookie =
			(uint32_t)number | UPROBE_EXIT | UPROBE_CONDITION(exit->condition);

		if (exit->is_emulated)
			cookie |= UPROBE_EXIT_EMULATED;
		if (exit->is_tail_call)
			cookie |= UPROBE_EXIT_TAIL_CALL;
		add_place(places, exit->offset, cookie);
	}
}

/* A link that is to be put in place; classic: one for each place, and each return from there. */
struct placing {
	pid_t pid; /* that alone has it; 0: all */
	int fd;	   /* of the file */
	const struct places *places;
	uint32_t type;
	int program, return_program; /* the latter for classic calls, else -1 */
};

/* Puts each place in place by itself; those of calls at the entry and at the return. */
static int put_classic(void *context, struct error *error)
{
	const struct placing *placing = context;
	int link = 0;

	for (size_t i = 0; i < placing->places->count && link >= 0; i++) {
		uint64_t offset = placing->places->offsets[i];
		uint64_t cookie = placing->places->cookies[i];

		/* The return first: no call begins whose end would not be seen. */
		if (placing->return_program >= 0)
			link = uprobe_link_classic(placing->return_program, placing->fd, offset,
						   cookie, true, error);
		if (link >= 0)
			link = uprobe_link_classic(placing->program, placing->fd, offset, cookie,
						   false, error);
	}
	return link < 0 ? link : 0;
}

static int put_link(void *context, struct error *error)
{
	const struct placing *placing = context;
	const struct places *places = placing->places;
	int link = uprobe_link(placing->program, placing->type, placing->pid, placing->fd,
			       places->offsets, places->cookies, places->count, error);

	return link < 0 ? link : 0;
}

static struct placing plan(const struct uprobe *uprobe, int fd, const struct places *places,
			   bool are_calls)
{
	struct placing placing = {.fd = fd, .places = places, .return_program = -1};
	const struct bpf_program *program = uprobe->programs->progs.on_edge;

	placing.type = are_calls ? UPROBE_LINK_SESSION : UPROBE_LINK_ENTRY;
	if (are_calls)
		program = uprobe->is_classic ? uprobe->programs->progs.on_entry
					     : uprobe->programs->progs.on_call;
	placing.program = bpf_program__fd(program);
	if (are_calls && uprobe->is_classic)
		placing.return_program = bpf_program__fd(uprobe->programs->progs.on_return);
	return placing;
}

/* Puts a link in place, unless there is nothing for it. */
static int attach(struct uprobe *uprobe, int fd, const struct places *places, struct link row,
		  bool are_calls, struct error *error)
{
	struct placing placing = plan(uprobe, fd, places, are_calls);
	const int kept[] = {fd, placing.program, placing.return_program};
	int result;

	if (!places->count)
		return 0;
	placing.pid = row.pid;
	result = link_holding_add(
		&(struct link_placing){kept, placing.return_program >= 0 ? 3 : 2,
				       uprobe->is_classic ? put_classic : put_link, &placing},
		&row.holder, error);
	if (result)
		return result;
	xgrow(uprobe->links, uprobe->link_count, uprobe->link_capacity);
	uprobe->links[uprobe->link_count++] = row;
	return 0;
}

/* Exits are probed before entries, so that no call begins whose end would not be seen. */
int uprobe_attach_list(struct uprobe *uprobe, int fd, const size_t *numbers, size_t count,
		       struct error *error)
{
	enum {
		EXITS,
		ENTRIES,
		CALLS,
		KINDS
	};
	struct places places[KINDS] = {0};
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		const struct uprobe_function *function = &uprobe->functions[numbers[i]];
		const struct uprobe_setting *row = uprobe_setting(uprobe, numbers[i]);

		/* Only exits of a function that is attached by itself are ever taken off alone. */
		if (row->mode != UPROBE_COUNT)
			add_exits(&places[count == 1 ? EXITS : ENTRIES], function, numbers[i]);
		add_place(&places[function->by_exits ? ENTRIES : CALLS], function->offset,
			  numbers[i] | (uint64_t)row->generation << 32);
	}
	for (int kind = 0; kind < KINDS && !result; kind++)
		result = attach(uprobe, fd, &places[kind],
				(struct link){.first = numbers[0], .is_exits = kind == EXITS},
				kind == CALLS, error);
	for (int kind = 0; kind < KINDS; kind++) {
		free(places[kind].offsets);
		free(places[kind].cookies);
	}
	if (result)
		detach(uprobe, numbers[0], false);
	return result;
}

int uprobe_attach(struct uprobe *uprobe, int fd, size_t first, size_t count, struct error *error)
{
	size_t *numbers = xcalloc(count, sizeof(*numbers));
	int result;

	for (size_t i = 0; i < count; i++)
		numbers[i] = first + i;
	result = uprobe_attach_list(uprobe, fd, numbers, count, error);
	free(numbers);
	return result;
}

int uprobe_attach_mark(struct uprobe *uprobe, pid_t pid, int fd, uint64_t offset, uint32_t mark,
		       struct error *error)
{
	uint64_t cookie = mark;
	struct places places = {&offset, &cookie, 1, 1};

	return attach(uprobe, fd, &places, (struct link){.first = NO_FUNCTION, .pid = pid}, false,
		      error);
}

void uprobe_detach_list(struct uprobe *uprobe, const size_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		__atomic_add_fetch(&uprobe_setting(uprobe, numbers[i])->generation, 1,
				   __ATOMIC_RELEASE);
	for (size_t i = 0; i < count; i++)
		detach(uprobe, numbers[i], false);
}

void uprobe_get_ready(struct uprobe *uprobe)
{
	if (!uprobe->is_classic && !uprobe->readiness.is_begun)
		link_readiness_begin(&uprobe->readiness,
				     bpf_program__fd(uprobe->programs->progs.on_edge));
}

void uprobe_detach(struct uprobe *uprobe)
{
	link_readiness_end(&uprobe->readiness);
	while (uprobe->link_count)
		link_holding_drop(&uprobe->holding, uprobe->links[--uprobe->link_count].holder);
	link_holding_wait(&uprobe->holding);
}

size_t uprobe_slots(const struct uprobe *uprobe)
{
	size_t used = __atomic_load_n(&uprobe->programs->bss->slots_used, __ATOMIC_ACQUIRE) + 1;

	return used < uprobe->slot_count ? used : uprobe->slot_count;
}

void uprobe_edges(struct uprobe *uprobe,
		  void (*take)(void *context, const struct uprobe_edge_key *key,
			       const struct uprobe_edge *edge),
		  void *context)
{
	const struct bpf_map *map = uprobe->programs->maps.edges;
	struct uprobe_edge_key key, *previous = NULL;
	struct uprobe_edge edge;

	while (!bpf_map__get_next_key(map, previous, &key, sizeof(key))) {
		previous = &key;
		if (!bpf_map__lookup_elem(map, &key, sizeof(key), &edge, sizeof(edge), 0))
			take(context, &key, &edge);
	}
}

int uprobe_sample_program(const struct uprobe *uprobe)
{
	return bpf_program__fd(uprobe->programs->progs.on_sample);
}

void uprobe_count_losses(const struct uprobe *uprobe, struct uprobe_losses *losses)
{
	*losses = (struct uprobe_losses){
		.steps = uprobe->programs->bss->steps_lost,
		.edges = uprobe->programs->bss->edges_lost,
		.threads = uprobe->programs->bss->threads_lost,
		.stacks = uprobe->programs->bss->stacks_lost,
	};
}
