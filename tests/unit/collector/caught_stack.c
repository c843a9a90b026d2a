/* SPDX-License-Identifier: GPL-3.0-or-later */
/* caught_stack: see caught_stack.h. */
#include "tests/unit/collector/caught_stack.h"

#include "collector/base/xalloc.h"

#include <criterion/criterion.h>
#include <execinfo.h>
#include <ucontext.h>
#include <unistd.h>

struct profile *profile;
struct modules *modules;
struct address_space *space;
uint32_t frames[UNWIND_DEPTH];
enum profile_ending ending;

void map_ourselves(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096 + 128];

	cr_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long long start, end, offset, inode;
		char path[4096] = "//anon", access[8];

		cr_assert_geq(sscanf(line, "%llx-%llx %7s %llx %*s %llu %4095[^\n]", &start, &end,
				     access, &offset, &inode, path),
			      5);
		if (access[2] == 'x')
			address_space_map(space, start, end, offset,
					  &(struct module_identity){.path = path, .inode = inode});
	}
	fclose(maps);
}

void caught_stack_setup(void)
{
	profile = profile_new();
	modules = modules_new(profile);
	space = address_space_new(profile, modules, getpid());
}

void caught_stack_teardown(void)
{
	address_space_free(space);
	modules_free(modules);
	profile_free(profile);
}

struct caught_stack caught;

struct unwind_sample caught_sample(size_t bytes)
{
	struct unwind_sample sample = {.stack = caught.stack, .stack_bytes = bytes};

	memcpy(sample.registers, caught.registers, sizeof(sample.registers));
	return sample;
}

/* The stack's end, so that a copy has all of it. */
static uint64_t stack_end(uint64_t inside)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long long start = 0, end = 0;
	char line[4096 + 128];

	cr_assert(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx", &start, &end) == 2 && inside >= start && inside < end)
			break;
	fclose(maps);
	return end;
}

static void take_registers(const greg_t *from, uint64_t *registers)
{
	static const int dwarf_order[CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (int i = 0; i < CFI_REGISTERS; i++)
		registers[i] = (uint64_t)from[dwarf_order[i]];
}

/* The whole stack, without regard to what the sanitizer has fenced off in it. */
static __attribute__((no_sanitize("address"))) void copy_stack(uint64_t sp)
{
	const volatile uint8_t *from = (const uint8_t *)(uintptr_t)sp;

	caught.stack_bytes = stack_end(sp) - sp;
	caught.stack = xmalloc(caught.stack_bytes);
	for (size_t i = 0; i < caught.stack_bytes; i++)
		caught.stack[i] = from[i];
}

void catch_sample(int number, siginfo_t *information, void *context)
{
	int count, first = 0;

	(void)number;
	(void)information;
	take_registers(((ucontext_t *)context)->uc_mcontext.gregs, caught.registers);
	copy_stack(caught.registers[CFI_SP]);
	count = backtrace(caught.addresses, 256);
	while (first < count &&
	       (uint64_t)(uintptr_t)caught.addresses[first] != caught.registers[CFI_IP])
		first++;
	caught.truth = caught.addresses + first;
	caught.truth_count = (uint32_t)(count - first);
}

__attribute__((noinline, noclone)) int descend(int levels, volatile int *kept)
{
	volatile int here = levels;

	if (levels > 1)
		*kept += descend(levels - 1, kept);
	else
		raise(SIGUSR1);
	return here;
}

void catch_ourselves(void)
{
	struct sigaction action = {.sa_sigaction = catch_sample, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_assert(caught.stack);
}

/* backtrace() gives return addresses but for the interrupted one. */
void expect_truth(uint32_t count)
{
	cr_assert_eq(count, caught.truth_count, "%u of %u", count, caught.truth_count);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address = (uint64_t)(uintptr_t)caught.truth[i] - (i > 0);

		cr_expect_eq(frames[i], address_space_find(space, address)->frame, "frame %u", i);
	}
}
