/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_check: collector check: what this machine allows, why not more, and how to allow it.
 *
 * Nothing is concluded from settings: each sampler is opened on ourselves and must deliver.
 */
#include "collector/command.h"

#include "collector/capture/off_cpu.h"
#include "collector/preload.h"
#include "collector/sampling.h"
#include "probe/wire.h"

#include <argp.h>
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIAL_HZ 999
#define TRIAL_NS 60000000u

/* What trying an engine brought. */
struct trial {
	bool works;
	int code; /* negative errno when it could not be opened */
	int samples;
	int kernel_samples;
	uint32_t copy_bytes;
	size_t ring_bytes;
	unsigned frequency_hz;
	struct error error; /* why it does not work, and the remedy */
};

static void count_sample(void *context, const struct event *event)
{
	struct trial *trial = context;

	if (event->kind != EVENT_SAMPLE)
		return;
	trial->samples++;
	trial->kernel_samples += event->sample.kernel_count > 0;
}

/* Uses CPU time in user code and in the kernel. */
static void work(void)
{
	struct timespec time;
	uint64_t start_ns = 0, now_ns;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
		now_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
		if (!start_ns)
			start_ns = now_ns;
		getppid();
	} while (now_ns - start_ns < TRIAL_NS);
}

static void try_engine(const struct perf_engine *engine, struct trial *trial)
{
	struct perf_source_options options = {
		.frequency_hz = TRIAL_HZ,
		.engine = engine,
		.start = PERF_START_NOW,
		.copy_bytes = PERF_SOURCE_COPY_BYTES,
	};
	struct perf_source *source = perf_source_open(&options, getpid(), &trial->error);

	if (!source) {
		trial->code = -errno;
		return;
	}
	work();
	perf_source_stop(source);
	perf_source_read(source, true, count_sample, trial);
	trial->copy_bytes = perf_source_copy_bytes(source);
	trial->ring_bytes = perf_source_ring_bytes(source);
	trial->frequency_hz = perf_source_frequency_hz(source);
	perf_source_close(source);
	trial->works = trial->samples > 0;
	if (!trial->works)
		fail(&trial->error, -EIO, "it opens, but delivers no samples here");
}

/* In a child: loads libprobe.so as a program does that is started with it, and works. */
static void work_with_probe(const char *library, const char *memory)
{
	setenv(WIRE_VARIABLE, memory, 1);
	if (!dlopen(library, RTLD_NOW))
		_exit(1);
	work();
	_exit(0);
}

static void try_probe(struct trial *trial)
{
	char library[PATH_MAX], memory[64];
	struct probe_source *source;
	struct source row;
	int status = 0;
	pid_t pid;

	if (preload_find(library, &trial->error))
		return;
	source = probe_source_open(TRIAL_HZ, &(struct probe_memory_options){0}, &trial->error);
	if (!source)
		return;
	probe_source_path(source, memory, sizeof(memory));
	pid = fork();
	if (pid == 0)
		work_with_probe(library, memory);
	if (pid > 0)
		waitpid(pid, &status, 0);
	row = probe_source_row(source);
	source_round(&row, 1, true, count_sample, trial);
	probe_source_close(source);
	trial->copy_bytes = PROBE_SOURCE_COPY_BYTES;
	trial->frequency_hz = probe_source_tick_hz();
	trial->works = trial->samples > 0;
	if (!trial->works)
		fail(&trial->error, -EIO,
		     status ? "%s cannot be loaded" : "%s is loaded, but delivers no samples here",
		     library);
}

static void print_trial(const struct perf_engine *engine, const struct trial *trial)
{
	if (!trial->works) {
		printf("%-15s no   %s\n", engine->name, trial->error.text);
		return;
	}
	printf("%-15s yes  %d samples in %u ms of CPU time at %u Hz, %d of them in the kernel\n",
	       engine->name, trial->samples, TRIAL_NS / 1000000, trial->frequency_hz,
	       trial->kernel_samples);
	if (*engine->note)
		printf("%-20s %s\n", "", engine->note);
	if (trial->copy_bytes < PERF_SOURCE_COPY_BYTES) /* only perf events lock memory */
		printf("%-20s stacks are copied up to %u KB only, because little memory may be "
		       "locked; raise `ulimit -l` or kernel.perf_event_mlock_kb\n",
		       "", trial->copy_bytes / 1024);
}

/* The same as data. */
static json_t *trial_json(const struct perf_engine *engine, const struct trial *trial)
{
	if (!trial->works)
		return json_pack("{s:s, s:b, s:s}", "name", engine->name, "works", 0, "reason",
				 trial->error.text);
	return json_pack("{s:s, s:b, s:i, s:i, s:i, s:i}", "name", engine->name, "works", 1,
			 "samples", trial->samples, "kernel_samples", trial->kernel_samples,
			 "frequency_hz", (int)trial->frequency_hz, "copied_stack_bytes",
			 (int)trial->copy_bytes);
}

/* What --off-cpu found of a sleep of ours. */
struct wait_trial {
	bool opens;
	uint64_t blocked_ns;
	int stacks;
	struct error error; /* why it does not open */
};

static void count_wait(void *context, const struct event *event)
{
	struct wait_trial *trial = context;

	if (event->tid != gettid())
		return;
	trial->stacks += event->kind == EVENT_STACK;
	if (event->kind == EVENT_AMOUNT && event->amount.metric == &off_cpu_blocked)
		trial->blocked_ns += event->amount.weight;
}

/* Not a rung of the ladder: the defaults do not depend on it. */
static void try_off_cpu(struct wait_trial *trial)
{
	struct off_cpu *off_cpu = off_cpu_open(0, &trial->error);
	struct source row;
	pid_t pid = getpid();

	if (!off_cpu || off_cpu_watch(off_cpu, &pid, 1, &trial->error)) {
		off_cpu_close(off_cpu);
		return;
	}
	trial->opens = true;
	nanosleep(&(struct timespec){.tv_nsec = TRIAL_NS}, NULL);
	row = off_cpu_row(off_cpu);
	row.kind->stop(row.self);
	source_round(&row, 1, true, count_wait, trial);
	off_cpu_close(off_cpu);
	if (trial->blocked_ns < TRIAL_NS || !trial->stacks)
		fail(&trial->error, -EIO,
		     "its programs are loaded, but of a sleep of %u ms they found %.1f ms with %d "
		     "stacks",
		     TRIAL_NS / 1000000, (double)trial->blocked_ns / 1e6, trial->stacks);
}

static bool waits_are_found(const struct wait_trial *trial)
{
	return trial->opens && trial->blocked_ns >= TRIAL_NS && trial->stacks;
}

static void print_off_cpu(const struct wait_trial *trial)
{
	if (waits_are_found(trial))
		printf("%-15s yes  a sleep of %u ms was found as %.1f ms of waiting, with its "
		       "stack\n",
		       "off-cpu", TRIAL_NS / 1000000, (double)trial->blocked_ns / 1e6);
	else
		printf("%-15s no   %s\n", "off-cpu", trial->error.text);
}

static json_t *off_cpu_json(const struct wait_trial *trial)
{
	if (waits_are_found(trial))
		return json_pack("{s:b, s:I, s:I}", "works", 1, "slept_ns", (json_int_t)TRIAL_NS,
				 "found_ns", (json_int_t)trial->blocked_ns);
	return json_pack("{s:b, s:s}", "works", 0, "reason", trial->error.text);
}

/* Whether stacks deeper than perf copies come whole: see capture/stack_rest.h. */
struct rest_trial {
	int samples; /* that had the rest */
	struct error error;
};

static void count_rest(void *context, const struct event *event)
{
	struct rest_trial *trial = context;

	trial->samples += event->kind == EVENT_SAMPLE && event->sample.piece_count;
}

/* Uses CPU time in a function with more stack of its own than perf copies. */
static void work_deep(void)
{
	volatile char room[2 * PERF_SOURCE_COPY_BYTES];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 1;
	work();
}

static void try_rest(struct rest_trial *trial)
{
	struct perf_source_options options = {
		.frequency_hz = TRIAL_HZ,
		.start = PERF_START_NOW,
		.copy_bytes = PERF_SOURCE_COPY_BYTES,
	};
	struct stack_rest *rest = stack_rest_load(false, &trial->error);
	struct perf_source *perf =
		rest ? perf_source_open(&options, getpid(), &trial->error) : NULL;
	struct source row;

	if (!perf || stack_rest_attach(rest, perf, &trial->error)) {
		stack_rest_unload(rest);
		perf_source_close(perf);
		return;
	}
	row = stack_rest_row(rest);
	work_deep();
	row.kind->stop(row.self);
	source_round(&row, 1, true, count_rest, trial);
	row.kind->close(row.self);
	if (!trial->samples)
		fail(&trial->error, -EIO, "its program is loaded, but copies nothing here");
}

static void print_rest(const struct rest_trial *trial)
{
	if (trial->samples)
		printf("%-15s yes  what lies beyond %d KB came with %d samples\n", "deep-stacks",
		       PERF_SOURCE_COPY_BYTES / 1000, trial->samples);
	else
		printf("%-15s no   %s\n", "deep-stacks", trial->error.text);
}

static json_t *rest_json(const struct rest_trial *trial)
{
	return trial->samples ? json_pack("{s:b, s:i}", "works", 1, "samples", trial->samples)
			      : json_pack("{s:b, s:s}", "works", 0, "reason", trial->error.text);
}

/* Returns the index of the first engine of the ladder that works, or -1. */
static int first_working(const struct trial *trials)
{
	for (int i = 0; i < PERF_LADDER; i++)
		if (trials[i].works)
			return i;
	return -1;
}

/* All that was tried, and what follows. */
struct check {
	struct trial trials[PERF_ENGINES], probe;
	struct wait_trial waits;
	struct rest_trial rest;
	const char *run, *attach; /* engines that these use; NULL: none works */
};

static void try_all(struct check *check)
{
	const struct trial *trials = check->trials;
	int best;

	for (int i = 0; i < PERF_ENGINES; i++)
		try_engine(&perf_engines[i], &check->trials[i]);
	try_probe(&check->probe);
	try_off_cpu(&check->waits);
	try_rest(&check->rest);
	best = first_working(trials);
	if (best >= 0) {
		check->run = perf_engines[best].name;
		check->attach =
			trials[PERF_LADDER].works ? perf_engines[PERF_LADDER].name : check->run;
	} else if (check->probe.works && sampling_is_refusal(trials[PERF_LADDER - 1].code)) {
		check->run = probe_source_engine.name;
	}
}

static void print(const struct check *check)
{
	for (int i = 0; i < PERF_ENGINES; i++)
		print_trial(&perf_engines[i], &check->trials[i]);
	print_trial(&probe_source_engine, &check->probe);
	print_off_cpu(&check->waits);
	print_rest(&check->rest);
	if (check->run)
		printf("collector run uses %s\n", check->run);
	else
		puts("collector run cannot sample here");
	if (check->attach)
		printf("collector attach uses %s\n", check->attach);
	else if (check->run)
		puts("collector attach cannot sample here");
}

static void print_json(const struct check *check)
{
	json_t *engines = json_array(), *json;

	for (int i = 0; i < PERF_ENGINES; i++)
		json_array_append_new(engines, trial_json(&perf_engines[i], &check->trials[i]));
	json_array_append_new(engines, trial_json(&probe_source_engine, &check->probe));
	json = json_pack("{s:s, s:o, s:o, s:o, s:s?, s:s?}", "schema", "simprof/check-v1",
			 "engines", engines, "off_cpu", off_cpu_json(&check->waits), "deep_stacks",
			 rest_json(&check->rest), "run", check->run, "attach", check->attach);
	json_dumpf(json, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
	puts("");
	json_decref(json);
}

enum {
	OPTION_JSON = 256
};

static const struct argp_option option_table[] = {
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	bool *json = state->input;

	if (key == ARGP_KEY_ARG)
		argp_failure(state, 1, 0, "takes no argument, not '%s' either", argument);
	if (key != OPTION_JSON)
		return ARGP_ERR_UNKNOWN;
	*json = true;
	return 0;
}

int command_check(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Tries every way of sampling on this machine and says which work, why the "
		       "others do not, and what would help."
		       "\v"
		       "Exit status: 0 collector run works, 1 failed, 2 it does not.",
	};
	struct check check = {0};
	bool json = false;

	argp_err_exit_status = 1;
	argp_parse(&argp, argc, argv, 0, NULL, &json);
	try_all(&check);
	if (json)
		print_json(&check);
	else
		print(&check);
	return check.run ? 0 : 2;
}
