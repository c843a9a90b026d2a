/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampler: see sampler.h. */
#include "tests/bench/oracle/sampler.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES	 (32 << 20)
#define LEAST_RING_BYTES (256 << 10)
#define CPU_LIMIT	 64

/* ax bx cx dx si di bp sp ip and r8-r15, by perf's numbers, and the DWARF number of each in order.
 */
#define PERF_REGISTERS 0xff01ff
static const uint8_t dwarf_of_perf[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15};

struct sampler {
	const struct sampler_events *events;
	struct sampler_losses *losses;
	bool is_enough;
};

struct record {
	uint64_t time;
	const struct perf_event_header *header;
};

static void __attribute__((noreturn)) stop(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void take_mapping(const struct sampler *sampler, const uint8_t *body)
{
	struct {
		uint32_t pid, tid;
		uint64_t address, bytes, offset;
		uint32_t major, minor;
		uint64_t inode, generation;
		uint32_t protection, flags;
	} mapping;

	memcpy(&mapping, body, sizeof(mapping));
	sampler->events->map(sampler->events->context,
			     &(struct sampler_mapping){
				     .pid = (int)mapping.pid,
				     .start = mapping.address,
				     .end = mapping.address + mapping.bytes,
				     .offset = mapping.offset,
				     .inode = mapping.inode,
				     .path = (const char *)body + sizeof(mapping),
			     });
}

static void take_fork(const struct sampler *sampler, const uint8_t *body)
{
	uint32_t ids[4]; /* pid, parent pid, tid, parent tid */

	memcpy(ids, body, sizeof(ids));
	if (ids[0] != ids[1])
		sampler->events->fork(sampler->events->context, (int)ids[1], (int)ids[0]);
}

/* Body: pid, tid, time, callers, abi, registers, bytes, stack, bytes really copied. */
static void take_sample(struct sampler *sampler, const uint8_t *body)
{
	struct unwind_sample sample = {0};
	uint64_t abi, bytes, copied, time_ns;
	uint32_t ids[2];

	memcpy(ids, body, sizeof(ids));
	memcpy(&time_ns, body + 8, sizeof(time_ns));
	memcpy(&sample.caller_count, body + 16, 8);
	sample.callers = (const uint64_t *)(const void *)(body + 24);
	body += 24 + 8 * sample.caller_count;
	if (sample.caller_count && sample.callers[0] == PERF_CONTEXT_USER) {
		sample.callers++;
		sample.caller_count--;
	}
	memcpy(&abi, body, 8);
	body += 8;
	if (abi != PERF_SAMPLE_REGS_ABI_64) {
		sampler->losses->no_user++;
		return;
	}
	for (size_t i = 0; i < sizeof(dwarf_of_perf); i++, body += 8)
		memcpy(&sample.registers[dwarf_of_perf[i]], body, 8);
	memcpy(&bytes, body, 8);
	sample.stack = body + 8;
	copied = 0;
	if (bytes)
		memcpy(&copied, body + 8 + bytes, 8);
	sample.stack_bytes = copied;
	if (!sampler->is_enough)
		sampler->is_enough = !sampler->events->sample(sampler->events->context, (int)ids[0],
							      (int)ids[1], time_ns, &sample);
}

static void take_record(struct sampler *sampler, const struct perf_event_header *header)
{
	const uint8_t *body = (const uint8_t *)(header + 1);
	uint32_t pid;

	memcpy(&pid, body, sizeof(pid));
	if (header->type == PERF_RECORD_MMAP2)
		take_mapping(sampler, body);
	else if (header->type == PERF_RECORD_COMM && header->misc & PERF_RECORD_MISC_COMM_EXEC)
		sampler->events->exec(sampler->events->context, (int)pid);
	else if (header->type == PERF_RECORD_FORK)
		take_fork(sampler, body);
	else if (header->type == PERF_RECORD_SAMPLE)
		take_sample(sampler, body);
	else if (header->type == PERF_RECORD_LOST)
		sampler->losses->lost++;
}

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	uint8_t *data;
	uint8_t *taken; /* the records of one round, made contiguous */
	uint64_t head;
};

static size_t ring_bytes = RING_BYTES; /* of each CPU */

static int compare_records(const void *left, const void *right)
{
	const struct record *a = left;
	const struct record *b = right;

	return (a->time > b->time) - (a->time < b->time);
}

/* Copies all records of all rings, in the order of their time, to the caller. */
static void drain(struct sampler *sampler, struct ring *rings, long cpus)
{
	static struct record *records;
	static size_t capacity;
	size_t count = 0;

	for (long cpu = 0; cpu < cpus; cpu++) {
		struct ring *ring = &rings[cpu];
		uint64_t tail = ring->page->data_tail;
		uint64_t at = 0, bytes;

		ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
		bytes = ring->head - tail;
		for (uint64_t i = 0; i < bytes;) {
			uint64_t offset = (tail + i) % ring_bytes;
			uint64_t piece =
				ring_bytes - offset < bytes - i ? ring_bytes - offset : bytes - i;

			memcpy(ring->taken + i, ring->data + offset, piece);
			i += piece;
		}
		__atomic_store_n(&ring->page->data_tail, ring->head, __ATOMIC_RELEASE);
		while (at < bytes) {
			const struct perf_event_header *header = (void *)(ring->taken + at);
			const uint8_t *time = header->type == PERF_RECORD_SAMPLE
						      ? (const uint8_t *)header + 16
						      : (const uint8_t *)header + header->size - 8;

			xgrow(records, count, capacity);
			records[count].header = header;
			memcpy(&records[count].time, time, 8);
			count++;
			at += header->size;
		}
	}
	if (count)
		qsort(records, count, sizeof(*records), compare_records);
	for (size_t i = 0; i < count; i++)
		take_record(sampler, records[i].header);
}

static int open_event(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Maps the ring of every CPU; returns false, with none mapped, where they are too large together.
 */
static bool map_rings(struct ring *rings, long cpus)
{
	for (long cpu = 0; cpu < cpus; cpu++) {
		rings[cpu].page = mmap(NULL, ring_bytes + 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				       rings[cpu].fd, 0);
		if (rings[cpu].page == MAP_FAILED) {
			while (cpu-- > 0)
				munmap(rings[cpu].page, ring_bytes + 4096);
			return false;
		}
		rings[cpu].data = (uint8_t *)rings[cpu].page + 4096;
	}
	return true;
}

static void open_rings(struct ring *rings, long cpus, pid_t pid, unsigned int frequency_hz)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = frequency_hz,
		.freq = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN |
			       PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.exclude_callchain_kernel = 1,
		.sample_regs_user = PERF_REGISTERS,
		.sample_stack_user = SAMPLER_COPY_BYTES,
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = LEAST_RING_BYTES / 2,
	};

	for (long cpu = 0; cpu < cpus; cpu++) {
		int fd = open_event(&attr, pid, (int)cpu);

		if (fd < 0 && errno == EACCES) { /* an ordinary user may see his own code only */
			attr.exclude_kernel = 1;
			fd = open_event(&attr, pid, (int)cpu);
		}
		if (fd < 0)
			stop("perf_event_open");
		rings[cpu].fd = fd;
	}
	/* An ordinary user may lock a few megabytes for all rings together. */
	while (!map_rings(rings, cpus))
		if ((ring_bytes /= 2) < LEAST_RING_BYTES)
			stop("mmap of the ring");
	for (long cpu = 0; cpu < cpus; cpu++)
		rings[cpu].taken = xmalloc(ring_bytes);
}

static pid_t start_program(char **arguments, int *release)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe(ends) < 0)
		stop("pipe");
	pid = fork();
	if (pid < 0)
		stop("fork");
	if (!pid) {
		close(ends[1]);
		if (read(ends[0], &byte, 1) != 1)
			_exit(127);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	close(ends[0]);
	*release = ends[1];
	return pid;
}

void sampler_run(unsigned int frequency_hz, char **arguments, const struct sampler_events *events,
		 struct sampler_losses *losses)
{
	struct sampler sampler = {.events = events, .losses = losses};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct ring rings[CPU_LIMIT] = {0};
	bool is_stopped = false;
	int release, status;
	pid_t pid;

	if (cpus > CPU_LIMIT)
		cpus = CPU_LIMIT;
	pid = start_program(arguments, &release);
	open_rings(rings, cpus, pid, frequency_hz);
	if (write(release, "", 1) != 1)
		stop("release of the program");
	while (!waitpid(pid, &status, WNOHANG)) {
		poll(NULL, 0, (int)events->round(events->context));
		drain(&sampler, rings, cpus);
		if (sampler.is_enough && !is_stopped) {
			kill(pid, SIGTERM);
			is_stopped = true;
		}
	}
	drain(&sampler, rings, cpus);
}
