/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: see session.h. */
#include "collector/session.h"

#include "collector/allocator.h"
#include "collector/attached.h"
#include "collector/base/xalloc.h"
#include "collector/capture/off_cpu.h"
#include "collector/completion.h"
#include "collector/profile/machine.h"
#include "collector/profile/profile_file.h"
#include "collector/probing.h"
#include "collector/recorder.h"
#include "collector/resolve/debuginfod.h"
#include "collector/resolve/kernel_symbols.h"
#include "collector/resolve/source_files.h"
#include "collector/resolve/symbols.h"
#include "collector/sampling.h"
#include "collector/session_signals.h"
#include "collector/target.h"
#include "collector/usage.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define COMMIT_NS	1000000000u
#define PROGRESS_NS	250000000u
#define FIRST_COMMIT_NS 100000000u /* something is kept of programs that end the machine early */

struct session {
	const struct session_options *options;
	struct session_result *result;
	struct session_signals signals;
	int poll_fd;
	struct target target;	  /* when launched */
	struct attached attached; /* when attached */
	struct sources sources;	  /* of all events */
	struct off_cpu *off_cpu;  /* one of them, or NULL */
	struct probing probing;
	struct sampling sampling; /* the first of them: CPU samples, mappings, threads */
	struct profile *profile;
	struct profile_file *file;
	struct modules *modules;
	struct recorder *recorder;
	struct usage *usage;
	struct function_probes probes;
	uint64_t start_ns;
	uint64_t start_cpu_ns; /* of our own, at that time */
	uint64_t ready_ns;     /* when all was in place; what a duration counts from */
	uint64_t commit_ns;    /* of the last commit */
	uint64_t progress_ns;  /* when it was told last */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static bool is_attached(const struct session *session)
{
	return !session->options->argv;
}

static int watch_fd(struct session *session, int fd)
{
	struct epoll_event interest = {.events = EPOLLIN};

	return fd >= 0 && epoll_ctl(session->poll_fd, EPOLL_CTL_ADD, fd, &interest) ? -errno : 0;
}

static int watch(struct session *session)
{
	int result;

	session->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	result = watch_fd(session, session->signals.fd);
	if (!result)
		result = sources_watch(&session->sources, session->poll_fd);
	/* Attached processes are polled with the sources: that some have ended is no end yet. */
	if (!result && !is_attached(session))
		result = watch_fd(session, session->target.pid_fd);
	for (size_t i = 0; i < FUNCTION_PROBES_FDS && !result; i++)
		result = watch_fd(session, function_probes_poll_fd(&session->probes, i));
	return result;
}

static void describe(struct session *session)
{
	struct profile *profile = session->profile;
	const struct session_options *options = session->options;
	char *command = is_attached(session) ? attached_command(options->pids[0])
					     : target_command(options->argv);
	char *program = is_attached(session) ? attached_program(options->pids[0])
					     : xstrdup(basename(options->argv[0]));
	char text[32];
	time_t now = time(NULL);
	struct tm utc;

	profile_set_text(profile, "command", command);
	profile_set_text(profile, "program", program);
	free(command);
	free(program);
	strftime(text, sizeof(text), "%FT%TZ", gmtime_r(&now, &utc));
	profile_set_text(profile, "start_time", text);
	profile_set_text(profile, "state", "recording");
	profile_set_text(profile, "collector_version", VERSION);
	sampling_describe(&session->sampling, session->options, profile);
	probing_describe(&session->probing, profile);
	machine_describe(profile);
}

static void deliver(void *context, const struct event *event)
{
	struct session *session = context;

	if (session->result->cut.text[0])
		return;
	recorder_take(session->recorder, function_probes_take(&session->probes, event));
}

static int open_off_cpu(struct session *session, struct error *error)
{
	if (!session->options->is_off_cpu)
		return 0;
	session->off_cpu = off_cpu_open(is_attached(session) ? 0 : session->target.pid, error);
	if (!session->off_cpu)
		return -errno;
	sources_add(&session->sources, off_cpu_row(session->off_cpu));
	return 0;
}

static int open_sources(struct session *session, enum perf_start start, pid_t tid,
			struct error *error)
{
	int result = sampling_open_perf(&session->sampling, session->options, start, tid, error);

	if (!result)
		sources_add_first(&session->sources, perf_source_row(session->sampling.perf));
	return result;
}

static int append(void *context, const struct profile_sample *sample, struct error *error)
{
	struct session *session = context;

	function_probes_see(&session->probes, sample);
	return profile_file_append(session->file, sample, error);
}

/* Makes everything that lies between the sources and the file. */
static int open_file(struct session *session, struct error *error)
{
	session->file = profile_file_create(session->options->path, error);
	if (!session->file)
		return -errno;
	describe(session);
	session->start_ns = clock_ns(CLOCK_MONOTONIC);
	session->start_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	profile_set_number(session->profile, "start_clock_ns", (int64_t)session->start_ns);
	session->commit_ns = session->start_ns - COMMIT_NS + FIRST_COMMIT_NS;
	session->recorder =
		recorder_new(session->profile, session->modules,
			     (struct recorder_sink){append, session}, session->start_ns);
	recorder_metric(session->recorder, sampling_metric(&session->sampling)); /* the first */
	session->usage = usage_open(session->profile, session->recorder, session->sampling.perf,
				    !is_attached(session));
	return profile_file_commit(session->file, session->profile, error);
}

/* @shared  memory of the sampling, or NULL */
static void open_probing(struct session *session, const struct probe_memory *shared)
{
	probing_open(&session->probing, session->options, shared);
	session->result->unprobed = session->probing.why_not;
	if (session->probing.memory)
		sources_add(&session->sources, memory_source_row(session->probing.memory));
}

static void close_probing(struct session *session)
{
	sources_close(&session->sources);
	probing_done(&session->probing);
	session->probing = (struct probing){0};
}

static int prepare_target(struct session *session, struct error *error)
{
	char **environment = session->sampling.environment ? session->sampling.environment
							   : session->probing.environment;

	return target_prepare(&session->target, session->options->argv, environment,
			      &session->signals.saved, error);
}

static int prepare_perf(struct session *session, struct error *error)
{
	int result;

	open_probing(session, NULL);
	result = prepare_target(session, error);
	return result ? result
		      : open_sources(session, PERF_START_ON_EXEC, session->target.pid, error);
}

/* @refusal  of perf events, or NULL */
static int prepare_probe(struct session *session, const struct error *refusal, struct error *error)
{
	struct sampling *sampling = &session->sampling;
	int result = sampling_open_probe(sampling, session->options, refusal, error);

	if (result)
		return result;
	session->result->unsampled = sampling->why_not;
	open_probing(session, sampling->probe ? probe_source_memory(sampling->probe) : NULL);
	if (sampling->probe) /* closed after the one that shares its memory */
		sources_add(&session->sources, probe_source_row(sampling->probe));
	return prepare_target(session, error);
}

/* Puts probes on the functions that are asked for. */
static int open_probes(struct session *session, const pid_t *pids, size_t count,
		       struct error *error)
{
	const struct session_options *options = session->options;
	struct function_probes_target target = {
		.modules = session->modules,
		.profile = session->profile,
	};
	int result;

	if (!function_probes_are_wanted(&options->probes))
		return 0;
	probing_fill_in(&session->probing, &target);
	if (is_attached(session))
		for (size_t i = 0; i < count; i++)
			program_files_of_process(&target.files, session->modules, pids[i]);
	else
		program_files_of_name(&target.files, session->modules, options->argv[0], pids[0]);
	result = function_probes_open(&session->probes, &options->probes, &target, error);
	program_files_done(&target.files);
	return result;
}

static int start_probes(struct session *session, const pid_t *pids, size_t count,
			struct error *error)
{
	return function_probes_start(&session->probes, pids, count, session->sampling.perf,
				     session->start_ns, error);
}

/* Everything that can fail without the program having run. */
static int prepare_launch(struct session *session, struct error *error)
{
	int result;

	if (sampling_wants_probe(session->options)) {
		result = prepare_probe(session, NULL, error);
	} else {
		result = prepare_perf(session, error);
		if (sampling_falls_back(session->options, result)) {
			struct error refusal = *error;

			target_abandon(&session->target); /* it has another environment */
			close_probing(session);
			result = prepare_probe(session, &refusal, error);
		}
	}
	if (!result)
		result = open_off_cpu(session, error);
	if (!result)
		result = open_file(session, error);
	if (!result)
		result = open_probes(session, &session->target.pid, 1, error);
	return result ? result : start_probes(session, &session->target.pid, 1, error);
}

static uint64_t watched_cpu_ns(const void *perf)
{
	return perf_source_cpu_ns(perf);
}

/* What running processes allocate. */
static int open_heap(struct session *session, struct error *error)
{
	const struct session_options *options = session->options;
	const struct attached *attached = &session->attached;
	struct heap_options heap_options = {
		.rate = options->memory_rate,
		.budget = options->probes.hits.budget,
		.cpu_ns = watched_cpu_ns,
		.context = session->sampling.perf,
	};
	struct heap *heap;

	if (!options->is_memory)
		return 0;
	heap = allocator_watch(&heap_options, attached->pids, attached->count, error);
	if (heap)
		sources_add(&session->sources, heap_row(heap));
	return heap ? 0 : -errno;
}

/* Waits and samples begin at the same time: together they are the lives of the threads. */
static int watch_off_cpu(struct session *session, struct error *error)
{
	const struct attached *attached = &session->attached;
	int result = off_cpu_watch(session->off_cpu, attached->pids, attached->count, error);

	sampling_begin(&session->sampling, session->recorder);
	return result;
}

static int prepare_attach(struct session *session, struct error *error)
{
	struct attached *attached = &session->attached;
	int result = attached_open(attached, session->options->pids, session->options->pid_count,
				   session->options->is_tree, error);

	if (!result)
		result = open_probes(session, attached->pids, attached->count, error);
	if (!result) /* it takes long, and samples would fill the rings meanwhile */
		result = open_off_cpu(session, error);
	if (!result)
		do
			result = open_sources(session, PERF_START_NOW, attached->first_tid, error);
		while (result == -ESRCH && attached_choose(attached));
	if (!result)
		result = open_file(session, error);
	if (result)
		return result;
	if (session->off_cpu)
		recorder_begin(session->recorder, UINT64_MAX);
	result = attached_watch(attached, session->sampling.perf, session->recorder, error);
	if (!result)
		result = open_heap(session, error);
	profile_set_number(session->profile, "attach_ns", (int64_t)attached->watch_ns);
	if (!result)
		result = start_probes(session, attached->pids, attached->count, error);
	return result || !session->off_cpu ? result : watch_off_cpu(session, error);
}

static int prepare(struct session *session, struct error *error)
{
	int result = is_attached(session) ? prepare_attach(session, error)
					  : prepare_launch(session, error);

	if (result)
		return result;
	/* Stopped last: as long as stacks come it is known what they interrupt. */
	session->sampling.interruptions = interruptions_new(INTERRUPTIONS_MOST);
	sources_add(&session->sources, interruptions_row(session->sampling.interruptions));
	result = watch(session);
	return result ? fail(error, result, "cannot watch the target: %m") : 0;
}

/* Ends the recording, not the target. */
static void cut(struct session *session, const struct error *why)
{
	if (session->result->cut.text[0])
		return;
	session->result->cut = *why;
	sources_stop(&session->sources);
}

static void commit_if_due(struct session *session)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	const struct error *failure;
	struct error error;
	int result;

	if (recorder_failure(session->recorder, &failure)) {
		cut(session, failure);
		return;
	}
	if (session->result->cut.text[0] || now_ns - session->commit_ns < COMMIT_NS)
		return;
	session->commit_ns = now_ns;
	function_probes_refresh(&session->probes);
	result = profile_file_commit(session->file, session->profile, &error);
	if (result && result != -EAGAIN)
		cut(session, &error);
}

static bool has_ended(struct session *session)
{
	struct target *target = &session->target;

	if (is_attached(session))
		return attached_have_ended(&session->attached);
	if (!target_has_ended(target))
		return false;
	if (!target->ended && !session->result->cut.text[0])
		usage_end(session->usage, target->pid,
			  clock_ns(CLOCK_MONOTONIC) - session->start_ns);
	return target_collect(target);
}

static bool is_time_over(const struct session *session)
{
	uint64_t duration_ns = session->options->duration_ns;

	return duration_ns && clock_ns(CLOCK_MONOTONIC) - session->ready_ns >= duration_ns;
}

static void tell_progress(struct session *session)
{
	const struct session_options *options = session->options;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!options->progressed || now_ns - session->progress_ns < PROGRESS_NS)
		return;
	session->progress_ns = now_ns;
	options->progressed(session->profile, options->step_total, now_ns - session->start_ns);
}

/* Runs until the target has ended, the time is over or the user wants an end. */
static void record(struct session *session)
{
	struct epoll_event event;
	int interrupts_to_end = is_attached(session) ? 1 : 2;

	session->ready_ns = clock_ns(CLOCK_MONOTONIC);
	while (!has_ended(session) && !is_time_over(session)) {
		epoll_wait(session->poll_fd, &event, 1,
			   recorder_poll_ms(
				   session->recorder, clock_ns(CLOCK_MONOTONIC),
				   function_probes_poll_ms(&session->probes, PERF_SOURCE_POLL_MS)));
		session_signals_pass(&session->signals,
				     is_attached(session) ? 0 : session->target.pid);
		if (session->signals.interrupts >= interrupts_to_end) {
			session->result->left_running = !is_attached(session);
			break;
		}
		source_round(session->sources.rows, session->sources.count, false, deliver,
			     session);
		sampling_adapt(&session->sampling, session->recorder);
		function_probes_poll(&session->probes,
				     clock_ns(CLOCK_MONOTONIC) - session->ready_ns);
		if (!session->result->cut.text[0])
			usage_poll(session->usage, clock_ns(CLOCK_MONOTONIC) - session->start_ns);
		tell_progress(session);
		commit_if_due(session);
	}
	sources_stop(&session->sources);
	source_round(session->sources.rows, session->sources.count, true, deliver, session);
	function_probes_stop(&session->probes);
}

/* Says what the kernel's own counts and the target's end tell about the recording. */
static void describe_target(struct session *session)
{
	struct profile *profile = session->profile;
	uint64_t used_ns = session->target.ended ? session->target.cpu_ns : 0;
	uint32_t running = recorder_process_count(session->recorder);

	sampling_describe_end(&session->sampling, used_ns, profile);
	if (session->target.ended)
		profile_set_number(profile, "exit_status", session->target.exit_status);
	/* Without children that nobody waited for: what a parent is told of one that is not
	 * recorded. */
	if (used_ns)
		profile_set_number(profile, "waited_cpu_ns", (int64_t)used_ns);
	if (session->target.ended && session->target.ending_signal)
		profile_set_number(profile, "signal", session->target.ending_signal);
	/* A recording that was cut has not seen who ended. */
	if (session->target.ended && running && !session->result->cut.text[0])
		profile_set_number(profile, "still_running", running);
}

static void describe_end(struct session *session, uint64_t recording_cpu_ns)
{
	struct profile *profile = session->profile;

	sources_describe(&session->sources, profile);
	session->result->crowded = probing_describe_end(
		&session->probing, recorder_executions(session->recorder), profile);
	profile_set_number(profile, "duration_ns",
			   (int64_t)(clock_ns(CLOCK_MONOTONIC) - session->start_ns));
	profile_set_number(profile, "collector_cpu_ns", (int64_t)recording_cpu_ns);
	describe_target(session);
}

/* Names the frames and completes the file, also after a failure to write, as far as it lets us. */
static void finish(struct session *session)
{
	uint64_t recording_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	struct kernel_symbols *kernel = kernel_symbols_new("/proc/kallsyms");
	struct error *failure = &session->result->cut;
	struct completion completion = {
		.profile = session->profile,
		.file = session->file,
		.left_running = session->result->left_running,
		.cut = failure,
	};
	bool is_cut = failure->text[0];

	describe_end(session, recording_cpu_ns - session->start_cpu_ns);
	usage_close(session->usage);
	session->usage = NULL;
	recorder_free(session->recorder);
	session->recorder = NULL;
	sources_close(&session->sources);
	function_probes_close(&session->probes);
	profile_file_wait_for_readers(session->file);
	/* Naming can take seconds; whoever interrupts it keeps the recording. */
	if (!is_cut)
		is_cut = profile_file_commit(session->file, session->profile, failure);
	if (is_cut)
		completion_recover(&completion);
	debuginfod_tell(session->options->waits);
	session_signals_allow(&session->signals, debuginfod_give_up);
	modules_describe(session->modules);
	symbols_name(session->modules, session->profile);
	kernel_symbols_name(kernel, session->profile);
	kernel_symbols_free(kernel);
	source_files_read(session->profile, session->options->embeds_sources);
	profile_set_number(session->profile, "naming_cpu_ns",
			   (int64_t)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - recording_cpu_ns));
	completion_write(&completion);
}

static void done(struct session *session)
{
	usage_close(session->usage);
	recorder_free(session->recorder);
	sources_close(&session->sources);
	function_probes_close(&session->probes);
	profile_file_close(session->file);
	modules_free(session->modules);
	profile_free(session->profile);
	sampling_done(&session->sampling);
	probing_done(&session->probing);
	attached_done(&session->attached);
	if (!is_attached(session))
		target_done(&session->target);
	if (session->poll_fd >= 0)
		close(session->poll_fd);
	session_signals_done(&session->signals);
}

/* Undoes a prepared session whose program did not start. */
static void undo(struct session *session, bool is_child_waiting)
{
	if (is_child_waiting)
		target_abandon(&session->target);
	if (session->file)
		profile_file_discard(session->file);
	session->file = NULL;
	done(session);
}

/* Starts a launched program. */
static int release(struct session *session, struct error *error)
{
	int code = target_release(&session->target, session->options->argv, error);

	if (!code)
		sampling_resume(&session->sampling, session->target.pid, session->recorder);
	return code;
}

int session_record(const struct session_options *options, struct session_result *result,
		   struct error *error)
{
	struct session session = {.options = options, .result = result, .poll_fd = -1};
	bool is_waiting;
	int code, unstarted = 0;

	*result = (struct session_result){.exit_status = 125};
	session_signals_take(&session.signals);
	if (!is_attached(&session))
		session_signals_take_stops(&session.signals);
	session.profile = profile_new();
	session.modules = modules_new(session.profile);
	code = prepare(&session, error);
	is_waiting = code && session.target.pid > 0 && session.target.pid_fd >= 0;
	if (!code && !is_attached(&session))
		code = unstarted = release(&session, error);
	else if (is_waiting) /* whatever failed, that is told first */
		unstarted = target_check(options->argv[0], error);
	if (unstarted)
		result->exit_status = unstarted == -ENOENT ? 127 : 126;
	if (code) {
		undo(&session, is_waiting);
		return code;
	}
	record(&session);
	finish(&session);
	result->exit_status = is_attached(&session)  ? 0
			      : session.target.ended ? session.target.exit_status
						     : 128 + SIGINT;
	done(&session);
	return 0;
}
