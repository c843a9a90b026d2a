/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * synthetic_profile: makes profiles of a known shape, for tests and measurements of the reports.
 *
 *     synthetic_profile small FILE           a little simulation, every count known
 *     synthetic_profile wide FILE STACKS     STACKS distinct stacks, depth 40 ± 8
 *     synthetic_profile deep FILE LEVELS     one recursion, LEVELS deep
 *     synthetic_profile rich FILE            small with all that can be recorded beside samples:
 *                                            allocations, curves, steps, timed calls, thread times
 *     synthetic_profile steps FILE           400 steps of 4 ms in work; every 40th has 40 ms in
 *                                            stall besides
 *     synthetic_profile hostile FILE         names that try to break out of every format
 *     synthetic_profile killed FILE          a recording that did not reach its end: no names
 *     synthetic_profile empty FILE           no samples
 *     synthetic_profile replicate FILE RUN   one of several runs; from 100 on hot() costs a fifth
 *                                            more and helper() is inlined
 */
#include "collector/profile/profile_file.h"

#include "collector/base/xalloc.h"

#include <math.h>

struct maker {
	struct profile *profile;
	uint32_t program; /* module */
	uint64_t address; /* of the next frame */
	uint64_t time_ns;
};

static void maker_init(struct maker *maker, const char *command)
{
	struct profile *profile = profile_new();

	*maker = (struct maker){.profile = profile, .address = 0x1000};
	maker->program = profile_module(profile, PROFILE_MODULE_ELF, "/opt/engine/bin/sim", "ab12");
	profile_metric_add(profile, "cpu", "ns", 1000000);
	profile_thread_add(profile, 100, 100, "sim");
	profile_set_text(profile, "state", "complete");
	profile_set_text(profile, "program", "sim");
	profile_set_text(profile, "command", command);
	profile_set_text(profile, "engine", "cpu-clock");
	profile_set_number(profile, "frequency_hz", 1000);
	profile_set_number(profile, "lost.ring_full", 0);
}

/* A frame of its own for @name; @file "" when unknown. */
static uint32_t frame(struct maker *maker, uint32_t module, const char *name, const char *file,
		      uint32_t line)
{
	uint32_t id = profile_frame(maker->profile, module, maker->address += 16);
	struct profile_line row = {
		profile_function(maker->profile, name, NULL, module,
				 profile_file_name(maker->profile, file), line, true),
		line ? line + 3 : 0,
	};

	profile_frame_set_lines(maker->profile, id, &row, 1);
	return id;
}

static void sample(struct maker *maker, uint32_t stack, uint32_t count, uint16_t ending)
{
	for (; count; count--)
		profile_sample_add(maker->profile,
				   &(struct profile_sample){.time_ns = maker->time_ns += 1000000,
							    .value = 1,
							    .thread = 1,
							    .stack = stack,
							    .ending = ending});
}

/* 1,000 samples: 600 observe (200 of them inlined), 250 memcpy, 100 sqlite, 30 kernel, 20 cut. */
static void make_small(struct maker *maker, uint32_t unused)
{
	struct profile *profile = maker->profile;
	uint32_t libc = profile_module(profile, PROFILE_MODULE_ELF, "/lib/libc.so.6", NULL);
	uint32_t sqlite =
		profile_module(profile, PROFILE_MODULE_ELF, "/lib/libsqlite3.so.0.8.6", NULL);
	uint32_t kernel = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	uint32_t note = profile_module(profile, PROFILE_MODULE_NOTE, "[truncated]", NULL);
	uint32_t main_stack = profile_stack(
		profile, 0, frame(maker, maker->program, "main", "/src/sim/main.c", 20));
	uint32_t step =
		profile_stack(profile, main_stack,
			      frame(maker, maker->program, "world_step", "/src/sim/world.c", 88));
	uint32_t observe = profile_stack(
		profile, step,
		frame(maker, maker->program, "environment_observe", "/src/sim/observation.c", 51));
	uint32_t search_frame = profile_frame(profile, maker->program, 0x9000);
	struct profile_line search[2] = {
		{profile_function(profile, "kd_tree_distance", NULL, maker->program,
				  profile_file_name(profile, "/src/sim/spatial/kd_tree.c"), 12,
				  true),
		 14},
		{profile_function(profile, "kd_tree_search", NULL, maker->program,
				  profile_file_name(profile, "/src/sim/spatial/kd_tree.c"), 40,
				  true),
		 61},
	};
	uint32_t copy, log, fault, cut;

	(void)unused;
	profile_frame_set_lines(profile, search_frame, search, 2);
	copy = profile_stack(profile, observe, frame(maker, libc, "memcpy", "", 0));
	log = profile_stack(profile, step, frame(maker, sqlite, "sqlite3VdbeExec", "", 0));
	fault = profile_stack(profile, copy, frame(maker, kernel, "handle_mm_fault", "", 0));
	cut = profile_stack(profile, profile_stack(profile, 0, profile_frame(profile, note, 0)),
			    frame(maker, libc, "qsort_r", "", 0));
	for (int round = 0; round < 10; round++) {
		sample(maker, observe, 40, PROFILE_ENDING_COMPLETE);
		sample(maker, profile_stack(profile, observe, search_frame), 20,
		       PROFILE_ENDING_COMPLETE);
		sample(maker, copy, 25, PROFILE_ENDING_FINISHED_CHAIN);
		sample(maker, log, 10, PROFILE_ENDING_COMPLETE);
		sample(maker, fault, 3, PROFILE_ENDING_COMPLETE);
		sample(maker, cut, 2, PROFILE_ENDING_TRUNCATED);
	}
	profile_set_number(profile, "target_cpu_ns", 1000000000);
	profile_set_number(profile, "collector_cpu_ns", 12000000);
	profile_set_number(profile, "duration_ns", 1100000000);
}

/* Of @stack, @amounts of the memory metrics, which are rows behind the samples. */
static void allocate(struct maker *maker, uint32_t stack, const uint32_t *amounts)
{
	for (uint16_t i = 0; i < 7; i++)
		if (amounts[i])
			profile_sample_add(maker->profile,
					   &(struct profile_sample){.time_ns = maker->time_ns += 1,
								    .value = amounts[i],
								    .thread = 1,
								    .stack = stack,
								    .metric = (uint16_t)(i + 1)});
}

static void add_memory(struct maker *maker)
{
	static const char *const names[][2] = {{"allocations", "count"}, {"allocated", "bytes"},
					       {"temporaries", "count"}, {"live", "bytes"},
					       {"live-blocks", "count"}, {"peak", "bytes"},
					       {"peak-blocks", "count"}};
	struct profile *profile = maker->profile;
	uint32_t stack;

	for (int i = 0; i < 7; i++)
		profile_metric_add(profile, names[i][0], names[i][1], 1);
	stack = profile_stack(profile, 0,
			      frame(maker, maker->program, "agent_new", "/src/sim/agent.c", 30));
	allocate(maker, stack, (const uint32_t[]){400, 409600, 0, 204800, 200, 307200, 300});
	stack = profile_stack(profile, 0,
			      frame(maker, maker->program, "grid_copy", "/src/sim/world.c", 140));
	allocate(maker, stack, (const uint32_t[]){1000, 64000000, 990, 0, 0, 64000, 1});
	profile_set_number(profile, "memory.processes", 1);
}

/* Ten looks a second for a second: memory that grows, one busy core, faults at the start. */
static void add_curves(struct maker *maker)
{
	struct profile *profile = maker->profile;
	uint32_t rss = profile_series(profile, "rss", "bytes", false);
	uint32_t core = profile_series(profile, "cpu-0", "ns", true);
	uint32_t faults = profile_series(profile, "minor-faults", "faults", true);

	for (int i = 0; i <= 10; i++) {
		uint64_t time_ns = (uint64_t)i * 100000000;

		profile_point_add(profile, rss, time_ns, (int64_t)(20 + i) << 20);
		profile_point_add(profile, core, time_ns, (int64_t)i * 90000000);
		profile_point_add(profile, faults, time_ns, i < 2 ? i * 5000 : 5000 + i);
	}
}

/* 100 steps of about 10 ms, every tenth of 12 ms; the one timed function took 1 or 16 ms in each.
 */
static void add_steps(struct maker *maker)
{
	struct profile *profile = maker->profile;
	uint32_t probe = profile_probe_add(
		profile, &(struct profile_probe){.frame = frame(maker, maker->program, "step",
								"/src/sim/world.c", 90),
						 .mode = PROFILE_PROBE_TIME,
						 .count_ns = 500,
						 .time_ns = 900});
	uint64_t time_ns = 0;

	for (int i = 0; i < 100; i++) {
		uint64_t end_ns =
			time_ns + (i % 10 == 9 ? 12000000 : 10000000 + i * 7 % 13 * 20000);

		profile_step_add(profile, &(struct profile_step){probe, 1, time_ns, end_ns, 0});
		time_ns = end_ns;
	}
	profile_timing_add(profile, &(struct profile_timing){.probe = probe,
							     .thread = 1,
							     .calls = 100,
							     .returns = 100,
							     .sum_ns = 1020000000,
							     .outer_ns = 1020000000,
							     .self_ns = 1020000000,
							     .min_ns = 10000000,
							     .max_ns = 12000000});
	/* 32 * (e + 1) + m begins at (32 + m) << e: 10 ms is (32 + 6) << 18, 12 ms (32 + 13) << 18.
	 */
	profile_bucket_add(profile, &(struct profile_bucket){probe, 32 * 19 + 6, 90});
	profile_bucket_add(profile, &(struct profile_bucket){probe, 32 * 19 + 13, 10});
	profile_thread_times_add(profile, &(struct profile_thread_times){.thread = 1,
									 .wall_ns = 1100000000,
									 .cpu_ns = 1000000000,
									 .booked_ns = 1000000000,
									 .run_queue_ns = 40000000,
									 .off_cpu_ns = 59000000,
									 .switches = 12});
}

static void make_rich(struct maker *maker, uint32_t unused)
{
	make_small(maker, unused);
	add_memory(maker);
	add_curves(maker);
	add_steps(maker);
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (*state >> 33) % limit;
}

enum {
	FUNCTIONS = 800
};

/* Stacks as of a big program: a trunk in common, tails of their own, Pareto counts. */
static void make_wide(struct maker *maker, uint32_t stacks)
{
	static const char *const parts[] = {"spatial/tree", "observation", "decision/network",
					    "database/log", "agent",	   "world",
					    "resources",    "memory/pool"};
	uint32_t frames[FUNCTIONS];
	uint64_t state = 42;
	char name[64], file[64];

	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		const char *part = parts[i % 8], *slash = strchr(part, '/');

		snprintf(name, sizeof(name), "%s_function_%u", slash ? slash + 1 : part, i);
		snprintf(file, sizeof(file), "/src/sim/%s.c", part);
		frames[i] = frame(maker, maker->program, i ? name : "main",
				  i ? file : "/src/sim/main.c", i + 1);
	}
	for (uint32_t i = 0; i < stacks; i++) {
		uint32_t depth = 32 + random_below(&state, 17);
		uint32_t shared = random_below(&state, 24);
		uint32_t stack = profile_stack(maker->profile, 0, frames[0]);
		uint64_t trunk = random_below(&state, 40);
		double uniform = (random_below(&state, 1 << 20) + 1) / (double)(1 << 20);

		for (uint32_t level = 1; level < depth; level++) {
			uint32_t function =
				level < shared ? 1 + (trunk / (level > 6 ? 1 : 7 - level) * 131 +
						      level * 17) %
								 (FUNCTIONS - 1)
					       : 1 + random_below(&state, FUNCTIONS - 1);

			stack = profile_stack(maker->profile, stack, frames[function]);
		}
		sample(maker, stack, fmin(pow(uniform, -0.7), 50), PROFILE_ENDING_COMPLETE);
	}
}

static void make_deep(struct maker *maker, uint32_t levels)
{
	uint32_t recurse = frame(maker, maker->program, "recurse", "/src/sim/recurse.c", 7);
	uint32_t stack = profile_stack(maker->profile, 0,
				       frame(maker, maker->program, "main", "/src/sim/main.c", 20));

	for (uint32_t i = 0; i < levels; i++) {
		stack = profile_stack(maker->profile, stack, recurse);
		if (i % 10 == 0)
			sample(maker, stack, 1, PROFILE_ENDING_COMPLETE);
	}
	sample(maker, stack, 100, PROFILE_ENDING_TOO_DEEP);
}

static void make_hostile(struct maker *maker, uint32_t unused)
{
	static const char *const names[] = {
		"</script><script>alert(1)</script>",
		"]]><x/>",
		"a&amp;b<c>\"d'",
		"semi;colon 12",
		"line\nfeed\ttab\x01\x7f",
		"invalid \xff\xc0\xaf\xed\xa0\x80 utf-8",
		"\xef\xbf\xbe noncharacter",
		"größe_日本語",
		"std::vector<std::pair<int, float>, std::allocator<std::pair<int, float> > >::"
		"_M_realloc_insert<std::pair<int, float> >(std::pair<int, float>*, "
		"std::pair<int, float>&&)",
		"(anonymous namespace)::step(int)",
		"operator()(int) const",
		"",
	};
	char *huge = xcalloc(1, 10241);
	uint32_t stack = 0;

	(void)unused;
	for (int i = 0; i < 10240; i++)
		huge[i] = "Template<int, "[i % 14];
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		stack = profile_stack(maker->profile, stack,
				      frame(maker, maker->program, names[i], names[i], 1));
		sample(maker, stack, 10, PROFILE_ENDING_COMPLETE);
	}
	stack = profile_stack(maker->profile, stack, frame(maker, maker->program, huge, huge, 1));
	sample(maker, stack, 30, PROFILE_ENDING_COMPLETE);
	profile_set_text(maker->profile, "command", "sim '</text>\x1b[31m' \xff");
	free(huge);
}

static void make_killed(struct maker *maker, uint32_t unused)
{
	uint32_t stack = 0;

	(void)unused;
	for (int i = 0; i < 5; i++) {
		stack = profile_stack(
			maker->profile, stack,
			profile_frame(maker->profile, maker->program, maker->address += 16));
		sample(maker, stack, 50, PROFILE_ENDING_COMPLETE);
	}
	profile_set_text(maker->profile, "state", "recording");
}

static void make_steps(struct maker *maker, uint32_t unused)
{
	struct profile *profile = maker->profile;
	uint32_t step_frame = frame(maker, maker->program, "step", "/src/sim/world.c", 88);
	uint32_t step = profile_stack(profile, 0, step_frame);
	uint32_t work = profile_stack(profile, step,
				      frame(maker, maker->program, "work", "/src/sim/world.c", 20));
	uint32_t stall = profile_stack(profile, step,
				       frame(maker, maker->program, "stall", "/src/sim/log.c", 30));
	uint32_t probe = profile_probe_add(
		profile, &(struct profile_probe){.frame = step_frame, .mode = PROFILE_PROBE_STEP});

	(void)unused;
	for (uint32_t i = 1; i <= 400; i++) {
		uint64_t start_ns = maker->time_ns;

		sample(maker, work, 4, PROFILE_ENDING_COMPLETE);
		if (i % 40 == 0)
			sample(maker, stall, 40, PROFILE_ENDING_COMPLETE);
		profile_step_add(profile, &(struct profile_step){probe, 1, start_ns + 1,
								 maker->time_ns + i * 7 % 13, 0});
		maker->time_ns += 1000;
	}
	profile_set_number(profile, "target_cpu_ns", 2000000000);
	profile_set_number(profile, "duration_ns", 2100000000);
}

static void make_empty(struct maker *maker, uint32_t unused)
{
	(void)unused;
	profile_set_number(maker->profile, "target_cpu_ns", 500000);
}

static void make_replicate(struct maker *maker, uint32_t run)
{
	static const char *const names[] = {"hot", "warm", "cool", "log_write", "helper"};
	uint32_t top = profile_stack(maker->profile, 0,
				     frame(maker, maker->program, "main", "/src/sim/main.c", 20));
	uint32_t stacks[5], counts[] = {300, 250, 200, 150, 60};
	bool changed = run >= 100;

	/* Runs of equal noise are no copies of one recording. */
	profile_set_number(maker->profile, "start_clock_ns", run);
	for (int i = 0; i < 5; i++)
		stacks[i] = profile_stack(maker->profile, i == 4 ? stacks[2] : top,
					  frame(maker, maker->program,
						i == 1 && changed ? "warm.isra.0" : names[i],
						"/src/sim/world.c", 10 * (i + 1)));
	counts[0] = changed ? counts[0] * 6 / 5 : counts[0];
	for (int i = 0; i < 5; i++) {
		int noise = (int)(run * 7 + i * 3) % 5 - 2;

		/* log_write() varies so much that nothing can be told. */
		sample(maker, i == 4 && changed ? stacks[2] : stacks[i],
		       counts[i] + (i == 3 ? 20 : 1) * noise, PROFILE_ENDING_COMPLETE);
	}
}

static const struct kind {
	const char *name;
	void (*make)(struct maker *maker, uint32_t size);
} kinds[] = {
	{"small", make_small},	 {"steps", make_steps}, {"rich", make_rich},
	{"wide", make_wide},	 {"deep", make_deep},	{"hostile", make_hostile},
	{"killed", make_killed}, {"empty", make_empty}, {"replicate", make_replicate},
};

static int write_profile(struct profile *profile, const char *path, struct error *error)
{
	struct profile_file *file = profile_file_create(path, error);
	int result = file ? 0 : -1;

	for (size_t i = 0; i < profile->samples_count && !result; i++)
		result = profile_file_append(file, &profile->samples[i], error);
	if (!result)
		result = profile_file_commit(file, profile, error);
	profile_file_close(file);
	return result;
}

int main(int count, char **arguments)
{
	struct error error;
	struct maker maker;

	for (size_t i = 0; count >= 3 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(arguments[1], kinds[i].name))
			continue;
		maker_init(&maker, "./sim --agents 200");
		kinds[i].make(&maker, count > 3 ? strtoul(arguments[3], NULL, 10) : 1000);
		if (write_profile(maker.profile, arguments[2], &error)) {
			fprintf(stderr, "synthetic_profile: %s\n", error.text);
			return 1;
		}
		profile_free(maker.profile);
		return 0;
	}
	fputs("usage: synthetic_profile small|rich|wide|deep|hostile|killed|empty|replicate FILE "
	      "[SIZE]\n",
	      stderr);
	return 1;
}
