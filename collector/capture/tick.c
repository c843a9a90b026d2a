/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tick: see tick.h. Source: perf_event_open(2), PERF_EVENT_IOC_SET_FILTER; clock_getres(2). */
#include "collector/capture/tick.h"

#include "collector/capture/tracepoint.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of CPU time, until when one must have come. Beside other threads turns of ours may end just
 * before the tick for tens of milliseconds. */
#define PATIENCE_TICKS 100

/* Takes the addresses we want from a line of kallsyms; @entry_open says that the symbol before was
 * the entry, whose end is this one's start. */
static void take_symbol(struct tick *tick, uint64_t address, const char *name, bool *entry_open)
{
	if (*entry_open && address > tick->entry_start) {
		tick->entry_end = address;
		*entry_open = false;
	}
	/* The second is its name before Linux 6.10. */
	if (!strcmp(name, "tick_nohz_handler") || !strcmp(name, "tick_sched_timer"))
		tick->handler = address;
	if (!strcmp(name, "asm_sysvec_apic_timer_interrupt")) {
		tick->entry_start = address;
		*entry_open = true;
	}
}

static int read_symbols(struct tick *tick, struct error *error)
{
	FILE *stream = fopen("/proc/kallsyms", "re");
	bool entry_open = false;
	char line[512], name[256];
	uint64_t address;

	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, "%" SCNx64 " %*c %255s", &address, name) == 2)
			take_symbol(tick, address, name, &entry_open);
	if (stream)
		fclose(stream);
	if (tick->handler && tick->entry_start && tick->entry_end)
		return 0;
	return fail(error, -ENOENT,
		    "the address of the kernel's tick is hidden or unknown; run as root, or with "
		    "the capability CAP_SYSLOG, and kernel.kptr_restrict below 2");
}

int tick_find(struct tick *tick, struct error *error)
{
	struct timespec resolution;
	int result;

	*tick = (struct tick){0};
	result = tracepoint_find("timer/hrtimer_expire_entry", &tick->tracepoint, error);
	if (!result)
		result = read_symbols(tick, error);
	if (result)
		return result;
	/* The coarse clock advances by one tick. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	tick->period_ns = (uint64_t)resolution.tv_sec * 1000000000u + (uint64_t)resolution.tv_nsec;
	return 0;
}

int tick_filter(const struct tick *tick, int fd, struct error *error)
{
	char filter[64];

	snprintf(filter, sizeof(filter), "function == 0x%" PRIx64, tick->handler);
	if (ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		return fail(error, -errno, "the kernel refuses a filter on its tick: %m");
	return 0;
}

void tick_cut(const struct tick *tick, struct event_sample *sample)
{
	for (size_t i = 0; i < sample->kernel_count; i++) {
		uint64_t address = sample->kernel[i];

		if (address < tick->entry_start || address > tick->entry_end)
			continue;
		sample->kernel += i + 1;
		sample->kernel_count -= i + 1;
		return;
	}
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int tick_prove(const struct tick *tick, struct error *error)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tick->tracepoint,
		.disabled = 1, /* until the filter is there: other timers prove nothing */
	};
	uint64_t end_ns = now_ns() + PATIENCE_TICKS * tick->period_ns, count = 0;
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	int result;

	if (fd < 0)
		return fail(error, -errno,
			    "the kernel refuses events on its tick (%m); run as root, or with "
			    "the capability CAP_PERFMON");
	result = tick_filter(tick, fd, error);
	if (!result && ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		result = fail(error, -errno, "the kernel's tick cannot be counted: %m");
	while (!result && !count && now_ns() < end_ns)
		if (read(fd, &count, sizeof(count)) != sizeof(count))
			break;
	if (!result && !count)
		result = fail(error, -EIO, "the kernel's tick delivers no samples here");
	close(fd);
	return result;
}
