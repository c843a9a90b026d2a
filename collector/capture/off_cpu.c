/* SPDX-License-Identifier: GPL-3.0-or-later */
/* off_cpu: see off_cpu.h. */
#include "collector/capture/off_cpu.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf/off_cpu.h"
#include "collector/capture/bpf_kernel.h"
#include "off_cpu.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>

struct off_cpu {
	struct off_cpu_bpf *programs;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static int load(struct off_cpu *off_cpu, struct error *error)
{
	int result = bpf_kernel_prepare(error);

	if (result)
		return result;
	off_cpu->programs = off_cpu_bpf__open_and_load();
	if (!off_cpu->programs)
		return bpf_kernel_fail(error, -errno, "load the off-CPU programs");
	result = off_cpu_bpf__attach(off_cpu->programs);
	return result ? bpf_kernel_fail(error, result, "attach the off-CPU programs") : 0;
}

struct off_cpu *off_cpu_open(struct error *error)
{
	struct off_cpu *off_cpu = xcalloc(1, sizeof(*off_cpu));
	int result = load(off_cpu, error);

	if (result) {
		off_cpu_close(off_cpu);
		errno = -result;
		return NULL;
	}
	return off_cpu;
}

void off_cpu_close(struct off_cpu *off_cpu)
{
	if (!off_cpu)
		return;
	off_cpu_bpf__destroy(off_cpu->programs);
	free(off_cpu);
}

int off_cpu_watch(struct off_cpu *off_cpu, pid_t pid, struct error *error)
{
	uint32_t key = (uint32_t)pid;
	uint8_t yes = 1;
	int result = bpf_map__update_elem(off_cpu->programs->maps.processes, &key, sizeof(key),
					  &yes, sizeof(yes), BPF_ANY);

	return result ? bpf_kernel_fail(error, result, "watch another process") : 0;
}

/* The state a thread is in has lasted since its last change. */
static struct off_cpu_times times_of(const struct off_cpu_key *key,
				     const struct off_cpu_thread *thread, uint64_t time_ns)
{
	uint64_t spent_ns = time_ns > thread->since_ns ? time_ns - thread->since_ns : 0;
	struct off_cpu_times times = {
		.pid = (pid_t)thread->pid,
		.tid = (pid_t)key->tid,
		.running_ns = thread->running_ns,
		.runnable_ns = thread->runnable_ns,
		.blocked_ns = thread->blocked_ns,
		.switches = thread->switches,
	};

	if (thread->state == OFF_CPU_RUNNING)
		times.running_ns += spent_ns;
	else if (thread->state == OFF_CPU_RUNNABLE)
		times.runnable_ns += spent_ns;
	else if (thread->state == OFF_CPU_BLOCKED)
		times.blocked_ns += spent_ns;
	times.wall_ns = thread->since_ns - thread->first_ns;
	if (thread->state != OFF_CPU_ENDED)
		times.wall_ns += spent_ns;
	return times;
}

size_t off_cpu_read_times(struct off_cpu *off_cpu, struct off_cpu_times **times)
{
	const struct bpf_map *map = off_cpu->programs->maps.threads;
	struct off_cpu_key key, *previous = NULL;
	struct off_cpu_thread thread;
	size_t count = 0, capacity = 0;

	*times = NULL;
	while (!bpf_map__get_next_key(map, previous, &key, sizeof(key))) {
		previous = &key;
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &thread, sizeof(thread), 0))
			continue;
		xgrow(*times, count, capacity);
		(*times)[count++] = times_of(&key, &thread, now_ns());
	}
	return count;
}
