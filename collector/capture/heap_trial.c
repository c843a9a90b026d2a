/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_trial: see heap_trial.h. */
#include "collector/capture/heap_trial.h"

#include "collector/capture/uprobe_link.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TRIAL_ROUNDS 8
#define TRIAL_CALLS  500

/* Places of our own to measure at: the kernel emulates the first instruction of one, and executes
 * that of the other elsewhere, which takes a second trap. */
void heap_trial_emulated(void);
void heap_trial_stepped(void);
__asm__(".text\n"
	"heap_trial_emulated: push %rbx\n mov %rdi,%rax\n pop %rbx\n ret\n"
	"heap_trial_stepped: mov %rdi,%rax\n ret\n");

/* Whether the first instruction of a function is one that saves a register, as most begin. */
static bool is_emulated(const struct heap_file *file, uint64_t offset)
{
	uint8_t code[2] = {0};
	int first;

	if (pread(file->fd, code, sizeof(code), (off_t)offset) != sizeof(code))
		return false;
	first = code[0] == 0x41; /* a prefix, for the upper registers */
	return (code[first] & 0xf8) == 0x50;
}

static uint64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* CPU time of a call: the least of some rounds, as others only add to it. */
static double time_trial(void (*trial_call)(void))
{
	double least = INFINITY;

	for (int round = 0; round < TRIAL_ROUNDS; round++) {
		uint64_t start = cpu_ns();

		for (int i = 0; i < TRIAL_CALLS; i++)
			trial_call();
		least = fmin(least, (double)(cpu_ns() - start) / TRIAL_CALLS);
	}
	return least;
}

/* Finds where a function of ours lies in our file. Source: proc(5), /proc/pid/maps. */
static uint64_t own_offset(uint64_t address)
{
	unsigned long long start, end, offset, found = 0;
	char line[512];
	FILE *stream = fopen("/proc/self/maps", "re");

	while (stream && fgets(line, sizeof(line), stream))
		if (sscanf(line, "%llx-%llx %*s %llx", &start, &end, &offset) == 3 &&
		    address >= start && address < end)
			found = address - start + offset;
	if (stream)
		fclose(stream);
	return found;
}

int heap_trial(int program, const struct heap_file *file, double *hit_ns, struct error *error)
{
	void (*trial)(void) =
		is_emulated(file, file->offsets[0]) ? heap_trial_emulated : heap_trial_stepped;
	uint64_t offset = own_offset((uint64_t)(uintptr_t)trial), cookie = HEAP_TRIAL;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	double without_ns = time_trial(trial);
	int link =
		uprobe_link(program, UPROBE_LINK_ENTRY, getpid(), fd, &offset, &cookie, 1, error);

	close(fd);
	if (link < 0)
		return link;
	*hit_ns = time_trial(trial) - without_ns;
	close(link);
	return *hit_ns > 0 ? 0 : fail(error, -EINVAL, "probes do not work on this kernel");
}
