/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/recorder.c: events in, rows of a profile out. */
#include "collector/recorder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct event_metric cpu = {"cpu", "ns", 1000, false},
				 off_cpu = {"off-cpu", "ns", 1, false};
static char folder[] = "/tmp/recorder.XXXXXX";
static char path[64];
static struct profile *profile, *loaded;
static struct profile_file *file;
static struct modules *modules;
static struct recorder *recorder;
static struct error error;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.prof", folder);
	profile = profile_new();
	modules = modules_new(profile);
	file = profile_file_create(path, &error);
	recorder = recorder_new(profile, modules, recorder_sink_of_file(file), 5000);
}

static void teardown(void)
{
	recorder_free(recorder);
	modules_free(modules);
	profile_file_close(file);
	profile_free(profile);
	profile_free(loaded);
	unlink(path);
	rmdir(folder);
}

TestSuite(recorder, .init = setup, .fini = teardown);

static void load(void)
{
	cr_assert_eq(profile_file_commit(file, profile, &error), 0, "%s", error.text);
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
}

static void name(pid_t pid, pid_t tid, const char *text, bool is_exec)
{
	recorder_take(recorder,
		      &(struct event){
			      .kind = EVENT_NAME, .pid = pid, .tid = tid, .name = {text, is_exec}});
}

static void born(pid_t pid, pid_t tid, pid_t parent_pid, pid_t parent_tid)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_FORK,
						.pid = pid,
						.tid = tid,
						.fork = {parent_pid, parent_tid}});
}

static void ended(pid_t pid, pid_t tid)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_EXIT, .pid = pid, .tid = tid});
}

/* A sample in the kernel with nothing of user space. */
static void sample_of(const struct event_metric *metric, pid_t pid, pid_t tid, uint64_t time_ns,
		      const uint64_t *kernel, size_t count)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_SAMPLE,
						.pid = pid,
						.tid = tid,
						.time_ns = time_ns,
						.sample = {.metric = metric,
							   .weight = 2000,
							   .kernel = kernel,
							   .kernel_count = count}});
}

static void sample(pid_t pid, pid_t tid, uint64_t time_ns, const uint64_t *kernel, size_t count)
{
	sample_of(&cpu, pid, tid, time_ns, kernel, count);
}

static const uint64_t chain[] = {0xffffffff81000010, 0xffffffff81000020, 0xffffffff81000030};

Test(recorder, counts_time_from_the_start_and_value_in_periods)
{
	name(10, 10, "program", true);
	sample(10, 10, 6500, chain, 3);
	sample(10, 10, 4000, chain, 3);
	load();
	cr_assert_eq(loaded->samples_count, 2);
	cr_assert_eq(loaded->samples[0].time_ns, 1500);
	cr_assert_eq(loaded->samples[0].value, 2);
	cr_assert_str_eq(loaded->threads[loaded->samples[0].thread].name, "program");
}

Test(recorder, keeps_what_two_sources_count_apart)
{
	recorder_metric(recorder, &cpu);
	sample_of(&off_cpu, 10, 10, 6000, chain, 3);
	sample_of(&cpu, 10, 10, 7000, chain, 3);
	sample_of(&off_cpu, 10, 10, 8000, chain, 3);
	load();
	cr_assert_eq(loaded->metrics_count, 2);
	cr_assert_str_eq(loaded->metrics[0].name, "cpu");
	cr_assert_str_eq(loaded->metrics[1].name, "off-cpu");
	cr_assert_eq(loaded->metrics[1].period, 1);
	cr_assert_eq(loaded->samples[0].metric, 1);
	cr_assert_eq(loaded->samples[0].value, 2000);
	cr_assert_eq(loaded->samples[1].metric, 0);
	cr_assert_eq(loaded->samples[1].value, 2);
	cr_assert_eq(loaded->samples[2].metric, 1);
	cr_assert_eq(loaded->samples[0].stack, loaded->samples[1].stack);
}

Test(recorder, stacks_have_callers_as_parents_and_callers_are_named_inside_the_call)
{
	const struct profile_stack *leaf;

	sample(10, 10, 6000, chain, 3);
	load();
	leaf = &loaded->stacks[loaded->samples[0].stack];
	cr_assert_eq(loaded->frames[leaf->frame].address, chain[0]);
	leaf = &loaded->stacks[leaf->parent];
	cr_assert_eq(loaded->frames[leaf->frame].address, chain[1] - 1);
	leaf = &loaded->stacks[leaf->parent];
	cr_assert_eq(loaded->frames[leaf->frame].address, chain[2] - 1);
	cr_assert_eq(leaf->parent, 0);
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_NO_USER);
}

Test(recorder, equal_stacks_are_one_also_after_others)
{
	uint64_t other[] = {0xffffffff81000010, 0xffffffff81009999, 0xffffffff81000030};

	sample(10, 10, 6000, chain, 3);
	sample(10, 10, 7000, other, 3);
	sample(10, 10, 8000, chain, 3);
	sample(10, 11, 9000, chain, 3);
	load();
	cr_assert_neq(loaded->samples[0].stack, loaded->samples[1].stack);
	cr_assert_eq(loaded->samples[0].stack, loaded->samples[2].stack);
	cr_assert_eq(loaded->samples[0].stack, loaded->samples[3].stack);
	cr_assert_neq(loaded->samples[0].thread, loaded->samples[3].thread);
	cr_assert_eq(loaded->stacks_count, 1 + 3 + 2);
}

Test(recorder, a_thread_number_used_again_is_another_thread)
{
	name(10, 10, "first", true);
	born(10, 11, 10, 10);
	sample(10, 11, 6000, chain, 3);
	ended(10, 11);
	born(12, 11, 10, 10);
	name(12, 11, "second", true);
	sample(12, 11, 7000, chain, 3);
	load();
	cr_assert_neq(loaded->samples[0].thread, loaded->samples[1].thread);
	cr_assert_str_eq(loaded->threads[loaded->samples[0].thread].name, "first",
			 "a thread is born with its parent's name");
	cr_assert_str_eq(loaded->threads[loaded->samples[1].thread].name, "second");
	cr_assert_eq(loaded->threads[loaded->samples[1].thread].pid, 12);
}

Test(recorder, a_thread_number_in_another_process_is_another_thread_without_being_told)
{
	sample(10, 11, 6000, chain, 3);
	sample(12, 11, 7000, chain, 3);
	cr_assert_eq(recorder_process_count(recorder), 1, "the first has lost its only thread");
	load();
	cr_assert_eq(loaded->threads[loaded->samples[0].thread].pid, 10);
	cr_assert_eq(loaded->threads[loaded->samples[1].thread].pid, 12);
}

Test(recorder, counts_processes_that_have_not_ended)
{
	name(10, 10, "parent", true);
	born(20, 20, 10, 10);
	born(10, 11, 10, 10);
	cr_assert_eq(recorder_process_count(recorder), 2);
	ended(10, 10);
	cr_assert_eq(recorder_process_count(recorder), 2, "one thread is left");
	ended(10, 11);
	cr_assert_eq(recorder_process_count(recorder), 1);
}

Test(recorder, an_incomplete_stack_hangs_under_a_frame_that_says_so)
{
	struct event event = {
		.kind = EVENT_SAMPLE,
		.pid = 10,
		.tid = 10,
		.time_ns = 6000,
		.sample = {.metric = &cpu, .weight = 1000, .has_registers = EVENT_REGISTERS_64}};
	const struct profile_stack *stack;
	const struct profile_frame *root;

	/* No mapping is known, so the walk ends where it begins. */
	event.sample.registers[7] = 0x7fff0000;
	event.sample.registers[16] = 0x401000;
	recorder_take(recorder, &event);
	load();
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_UNMAPPED);
	stack = &loaded->stacks[loaded->samples[0].stack];
	root = &loaded->frames[loaded->stacks[stack->parent].frame];
	cr_assert_eq(loaded->modules[root->module].kind, PROFILE_MODULE_NOTE);
	cr_assert_str_eq(loaded->functions[loaded->lines[root->first_line].function].name,
			 "[unmapped]");
	cr_assert_eq(loaded->stacks[stack->parent].parent, 0);
}

Test(recorder, between_two_programs_no_user_code_is_running)
{
	struct event event = {
		.kind = EVENT_SAMPLE,
		.pid = 10,
		.tid = 10,
		.time_ns = 6000,
		.sample = {.metric = &cpu,
			   .weight = 1000,
			   .kernel = chain,
			   .kernel_count = 3,
			   .has_registers = EVENT_REGISTERS_64},
	};

	event.sample.registers[16] = 0x401000;
	recorder_take(recorder, &event);
	load();
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_NO_USER);
	cr_assert_eq(loaded->stacks_count, 1 + 3, "only the kernel's frames");
}

Test(recorder, code_of_32_bits_is_called_so)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_SAMPLE,
						.pid = 10,
						.tid = 10,
						.time_ns = 6000,
						.sample = {.metric = &cpu,
							   .weight = 1000,
							   .has_registers = EVENT_REGISTERS_32}});
	load();
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_NARROW);
}

Test(recorder, survives_events_in_any_order)
{
	srandom(2);
	for (int i = 0; i < 20000; i++) {
		pid_t pid = 1 + random() % 5, tid = 1 + random() % 20;

		switch (random() % 5) {
		case 0:
			born(pid, tid, 1 + random() % 5, 1 + random() % 20);
			break;
		case 1:
			ended(pid, tid);
			break;
		case 2:
			name(pid, tid, "x", random() % 2);
			break;
		default:
			sample(pid, tid, 6000 + i, chain, random() % 4);
		}
	}
	load();
	cr_assert_gt(loaded->samples_count, 5000);
}

/* ---- numbered stacks and amounts ---------------------------------------------------------- */

static void numbered(uint64_t id, pid_t pid, pid_t tid, const uint64_t *kernel, size_t count)
{
	recorder_take(recorder,
		      &(struct event){.kind = EVENT_STACK,
				      .pid = pid,
				      .tid = tid,
				      .stack_id = id,
				      .sample = {.kernel = kernel, .kernel_count = count}});
}

static void amount(uint64_t id, pid_t pid, pid_t tid, uint64_t time_ns, uint64_t weight)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_AMOUNT,
						.pid = pid,
						.tid = tid,
						.time_ns = time_ns,
						.stack_id = id,
						.amount = {&off_cpu, weight}});
}

Test(recorder, an_amount_belongs_to_the_last_stack_of_its_number)
{
	numbered(7, 10, 11, chain, 3);
	amount(7, 10, 11, 6000, 300);
	numbered(7, 10, 11, chain + 1, 2);
	amount(7, 10, 11, 7000, 40);
	sample(10, 11, 8000, chain + 1, 2);
	load();
	cr_assert_eq(loaded->samples_count, 3);
	cr_assert_eq(loaded->samples[0].value, 300);
	cr_assert_eq(loaded->samples[0].time_ns, 1000);
	cr_assert_neq(loaded->samples[0].stack, loaded->samples[2].stack);
	cr_assert_eq(loaded->samples[1].value, 40);
	cr_assert_eq(loaded->samples[1].stack, loaded->samples[2].stack);
	cr_assert_eq(loaded->samples[1].thread, loaded->samples[2].thread);
}

/* Returns the name of the only frame of a sample's stack. */
static const char *only_frame(const struct profile_sample *taken)
{
	const struct profile_stack *stack = &loaded->stacks[taken->stack];
	const struct profile_frame *frame = &loaded->frames[stack->frame];

	cr_assert_eq(stack->parent, 0);
	return loaded->functions[loaded->lines[frame->first_line].function].name;
}

Test(recorder, an_amount_without_a_stack_says_so)
{
	numbered(7, 10, 11, chain, 3);
	recorder_take(recorder, &(struct event){.kind = EVENT_STACK_END, .stack_id = 7});
	amount(0, 10, 11, 6000, 300);
	amount(7, 10, 11, 7000, 40);
	load();
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(loaded->samples[i].ending, PROFILE_ENDING_NOT_TAKEN);
		cr_assert_str_eq(only_frame(&loaded->samples[i]), "[no_stack_taken]");
		cr_assert_eq(loaded->samples[i].thread, 1);
	}
}

Test(recorder, what_is_told_of_a_thread_after_its_end_is_still_its_own)
{
	name(10, 10, "program", true);
	born(10, 11, 10, 10);
	numbered(7, 10, 11, chain, 3);
	ended(10, 11);
	amount(7, 10, 11, 6000, 300);
	amount(0, 10, 11, 7000, 40);
	recorder_take(recorder, &(struct event){.kind = EVENT_TIMES,
						.pid = 10,
						.tid = 11,
						.times = {100, 10, 2, 20, 67, 3}});
	load();
	cr_assert_eq(loaded->threads_count, 1 + 2, "no third thread is made up");
	cr_assert_eq(loaded->samples[0].thread, 2);
	cr_assert_eq(loaded->samples[1].thread, 2);
	cr_assert_eq(loaded->thread_times_count, 1);
	cr_assert_eq(loaded->thread_times[0].thread, 2);
	cr_assert_eq(loaded->thread_times[0].off_cpu_ns, 67);
	cr_assert_eq(loaded->thread_times[0].switches, 3);
}

static void node(uint32_t number, const struct event_node *told)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_NODE,
						.pid = 10,
						.tid = 10,
						.stack_id = number,
						.node = *told});
}

static void node_amount(uint32_t number, uint64_t weight)
{
	recorder_take(recorder, &(struct event){.kind = EVENT_NODE_AMOUNT,
						.pid = 10,
						.tid = 10,
						.time_ns = 9000,
						.stack_id = number,
						.amount = {&off_cpu, weight}});
}

Test(recorder, a_stack_that_came_by_parts_has_the_amounts_of_its_number_also_after_the_end)
{
	const struct profile_sample *sample;
	const struct profile_stack *inner;

	born(10, 10, 1, 1);
	node(1, &(struct event_node){.kind = EVENT_NODE_ROOT});
	node(2, &(struct event_node){.kind = EVENT_NODE_CALL, .parent = 1, .address = 0x5001});
	node(3, &(struct event_node){.kind = EVENT_NODE_CALL, .parent = 2, .address = 0x6001});
	recorder_take(recorder, &(struct event){.kind = EVENT_EXIT, .pid = 10, .tid = 10});
	node_amount(3, 77);
	load();
	cr_assert_eq(loaded->samples_count, 1);
	sample = &loaded->samples[0];
	cr_assert_eq(sample->value, 77);
	cr_assert_eq(loaded->threads[sample->thread].pid, 10);
	cr_assert_eq(sample->ending, PROFILE_ENDING_COMPLETE);
	inner = &loaded->stacks[sample->stack];
	cr_assert_eq(loaded->frames[inner->frame].address, 0x6000);
	cr_assert_eq(loaded->frames[loaded->stacks[inner->parent].frame].address, 0x5000);
	cr_assert_eq(loaded->stacks[inner->parent].parent, 0);
}

Test(recorder, a_cut_stack_that_came_by_parts_says_how_it_was_cut)
{
	born(10, 10, 1, 1);
	node(1, &(struct event_node){.kind = EVENT_NODE_ROOT});
	node(2, &(struct event_node){
			.kind = EVENT_NODE_ENDING, .parent = 1, .ending = PROFILE_ENDING_TOO_DEEP});
	node(3, &(struct event_node){.kind = EVENT_NODE_CALL, .parent = 2, .address = 0x6001});
	node_amount(3, 5);
	load();
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_TOO_DEEP);
}

Test(recorder, a_stack_whose_part_came_after_the_process_had_ended_is_not_complete)
{
	born(10, 10, 1, 1);
	node(1, &(struct event_node){.kind = EVENT_NODE_ROOT});
	node(2, &(struct event_node){.kind = EVENT_NODE_CALL, .parent = 1, .address = 0x5001});
	recorder_take(recorder, &(struct event){.kind = EVENT_EXIT, .pid = 10, .tid = 10});
	node(3, &(struct event_node){.kind = EVENT_NODE_CALL, .parent = 2, .address = 0x6001});
	node_amount(3, 5);
	load();
	cr_assert_eq(loaded->samples[0].ending, PROFILE_ENDING_UNMAPPED);
}

static void brief_sample(uint64_t address, size_t brief_bytes)
{
	static uint64_t time_ns;
	struct event event = {
		.kind = EVENT_SAMPLE,
		.time_ns = time_ns += 2000000,
		.pid = 7,
		.tid = 7,
		.sample = {.metric = &cpu, .weight = 2000, .brief_bytes = brief_bytes}};

	event.sample.has_registers = address ? EVENT_REGISTERS_64 : EVENT_REGISTERS_NONE;
	event.sample.registers[16] = address;
	recorder_take(recorder, &event);
}

/* Samples without user code need no copy; one of unmapped code is not whole. */
Test(recorder, wants_brief_copies_once_they_would_have_done_for_a_while)
{
	for (int i = 0; i < 200; i++)
		brief_sample(0, 0);
	cr_expect_not(recorder_wants_brief_copies(recorder), "there are none");
	for (int i = 0; i < 63; i++)
		brief_sample(0, 4096);
	cr_expect_not(recorder_wants_brief_copies(recorder));
	brief_sample(0, 4096);
	cr_expect(recorder_wants_brief_copies(recorder));
	brief_sample(0x1000, 4096);
	cr_expect_not(recorder_wants_brief_copies(recorder), "it did not do");
	for (int i = 0; i < 255; i++)
		brief_sample(0, 4096);
	cr_expect_not(recorder_wants_brief_copies(recorder), "a longer while");
	brief_sample(0, 4096);
	cr_expect(recorder_wants_brief_copies(recorder));
}
