/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_trial: see uprobe_trial.h. */
#include "collector/capture/uprobe_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES	      9
#define BATCH_CALLS   200
#define STEPPED_CALLS 40 /* may cost twenty times as much */

/* Functions that return their argument; the first instruction is what they differ in. The first
 * kind keeps it below the stack pointer, as leaf functions may. */
#define TRIAL_FUNCTION(name, instructions)                                                         \
	uint64_t name(uint64_t value);                                                             \
	extern const char name##_exit[];                                                           \
	__asm__(".pushsection .text\n"                                                             \
		".p2align 4\n"                                                                     \
		".type " #name ",@function\n" #name ":\n" instructions "\n" #name "_exit:\n"       \
		"ret\n"                                                                            \
		".size " #name ",.-" #name "\n"                                                    \
		".popsection\n")

#define NOP5	 ".byte 0x0f, 0x1f, 0x44, 0, 0\n mov %rdi,-8(%rsp)\n mov -8(%rsp),%rax"
#define EMULATED "push %rbx\n mov %rdi,%rax\n pop %rbx"
#define STEPPED	 "mov %rdi,%rax"

TRIAL_FUNCTION(uprobe_trial_time_nop5, NOP5);
TRIAL_FUNCTION(uprobe_trial_time_emulated, EMULATED);
TRIAL_FUNCTION(uprobe_trial_time_stepped, STEPPED);
TRIAL_FUNCTION(uprobe_trial_count_nop5, NOP5);
TRIAL_FUNCTION(uprobe_trial_count_emulated, EMULATED);
TRIAL_FUNCTION(uprobe_trial_count_stepped, STEPPED);
TRIAL_FUNCTION(uprobe_trial_exit_nop5, NOP5);
TRIAL_FUNCTION(uprobe_trial_exit_emulated, EMULATED);
TRIAL_FUNCTION(uprobe_trial_exit_stepped, STEPPED);
TRIAL_FUNCTION(uprobe_trial_bare, STEPPED);

typedef uint64_t trial_function(uint64_t value);

static trial_function *const functions[UPROBE_TRIAL_FUNCTIONS] = {
	uprobe_trial_time_nop5,	 uprobe_trial_time_emulated,  uprobe_trial_time_stepped,
	uprobe_trial_count_nop5, uprobe_trial_count_emulated, uprobe_trial_count_stepped,
	uprobe_trial_exit_nop5,	 uprobe_trial_exit_emulated,  uprobe_trial_exit_stepped,
};

static const char *const exits[UPROBE_KINDS] = {
	uprobe_trial_exit_nop5_exit,
	uprobe_trial_exit_emulated_exit,
	uprobe_trial_exit_stepped_exit,
};

/* What the child tells. */
struct findings {
	uint32_t added_ns[UPROBE_TRIAL_FUNCTIONS];
	bool is_right;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Returns nanoseconds per call, in tenths: the median of some batches. */
static uint64_t time_calls(trial_function *function, unsigned calls, bool *is_right)
{
	uint64_t tenths[BATCHES];

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t start_ns = now_ns();
		int at = batch;

		for (uint64_t i = 0; i < calls; i++)
			if (function(i) != i)
				*is_right = false;
		tenths[at] = (now_ns() - start_ns) * 10 / calls;
		for (; at > 0 && tenths[at - 1] > tenths[at]; at--) {
			uint64_t larger = tenths[at - 1];

			tenths[at - 1] = tenths[at];
			tenths[at] = larger;
		}
	}
	return tenths[BATCHES / 2];
}

static void run_child(int start_fd, int result_fd)
{
	struct findings findings = {.is_right = true};
	uint64_t bare;
	char byte;

	if (read(start_fd, &byte, 1) != 1)
		_exit(1);
	bare = time_calls(uprobe_trial_bare, BATCH_CALLS, &findings.is_right);
	for (int i = 0; i < UPROBE_TRIAL_FUNCTIONS; i++) {
		bool is_stepped = i % UPROBE_KINDS == UPROBE_STEPPED || i >= UPROBE_TRIAL_EXITS;
		unsigned calls = is_stepped ? STEPPED_CALLS : BATCH_CALLS;
		uint64_t tenths = time_calls(functions[i], calls, &findings.is_right);

		findings.added_ns[i] = tenths > bare ? (uint32_t)((tenths - bare) / 10) : 0;
	}
	_exit(write(result_fd, &findings, sizeof(findings)) != sizeof(findings));
}

/* Turns addresses in this program into offsets in its file. */
static int find_offsets(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct uprobe_trial *trial = context;

	(void)bytes;
	for (int segment = 0; segment < info->dlpi_phnum; segment++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[segment];
		uint64_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
			continue;
		for (int i = 0; i < UPROBE_TRIAL_FUNCTIONS; i++)
			trial->functions[i].offset =
				(uintptr_t)functions[i] - start + header->p_offset;
		for (int i = 0; i < UPROBE_KINDS; i++)
			trial->exits[i].offset = (uintptr_t)exits[i] - start + header->p_offset;
	}
	return 1; /* the program itself comes first, and is all we want */
}

int uprobe_trial_start(struct uprobe_trial *trial, struct error *error)
{
	int start[2], result[2];

	*trial = (struct uprobe_trial){.fd = -1, .start_fd = -1, .result_fd = -1};
	for (int i = 0; i < UPROBE_TRIAL_FUNCTIONS; i++) {
		trial->functions[i].kind = i % UPROBE_KINDS;
		trial->functions[i].mode = i / UPROBE_KINDS == 1 ? UPROBE_COUNT : UPROBE_TIME;
	}
	for (int i = 0; i < UPROBE_KINDS; i++) {
		trial->exits[i].condition = UPROBE_ALWAYS;
		trial->functions[UPROBE_TRIAL_EXITS + i].exits = &trial->exits[i];
		trial->functions[UPROBE_TRIAL_EXITS + i].exit_count = 1;
		trial->functions[UPROBE_TRIAL_EXITS + i].by_exits = true;
	}
	dl_iterate_phdr(find_offsets, trial);
	trial->fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (trial->fd < 0)
		return fail(error, -errno, "cannot open the collector's own file: %m");
	if (pipe2(start, O_CLOEXEC))
		return fail(error, -errno, "cannot make a pipe: %m");
	trial->start_fd = start[1];
	if (pipe2(result, O_CLOEXEC)) {
		close(start[0]);
		return fail(error, -errno, "cannot make a pipe: %m");
	}
	trial->result_fd = result[0];
	trial->pid = fork();
	if (trial->pid == 0) {
		close(start[1]);
		run_child(start[0], result[1]);
	}
	close(start[0]);
	close(result[1]);
	return trial->pid < 0 ? fail(error, -errno, "cannot fork: %m") : 0;
}

int uprobe_trial_run(struct uprobe_trial *trial, struct error *error)
{
	struct findings findings;

	if (write(trial->start_fd, "", 1) != 1 ||
	    read(trial->result_fd, &findings, sizeof(findings)) != sizeof(findings))
		return fail(error, -EIO, "the trial of probes on this machine did not end");
	if (!findings.is_right)
		return fail(error, -EILSEQ,
			    "a probed function gave a wrong result: this kernel's probes cannot "
			    "be used");
	for (int i = 0; i < UPROBE_TRIAL_FUNCTIONS; i++)
		trial->added_ns[i] = findings.added_ns[i];
	return 0;
}

void uprobe_trial_end(struct uprobe_trial *trial)
{
	int fds[] = {trial->fd, trial->start_fd, trial->result_fd};

	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (trial->pid > 0)
		waitpid(trial->pid, NULL, 0);
}

/* Returns the middle of the bucket that holds the median. */
static uint32_t median_ns(const uint64_t *counts)
{
	uint64_t total = 0, below = 0;
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < UPROBE_BUCKETS; i++)
		total += counts[i];
	while (bucket < UPROBE_BUCKETS - 1 && below + counts[bucket] <= total / 2)
		below += counts[bucket++];
	if (bucket < 32)
		return bucket;
	return (uint32_t)((2 * (32u + bucket % 32) + 1) << (bucket / 32 - 1)) / 2;
}

struct uprobe_cost uprobe_trial_cost(const struct uprobe_trial *trial, enum uprobe_kind kind,
				     const uint64_t *counts, const uint64_t *exit_counts)
{
	struct uprobe_cost cost = {
		.count_ns = trial->added_ns[kind + UPROBE_KINDS],
		.time_ns = trial->added_ns[kind],
		.inside_ns = median_ns(counts),
		.exit_time_ns = trial->added_ns[kind + UPROBE_TRIAL_EXITS],
		.exit_inside_ns = median_ns(exit_counts),
	};

	if (cost.inside_ns > cost.time_ns)
		cost.inside_ns = cost.time_ns;
	if (cost.exit_inside_ns > cost.exit_time_ns)
		cost.exit_inside_ns = cost.exit_time_ns;
	return cost;
}
