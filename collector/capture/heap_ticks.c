/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_ticks: see heap_ticks.h. Source: perf_event_open(2), PERF_EVENT_IOC_SET_BPF. */
#include "collector/capture/heap_ticks.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PERIOD_NS 500000u

static int open_tick(int cpu)
{
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
		.disabled = 1,
	};

	return (int)syscall(SYS_perf_event_open, &event, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

int heap_ticks_open(struct heap_ticks *ticks, int program, struct error *error)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_CONF), result = 0;

	*ticks = (struct heap_ticks){.fds = xcalloc((size_t)cpus, sizeof(*ticks->fds))};
	for (int cpu = 0; cpu < cpus && !result; cpu++) {
		int fd = open_tick(cpu);

		if (fd < 0 && (errno == ENODEV || errno == ENXIO)) /* it is offline */
			continue;
		if (fd >= 0)
			ticks->fds[ticks->count++] = fd;
		if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, program))
			result = fail(error, -errno, "cannot see what probes cost: %m");
	}
	if (result)
		heap_ticks_close(ticks);
	return result;
}

void heap_ticks_close(struct heap_ticks *ticks)
{
	for (size_t i = 0; i < ticks->count; i++)
		close(ticks->fds[i]);
	free(ticks->fds);
	*ticks = (struct heap_ticks){0};
}

void heap_ticks_switch(const struct heap_ticks *ticks, bool is_on)
{
	for (size_t i = 0; i < ticks->count; i++)
		ioctl(ticks->fds[i], is_on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

struct heap_share heap_ticks_share(const struct heap_cpu *cpus, size_t count)
{
	struct heap_share share = {0};
	double squares = 0, least = INFINITY;

	for (size_t i = 0; i < count; i++) {
		double ticks = (double)cpus[i].ticks, found = (double)cpus[i].probe_ticks;

		if (ticks <= 0)
			continue;
		share.processors += found / ticks;
		share.ticks += cpus[i].probe_ticks;
		squares += found * (1 - found / ticks) / (ticks * ticks);
		least = fmin(least, 1 / ticks);
	}
	/* None at all may be one that was just not met. */
	share.error = isinf(least) ? INFINITY : sqrt(squares + least * least);
	return share;
}
