/* SPDX-License-Identifier: GPL-3.0-or-later */
/* usage: see usage.h. */
#include "collector/usage.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_usage.h"

#include <unistd.h>

struct usage {
	const struct recorder *recorder;
	const struct perf_source *perf;
	struct profile *profile;
	struct proc_usage *series;
	uint64_t *core_ns;
	size_t core_count;
	uint64_t due_ns;
};

struct usage *usage_open(struct profile *profile, const struct recorder *recorder,
			 const struct perf_source *perf, bool launched)
{
	struct usage *usage = xcalloc(1, sizeof(*usage));

	usage->recorder = recorder;
	usage->perf = perf;
	usage->profile = profile;
	usage->series = proc_usage_new(profile, launched);
	usage->core_count = perf ? (size_t)sysconf(_SC_NPROCESSORS_CONF) : 0;
	usage->core_ns = xcalloc(usage->core_count, sizeof(*usage->core_ns));
	return usage;
}

void usage_close(struct usage *usage)
{
	if (!usage)
		return;
	proc_usage_free(usage->series);
	free(usage->core_ns);
	free(usage);
}

void usage_poll(struct usage *usage, uint64_t time_ns)
{
	pid_t *pids;
	size_t count;

	if (time_ns < usage->due_ns)
		return;
	/* In step with the beginning, however late this look is. */
	usage->due_ns = time_ns - time_ns % PROC_USAGE_PERIOD_NS + PROC_USAGE_PERIOD_NS;
	memset(usage->core_ns, 0, usage->core_count * sizeof(*usage->core_ns));
	if (usage->core_count &&
	    !perf_source_core_ns(usage->perf, usage->core_ns, usage->core_count)) {
		usage->core_count = 0;
		profile_set_number(usage->profile, "series.no_cores", 1);
	}
	count = recorder_processes(usage->recorder, &pids);
	proc_usage_look(usage->series, pids, count, time_ns, usage->core_ns, usage->core_count);
	free(pids);
}

void usage_end(struct usage *usage, pid_t pid, uint64_t time_ns)
{
	proc_usage_end(usage->series, pid, time_ns);
}
