/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_engine: see perf_engine.h. Source: perf_event_open(2). */
#include "collector/capture/perf_engine.h"

#include "collector/capture/perf_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS_PER_SECOND 1000000000u

const struct perf_engine perf_engines[PERF_ENGINES] = {
	{
		.name = "cycles",
		.metric = "cpu",
		.unit = "cycles",
		.note = "",
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.has_frequency = true,
	},
	{
		.name = "cycles-user",
		.metric = "cpu",
		.unit = "cycles",
		.note = "kernel code is not seen",
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.exclude_kernel = true,
		.has_frequency = true,
	},
	{
		.name = "cpu-clock",
		.metric = "cpu",
		.unit = "ns",
		.note = "",
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
	},
	{
		.name = "cpu-clock-user",
		.metric = "cpu",
		.unit = "ns",
		.note = "kernel code is not seen",
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.exclude_kernel = true,
	},
	{
		.name = "tick",
		.metric = "cpu",
		.unit = "ns",
		.note = "samples come with the kernel's tick, so work driven by it is seen too "
			"often",
		.type = PERF_TYPE_TRACEPOINT,
		.is_tick = true,
	},
};

const struct perf_engine *perf_engine_find(const char *name)
{
	for (int i = 0; i < PERF_ENGINES; i++)
		if (!strcmp(perf_engines[i].name, name))
			return &perf_engines[i];
	return NULL;
}

uint64_t perf_engine_period(const struct perf_engine *engine, unsigned frequency_hz)
{
	return engine->has_frequency ? 1 : NANOSECONDS_PER_SECOND / frequency_hz;
}

/* Returns a number in a file, 0 where it cannot be read. */
static int read_number(const char *path)
{
	FILE *stream = fopen(path, "re");
	int number = 0;

	if (stream) {
		if (fscanf(stream, "%d", &number) != 1)
			number = 0;
		fclose(stream);
	}
	return number;
}

static int paranoid_level(void)
{
	return read_number("/proc/sys/kernel/perf_event_paranoid");
}

int perf_engine_most_hz(void)
{
	return read_number("/proc/sys/kernel/perf_event_max_sample_rate");
}

/* Says who refuses an event, and what an administrator can do. */
static int refused(const struct perf_event_attr *attr, pid_t pid, struct error *error)
{
	int code = errno, level = paranoid_level(), needed = attr->exclude_kernel ? 2 : 1;

	errno = code;
	if (level > needed && !geteuid())
		return fail(error, -errno,
			    "the kernel refuses perf_event_open (%m; kernel.perf_event_paranoid is "
			    "%d): this root lacks the capability CAP_PERFMON; in a container "
			    "docker run --cap-add PERFMON, or `sysctl "
			    "kernel.perf_event_paranoid=%d` on the host",
			    level, needed);
	if (level > needed)
		return fail(error, -errno,
			    "the kernel refuses perf_event_open (%m; kernel.perf_event_paranoid is "
			    "%d); run as root, or `sysctl kernel.perf_event_paranoid=%d`, or "
			    "`setcap cap_perfmon+ep` the collector; in a container docker run "
			    "--cap-add PERFMON",
			    level, needed);
	if (errno == EACCES && pid > 0)
		return fail(error, -errno,
			    "the kernel refuses to show process or thread %d to you (%m): it is "
			    "somebody else's, or has more rights than you; run as root, or with "
			    "the capability CAP_PERFMON",
			    pid);
	return fail(error, -errno,
		    "the kernel refuses perf_event_open (%m), although "
		    "kernel.perf_event_paranoid is %d: a filter of system calls does, as in "
		    "containers; allow it there (docker run --cap-add PERFMON)",
		    level);
}

/* @ring_fd  event into whose ring it writes; -1: its own, or none yet */
static int open_event(struct perf_event_attr *attr, pid_t pid, int cpu, int ring_fd,
		      struct error *error)
{
	unsigned long output = ring_fd < 0 ? 0 : PERF_FLAG_FD_OUTPUT | PERF_FLAG_FD_NO_GROUP;
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, ring_fd,
			      output | PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EACCES:
	case EPERM:
		return refused(attr, pid, error);
	case ESRCH:
		return fail(error, -errno, "there is no process or thread %d", pid);
	case ENOSYS:
		return fail(error, -errno,
			    "there is no perf_event_open here (%m): the kernel has none, or a "
			    "filter of system calls hides it, as in containers; allow it there "
			    "(docker run --cap-add PERFMON)");
	case EMFILE:
		return fail(error, -errno, "too many open files; raise `ulimit -n`");
	case ENOENT:
	case EOPNOTSUPP:
		return fail(error, -errno,
			    "this machine does not count processor events; use -e cpu-clock");
	default:
		return fail(error, -errno, "perf_event_open failed: %m");
	}
}

static void common(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
}

int perf_engine_open_ring(int cpu, uint32_t ring_bytes, struct error *error)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
		.watermark = 1,
		.wakeup_watermark = ring_bytes / 2,
	};

	common(&attr);
	return open_event(&attr, 0, cpu, -1, error);
}

int perf_engine_open_deliveries(uint64_t tracepoint, int cpu, uint32_t copy_bytes,
				uint32_t ring_bytes, struct error *error)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = tracepoint,
		.sample_type = PERF_RECORD_SAMPLE_TYPE,
		.read_format = PERF_FORMAT_LOST,
		.sample_period = 1,
		.sample_regs_user = PERF_RECORD_REGISTERS,
		.exclude_callchain_user = 1,
		.exclude_callchain_kernel = 1,
		.sample_stack_user = copy_bytes,
		.disabled = 1,
		.watermark = 1,
		.wakeup_watermark = ring_bytes / 2,
	};
	int fd, result = 0;

	common(&attr);
	fd = open_event(&attr, -1, cpu, -1, error);
	if (fd >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, "sa_flags & 0x8000000"))
		result = fail(error, -errno, "the kernel refuses a filter on signals: %m");
	if (!result)
		return fd;
	close(fd);
	return result;
}

int perf_engine_redirect(int fd, int ring_fd, struct error *error)
{
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring_fd))
		return fail(error, -errno, "cannot redirect a perf event: %m");
	return 0;
}

/* Opens an event of a thread that writes into the ring of @ring_fd; -1: into none yet. */
static int open_redirected(struct perf_event_attr *attr, enum perf_start start, pid_t tid, int cpu,
			   int ring_fd, struct error *error)
{
	common(attr);
	attr->inherit = 1;
	attr->sample_id_all = 1;
	attr->disabled = start != PERF_START_NOW;
	attr->enable_on_exec = start == PERF_START_ON_EXEC;
	return open_event(attr, tid, cpu, ring_fd, error);
}

int perf_engine_open(const struct perf_engine *engine, enum perf_start start, pid_t tid, int cpu,
		     unsigned frequency_hz, const struct perf_copy *copy, int ring_fd,
		     const struct tick *tick, struct error *error)
{
	struct perf_event_attr attr = {
		.type = engine->type,
		.config = engine->is_tick ? tick->tracepoint : engine->config,
		.sample_type = PERF_RECORD_SAMPLE_TYPE,
		.read_format = PERF_FORMAT_LOST,
		.exclude_kernel = engine->exclude_kernel,
		.exclude_hv = 1,
		.sample_regs_user = PERF_RECORD_REGISTERS,
		.exclude_callchain_user = !copy->has_callers,
		.sample_stack_user = copy->bytes,
	};
	int fd;

	if (engine->is_tick) {
		attr.sample_period = 1;
	} else if (engine->has_frequency) {
		attr.freq = 1;
		attr.sample_freq = frequency_hz;
	} else {
		attr.sample_period = perf_engine_period(engine, frequency_hz);
	}
	fd = open_redirected(&attr, start, tid, cpu, ring_fd, error);
	if (fd == -EINVAL) { /* before Linux 6.0 losses are told by records only */
		attr.read_format = 0;
		fd = open_redirected(&attr, start, tid, cpu, ring_fd, error);
	}
	if (fd >= 0 && engine->is_tick) {
		int result = tick_filter(tick, fd, error);

		if (result) {
			close(fd);
			return result;
		}
	}
	return fd;
}

int perf_engine_open_side(enum perf_start start, pid_t tid, int cpu, int ring_fd,
			  struct error *error)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_type = PERF_RECORD_SIDE_TYPE,
		.exclude_kernel = 1,
		.mmap = 1,
		.mmap2 = 1,
		.build_id = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
	};
	int fd = open_redirected(&attr, start, tid, cpu, ring_fd, error);

	if (fd == -EINVAL) { /* before Linux 5.12 mappings carry inodes instead of build-ids */
		attr.build_id = 0;
		fd = open_redirected(&attr, start, tid, cpu, ring_fd, error);
	}
	return fd;
}

int perf_engine_open_apart(pid_t tid, struct error *error)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
		.disabled = 1,
		.inherit = 1,
		.inherit_thread = 1,
	};

	common(&attr);
	return open_event(&attr, tid, -1, -1, error);
}
