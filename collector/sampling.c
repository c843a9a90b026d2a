/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampling: see sampling.h. */
#include "collector/sampling.h"

#include "collector/attached.h"
#include "collector/capture/perf_cost.h"
#include "collector/preload.h"
#include "collector/probing.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define HARMLESS_HZ	1000	  /* a few percent at most, where interrupts are dear */
#define MOST_CPUS	64	  /* for which threads are born with events for brief copies, too */
#define LEAST_UNSEEN_NS 50000000u /* of CPU time, below which shares of it say nothing */

/* Attached processes have threads by the thousand, each of which would take a third event. */
static uint32_t brief_bytes(const struct session_options *options)
{
	return options->argv && sysconf(_SC_NPROCESSORS_CONF) <= MOST_CPUS ? PERF_SOURCE_BRIEF_BYTES
									   : 0;
}

struct source sampling_row(struct sampling *sampling)
{
	return sampling->rest ? stack_rest_row(sampling->rest) : perf_source_row(sampling->perf);
}

static bool may_be_tick(const struct session_options *options)
{
	return options->engine ? options->engine->is_tick : options->prefers_tick;
}

int sampling_open_perf(struct sampling *sampling, const struct session_options *options,
		       enum perf_start start, pid_t tid, struct error *error)
{
	const struct perf_source_options source = {
		.frequency_hz = options->frequency_hz,
		.engine = options->engine,
		.prefers_tick = options->prefers_tick,
		.wants_time = options->wants_time,
		.start = start,
		.copy_bytes = PERF_SOURCE_COPY_BYTES,
		.brief_bytes = brief_bytes(options),
	};

	int result;

	if (options->frequency_hz > HARMLESS_HZ)
		sampling->sample_cost_ns = perf_cost_ns(&source);
	sampling->rest = stack_rest_load(may_be_tick(options), &sampling->no_rest);
	sampling->perf = perf_source_open(&source, tid, error);
	result = sampling->perf ? 0 : -errno;
	if (sampling->rest &&
	    (result || stack_rest_attach(sampling->rest, sampling->perf, &sampling->no_rest))) {
		stack_rest_unload(sampling->rest);
		sampling->rest = NULL;
	}
	return result;
}

/* Says whether a process has other rights than we. Source: proc(5), status. */
static bool has_other_rights(pid_t pid)
{
	char path[64], line[256];
	unsigned int real, effective;
	bool is_other = false;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	stream = fopen(path, "re");
	while (stream && fgets(line, sizeof(line), stream)) {
		if (sscanf(line, "Uid: %u %u", &real, &effective) == 2)
			is_other |= real != effective || effective != geteuid();
		if (sscanf(line, "Gid: %u %u", &real, &effective) == 2)
			is_other |= real != effective || effective != getegid();
	}
	if (stream)
		fclose(stream);
	return is_other;
}

void sampling_resume(struct sampling *sampling, pid_t pid, struct recorder *recorder)
{
	struct error error;

	/* When it cannot be, describe_end_perf says that nothing was counted. */
	if (sampling->perf && !geteuid() && has_other_rights(pid))
		attached_resume(pid, sampling->perf, recorder, &error);
}

void sampling_begin(struct sampling *sampling, struct recorder *recorder)
{
	struct timespec now;

	sampling->early_cpu_ns = perf_source_cpu_ns(sampling->perf);
	clock_gettime(CLOCK_MONOTONIC, &now);
	recorder_begin(recorder, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

void sampling_adapt(struct sampling *sampling, struct recorder *recorder)
{
	if (sampling->rest && recorder_wants_red_zones(recorder))
		stack_rest_want_red_zones(sampling->rest);
	if (recorder_wants_interruptions(recorder))
		interruptions_begin(sampling->interruptions);
	if (sampling->perf && sampling->wants_brief != recorder_wants_brief_copies(recorder)) {
		sampling->wants_brief = !sampling->wants_brief;
		perf_source_set_brief(sampling->perf, sampling->wants_brief);
	}
}

bool sampling_is_refusal(int code)
{
	return code == -EACCES || code == -EPERM || code == -ENOSYS;
}

bool sampling_wants_probe(const struct session_options *options)
{
	return options->engine == &probe_source_engine;
}

bool sampling_falls_back(const struct session_options *options, int code)
{
	return !options->engine && sampling_is_refusal(code);
}

int sampling_open_probe(struct sampling *sampling, const struct session_options *options,
			const struct error *refusal, struct error *error)
{
	struct error reason;
	struct probe_memory_options more = probing_options(options);
	char library[PATH_MAX], memory[64];

	if (preload_find(library, &reason) || preload_check(options->argv[0], &reason))
		return fail(&sampling->why_not, 0, "%s%s%s", refusal ? refusal->text : "",
			    refusal ? "; and " : "", reason.text);
	sampling->probe = probe_source_open(options->frequency_hz, &more, &reason);
	if (!sampling->probe && !refusal)
		return fail(error, -errno, "%s", reason.text);
	if (!sampling->probe)
		return fail(&sampling->why_not, 0, "%s; and %s", refusal->text, reason.text);
	probe_source_path(sampling->probe, memory, sizeof(memory));
	sampling->environment = preload_environment(library, memory);
	return 0;
}

const struct event_metric *sampling_metric(const struct sampling *sampling)
{
	static const struct event_metric nothing = {"cpu", "ns", 1, false};

	return sampling->perf	 ? perf_source_metric(sampling->perf)
	       : sampling->probe ? probe_source_metric(sampling->probe)
				 : &nothing;
}

static void describe_probe(const struct session_options *options, struct profile *profile)
{
	unsigned most_hz = probe_source_tick_hz(), asked_hz = options->frequency_hz;

	profile_set_text(profile, "engine", probe_source_engine.name);
	profile_set_text(profile, "engine_note", probe_source_engine.note);
	profile_set_number(profile, "frequency_hz",
			   options->is_frequency_default && asked_hz > most_hz ? most_hz
									       : asked_hz);
	profile_set_number(profile, "copy_bytes", PROBE_SOURCE_COPY_BYTES);
}

/* Attaching is expected to be on the tick; that it is not, and samples otherwise, wants a reason.
 */
static void describe_note(const struct perf_engine *engine, const struct session_options *options,
			  struct profile *profile)
{
	bool is_instead = options->prefers_tick && !options->engine && !engine->is_tick;
	char note[256];

	snprintf(note, sizeof(note), "%s%s%s", engine->note,
		 *engine->note && is_instead ? "; " : "",
		 is_instead ? "the kernel's tick cannot be used: collector check says why" : "");
	profile_set_text(profile, "engine_note", note);
}

void sampling_describe(const struct sampling *sampling, const struct session_options *options,
		       struct profile *profile)
{
	if (sampling->probe) {
		describe_probe(options, profile);
	} else if (sampling->perf) {
		const struct perf_engine *engine = perf_source_engine(sampling->perf);

		profile_set_text(profile, "engine", engine->name);
		describe_note(engine, options, profile);
		profile_set_number(profile, "frequency_hz",
				   perf_source_frequency_hz(sampling->perf));
		profile_set_number(profile, "copy_bytes", perf_source_copy_bytes(sampling->perf));
		profile_set_number(profile, "ring_bytes", perf_source_ring_bytes(sampling->perf));
		if (!sampling->rest)
			profile_set_text(profile, "stack_rest.refused", sampling->no_rest.text);
	} else {
		profile_set_text(profile, "engine", "none");
		profile_set_text(profile, "engine_note", sampling->why_not.text);
	}
}

static void describe_end_perf(const struct sampling *sampling, uint64_t used_ns,
			      struct profile *profile)
{
	uint64_t counted_ns = perf_source_cpu_ns(sampling->perf) - sampling->early_cpu_ns;

	/* The one knows the children that nobody waited for, the other those without events. */
	profile_set_number(profile, "target_cpu_ns",
			   (int64_t)(counted_ns > used_ns ? counted_ns : used_ns));
	if (used_ns > LEAST_UNSEEN_NS)
		profile_set_number(profile, "unsampled_cpu_ns",
				   used_ns > counted_ns ? (int64_t)(used_ns - counted_ns) : 0);
	if (sampling->sample_cost_ns)
		profile_set_number(profile, "sample_cost_ns", (int64_t)sampling->sample_cost_ns);
	/* At the exec of a program that the user may run but not read, or that changes the user,
	 * the kernel ends events which he opened; the latter even root's. */
	if (used_ns > LEAST_UNSEEN_NS && counted_ns < used_ns / 10)
		profile_set_text(
			profile, "engine_note",
			geteuid()
				? "the kernel stopped counting when the program was executed, "
				  "because it is set-user-id or not readable for you; run as root"
				: "the kernel stopped counting when the program was executed, "
				  "because it is set-user-id; as root, collector attach can sample "
				  "it while it runs");
}

static void describe_end_probe(const struct sampling *sampling, uint64_t used_ns,
			       struct profile *profile)
{
	uint64_t sampled_ns = probe_source_sampled_ns(sampling->probe);
	uint64_t cpu_ns = probe_source_cpu_ns(sampling->probe);

	/* The one knows the children that nobody waited for, the other those that lived shortly. */
	if (cpu_ns < used_ns)
		cpu_ns = used_ns;
	profile_set_number(profile, "target_cpu_ns", (int64_t)cpu_ns);
	if (cpu_ns > LEAST_UNSEEN_NS)
		profile_set_number(profile, "unsampled_cpu_ns",
				   cpu_ns > sampled_ns ? (int64_t)(cpu_ns - sampled_ns) : 0);
}

void sampling_describe_end(const struct sampling *sampling, uint64_t used_ns,
			   struct profile *profile)
{
	if (sampling->perf)
		describe_end_perf(sampling, used_ns, profile);
	else if (sampling->probe)
		describe_end_probe(sampling, used_ns, profile);
	else if (used_ns)
		profile_set_number(profile, "target_cpu_ns", (int64_t)used_ns);
}

void sampling_done(struct sampling *sampling)
{
	preload_free(sampling->environment);
	sampling->environment = NULL;
}
