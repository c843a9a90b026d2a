/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_prepare: see session_prepare.h. */
#include "collector/session_prepare.h"

#include "collector/allocator.h"
#include "collector/base/xalloc.h"
#include "collector/profile/machine.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

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
	if (!result && !session_is_attached(session))
		result = watch_fd(session, session->target.pid_fd);
	for (size_t i = 0; i < FUNCTION_PROBES_FDS && !result; i++)
		result = watch_fd(session, function_probes_poll_fd(&session->probes, i));
	return result;
}

static void describe(struct session *session)
{
	struct profile *profile = session->profile;
	const struct session_options *options = session->options;
	char *command = session_is_attached(session) ? attached_command(options->pids[0])
						     : target_command(options->argv);
	char *program = session_is_attached(session) ? attached_program(options->pids[0])
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

static int open_off_cpu(struct session *session, struct error *error)
{
	if (!session->options->is_off_cpu)
		return 0;
	session->off_cpu =
		off_cpu_open(session_is_attached(session) ? 0 : session->target.pid, error);
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
		sources_add_first(&session->sources, sampling_row(&session->sampling));
	return result;
}

static int append(void *context, const struct profile_sample *sample, struct error *error)
{
	struct session *session = context;

	function_probes_see(&session->probes, sample);
	return profile_file_append(session->file, sample, error);
}

/* The recording's time begins: no later than the first sample may come. */
static void begin_clock(struct session *session)
{
	session->start_ns = session_clock_ns(CLOCK_MONOTONIC);
	session->start_cpu_ns = session_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* Makes everything that lies between the sources and the file. The clock has begun. */
static int open_file(struct session *session, struct error *error)
{
	session->file = profile_file_create(session->options->path, error);
	if (!session->file)
		return -errno;
	describe(session);
	profile_set_number(session->profile, "start_clock_ns", (int64_t)session->start_ns);
	session->commit_ns = session->start_ns;
	session->recorder =
		recorder_new(session->profile, session->modules,
			     (struct recorder_sink){append, session}, session->start_ns);
	recorder_metric(session->recorder, sampling_metric(&session->sampling)); /* the first */
	session->usage = usage_open(session->profile, session->recorder, session->sampling.perf,
				    !session_is_attached(session));
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

/* Lists the files of running processes. Returns 0, or a negative errno where none can be seen. */
static int list_files(struct program_files *files, struct session *session, const pid_t *pids,
		      size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		program_files_of_process(files, session->modules, pids[i]);
	if (files->count || !count)
		return 0;
	return fail(error, -EACCES,
		    "what process %d has loaded is not to be seen: it is somebody else's, has "
		    "more rights than you, or ends; run as root, or with the capability "
		    "CAP_SYS_PTRACE; processes of your own can be sampled without",
		    pids[0]);
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
	int result = 0;

	if (!function_probes_are_wanted(&options->probes))
		return 0;
	probing_fill_in(&session->probing, &target);
	if (session_is_attached(session))
		result = list_files(&target.files, session, pids, count, error);
	else
		program_files_of_name(&target.files, session->modules, options->argv[0], pids[0]);
	if (!result)
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
	if (!result) {
		begin_clock(session);
		result = open_file(session, error);
	}
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
		do {
			begin_clock(session);
			result = open_sources(session, PERF_START_NOW, attached->first_tid, error);
		} while (result == -ESRCH && attached_choose(attached));
	if (!result)
		result = open_file(session, error);
	if (result)
		return result;
	if (session->off_cpu)
		recorder_begin(session->recorder, UINT64_MAX);
	result = attached_watch(attached, session->sampling.perf, session->recorder, error);
	profile_set_number(session->profile, "attached_ns",
			   (int64_t)(session_clock_ns(CLOCK_MONOTONIC) - session->start_ns));
	if (!result)
		result = open_heap(session, error);
	profile_set_number(session->profile, "attach_ns", (int64_t)attached->watch_ns);
	if (attached->is_outrun)
		profile_set_number(session->profile, "attach_outrun", 1);
	if (!result)
		result = start_probes(session, attached->pids, attached->count, error);
	return result || !session->off_cpu ? result : watch_off_cpu(session, error);
}

int session_prepare(struct session *session, struct error *error)
{
	int result = session_is_attached(session) ? prepare_attach(session, error)
						  : prepare_launch(session, error);

	if (result)
		return result;
	/* Stopped last: as long as stacks come it is known what they interrupt. */
	session->sampling.interruptions = interruptions_new(INTERRUPTIONS_MOST);
	sources_add(&session->sources, interruptions_row(session->sampling.interruptions));
	result = watch(session);
	return result ? fail(error, result, "cannot watch the target: %m") : 0;
}
