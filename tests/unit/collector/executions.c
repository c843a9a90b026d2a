/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/executions.c. */
#include "collector/executions.h"

#include <criterion/criterion.h>

static struct probe_memory memory;
static struct executions executions;
static struct profile *profile;
static struct error error;

static void make(uint32_t modes)
{
	const struct probe_memory_options options = {.modes = modes, .period_ns = 1};

	cr_assert_eq(probe_memory_make(&memory, &options, &error), 0, "%s", error.text);
	profile = profile_new();
}

static void teardown(void)
{
	executions_done(&executions);
	probe_memory_done(&memory);
	profile_free(profile);
}

TestSuite(executions, .fini = teardown);

static void execute(pid_t pid, uint64_t time_ns, const char *name)
{
	executions_take(&executions, &(struct event){.kind = EVENT_NAME,
						     .pid = pid,
						     .tid = pid,
						     .time_ns = time_ns,
						     .name = {name, true}});
}

/* The probe began in a process. */
static void probe(pid_t pid, uint64_t time_ns)
{
	uint32_t row = memory.header->process_count++, node = memory.header->node_count++;

	memory.processes[row].pid = pid;
	memory.nodes[node].time_ns = time_ns;
	memory.nodes[node].address = row + 1;
}

static int64_t unprobed(const char *what)
{
	executions_describe(&executions, &memory, profile);
	return profile_number(profile, what, 0);
}

Test(executions, that_told_themselves_are_not_among_those_without_the_probe)
{
	make(WIRE_MODE_MEMORY);
	execute(7, 100, "sh");
	execute(8, 200, "ls");
	probe(8, 210);
	probe(7, 110);
	probe(9, 150); /* a forked child that executes nothing */
	cr_assert_eq(unprobed("memory.unprobed"), 0);
	cr_assert_str_eq(profile_text(profile, "unprobed_names", ""), "");
}

Test(executions, without_the_probe_are_counted_and_each_name_is_told_once)
{
	make(WIRE_MODE_MEMORY | WIRE_MODE_IO);
	execute(7, 100, "sh");
	execute(8, 200, "static");
	execute(9, 300, "static");
	execute(10, 400, "musl");
	probe(7, 110);
	cr_assert_eq(unprobed("memory.unprobed"), 3);
	cr_assert_eq(profile_number(profile, "operations.unprobed", 0), 3);
	cr_assert_str_eq(profile_text(profile, "unprobed_names", ""), "static, musl");
}

Test(executions, in_one_process_are_told_apart_by_time)
{
	make(WIRE_MODE_MEMORY);
	execute(7, 100, "sh");
	execute(7, 200, "static");
	probe(7, 110);
	cr_assert_eq(unprobed("memory.unprobed"), 1);
	cr_assert_str_eq(profile_text(profile, "unprobed_names", ""), "static");
}

Test(executions, with_many_names_end_in_an_ellipsis)
{
	char name[16] = "program ?";

	make(WIRE_MODE_IO);
	for (int i = 0; i < 26; i++) {
		name[8] = (char)('a' + i);
		execute(100 + i, 100, name);
	}
	cr_assert_eq(unprobed("operations.unprobed"), 26);
	cr_assert_str_eq(profile_text(profile, "unprobed_names", ""),
			 "program a, program b, program c, program d, program e, program f, …");
}

Test(executions, that_the_probe_refused_itself_are_not_counted_twice)
{
	make(WIRE_MODE_MEMORY);
	execute(7, 100, "limited");
	memory.header->refused[WIRE_REFUSED_ROOM_MEMORY] = 1;
	cr_assert_eq(unprobed("memory.unprobed"), 0);
}

Test(executions, are_not_judged_where_the_probe_alone_tells_of_them)
{
	make(WIRE_MODE_MEMORY | WIRE_MODE_SAMPLE);
	execute(7, 100, "sh");
	cr_assert_eq(unprobed("memory.unprobed"), 0);
}
