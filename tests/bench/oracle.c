/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oracle: compares the unwinder with an independent one (elfutils' libdw) on real samples, and
 * measures its speed.
 *
 *     oracle [OPTION…] -- PROGRAM [ARGUMENT…]
 *
 * The program is run and sampled with registers and stack copies of 65,528 bytes. Each sample is
 * walked twice, by unwind_walk and by dwfl_thread_getframes over the same registers and bytes, and
 * the two lists of addresses are compared.
 *
 * With --copy N only N bytes are given to unwind_walk while libdw keeps all of them: then the
 * policy for truncated walks is judged (live memory, last complete walk). With --brief it gets
 * brief copies when, and as soon as, `collector run` would have taken them.
 *
 * libdw is no oracle where there is no call frame information for it. Told apart from real
 * differences, by what can be seen in its own answer, are stacks
 *     astray   that it led out of all mapped memory, while ours reached the root
 *     skipped  that are ours less some frames, where ours passed code without information: libdw
 *              takes the frame pointer in a function that has not made its frame yet
 *     beyond   on which it went on where Go marks the first function of a stack
 * and not walked are those whose process it can not see, or not as it was (libdw_walk.h).
 *
 * Exit status: 0 every compared stack agrees or is one of these, or libdw stopped first; 1 trouble;
 * 2 they differ.
 */
#include "tests/bench/oracle/libdw_walk.h"
#include "tests/bench/oracle/replay.h"
#include "tests/bench/oracle/sampler.h"

#include "collector/base/xalloc.h"
#include "collector/brief_proof.h"
#include "collector/capture/perf_source.h"

#include <argp.h>
#include <time.h>

struct process {
	int pid;
	struct address_space *space;
	struct libdw_walk *libdw;
};

struct thread {
	int tid;
	struct unwind_memory memory;
};

struct oracle {
	struct profile *profile;
	struct modules *modules;
	struct replay *replay;
	struct process *processes;
	size_t process_count, process_capacity;
	struct thread **threads;
	size_t thread_count, thread_capacity;

	uint32_t theirs[UNWIND_DEPTH]; /* libdw's frames of the sample in hand */
	uint32_t their_count;

	struct sampler_losses losses;
	size_t endings[PROFILE_ENDINGS];
	size_t samples, frames;
	size_t compared, same, they_stopped, we_stopped, differ, no_libdw;
	size_t astray, skipped, beyond; /* see above */
	size_t frames_compared, frames_same;
	double our_seconds, their_seconds;
	struct brief_proof brief;
	bool is_brief; /* copies are, at the moment */
	size_t brief_copies;
};

static struct {
	unsigned int frequency;
	size_t copy;
	size_t limit;
	bool live, brief, verbose, no_libdw, no_speed;
	unsigned int poll_ms;
} options = {.frequency = 499, .copy = SAMPLER_COPY_BYTES, .limit = 5000, .poll_ms = 20};

/* Of CPU time: the machine may be shared. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_stack(struct oracle *oracle, const char *title, const uint32_t *frames,
			uint32_t count)
{
	printf("  %s:", title);
	for (uint32_t i = 0; i < count; i++) {
		const struct profile_frame *frame = &oracle->profile->frames[frames[i]];
		const char *path = oracle->profile->modules[frame->module].path;
		const char *slash = strrchr(path, '/');

		printf(" %s+%llx", slash ? slash + 1 : path, (unsigned long long)frame->address);
	}
	printf("\n");
}

static enum profile_module_kind kind_of(const struct oracle *oracle, uint32_t frame)
{
	return oracle->profile->modules[oracle->profile->frames[frame].module].kind;
}

/* Says whether libdw's stack is ours with frames left out. */
static bool is_part_of(const struct oracle *oracle, const uint32_t *ours, uint32_t our_count)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < our_count && found < oracle->their_count; i++)
		found += ours[i] == oracle->theirs[found];
	return found == oracle->their_count && ours[our_count - 1] == oracle->theirs[found - 1];
}

/* Counts stacks of which libdw itself shows that it is wrong; see above. */
static size_t *libdw_fault(struct oracle *oracle, const uint32_t *ours, uint32_t our_count,
			   enum profile_ending ending)
{
	if (!profile_endings[ending].complete)
		return NULL;
	if (kind_of(oracle, oracle->theirs[oracle->their_count - 1]) == PROFILE_MODULE_UNKNOWN)
		return &oracle->astray;
	if (ending == PROFILE_ENDING_GUESSED && is_part_of(oracle, ours, our_count))
		return &oracle->skipped;
	return NULL;
}

/* Says whether @frame lies in a program of Go's. */
static bool is_go(const struct oracle *oracle, uint32_t frame)
{
	const struct module *module =
		modules_find(oracle->modules, oracle->profile->frames[frame].module);

	return module && module->go;
}

static void compare(struct oracle *oracle, const uint32_t *ours, uint32_t our_count,
		    enum profile_ending ending, size_t stack_bytes)
{
	uint32_t shorter = our_count < oracle->their_count ? our_count : oracle->their_count;
	const char *verdict = NULL;
	uint32_t same = 0;
	size_t *fault;

	while (same < shorter && ours[same] == oracle->theirs[same])
		same++;
	oracle->compared++;
	fault = same < shorter ? libdw_fault(oracle, ours, our_count, ending) : NULL;
	if (fault) {
		++*fault;
		oracle->frames_compared += same;
		oracle->frames_same += same;
		return;
	}
	oracle->frames_compared += shorter;
	oracle->frames_same += same;
	if (same < shorter) {
		oracle->differ++;
		verdict = "differ";
	} else if (our_count > oracle->their_count) {
		oracle->they_stopped++;
		verdict = options.verbose ? "libdw stopped first" : NULL;
	} else if (our_count < oracle->their_count && profile_endings[ending].complete &&
		   is_go(oracle, ours[our_count - 1])) {
		oracle->beyond++;
	} else if (our_count < oracle->their_count) {
		oracle->we_stopped++;
		verdict = "we stopped first";
	} else {
		oracle->same++;
		verdict = options.verbose && ending ? "no trouble for libdw" : NULL;
	}
	if (verdict && (oracle->differ + oracle->we_stopped < 20 || options.verbose)) {
		printf("%s (%s, copy %zu):\n", verdict, profile_endings[ending].name, stack_bytes);
		print_stack(oracle, "ours", ours, our_count);
		print_stack(oracle, "libdw", oracle->theirs, oracle->their_count);
	}
}

static struct unwind_memory *thread_memory(struct oracle *oracle, int tid)
{
	struct thread *thread;

	for (size_t i = 0; i < oracle->thread_count; i++)
		if (oracle->threads[i]->tid == tid)
			return &oracle->threads[i]->memory;
	xgrow(oracle->threads, oracle->thread_count, oracle->thread_capacity);
	thread = oracle->threads[oracle->thread_count++] = xcalloc(1, sizeof(*thread));
	thread->tid = tid;
	return &thread->memory;
}

/* Gives our walk what `collector run` would have. */
static void make_brief(struct oracle *oracle, struct unwind_sample *sample)
{
	sample->brief_bytes = PERF_SOURCE_BRIEF_BYTES;
	sample->is_brief = oracle->is_brief && !modules_have_go(oracle->modules);
	if (!sample->is_brief)
		return;
	oracle->brief_copies++;
	sample->caller_count = 0;
	if (sample->stack_bytes > PERF_SOURCE_BRIEF_BYTES)
		sample->stack_bytes = PERF_SOURCE_BRIEF_BYTES;
}

static void judge(struct oracle *oracle, struct process *process, int tid, uint64_t time_ns,
		  struct unwind_sample *sample)
{
	struct unwind_memory *memory = thread_memory(oracle, tid);
	uint32_t changes = memory->changes;
	uint32_t ours[UNWIND_DEPTH];
	size_t all_bytes = sample->stack_bytes;
	enum profile_ending ending;
	uint32_t count;
	double start;

	replay_keep(oracle->replay, process->pid, sample);
	if (all_bytes > options.copy)
		sample->stack_bytes = options.copy;
	if (options.brief)
		make_brief(oracle, sample);
	start = seconds();
	count = unwind_walk(process->space, memory, options.live ? process->pid : 0, sample, ours,
			    &ending);
	oracle->our_seconds += seconds() - start;
	sample->stack_bytes = all_bytes;
	if (options.brief)
		brief_proof_take(&oracle->brief, time_ns, memory->changes != changes);
	oracle->samples++;
	oracle->frames += count;
	oracle->endings[ending]++;
	if (options.no_libdw)
		return;
	start = seconds();
	oracle->their_count =
		libdw_walk(process->libdw, process->space, tid, sample, oracle->theirs);
	oracle->their_seconds += seconds() - start;
	if (oracle->their_count)
		compare(oracle, ours, count, ending, all_bytes);
	else
		oracle->no_libdw++;
}

static struct process *find_process(struct oracle *oracle, int pid)
{
	struct process *process;

	for (size_t i = 0; i < oracle->process_count; i++)
		if (oracle->processes[i].pid == pid)
			return &oracle->processes[i];
	xgrow(oracle->processes, oracle->process_count, oracle->process_capacity);
	process = &oracle->processes[oracle->process_count++];
	*process = (struct process){.pid = pid};
	process->space = address_space_new(oracle->profile, oracle->modules, pid);
	process->libdw = libdw_walk_new(process->space);
	return process;
}

static void take_mapping(void *context, const struct sampler_mapping *mapping)
{
	struct oracle *oracle = context;
	struct process *process = find_process(oracle, mapping->pid);
	struct module_identity identity = {.path = mapping->path, .inode = mapping->inode};

	address_space_map(process->space, mapping->start, mapping->end, mapping->offset, &identity);
	libdw_walk_changed(process->libdw, false);
	replay_map(oracle->replay, mapping);
}

static void take_exec(void *context, int pid)
{
	struct oracle *oracle = context;
	struct process *process = find_process(oracle, pid);

	address_space_exec(process->space);
	libdw_walk_changed(process->libdw, true);
	replay_exec(oracle->replay, pid);
}

static void take_fork(void *context, int parent_pid, int child_pid)
{
	struct oracle *oracle = context;
	struct address_space *space =
		address_space_fork(find_process(oracle, parent_pid)->space, child_pid);
	struct process *child = find_process(oracle, child_pid);

	address_space_free(child->space);
	child->space = space;
}

static bool take_sample(void *context, int pid, int tid, uint64_t time_ns,
			struct unwind_sample *sample)
{
	struct oracle *oracle = context;

	judge(oracle, find_process(oracle, pid), tid, time_ns, sample);
	return oracle->samples < options.limit;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned int end_round(void *context)
{
	struct oracle *oracle = context;

	oracle->is_brief = oracle->brief.is_wanted;
	return (unsigned int)brief_proof_poll_ms(&oracle->brief, monotonic_ns(),
						 (int)options.poll_ms);
}

static void sample_program(struct oracle *oracle, char **arguments)
{
	struct sampler_events events = {
		.context = oracle,
		.map = take_mapping,
		.exec = take_exec,
		.fork = take_fork,
		.sample = take_sample,
		.round = end_round,
	};

	sampler_run(options.frequency, arguments, &events, &oracle->losses);
}

static int report(struct oracle *oracle)
{
	size_t complete = 0;

	printf("samples %zu (lost records %zu, without user registers %zu), mean depth %.1f\n",
	       oracle->samples, oracle->losses.lost, oracle->losses.no_user,
	       oracle->samples ? (double)oracle->frames / (double)oracle->samples : 0);
	if (options.brief)
		printf("brief copies %zu\n", oracle->brief_copies);
	printf("endings:");
	for (int i = 0; i < PROFILE_ENDINGS; i++) {
		if (oracle->endings[i])
			printf(" %s %zu", profile_endings[i].name, oracle->endings[i]);
		complete += profile_endings[i].complete ? oracle->endings[i] : 0;
	}
	printf("; complete %.2f %%\n",
	       oracle->samples ? 100.0 * (double)complete / (double)oracle->samples : 0);
	if (!options.no_libdw)
		printf("libdw: compared %zu, identical %zu, libdw stopped first %zu, went astray "
		       "%zu, skipped %zu, beyond %zu, we stopped first %zu, differ %zu, not walked "
		       "%zu; frames %zu of %zu agree (%.3f %%)\n"
		       "libdw: %.0f stacks/s as sampled, ours %.0f\n",
		       oracle->compared, oracle->same, oracle->they_stopped, oracle->astray,
		       oracle->skipped, oracle->beyond, oracle->we_stopped, oracle->differ,
		       oracle->no_libdw, oracle->frames_same, oracle->frames_compared,
		       oracle->frames_compared ? 100.0 * (double)oracle->frames_same /
							 (double)oracle->frames_compared
					       : 0,
		       (double)oracle->compared / oracle->their_seconds,
		       (double)oracle->samples / oracle->our_seconds);
	if (!options.no_speed && oracle->samples)
		replay_measure(oracle->replay);
	return oracle->differ || oracle->we_stopped ? 2 : 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'F':
		options.frequency = (unsigned int)strtoul(argument, NULL, 10);
		return 0;
	case 'c':
		options.copy = strtoul(argument, NULL, 10);
		return 0;
	case 'n':
		options.limit = strtoul(argument, NULL, 10);
		return 0;
	case 'p':
		options.poll_ms = (unsigned int)strtoul(argument, NULL, 10);
		return 0;
	case 'l':
		options.live = true;
		return 0;
	case 'b':
		options.brief = options.live = true;
		return 0;
	case 'v':
		options.verbose = true;
		return 0;
	case 's':
		options.no_speed = true;
		return 0;
	case 'x':
		options.no_libdw = true;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"frequency", 'F', "HZ", 0, "samples a second of CPU time (499)", 0},
		{"copy", 'c', "BYTES", 0, "stack bytes given to our walk (65528)", 0},
		{"limit", 'n', "N", 0, "end the program after N samples (5000)", 0},
		{"poll", 'p', "MS", 0, "interval of reading samples (20)", 0},
		{"live", 'l', NULL, 0, "finish truncated walks from the live process", 0},
		{"brief", 'b', NULL, 0, "with brief copies as collector run takes them; and live",
		 0},
		{"verbose", 'v', NULL, 0, "print all stacks that are not identical", 0},
		{"no-speed", 's', NULL, 0, "do not measure speed", 0},
		{"no-libdw", 'x', NULL, 0, "do not compare", 0},
		{0},
	};
	static const struct argp argp = {
		.options = rows,
		.parser = parse_option,
		.args_doc = "PROGRAM [ARGUMENT...]",
		.doc = "Compares the unwinder with libdw on real samples."};
	struct oracle oracle = {0};
	int first;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, &first, NULL);
	oracle.profile = profile_new();
	oracle.modules = modules_new(oracle.profile);
	oracle.replay = replay_new();
	sample_program(&oracle, argv + first);
	for (size_t i = 0; i < oracle.profile->modules_count; i++) {
		struct module *module = modules_find(oracle.modules, (uint32_t)i);

		if (module && module->problem)
			printf("module: %s\n", module->problem);
	}
	return report(&oracle);
}
