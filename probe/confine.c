/* SPDX-License-Identifier: MIT */
/* confine: see confine.h. Sources: seccomp(2), prctl(2); Linux, Documentation/networking/filter.rst
 * and kernel/seccomp.c, seccomp_check_filter: the instructions that a filter may have. */
#include "probe/confine.h"

#include "probe/clock.h"
#include "probe/probe.h"
#include "probe/raw.h"
#include "probe/real.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/mman.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096ull

/* ---- the filter's machine ------------------------------------------------------------------ */

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
	const struct seccomp_data *data;
	bool is_refused; /* an instruction that the kernel does not take */
};

static uint32_t word_of(struct machine *machine, uint32_t offset)
{
	uint32_t word = 0;

	if (offset & 3 || offset >= sizeof(*machine->data))
		machine->is_refused = true;
	else
		raw_copy(&word, (const char *)machine->data + offset, sizeof(word));
	return word;
}

static uint32_t *cell(struct machine *machine, uint32_t number)
{
	machine->is_refused |= number >= BPF_MEMWORDS;
	return &machine->memory[number % BPF_MEMWORDS];
}

static void load(struct machine *machine, const struct sock_filter *at)
{
	uint32_t *to = BPF_CLASS(at->code) == BPF_LD ? &machine->a : &machine->x;

	switch (BPF_MODE(at->code)) {
	case BPF_ABS:
		*to = word_of(machine, at->k);
		break;
	case BPF_IMM:
		*to = at->k;
		break;
	case BPF_MEM:
		*to = *cell(machine, at->k);
		break;
	case BPF_LEN:
		*to = sizeof(*machine->data);
		break;
	default:
		machine->is_refused = true;
	}
}

static void reckon(struct machine *machine, const struct sock_filter *at)
{
	uint32_t by = BPF_SRC(at->code) == BPF_X ? machine->x : at->k;

	switch (BPF_OP(at->code)) {
	case BPF_ADD:
		machine->a += by;
		break;
	case BPF_SUB:
		machine->a -= by;
		break;
	case BPF_MUL:
		machine->a *= by;
		break;
	case BPF_DIV:
		machine->a = by ? machine->a / by : 0;
		break;
	case BPF_AND:
		machine->a &= by;
		break;
	case BPF_OR:
		machine->a |= by;
		break;
	case BPF_XOR:
		machine->a ^= by;
		break;
	case BPF_LSH:
		machine->a <<= by & 31;
		break;
	case BPF_RSH:
		machine->a >>= by & 31;
		break;
	case BPF_NEG:
		machine->a = -machine->a;
		break;
	default:
		machine->is_refused = true;
	}
}

/* Returns how many instructions are left out. */
static uint32_t jump(struct machine *machine, const struct sock_filter *at)
{
	uint32_t with = BPF_SRC(at->code) == BPF_X ? machine->x : at->k;

	switch (BPF_OP(at->code)) {
	case BPF_JA:
		return at->k;
	case BPF_JEQ:
		return machine->a == with ? at->jt : at->jf;
	case BPF_JGT:
		return machine->a > with ? at->jt : at->jf;
	case BPF_JGE:
		return machine->a >= with ? at->jt : at->jf;
	case BPF_JSET:
		return machine->a & with ? at->jt : at->jf;
	default:
		machine->is_refused = true;
		return 0;
	}
}

uint32_t confine_ask(const struct sock_filter *filter, uint32_t length,
		     const struct confine_call *call)
{
	struct seccomp_data data = {.nr = call->number, .arch = AUDIT_ARCH_X86_64};
	struct machine machine = {.data = &data};

	raw_copy(data.args, call->arguments, sizeof(data.args));
	/* Jumps lead forward only. */
	for (uint64_t i = 0; i < length && !machine.is_refused; i++) {
		const struct sock_filter *at = &filter[i];

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
		case BPF_LDX:
			load(&machine, at);
			break;
		case BPF_ST:
			*cell(&machine, at->k) = machine.a;
			break;
		case BPF_STX:
			*cell(&machine, at->k) = machine.x;
			break;
		case BPF_ALU:
			reckon(&machine, at);
			break;
		case BPF_JMP:
			i += jump(&machine, at);
			break;
		case BPF_MISC:
			if (BPF_MISCOP(at->code) == BPF_TAX)
				machine.x = machine.a;
			else
				machine.a = machine.x;
			break;
		default:
			return BPF_RVAL(at->code) == BPF_A ? machine.a : at->k;
		}
	}
	return SECCOMP_RET_ALLOW;
}

/* ---- the library's calls ------------------------------------------------------------------- */

/* When a call is made, as bits. */
enum when {
	EVER = 1 << 0,
	MULTIPLYING = 1 << 1, /* in new threads and processes */
	EXECUTING = 1 << 2,   /* before, and in the new program */
	OPENING = 1 << 3,     /* as dlopen does */
};

struct need {
	uint32_t modes;
	uint32_t when;
	struct confine_call call;
};

#define ANY (WIRE_MODES_STACKS | WIRE_MODE_SAMPLE)
#define MAP(protection, flags)                                                                     \
	{                                                                                          \
		SYS_mmap,                                                                          \
		{                                                                                  \
			0, PAGE_BYTES, PROT_READ | (protection), flags, (uint64_t)-1, 0            \
		}                                                                                  \
	}

static const struct need needs[] = {
	{WIRE_MODES_STACKS, EVER, {SYS_rt_sigprocmask, {(uint64_t)-1, 0, 0, 8}}},
	{WIRE_MODE_MEMORY, EVER, MAP(PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)},
	{WIRE_MODE_MEMORY, EVER, {SYS_munmap, {0, PAGE_BYTES}}},
	{WIRE_MODE_MEMORY, EVER, {SYS_madvise, {0, PAGE_BYTES, MADV_WIPEONFORK}}},
	{WIRE_MODE_MEMORY, EVER, {SYS_gettid, {0}}},
	{WIRE_MODE_IO, EVER, {SYS_readlink, {0}}},
	{WIRE_MODE_IO, EVER, {SYS_getpid, {0}}},
	{WIRE_MODE_SAMPLE, EVER, {SYS_rt_sigreturn, {0}}},
	{WIRE_MODE_SAMPLE, OPENING | EXECUTING, {SYS_getcwd, {0}}},
	{WIRE_MODE_SAMPLE, MULTIPLYING | EXECUTING, {SYS_rt_sigprocmask, {1, 0, 0, 8}}},
	{WIRE_MODE_SAMPLE, MULTIPLYING | EXECUTING, {SYS_timer_create, {0}}},
	{WIRE_MODE_SAMPLE, MULTIPLYING | EXECUTING, {SYS_timer_settime, {0}}},
	{WIRE_MODE_SAMPLE, MULTIPLYING, {SYS_timer_delete, {0}}},
	{WIRE_MODE_SAMPLE, EXECUTING, {SYS_rt_sigaction, {0}}},
	{WIRE_MODES_STACKS, MULTIPLYING,
	 MAP(PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)},
	{ANY, MULTIPLYING | EXECUTING, {SYS_gettid, {0}}},
	{ANY, MULTIPLYING | EXECUTING, {SYS_getpid, {0}}},
	{ANY, MULTIPLYING | EXECUTING, {SYS_prctl, {PR_GET_NAME}}},
	{ANY, MULTIPLYING | EXECUTING, {SYS_readlink, {0}}},
	{ANY, MULTIPLYING, {SYS_getppid, {0}}},
	{ANY, EXECUTING, {SYS_access, {0, R_OK}}},
	{ANY, EXECUTING, {SYS_openat, {(uint64_t)AT_FDCWD, 0, O_RDONLY | O_CLOEXEC}}},
	{ANY, EXECUTING, {SYS_openat, {(uint64_t)AT_FDCWD, 0, O_RDWR | O_CLOEXEC}}},
	{ANY, EXECUTING, {SYS_pread64, {0}}},
	{ANY, EXECUTING, {SYS_close, {0}}},
	{ANY, EXECUTING, MAP(0, MAP_SHARED)},
	{ANY, EXECUTING, MAP(PROT_WRITE, MAP_SHARED)},
	{ANY, EXECUTING, MAP(PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)},
	{ANY, EXECUTING, {SYS_munmap, {0, PAGE_BYTES}}},
	{ANY, EXECUTING, {SYS_madvise, {0, PAGE_BYTES, MADV_WIPEONFORK}}},
	{ANY, EXECUTING, {SYS_getrlimit, {0}}},
	{ANY, EXECUTING, {SYS_prlimit64, {0}}},
};

/* At the end, to tell how much memory was taken: can be left out. */
static const struct confine_call measuring[] = {
	{SYS_openat, {(uint64_t)AT_FDCWD, 0, O_RDONLY | O_CLOEXEC}},
	{SYS_read, {0}},
	{SYS_close, {0}},
	{SYS_mincore, {0}},
};

static const struct confine_call clock_call = {SYS_clock_gettime, {CLOCK_MONOTONIC}};

static bool may_measure = true;

bool confine_lets_measure(void)
{
	return may_measure;
}

/* Says whether a call goes on, or fails, and nothing else happens. */
static bool passes(const struct sock_filter *filter, uint32_t length,
		   const struct confine_call *call)
{
	uint32_t action = confine_ask(filter, length, call) & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG ||
	       action == SECCOMP_RET_ERRNO;
}

/* Returns what a program can still do, as bits. */
static uint32_t find_ways(const struct sock_filter *filter, uint32_t length)
{
	static const struct {
		int number;
		enum when when;
	} ways[] = {
		{SYS_clone, MULTIPLYING}, {SYS_clone3, MULTIPLYING}, {SYS_fork, MULTIPLYING},
		{SYS_vfork, MULTIPLYING}, {SYS_execve, EXECUTING},   {SYS_execveat, EXECUTING},
		{SYS_openat, OPENING},	  {SYS_open, OPENING},
	};
	uint32_t found = EVER;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct confine_call call = {ways[i].number, {0}};

		if ((confine_ask(filter, length, &call) & SECCOMP_RET_ACTION_FULL) ==
		    SECCOMP_RET_ALLOW)
			found |= ways[i].when;
	}
	return found;
}

bool confine_is_harmless(const struct sock_filter *filter, uint32_t length, uint32_t modes)
{
	uint32_t ways = find_ways(filter, length);

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (needs[i].modes & modes && needs[i].when & ways &&
		    !passes(filter, length, &needs[i].call))
			return false;
	return true;
}

/* ---- in the place of what installs filters ------------------------------------------------- */

/* Says whether a piece of the program's memory can be read. */
static bool can_read(const void *start, uint64_t bytes)
{
	uint64_t first = (uint64_t)start & ~7ull, end = (uint64_t)start + bytes;

	if (end < first)
		return false;
	for (uint64_t at = first; at < end; at = (at & ~(PAGE_BYTES - 1)) + PAGE_BYTES)
		if (!raw_is_readable(at))
			return false;
	return raw_is_readable((end - 1) & ~7ull);
}

static bool is_harmless(const struct sock_fprog *program)
{
	const struct sock_filter *filter;
	uint32_t length;

	if (!program || !can_read(program, sizeof(*program)))
		return true; /* the kernel will refuse it */
	filter = program->filter;
	length = program->len;
	if (!length || length > BPF_MAXINSNS || !can_read(filter, length * sizeof(*filter)))
		return true;
	for (size_t i = 0; i < sizeof(measuring) / sizeof(*measuring); i++)
		may_measure = may_measure && passes(filter, length, &measuring[i]);
	return confine_is_harmless(filter, length, probe.wire->modes) &&
	       (clock_is_in_vdso() || passes(filter, length, &clock_call));
}

/* In strict mode the kernel lets a thread read no clock, not even the processor's. */
static void expect_mode(unsigned long mode, const struct sock_fprog *program)
{
	if (!probe_is_on() || !wire_is_recording(probe.wire))
		return;
	if (mode == SECCOMP_MODE_STRICT || (mode == SECCOMP_MODE_FILTER && !is_harmless(program)))
		probe_retire();
}

REAL(prctl);
REAL(syscall);

EXPORT int prctl(int option, ...)
{
	unsigned long values[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		values[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_SECCOMP)
		expect_mode(values[0], (const struct sock_fprog *)values[1]);
	return REAL_NOW(prctl)(option, values[0], values[1], values[2], values[3]);
}

/* seccomp has no function of its own in the C library. */
__attribute__((visibility("hidden"))) long confine_syscall(long number, unsigned long a,
							   unsigned long b, unsigned long c,
							   unsigned long d, unsigned long e,
							   unsigned long f);

long confine_syscall(long number, unsigned long a, unsigned long b, unsigned long c,
		     unsigned long d, unsigned long e, unsigned long f)
{
	/* With flags it is refused: a question whether there is such a call. */
	if (number == SYS_seccomp && a == SECCOMP_SET_MODE_STRICT && !b && !c)
		expect_mode(SECCOMP_MODE_STRICT, NULL);
	else if (number == SYS_seccomp && a == SECCOMP_SET_MODE_FILTER)
		expect_mode(SECCOMP_MODE_FILTER, (const struct sock_fprog *)c);
	else if (number == SYS_prctl && a == PR_SET_SECCOMP)
		expect_mode(b, (const struct sock_fprog *)c);
	return REAL_NOW(syscall)(number, a, b, c, d, e, f);
}

/*
 * All other calls go on by a jump: one of them may return twice, in a child that shares the stack,
 * and then no frame of ours may lie there.
 */
_Static_assert(SYS_seccomp == 317 && SYS_prctl == 157, "as the instructions below have them");
__asm__(".text\n"
	".p2align 4\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	".cfi_startproc\n"
	"cmpq $317, %rdi\n"
	"je confine_syscall\n"
	"cmpq $157, %rdi\n"
	"je confine_syscall\n"
	"movq real_syscall(%rip), %rax\n"
	"testq %rax, %rax\n"
	"je confine_syscall\n"
	"jmpq *%rax\n"
	".cfi_endproc\n"
	".size syscall, . - syscall\n");
