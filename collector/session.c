/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: see session.h. */
#include "collector/session.h"

#include "collector/completion.h"
#include "collector/resolve/debuginfod.h"
#include "collector/resolve/kernel_symbols.h"
#include "collector/resolve/source_files.h"
#include "collector/resolve/symbols.h"
#include "collector/session_prepare.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROGRESS_NS 250000000u

static void deliver(void *context, const struct event *event)
{
	struct session *session = context;

	if (session->result->cut.text[0])
		return;
	probing_take(&session->probing, event);
	recorder_take(session->recorder, function_probes_take(&session->probes, event));
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
	uint64_t now_ns = session_clock_ns(CLOCK_MONOTONIC);
	uint64_t pause_ns = session_commit_pause_ns(session->commit_ns - session->start_ns);
	const struct error *failure;
	struct error error;
	int result;

	if (recorder_failure(session->recorder, &failure)) {
		cut(session, failure);
		return;
	}
	if (session->result->cut.text[0] || now_ns - session->commit_ns < pause_ns)
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

	if (session_is_attached(session))
		return attached_have_ended(&session->attached);
	if (!target_has_ended(target))
		return false;
	if (!target->ended && !session->result->cut.text[0])
		usage_end(session->usage, target->pid,
			  session_clock_ns(CLOCK_MONOTONIC) - session->start_ns);
	return target_collect(target);
}

static bool is_time_over(const struct session *session)
{
	uint64_t duration_ns = session->options->duration_ns;

	return duration_ns && session_clock_ns(CLOCK_MONOTONIC) - session->ready_ns >= duration_ns;
}

static void tell_progress(struct session *session)
{
	const struct session_options *options = session->options;
	uint64_t now_ns = session_clock_ns(CLOCK_MONOTONIC);

	if (!options->progressed || now_ns - session->progress_ns < PROGRESS_NS)
		return;
	session->progress_ns = now_ns;
	options->progressed(session->profile, options->step_total, now_ns - session->start_ns);
}

/* Runs until the target has ended, the time is over or the user wants an end. */
static void record(struct session *session)
{
	struct epoll_event event;
	int interrupts_to_end = session_is_attached(session) ? 1 : 2;

	session->ready_ns = session_clock_ns(CLOCK_MONOTONIC);
	while (!has_ended(session) && !is_time_over(session)) {
		epoll_wait(session->poll_fd, &event, 1,
			   recorder_poll_ms(
				   session->recorder, session_clock_ns(CLOCK_MONOTONIC),
				   function_probes_poll_ms(&session->probes, PERF_SOURCE_POLL_MS)));
		session_signals_pass(&session->signals,
				     session_is_attached(session) ? 0 : session->target.pid);
		if (session->signals.interrupts >= interrupts_to_end) {
			session->result->left_running = !session_is_attached(session);
			break;
		}
		source_round(session->sources.rows, session->sources.count, false, deliver,
			     session);
		sampling_adapt(&session->sampling, session->recorder);
		function_probes_poll(&session->probes,
				     session_clock_ns(CLOCK_MONOTONIC) - session->ready_ns);
		if (!session->result->cut.text[0])
			usage_poll(session->usage,
				   session_clock_ns(CLOCK_MONOTONIC) - session->start_ns);
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
			   (int64_t)(session_clock_ns(CLOCK_MONOTONIC) - session->start_ns));
	profile_set_number(profile, "collector_cpu_ns", (int64_t)recording_cpu_ns);
	describe_target(session);
}

/* Names the frames and completes the file, also after a failure to write, as far as it lets us. */
static void finish(struct session *session)
{
	uint64_t recording_cpu_ns = session_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
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
	profile_set_number(
		session->profile, "naming_cpu_ns",
		(int64_t)(session_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - recording_cpu_ns));
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
	if (!session_is_attached(session))
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
	if (!session_is_attached(&session))
		session_signals_take_stops(&session.signals);
	session.profile = profile_new();
	session.modules = modules_new(session.profile);
	code = session_prepare(&session, error);
	is_waiting = code && session.target.pid > 0 && session.target.pid_fd >= 0;
	if (!code && !session_is_attached(&session))
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
	result->exit_status = session_is_attached(&session) ? 0
			      : session.target.ended	    ? session.target.exit_status
							    : 128 + SIGINT;
	done(&session);
	return 0;
}
