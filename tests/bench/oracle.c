/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oracle: compares the unwinder with an independent one (elfutils' libdw) on real samples, and
 * measures its speed.
 *
 *     oracle [OPTION…] -- PROGRAM [ARGUMENT…]
 *
 * The program is run and sampled with registers and stack copies of 65,528 bytes. Each sample is
 * walked twice, by unwind_walk and by dwfl_thread_getframes over the same registers and bytes, and
 * the two lists of addresses are compared. It has a sampler of its own, so that it depends on
 * nothing of the collector but what it tests.
 *
 * With --copy N only N bytes are given to unwind_walk while libdw keeps all of them: then the
 * policy for truncated walks is judged (live memory, last complete walk).
 *
 * libdw is no oracle where there is no call frame information for it. Told apart from real
 * differences, by what can be seen in its own answer, are stacks
 *     astray   that it led out of all mapped memory, while ours reached the root
 *     skipped  that are ours less some frames, where ours passed code without information: libdw
 *              takes the frame pointer in a function that has not made its frame yet
 *     beyond   on which it went on where Go marks the first function of a stack
 *
 * Exit status: 0 every compared stack agrees or is one of these, or libdw stopped first; 1 trouble;
 * 2 they differ.
 */
#include "collector/resolve/unwind.h"
#include "collector/base/xalloc.h"

#include <argp.h>
#include <elfutils/libdwfl.h>
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

#define COPY_BYTES	 65528
#define RING_BYTES	 (32 << 20)
#define LEAST_RING_BYTES (256 << 10)
#define CPU_LIMIT	 64
#define STORED		 3000 /* samples kept to measure speed */
#define CACHED		 100  /* of these, what stays in the processor's cache */

/* ax bx cx dx si di bp sp ip and r8-r15, by perf's numbers, and the DWARF number of each in order.
 */
#define PERF_REGISTERS 0xff01ff
static const uint8_t dwarf_of_perf[] = {0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15};

struct mapping_record {
	int pid;
	uint64_t start, end, offset, inode;
	char *path;
};

struct process {
	int pid;
	struct address_space *space;
	Dwfl *dwfl;
	size_t dwfl_mappings; /* how many were known when dwfl was made */
	size_t mapping_count;
};

struct thread {
	int tid;
	struct unwind_memory memory;
};

struct stored {
	int pid;
	struct unwind_sample sample;
};

struct oracle {
	struct profile *profile;
	struct modules *modules;
	struct process *processes;
	size_t process_count, process_capacity;
	struct thread **threads;
	size_t thread_count, thread_capacity;
	struct mapping_record *mappings;
	size_t mapping_count, mapping_capacity;
	struct stored *stored;
	size_t stored_count, stored_capacity;

	const struct unwind_sample *current; /* what libdw's callbacks read */
	int current_tid;
	uint32_t theirs[UNWIND_DEPTH];
	uint32_t their_count;
	struct process *current_process;

	size_t endings[PROFILE_ENDINGS];
	size_t samples, frames, lost, no_user, shallow;
	size_t compared, same, they_stopped, we_stopped, differ, no_libdw;
	size_t astray, skipped, beyond; /* see above */
	size_t frames_compared, frames_same;
	double our_seconds, their_seconds;
};

static struct {
	unsigned int frequency;
	size_t copy;
	size_t limit;
	bool live, verbose, no_libdw, no_speed;
	unsigned int poll_ms;
} options = {.frequency = 499, .copy = COPY_BYTES, .limit = 5000, .poll_ms = 20};

/* Of CPU time: the machine may be shared. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void __attribute__((noreturn)) stop(const char *what)
{
	fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- libdw -------------------------------------------------------------------------------- */

static pid_t next_thread(Dwfl *dwfl, void *dwfl_argument, void **thread_argument)
{
	struct oracle *oracle = dwfl_argument;

	(void)dwfl;
	if (*thread_argument)
		return 0;
	*thread_argument = oracle;
	return oracle->current_tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *dwfl_argument, void **thread_argument)
{
	(void)dwfl;
	(void)tid;
	*thread_argument = dwfl_argument;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *value, void *argument)
{
	const struct unwind_sample *sample = ((struct oracle *)argument)->current;
	uint64_t offset = address - sample->registers[CFI_SP];

	(void)dwfl;
	if (sample->stack_bytes < 8 || offset > sample->stack_bytes - 8)
		return false;
	memcpy(value, sample->stack + offset, 8);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct unwind_sample *sample = ((struct oracle *)argument)->current;

	dwfl_thread_state_register_pc(thread, sample->registers[CFI_IP]);
	return dwfl_thread_state_registers(thread, 0, CFI_REGISTERS, sample->registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* Their addresses become frames as ours do, so that lists of frames can be compared. */
static int take_frame(Dwfl_Frame *frame, void *argument)
{
	struct oracle *oracle = argument;
	bool is_exact;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &is_exact) || oracle->their_count == UNWIND_DEPTH)
		return DWARF_CB_ABORT;
	oracle->theirs[oracle->their_count++] =
		address_space_find(oracle->current_process->space, pc - !is_exact)->frame;
	return DWARF_CB_OK;
}

/* (Re)creates the process's libdw session when it maps more than last time. */
static bool open_dwfl(struct oracle *oracle, struct process *process)
{
	static char *no_debug_path = (char *)"";
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_debug_path,
	};
	Dwfl *dwfl;

	if (process->dwfl && process->dwfl_mappings == process->mapping_count)
		return true;
	dwfl = dwfl_begin(&callbacks);
	if (dwfl_linux_proc_report(dwfl, process->pid) || dwfl_report_end(dwfl, NULL, NULL) ||
	    !dwfl_attach_state(dwfl, NULL, process->pid, &thread_callbacks, oracle)) {
		dwfl_end(dwfl);
		return process->dwfl != NULL;
	}
	if (process->dwfl)
		dwfl_end(process->dwfl);
	process->dwfl = dwfl;
	process->dwfl_mappings = process->mapping_count;
	return true;
}

/* ---- comparing ----------------------------------------------------------------------------- */

static void print_stack(struct oracle *oracle, const char *title, const uint32_t *frames,
			uint32_t count)
{
	printf("  %s:", title);
	for (uint32_t i = 0; i < count; i++) {
		const struct profile_frame *frame = &oracle->profile->frames[frames[i]];
		const char *path = oracle->profile->modules[frame->module].path;
		const char *slash = strrchr(path, '/');

		printf(" %s+%llx", slash ? slash + 1 : path, (unsigned long long)frame->address);
	}
	printf("\n");
}

static enum profile_module_kind kind_of(const struct oracle *oracle, uint32_t frame)
{
	return oracle->profile->modules[oracle->profile->frames[frame].module].kind;
}

/* Says whether libdw's stack is ours with frames left out. */
static bool is_part_of(const struct oracle *oracle, const uint32_t *ours, uint32_t our_count)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < our_count && found < oracle->their_count; i++)
		found += ours[i] == oracle->theirs[found];
	return found == oracle->their_count && ours[our_count - 1] == oracle->theirs[found - 1];
}

/* Counts stacks of which libdw itself shows that it is wrong; see above. */
static size_t *libdw_fault(struct oracle *oracle, const uint32_t *ours, uint32_t our_count,
			   enum profile_ending ending)
{
	if (!profile_endings[ending].complete)
		return NULL;
	if (kind_of(oracle, oracle->theirs[oracle->their_count - 1]) == PROFILE_MODULE_UNKNOWN)
		return &oracle->astray;
	if (ending == PROFILE_ENDING_GUESSED && is_part_of(oracle, ours, our_count))
		return &oracle->skipped;
	return NULL;
}

/* Says whether @frame lies in a program of Go's. */
static bool is_go(const struct oracle *oracle, uint32_t frame)
{
	const struct module *module =
		modules_find(oracle->modules, oracle->profile->frames[frame].module);

	return module && module->go;
}

static void compare(struct oracle *oracle, const uint32_t *ours, uint32_t our_count,
		    enum profile_ending ending)
{
	uint32_t shorter = our_count < oracle->their_count ? our_count : oracle->their_count;
	const char *verdict = NULL;
	uint32_t same = 0;
	size_t *fault;

	while (same < shorter && ours[same] == oracle->theirs[same])
		same++;
	oracle->compared++;
	fault = same < shorter ? libdw_fault(oracle, ours, our_count, ending) : NULL;
	if (fault) {
		++*fault;
		oracle->frames_compared += same;
		oracle->frames_same += same;
		return;
	}
	oracle->frames_compared += shorter;
	oracle->frames_same += same;
	if (same < shorter) {
		oracle->differ++;
		verdict = "differ";
	} else if (our_count > oracle->their_count) {
		oracle->they_stopped++;
		verdict = options.verbose ? "libdw stopped first" : NULL;
	} else if (our_count < oracle->their_count && profile_endings[ending].complete &&
		   is_go(oracle, ours[our_count - 1])) {
		oracle->beyond++;
	} else if (our_count < oracle->their_count) {
		oracle->we_stopped++;
		verdict = "we stopped first";
	} else {
		oracle->same++;
		verdict = options.verbose && ending ? "no trouble for libdw" : NULL;
	}
	if (verdict && (oracle->differ + oracle->we_stopped < 20 || options.verbose)) {
		printf("%s (%s, copy %zu):\n", verdict, profile_endings[ending].name,
		       oracle->current->stack_bytes);
		print_stack(oracle, "ours", ours, our_count);
		print_stack(oracle, "libdw", oracle->theirs, oracle->their_count);
	}
}

static struct unwind_memory *thread_memory(struct oracle *oracle, int tid)
{
	struct thread *thread;

	for (size_t i = 0; i < oracle->thread_count; i++)
		if (oracle->threads[i]->tid == tid)
			return &oracle->threads[i]->memory;
	xgrow(oracle->threads, oracle->thread_count, oracle->thread_capacity);
	thread = oracle->threads[oracle->thread_count++] = xcalloc(1, sizeof(*thread));
	thread->tid = tid;
	return &thread->memory;
}

static void *keep(const void *bytes, size_t count)
{
	return memcpy(xmalloc(count), bytes, count);
}

static void store(struct oracle *oracle, int pid, const struct unwind_sample *sample)
{
	struct stored *stored;

	if (oracle->stored_count == STORED)
		return;
	xgrow(oracle->stored, oracle->stored_count, oracle->stored_capacity);
	stored = &oracle->stored[oracle->stored_count++];
	*stored = (struct stored){pid, *sample};
	stored->sample.stack = keep(sample->stack, sample->stack_bytes);
	stored->sample.callers = keep(sample->callers, 8 * sample->caller_count);
}

static void judge(struct oracle *oracle, struct process *process, int tid,
		  struct unwind_sample *sample)
{
	uint32_t ours[UNWIND_DEPTH];
	size_t all_bytes = sample->stack_bytes;
	enum profile_ending ending;
	uint32_t count;
	double start;

	if (oracle->samples >= options.limit)
		return;
	store(oracle, process->pid, sample);
	if (all_bytes > options.copy)
		sample->stack_bytes = options.copy;
	start = seconds();
	count = unwind_walk(process->space, thread_memory(oracle, tid),
			    options.live ? process->pid : 0, sample, ours, &ending);
	oracle->our_seconds += seconds() - start;
	sample->stack_bytes = all_bytes;
	oracle->samples++;
	oracle->frames += count;
	oracle->endings[ending]++;
	if (options.no_libdw)
		return;
	oracle->current = sample;
	oracle->current_tid = tid;
	oracle->current_process = process;
	oracle->their_count = 0;
	if (!open_dwfl(oracle, process)) {
		oracle->no_libdw++;
		return;
	}
	start = seconds();
	dwfl_getthread_frames(process->dwfl, tid, take_frame, oracle);
	oracle->their_seconds += seconds() - start;
	if (oracle->their_count)
		compare(oracle, ours, count, ending);
	else
		oracle->no_libdw++;
}

/* ---- records ------------------------------------------------------------------------------- */

struct record {
	uint64_t time;
	const struct perf_event_header *header;
};

static struct process *find_process(struct oracle *oracle, int pid)
{
	struct process *process;

	for (size_t i = 0; i < oracle->process_count; i++)
		if (oracle->processes[i].pid == pid)
			return &oracle->processes[i];
	xgrow(oracle->processes, oracle->process_count, oracle->process_capacity);
	process = &oracle->processes[oracle->process_count++];
	*process = (struct process){.pid = pid};
	process->space = address_space_new(oracle->profile, oracle->modules, pid);
	return process;
}

static void take_mapping(struct oracle *oracle, const uint8_t *body)
{
	struct {
		uint32_t pid, tid;
		uint64_t address, bytes, offset;
		uint32_t major, minor;
		uint64_t inode, generation;
		uint32_t protection, flags;
	} mapping;
	struct module_identity identity;
	struct mapping_record *logged;
	struct process *process;

	memcpy(&mapping, body, sizeof(mapping));
	process = find_process(oracle, (int)mapping.pid);
	identity = (struct module_identity){.path = (const char *)body + sizeof(mapping),
					    .inode = mapping.inode};
	address_space_map(process->space, mapping.address, mapping.address + mapping.bytes,
			  mapping.offset, &identity);
	process->mapping_count++;
	xgrow(oracle->mappings, oracle->mapping_count, oracle->mapping_capacity);
	logged = &oracle->mappings[oracle->mapping_count++];
	*logged = (struct mapping_record){
		process->pid,	mapping.address, mapping.address + mapping.bytes,
		mapping.offset, mapping.inode,	 xstrdup(identity.path)};
}

static void take_exec(struct oracle *oracle, int pid)
{
	struct process *process = find_process(oracle, pid);

	address_space_exec(process->space);
	for (size_t i = 0; i < oracle->mapping_count; i++)
		if (oracle->mappings[i].pid == pid)
			oracle->mappings[i].pid = -1;
	if (process->dwfl)
		dwfl_end(process->dwfl);
	process->dwfl = NULL;
}

static void take_fork(struct oracle *oracle, const uint8_t *body)
{
	uint32_t ids[4]; /* pid, parent pid, tid, parent tid */
	struct address_space *space;
	struct process *parent, *child;

	memcpy(ids, body, sizeof(ids));
	if (ids[0] == ids[1])
		return;
	parent = find_process(oracle, (int)ids[1]);
	space = address_space_fork(parent->space, (int)ids[0]);
	child = find_process(oracle, (int)ids[0]);
	address_space_free(child->space);
	child->space = space;
}

/* Body: pid, tid, time, callers, abi, registers, bytes, stack, bytes really copied. */
static void take_sample(struct oracle *oracle, const uint8_t *body)
{
	struct unwind_sample sample = {0};
	uint64_t abi, bytes, copied;
	uint32_t ids[2];

	memcpy(ids, body, sizeof(ids));
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
		oracle->no_user++;
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
	judge(oracle, find_process(oracle, (int)ids[0]), (int)ids[1], &sample);
}

static void take_record(struct oracle *oracle, const struct perf_event_header *header)
{
	const uint8_t *body = (const uint8_t *)(header + 1);
	uint32_t pid;

	memcpy(&pid, body, sizeof(pid));
	if (header->type == PERF_RECORD_MMAP2)
		take_mapping(oracle, body);
	else if (header->type == PERF_RECORD_COMM && header->misc & PERF_RECORD_MISC_COMM_EXEC)
		take_exec(oracle, (int)pid);
	else if (header->type == PERF_RECORD_FORK)
		take_fork(oracle, body);
	else if (header->type == PERF_RECORD_SAMPLE)
		take_sample(oracle, body);
	else if (header->type == PERF_RECORD_LOST)
		oracle->lost++;
}

/* ---- sampler ------------------------------------------------------------------------------- */

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

/* Copies all records of all rings, in the order of their time, to the oracle. */
static size_t drain(struct oracle *oracle, struct ring *rings, long cpus)
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
		take_record(oracle, records[i].header);
	return count;
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

static void open_rings(struct ring *rings, long cpus, pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = options.frequency,
		.freq = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN |
			       PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.exclude_callchain_kernel = 1,
		.sample_regs_user = PERF_REGISTERS,
		.sample_stack_user = COPY_BYTES,
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
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

static void record(struct oracle *oracle, char **arguments)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct ring rings[CPU_LIMIT] = {0};
	bool is_stopped = false;
	int release, status;
	pid_t pid;

	if (cpus > CPU_LIMIT)
		cpus = CPU_LIMIT;
	pid = start_program(arguments, &release);
	open_rings(rings, cpus, pid);
	if (write(release, "", 1) != 1)
		stop("release of the program");
	while (!waitpid(pid, &status, WNOHANG)) {
		poll(NULL, 0, (int)options.poll_ms);
		drain(oracle, rings, cpus);
		if (oracle->samples >= options.limit && !is_stopped) {
			kill(pid, SIGTERM);
			is_stopped = true;
		}
	}
	drain(oracle, rings, cpus);
}

/* ---- speed --------------------------------------------------------------------------------- */

static struct address_space *cold_space(struct oracle *oracle, struct modules *modules, int pid)
{
	struct address_space *space = address_space_new(oracle->profile, modules, pid);

	for (size_t i = 0; i < oracle->mapping_count; i++) {
		const struct mapping_record *mapping = &oracle->mappings[i];
		struct module_identity identity = {.path = mapping->path, .inode = mapping->inode};

		if (mapping->pid == pid)
			address_space_map(space, mapping->start, mapping->end, mapping->offset,
					  &identity);
	}
	return space;
}

static int busiest_process(const struct oracle *oracle)
{
	size_t most = 0;
	int pid = 0;

	for (size_t i = 0; i < oracle->process_count; i++) {
		size_t count = 0;

		for (size_t k = 0; k < oracle->stored_count; k++)
			count += oracle->stored[k].pid == oracle->processes[i].pid;
		if (count > most) {
			most = count;
			pid = oracle->processes[i].pid;
		}
	}
	return pid;
}

struct speed {
	size_t stacks;
	size_t frames;
	double seconds;
};

/* Walks up to @limit stored samples of a process once. */
static void walk_stored(const struct oracle *oracle, struct address_space *space, size_t limit,
			struct speed *speed)
{
	static struct unwind_memory memory;
	uint32_t frames[UNWIND_DEPTH];
	enum profile_ending ending;
	double start = seconds();
	size_t count = 0;

	for (size_t i = 0; i < oracle->stored_count && count < limit; i++) {
		if (oracle->stored[i].pid != address_space_pid(space))
			continue;
		speed->frames +=
			unwind_walk(space, &memory, 0, &oracle->stored[i].sample, frames, &ending);
		count++;
	}
	speed->stacks += count;
	speed->seconds += seconds() - start;
}

/*
 * Measures the walk of the busiest process: the first stack (which opens its modules), all stacks
 * with nothing known, all again (their bytes come from memory), and some that stay in the cache,
 * as those that the kernel has just copied do.
 */
static void measure(struct oracle *oracle)
{
	struct modules *modules = modules_new(oracle->profile);
	struct address_space *space = cold_space(oracle, modules, busiest_process(oracle));
	struct speed first = {0}, cold = {0}, again = {0}, warm = {0};

	walk_stored(oracle, space, 1, &first);
	walk_stored(oracle, space, STORED, &cold);
	walk_stored(oracle, space, STORED, &again);
	while (warm.stacks < cold.stacks || warm.seconds < 1)
		walk_stored(oracle, space, CACHED, &warm);
	printf("speed: first stack %.3f ms; %zu stacks of depth %.1f: nothing known %.2f us each, "
	       "again %.2f us; warm %.0f stacks/s, %.1f M frames/s\n",
	       first.seconds * 1e3, cold.stacks, (double)cold.frames / (double)cold.stacks,
	       cold.seconds * 1e6 / (double)cold.stacks, again.seconds * 1e6 / (double)again.stacks,
	       (double)warm.stacks / warm.seconds, (double)warm.frames / warm.seconds / 1e6);
	address_space_free(space);
	modules_free(modules);
}

/* ---- report -------------------------------------------------------------------------------- */

static int report(struct oracle *oracle)
{
	size_t complete = 0;

	printf("samples %zu (lost records %zu, without user registers %zu), mean depth %.1f\n",
	       oracle->samples, oracle->lost, oracle->no_user,
	       oracle->samples ? (double)oracle->frames / (double)oracle->samples : 0);
	printf("endings:");
	for (int i = 0; i < PROFILE_ENDINGS; i++) {
		if (oracle->endings[i])
			printf(" %s %zu", profile_endings[i].name, oracle->endings[i]);
		complete += profile_endings[i].complete ? oracle->endings[i] : 0;
	}
	printf("; complete %.2f %%\n",
	       oracle->samples ? 100.0 * (double)complete / (double)oracle->samples : 0);
	if (!options.no_libdw)
		printf("libdw: compared %zu, identical %zu, libdw stopped first %zu, went astray "
		       "%zu, skipped %zu, beyond %zu, we stopped first %zu, differ %zu, not walked "
		       "%zu; frames %zu of %zu agree (%.3f %%)\n"
		       "libdw: %.0f stacks/s as sampled, ours %.0f\n",
		       oracle->compared, oracle->same, oracle->they_stopped, oracle->astray,
		       oracle->skipped, oracle->beyond, oracle->we_stopped, oracle->differ,
		       oracle->no_libdw, oracle->frames_same, oracle->frames_compared,
		       oracle->frames_compared ? 100.0 * (double)oracle->frames_same /
							 (double)oracle->frames_compared
					       : 0,
		       (double)oracle->compared / oracle->their_seconds,
		       (double)oracle->samples / oracle->our_seconds);
	if (!options.no_speed && oracle->stored_count)
		measure(oracle);
	return oracle->differ || oracle->we_stopped ? 2 : 0;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'F':
		options.frequency = (unsigned int)strtoul(argument, NULL, 10);
		return 0;
	case 'c':
		options.copy = strtoul(argument, NULL, 10);
		return 0;
	case 'n':
		options.limit = strtoul(argument, NULL, 10);
		return 0;
	case 'p':
		options.poll_ms = (unsigned int)strtoul(argument, NULL, 10);
		return 0;
	case 'l':
		options.live = true;
		return 0;
	case 'v':
		options.verbose = true;
		return 0;
	case 's':
		options.no_speed = true;
		return 0;
	case 'x':
		options.no_libdw = true;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"frequency", 'F', "HZ", 0, "samples a second of CPU time (499)", 0},
		{"copy", 'c', "BYTES", 0, "stack bytes given to our walk (65528)", 0},
		{"limit", 'n', "N", 0, "end the program after N samples (5000)", 0},
		{"poll", 'p', "MS", 0, "interval of reading samples (20)", 0},
		{"live", 'l', NULL, 0, "finish truncated walks from the live process", 0},
		{"verbose", 'v', NULL, 0, "print all stacks that are not identical", 0},
		{"no-speed", 's', NULL, 0, "do not measure speed", 0},
		{"no-libdw", 'x', NULL, 0, "do not compare", 0},
		{0},
	};
	static const struct argp argp = {
		.options = rows,
		.parser = parse_option,
		.args_doc = "PROGRAM [ARGUMENT...]",
		.doc = "Compares the unwinder with libdw on real samples."};
	struct oracle oracle = {0};
	int first;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, &first, NULL);
	oracle.profile = profile_new();
	oracle.modules = modules_new(oracle.profile);
	record(&oracle, argv + first);
	for (size_t i = 0; i < oracle.profile->modules_count; i++) {
		struct module *module = modules_find(oracle.modules, (uint32_t)i);

		if (module && module->problem)
			printf("module: %s\n", module->problem);
	}
	return report(&oracle);
}
