/* SPDX-License-Identifier: GPL-3.0-or-later */
/* live: see live.h. */
#include "collector/live.h"

#include "collector/attached.h"
#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"
#include "collector/live_table.h"
#include "collector/recorder.h"
#include "collector/resolve/debuginfod.h"
#include "collector/resolve/kernel_symbols.h"
#include "collector/resolve/symbols.h"
#include "collector/sampling.h"
#include "collector/timing.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define NAMING_SHARE 5		  /* naming may take one part in as many of the time */
#define KERNEL_NS    10000000000u /* the kernel's symbols are believed so long */
#define MOST_THREADS 1024	  /* whose states are read at each look */

struct live {
	struct session_options options;
	uint64_t window_ns;
	uint64_t start_ns;
	int poll_fd;
	struct attached attached;
	struct sampling sampling;
	struct sources sources;
	struct profile *profile;
	struct modules *modules;
	struct recorder *recorder;
	struct timing *timing; /* NULL: no steps */
	struct live_table table;
	size_t named_frames; /* that were there when frames were last named */
	uint64_t naming_cpu_ns;
	struct kernel_symbols *kernel;
	uint64_t kernel_ns;    /* when they were read */
	uint64_t start_cpu_ns; /* of our own */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t elapsed_ns(const struct live *live)
{
	return clock_ns(CLOCK_MONOTONIC) - live->start_ns;
}

static int append(void *context, const struct profile_sample *sample, struct error *error)
{
	struct live *live = context;

	(void)error;
	live_table_add(&live->table, sample);
	return 0;
}

static void deliver(void *context, const struct event *event)
{
	struct live *live = context;

	if (live->timing)
		event = timing_take(live->timing, event);
	recorder_take(live->recorder, event);
}

/* Puts the probe in place; it counts when the processes are watched. */
static int open_steps(struct live *live, struct error *error)
{
	const struct attached *attached = &live->attached;
	struct program_files files = {0};

	if (!live->options.probes.timing.request_count)
		return 0;
	for (size_t i = 0; i < attached->count; i++)
		program_files_of_process(&files, live->modules, attached->pids[i]);
	live->timing = timing_open(&live->options.probes.timing, &files, live->modules,
				   live->profile, error);
	program_files_done(&files);
	return live->timing ? timing_attach(live->timing, error) : -errno;
}

static int open_samples(struct live *live, struct error *error)
{
	struct attached *attached = &live->attached;
	int result;

	do
		result = sampling_open_perf(&live->sampling, &live->options, PERF_START_NOW,
					    attached->first_tid, error);
	while (result == -ESRCH && attached_choose(attached));
	if (result)
		return result;
	sources_add(&live->sources, sampling_row(&live->sampling));
	live->start_ns = clock_ns(CLOCK_MONOTONIC);
	live->start_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	live->recorder = recorder_new(live->profile, live->modules,
				      (struct recorder_sink){append, live}, live->start_ns);
	recorder_metric(live->recorder, sampling_metric(&live->sampling));
	return attached_watch(attached, live->sampling.perf, live->recorder, error);
}

/* The probe first: that takes long, and nobody reads the samples meanwhile. */
static int open_all(struct live *live, struct error *error)
{
	const struct session_options *options = &live->options;
	struct attached *attached = &live->attached;
	int result =
		attached_open(attached, options->pids, options->pid_count, options->is_tree, error);

	if (!result)
		result = open_steps(live, error);
	if (!result)
		result = open_samples(live, error);
	if (!result && live->timing)
		result = timing_watch(live->timing, attached->pids, attached->count,
				      live->sampling.perf, live->start_ns, error);
	if (!result)
		result = sources_watch(&live->sources, live->poll_fd);
	return result;
}

struct live *live_open(const struct session_options *options, uint64_t window_ns,
		       struct error *error)
{
	struct live *live = xcalloc(1, sizeof(*live));
	int result;

	live->options = *options;
	live->options.wants_time = true;
	debuginfod_give_up(); /* whoever looks does not want to wait */
	live->window_ns = window_ns;
	live->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	live->profile = profile_new();
	live->modules = modules_new(live->profile);
	result = open_all(live, error);
	if (result) {
		live_close(live);
		errno = -result;
		return NULL;
	}
	return live;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->timing)
		timing_stop(live->timing);
	timing_close(live->timing);
	recorder_free(live->recorder);
	sources_close(&live->sources);
	sampling_done(&live->sampling);
	attached_done(&live->attached);
	live_table_done(&live->table);
	kernel_symbols_free(live->kernel);
	modules_free(live->modules);
	profile_free(live->profile);
	close(live->poll_fd);
	free(live);
}

int live_poll_fd(const struct live *live)
{
	return live->poll_fd;
}

int live_round(struct live *live)
{
	source_round(live->sources.rows, live->sources.count, false, deliver, live);
	if (live->timing)
		timing_poll(live->timing);
	return attached_have_ended(&live->attached) ? -ESRCH : 0;
}

static void name_kernel(struct live *live, uint64_t now_ns)
{
	if (!live->kernel || now_ns - live->kernel_ns > KERNEL_NS) {
		kernel_symbols_free(live->kernel);
		live->kernel = kernel_symbols_new("/proc/kallsyms");
		live->kernel_ns = now_ns;
	}
	kernel_symbols_name(live->kernel, live->profile);
}

/* Names frames that are new, unless naming has taken its share of the time already. */
static void name_frames(struct live *live, uint64_t now_ns)
{
	uint64_t start_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	if (live->named_frames == live->profile->frames_count ||
	    NAMING_SHARE * live->naming_cpu_ns > now_ns)
		return;
	live->named_frames = live->profile->frames_count;
	symbols_name(live->modules, live->profile);
	name_kernel(live, now_ns);
	live->naming_cpu_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_ns;
}

static enum live_state state_of(char letter)
{
	switch (letter) {
	case 'R':
		return LIVE_RUNNING;
	case 'D':
		return LIVE_DISK;
	case 'T':
	case 't':
		return LIVE_STOPPED;
	default:
		return LIVE_SLEEPING;
	}
}

static void look_at_threads(const struct live *live, struct live_view *view)
{
	uint64_t looked_at = 0;
	pid_t *pids, *tids;
	size_t pid_count = recorder_processes(live->recorder, &pids);

	for (size_t i = 0; i < pid_count; i++) {
		size_t count = proc_threads(pids[i], &tids);

		view->threads += count;
		for (size_t j = 0; j < count && looked_at < MOST_THREADS; j++, looked_at++) {
			char letter = proc_thread_state(pids[i], tids[j]);

			if (letter)
				view->states[state_of(letter)]++;
		}
		free(tids);
	}
	free(pids);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Steps lie in the order of their ends, but for those of several threads, nearly. */
static void look_at_steps(const struct live *live, uint64_t from_ns, struct live_view *view)
{
	const struct profile *profile = live->profile;
	size_t first = profile->steps_count;
	uint64_t *durations_ns;

	view->has_steps = live->timing;
	view->steps_ended = profile->steps_count;
	while (first > 0 && profile->steps[first - 1].end_ns >= from_ns)
		first--;
	view->steps = profile->steps_count - first;
	if (!view->steps)
		return;
	durations_ns = xcalloc(view->steps, sizeof(*durations_ns));
	for (size_t i = 0; i < view->steps; i++)
		durations_ns[i] =
			profile->steps[first + i].end_ns - profile->steps[first + i].start_ns;
	qsort(durations_ns, view->steps, sizeof(*durations_ns), compare);
	view->step_ns = durations_ns[view->steps / 2];
	free(durations_ns);
}

void live_look(struct live *live, struct live_view *view)
{
	uint64_t now_ns = elapsed_ns(live), from_ns;

	*view = (struct live_view){.elapsed_ns = now_ns};
	view->window_ns = now_ns < live->window_ns ? now_ns : live->window_ns;
	from_ns = now_ns - view->window_ns;
	name_frames(live, now_ns);
	live_table_forget(&live->table, from_ns);
	live_table_sum(&live->table, live->profile, &view->sums);
	view->cpu_ns = view->sums.weight * sampling_metric(&live->sampling)->period;
	view->lost = perf_source_lost_so_far(live->sampling.perf);
	look_at_threads(live, view);
	look_at_steps(live, from_ns, view);
	view->own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - live->start_cpu_ns;
}

const char *live_engine(const struct live *live)
{
	return perf_source_engine(live->sampling.perf)->name;
}

unsigned live_frequency_hz(const struct live *live)
{
	return perf_source_frequency_hz(live->sampling.perf);
}
