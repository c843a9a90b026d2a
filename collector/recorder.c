/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recorder: see recorder.h. */
#include "collector/recorder.h"

#include "collector/base/xalloc.h"
#include "collector/brief_proof.h"
#include "collector/executions.h"
#include "collector/operations.h"
#include "collector/population.h"

#include <assert.h>
#include <uthash.h>

#define METRICS	     32		 /* at most: there are fewer kinds of sources */
#define REMEMBER_NS  5000000000u /* ended threads; sources tell of them within a second */
#define KERNEL_DEPTH 256	 /* the kernel's own limit is 127 unless raised */
#define MOST_RETURNS 64		 /* that are replaced at a time; the kernel's own limit */
#define DEEP_FRAMES  1024	 /* stacks with more are cut to the innermost */
#define CUT_FRAMES   128	 /* once the profile has RECORDER_WHOLE_ROWS */

/* A stack that came by parts. */
struct node {
	uint32_t thread; /* 0: not told */
	uint32_t stack;
	enum profile_ending ending;
};

/* A stack that came by itself, and its thread. */
struct numbered_stack {
	UT_hash_handle hh;
	uint64_t id;
	uint32_t thread;
	uint32_t stack;
	enum profile_ending ending;
};

struct recorder {
	struct profile *profile;
	struct recorder_sink sink;
	uint64_t start_ns;
	uint64_t begin_ns;			     /* of samples; 0: all */
	const struct event_metric *metrics[METRICS]; /* [i] is row i of profile->metrics */
	uint32_t metric_count;
	uint32_t kernel_module;
	uint32_t ending_frames[PROFILE_ENDINGS]; /* 0 until one is needed */
	struct population population;
	struct numbered_stack *numbered_stacks;
	struct node *nodes; /* by number */
	size_t node_count, node_capacity;
	struct operations *operations;
	struct brief_proof brief;
	bool wants_interruptions;
	bool wants_red_zones;
	struct executions executions;
	int failure;
	struct error error;
	uint32_t frames[KERNEL_DEPTH + UNWIND_DEPTH +
			1]; /* of the sample at hand, innermost first */
};

static int append_to_file(void *context, const struct profile_sample *sample, struct error *error)
{
	return profile_file_append(context, sample, error);
}

struct recorder_sink recorder_sink_of_file(struct profile_file *file)
{
	return (struct recorder_sink){append_to_file, file};
}

struct recorder *recorder_new(struct profile *profile, struct modules *modules,
			      struct recorder_sink sink, uint64_t start_ns)
{
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));

	recorder->profile = profile;
	recorder->population = (struct population){.profile = profile, .modules = modules};
	recorder->sink = sink;
	recorder->start_ns = start_ns;
	recorder->operations = operations_new(profile, modules);
	recorder->kernel_module = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	return recorder;
}

void recorder_begin(struct recorder *recorder, uint64_t begin_ns)
{
	recorder->begin_ns = begin_ns;
}

uint32_t recorder_metric(struct recorder *recorder, const struct event_metric *metric)
{
	uint32_t id;

	for (uint32_t i = 0; i < recorder->metric_count; i++)
		if (recorder->metrics[i] == metric)
			return i;
	assert(recorder->metric_count < METRICS);
	recorder->metrics[recorder->metric_count++] = metric;
	id = profile_metric_add(recorder->profile, metric->name, metric->unit, metric->period);
	if (metric->is_level)
		profile_metric_set_level(recorder->profile, id);
	return id;
}

static void numbered_stack_end(struct recorder *recorder, uint64_t id)
{
	struct numbered_stack *stack;

	HASH_FIND(hh, recorder->numbered_stacks, &id, sizeof(id), stack);
	if (!stack)
		return;
	HASH_DEL(recorder->numbered_stacks, stack);
	free(stack);
}

void recorder_free(struct recorder *recorder)
{
	struct numbered_stack *stack, *next_stack;

	if (!recorder)
		return;
	population_done(&recorder->population);
	HASH_ITER (hh, recorder->numbered_stacks, stack, next_stack)
		numbered_stack_end(recorder, stack->id);
	operations_free(recorder->operations);
	executions_done(&recorder->executions);
	free(recorder->nodes);
	free(recorder);
}

static void take_name(struct recorder *recorder, const struct event *event)
{
	struct thread *thread = population_thread(&recorder->population, event);

	profile_thread_rename(recorder->profile, thread->id, event->name.name);
	if (!event->name.is_exec)
		return;
	address_space_exec(thread->process->space);
	executions_take(&recorder->executions, event);
}

static void take_mapping(struct recorder *recorder, const struct event *event)
{
	const struct event_mapping *mapping = &event->mapping;
	struct module_identity identity = {
		.path = mapping->path,
		.inode = mapping->inode,
		.device = mapping->device,
		.build_id_bytes = mapping->build_id_bytes,
	};

	memcpy(identity.build_id, mapping->build_id, sizeof(identity.build_id));
	address_space_map(population_thread(&recorder->population, event)->process->space,
			  mapping->start, mapping->end, mapping->file_offset, &identity);
}

/* Returns the frame under which stacks hang that ended in this incomplete way. */
static uint32_t ending_frame(struct recorder *recorder, enum profile_ending ending)
{
	uint32_t *frame = &recorder->ending_frames[ending];
	struct profile *profile = recorder->profile;
	char name[64];

	if (!*frame) {
		uint32_t module = profile_module(profile, PROFILE_MODULE_NOTE, "[note]", NULL);
		struct profile_line line = {0};

		snprintf(name, sizeof(name), "[%s]", profile_endings[ending].name);
		line.function = profile_function(profile, name, NULL, module, 0, 0, true);
		*frame = profile_frame(profile, module, ending);
		profile_frame_set_lines(profile, *frame, &line, 1);
	}
	return *frame;
}

static size_t add_kernel_frames(struct recorder *recorder, const struct event_sample *sample)
{
	size_t count = sample->kernel_count < KERNEL_DEPTH ? sample->kernel_count : KERNEL_DEPTH;

	/* All but the innermost are return addresses. */
	for (size_t i = 0; i < count; i++)
		recorder->frames[i] = profile_frame(recorder->profile, recorder->kernel_module,
						    sample->kernel[i] - (i > 0));
	return count;
}

/* Lists what was copied beyond a sample's copy. Returns the number of pieces. */
static size_t list_rest(const struct event_sample *sample, struct cfi_memory *rest)
{
	size_t count = sample->piece_count < UNWIND_RESTS ? sample->piece_count : UNWIND_RESTS;

	for (size_t i = 0; i < count; i++)
		rest[i] = (struct cfi_memory){
			.data = sample->pieces[i].data,
			.start = sample->pieces[i].start,
			.bytes = sample->pieces[i].bytes,
		};
	return count;
}

/* Walks user code. @frames  room for UNWIND_DEPTH. Returns their number. */
static uint32_t walk_user(struct thread *thread, const struct event_sample *sample,
			  bool is_interruption, uint32_t *frames, enum profile_ending *ending)
{
	struct cfi_memory rest[UNWIND_RESTS];
	struct unwind_sample walk = {
		.stack = sample->stack,
		.stack_bytes = sample->stack_bytes,
		.rest = rest,
		.rest_count = list_rest(sample, rest),
		.red_zone = sample->red_zone,
		.brief_bytes = sample->brief_bytes,
		.is_brief = sample->is_brief,
		.callers = sample->callers,
		.caller_count = sample->caller_count,
		.is_interruption = is_interruption,
	};
	struct unwind_return returns[MOST_RETURNS];

	memcpy(walk.registers, sample->registers, sizeof(walk.registers));
	for (size_t i = 0; i < sample->return_count && i < MOST_RETURNS; i++)
		returns[i] =
			(struct unwind_return){sample->returns[i].slot, sample->returns[i].address};
	walk.trampoline = sample->trampoline;
	walk.returns = returns;
	walk.return_count =
		sample->return_count < MOST_RETURNS ? sample->return_count : MOST_RETURNS;
	return unwind_walk(thread->process->space, &thread->memory, thread->process->pid, &walk,
			   frames, ending);
}

/*
 * Says whether the thread is inside a system call (the processor has left the address behind it in
 * rcx, too) and yet has no stack, to which that call's return address was written a moment ago:
 * execve has put another memory in its place, which it fills, or exit has taken it off.
 */
static bool has_given_up_memory(const struct event_sample *sample)
{
	return sample->kernel_count && !sample->stack_bytes &&
	       sample->registers[CFI_CX] == sample->registers[CFI_IP];
}

static size_t add_user_frames(struct recorder *recorder, struct thread *thread,
			      const struct event_sample *sample, size_t count,
			      enum profile_ending *ending)
{
	uint32_t frame_count;

	if (sample->has_registers != EVENT_REGISTERS_64) {
		*ending = sample->has_registers == EVENT_REGISTERS_32 ? PROFILE_ENDING_NARROW
								      : PROFILE_ENDING_NO_USER;
		return count;
	}
	frame_count = walk_user(thread, sample, false, recorder->frames + count, ending);
	recorder->wants_interruptions |= *ending == PROFILE_ENDING_INTERRUPTED;
	recorder->wants_red_zones |= thread->memory.wants_red_zone;
	/* Inside execve the old stack is gone and the new program has not begun. */
	if (*ending == PROFILE_ENDING_UNMAPPED && sample->kernel_count && !sample->stack_bytes) {
		*ending = PROFILE_ENDING_NO_USER;
		return count;
	}
	if (*ending == PROFILE_ENDING_TRUNCATED && has_given_up_memory(sample)) {
		*ending = PROFILE_ENDING_GONE;
		return count;
	}
	return count + frame_count;
}

/*
 * Interns a stack. Two samples of a thread in a row share most of their outer frames: as far as
 * they do, the ids are taken from the previous path without a look-up.
 */
static uint32_t intern_stack(struct recorder *recorder, struct thread *thread,
			     const uint32_t *frames, size_t count)
{
	uint32_t stack = 0;
	size_t depth = 0;

	while (depth < count && depth < thread->path_count &&
	       thread->path[depth].frame == frames[count - 1 - depth])
		stack = thread->path[depth++].stack;
	thread->path_count = depth;
	for (; depth < count; depth++) {
		uint32_t frame = frames[count - 1 - depth];

		stack = profile_stack(recorder->profile, stack, frame);
		xgrow(thread->path, thread->path_count, thread->path_capacity);
		thread->path[thread->path_count++] = (struct path_step){frame, stack};
	}
	return stack;
}

/* Cuts a stack that is too deep for a profile of this size. Returns how many frames are left. */
static size_t cut_deep(const struct recorder *recorder, size_t count, enum profile_ending *ending)
{
	if (count <= DEEP_FRAMES || recorder->profile->stacks_count < RECORDER_WHOLE_ROWS)
		return count;
	*ending = PROFILE_ENDING_TOO_DEEP;
	return CUT_FRAMES;
}

/* Walks the stack of a sample. Returns its id. */
static uint32_t take_stack(struct recorder *recorder, struct thread *thread,
			   const struct event_sample *sample, enum profile_ending *ending)
{
	size_t count = add_kernel_frames(recorder, sample);

	*ending = PROFILE_ENDING_COMPLETE;
	count = add_user_frames(recorder, thread, sample, count, ending);
	count = cut_deep(recorder, count, ending);
	if (!profile_endings[*ending].complete)
		recorder->frames[count++] = ending_frame(recorder, *ending);
	return intern_stack(recorder, thread, recorder->frames, count);
}

static void append(struct recorder *recorder, const struct event *event,
		   const struct event_metric *metric, uint64_t weight,
		   const struct numbered_stack *stack)
{
	struct profile_sample row = {
		.time_ns = event->time_ns > recorder->start_ns ? event->time_ns - recorder->start_ns
							       : 0,
		.value = weight / metric->period,
		.thread = stack->thread,
		.stack = stack->stack,
		.metric = (uint16_t)recorder_metric(recorder, metric),
		.ending = stack->ending,
	};

	recorder->failure = recorder->sink.append(recorder->sink.context, &row, &recorder->error);
}

static void take_sample(struct recorder *recorder, const struct event *event)
{
	struct thread *thread = population_thread(&recorder->population, event);
	struct numbered_stack stack = {.thread = thread->id};
	uint32_t changes = thread->memory.changes;

	stack.stack = take_stack(recorder, thread, &event->sample, &stack.ending);
	if (event->sample.brief_bytes)
		brief_proof_take(&recorder->brief, event->time_ns,
				 thread->memory.changes != changes);
	append(recorder, event, event->sample.metric, event->sample.weight, &stack);
}

static void take_interruption(struct recorder *recorder, const struct event *event)
{
	struct thread *thread = population_known(&recorder->population, event);
	enum profile_ending ending;

	if (thread && event->sample.has_registers == EVENT_REGISTERS_64)
		walk_user(thread, &event->sample, true, recorder->frames, &ending);
}

static void take_numbered_stack(struct recorder *recorder, const struct event *event)
{
	struct thread *thread = population_thread(&recorder->population, event);
	struct numbered_stack *stack;

	HASH_FIND(hh, recorder->numbered_stacks, &event->stack_id, sizeof(stack->id), stack);
	if (!stack) {
		stack = xcalloc(1, sizeof(*stack));
		stack->id = event->stack_id;
		HASH_ADD(hh, recorder->numbered_stacks, id, sizeof(stack->id), stack);
	}
	stack->thread = thread->id;
	stack->stack = take_stack(recorder, thread, &event->sample, &stack->ending);
}

static void take_amount(struct recorder *recorder, const struct event *event)
{
	struct numbered_stack none = {.ending = PROFILE_ENDING_NOT_TAKEN}, *stack;

	HASH_FIND(hh, recorder->numbered_stacks, &event->stack_id, sizeof(stack->id), stack);
	if (!stack) {
		uint32_t frame = ending_frame(recorder, none.ending);

		none.thread = population_row(&recorder->population, event);
		none.stack = profile_stack(recorder->profile, 0, frame);
		stack = &none;
	}
	append(recorder, event, event->amount.metric, event->amount.weight, stack);
}

static void take_times(struct recorder *recorder, const struct event *event)
{
	const struct event_times *times = &event->times;

	profile_thread_times_add(recorder->profile,
				 &(struct profile_thread_times){
					 .thread = population_row(&recorder->population, event),
					 .wall_ns = times->wall_ns,
					 .cpu_ns = times->cpu_ns,
					 .booked_ns = times->booked_ns,
					 .run_queue_ns = times->run_queue_ns,
					 .off_cpu_ns = times->off_cpu_ns,
					 .switches = times->switches,
				 });
}

/* Puts the frame of a node on top of its parent's, which @node is a copy of. */
static void stack_node(struct recorder *recorder, const struct event *event, struct node *node)
{
	const struct event_node *told = &event->node;
	const struct process *process = population_process(&recorder->population, event->pid);
	uint32_t frame;

	if (told->kind == EVENT_NODE_CALL && process) {
		frame = address_space_find(process->space, told->address - 1)->frame;
	} else {
		node->ending =
			told->kind == EVENT_NODE_CALL ? PROFILE_ENDING_UNMAPPED : told->ending;
		frame = ending_frame(recorder, node->ending);
	}
	node->stack = profile_stack(recorder->profile, node->stack, frame);
}

static void take_node(struct recorder *recorder, const struct event *event)
{
	const struct event_node *told = &event->node;
	struct node node = {0};

	while (recorder->node_count <= event->stack_id) {
		xgrow(recorder->nodes, recorder->node_count, recorder->node_capacity);
		recorder->nodes[recorder->node_count++] = node;
	}
	if (told->kind == EVENT_NODE_ROOT) {
		node.thread = population_thread(&recorder->population, event)->id;
		node.ending = PROFILE_ENDING_COMPLETE;
	} else {
		assert(told->parent < event->stack_id);
		node = recorder->nodes[told->parent];
		stack_node(recorder, event, &node);
	}
	recorder->nodes[event->stack_id] = node;
}

static void take_node_amount(struct recorder *recorder, const struct event *event)
{
	const struct node *node = &recorder->nodes[event->stack_id];

	append(recorder, event, event->amount.metric, event->amount.weight,
	       &(struct numbered_stack){
		       .thread = node->thread, .stack = node->stack, .ending = node->ending});
}

static void take_operation(struct recorder *recorder, const struct event *event)
{
	const struct event_operation *told = &event->operation;
	const struct node *node = &recorder->nodes[told->node];
	struct profile_operation row = {
		.stack = node->stack,
		.other = told->other ? recorder->nodes[told->other].stack : 0,
	};
	uint32_t frame = operations_take(recorder->operations, event, &row);
	struct numbered_stack stack = {
		.thread = row.thread ? row.thread : node->thread,
		.stack = profile_stack(recorder->profile, row.stack, frame),
		.ending = node->ending,
	};

	for (int i = 0; i < EVENT_OPERATION_METRICS && !recorder->failure; i++)
		if (told->amounts[i].metric && told->amounts[i].weight)
			append(recorder, event, told->amounts[i].metric, told->amounts[i].weight,
			       &stack);
}

void recorder_take(struct recorder *recorder, const struct event *event)
{
	switch (event->kind) {
	case EVENT_SAMPLE:
		if (!recorder->failure && event->time_ns >= recorder->begin_ns)
			take_sample(recorder, event);
		break;
	case EVENT_MAPPING:
		take_mapping(recorder, event);
		break;
	case EVENT_FORK:
		population_fork(&recorder->population, event);
		break;
	case EVENT_EXIT:
		population_exit(&recorder->population, event);
		break;
	case EVENT_NAME:
		take_name(recorder, event);
		break;
	case EVENT_STACK:
		take_numbered_stack(recorder, event);
		break;
	case EVENT_AMOUNT:
		if (!recorder->failure)
			take_amount(recorder, event);
		break;
	case EVENT_STACK_END:
		numbered_stack_end(recorder, event->stack_id);
		break;
	case EVENT_INTERRUPTION:
		take_interruption(recorder, event);
		break;
	case EVENT_INTERRUPTIONS_MISSED:
		population_forget_interruptions(&recorder->population);
		break;
	case EVENT_TIMES:
		take_times(recorder, event);
		break;
	case EVENT_NODE:
		take_node(recorder, event);
		break;
	case EVENT_NODE_AMOUNT:
		if (!recorder->failure)
			take_node_amount(recorder, event);
		break;
	case EVENT_SUBJECT:
		operations_subject(recorder->operations, event,
				   event->subject.node ? recorder->nodes[event->subject.node].stack
						       : 0);
		break;
	case EVENT_OPERATION:
		take_operation(recorder, event);
		break;
	case EVENT_SPREAD:
		operations_spread(recorder->operations, event);
		break;
	case EVENT_NONE:
	case EVENT_LOST:
	case EVENT_THROTTLE:
		break;
	}
}

bool recorder_wants_brief_copies(struct recorder *recorder)
{
	if (modules_have_go(recorder->population.modules))
		recorder->brief.is_wanted = false;
	return recorder->brief.is_wanted;
}

bool recorder_wants_red_zones(const struct recorder *recorder)
{
	return recorder->wants_red_zones;
}

bool recorder_wants_interruptions(const struct recorder *recorder)
{
	return recorder->wants_interruptions;
}

int recorder_poll_ms(const struct recorder *recorder, uint64_t now_ns, int most_ms)
{
	return brief_proof_poll_ms(&recorder->brief, now_ns, most_ms);
}

uint32_t recorder_process_count(const struct recorder *recorder)
{
	return HASH_COUNT(recorder->population.processes);
}

size_t recorder_processes(const struct recorder *recorder, pid_t **pids)
{
	return population_pids(&recorder->population, pids);
}

struct executions *recorder_executions(struct recorder *recorder)
{
	return &recorder->executions;
}

int recorder_failure(const struct recorder *recorder, const struct error **error)
{
	*error = &recorder->error;
	return recorder->failure;
}
