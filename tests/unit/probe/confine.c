/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of probe/confine.c: what a filter says is what the kernel does with it. */
#include "probe/confine.h"

#include "probe/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBER	 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define FIRST	 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args))
#define SAY(k)	 BPF_STMT(BPF_RET | BPF_K, k)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Refusals with a number tell which way the filter went; -1: the kernel does not take it. */
static int ask_kernel(struct sock_filter *filter, unsigned short length, uint64_t argument)
{
	struct sock_fprog program = {length, filter};
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
			_exit(255);
		_exit(syscall(SYS_umask, argument) < 0 ? errno : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

static int ask_us(const struct sock_filter *filter, unsigned short length, uint64_t argument)
{
	struct confine_call call = {SYS_umask, {argument}};
	uint32_t answer = confine_ask(filter, length, &call);

	return answer == SECCOMP_RET_ALLOW ? 0 : (int)(answer & SECCOMP_RET_DATA);
}

/* Only umask is looked at more closely: the process has to end. */
#define FOR_UMASK                                                                                  \
	NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_umask, 1, 0), SAY(SECCOMP_RET_ALLOW)

Test(confine, answers_are_the_kernels)
{
	struct sock_filter reckoning[] = {
		FOR_UMASK,
		FIRST,
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x15),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 7),
		BPF_STMT(BPF_LDX | BPF_W | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x3f),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_filter jumping[] = {
		FOR_UMASK,
		FIRST,
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 20, 0, 1),
		SAY(SECCOMP_RET_ERRNO | 1),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 10, 0, 1),
		SAY(SECCOMP_RET_ERRNO | 2),
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 4),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 2),
		BPF_STMT(BPF_JMP | BPF_JA, 0),
		SAY(SECCOMP_RET_ERRNO | 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(struct seccomp_data), 0, 1),
		SAY(SECCOMP_RET_ERRNO | 4),
		SAY(SECCOMP_RET_ERRNO | 5),
	};

	for (uint64_t argument = 0; argument < 24; argument++) {
		cr_expect_eq(ask_us(reckoning, COUNT(reckoning), argument),
			     ask_kernel(reckoning, COUNT(reckoning), argument));
		cr_expect_eq(ask_us(jumping, COUNT(jumping), argument),
			     ask_kernel(jumping, COUNT(jumping), argument));
	}
}

Test(confine, a_filter_that_the_kernel_refuses_forbids_nothing)
{
	struct sock_filter odd_offset[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
					   SAY(SECCOMP_RET_KILL_PROCESS)};
	struct sock_filter far_cell[] = {BPF_STMT(BPF_ST, 16), SAY(SECCOMP_RET_KILL_PROCESS)};
	struct sock_filter bytes[] = {BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
				      SAY(SECCOMP_RET_KILL_PROCESS)};

	cr_expect_eq(ask_kernel(odd_offset, 2, 0), -1);
	cr_expect_eq(ask_kernel(far_cell, 2, 0), -1);
	cr_expect_eq(ask_kernel(bytes, 2, 0), -1);
	cr_expect(confine_is_harmless(odd_offset, 2, WIRE_MODES_STACKS));
	cr_expect(confine_is_harmless(far_cell, 2, WIRE_MODES_STACKS));
	cr_expect(confine_is_harmless(bytes, 2, WIRE_MODES_STACKS));
}

/* All but one call pass. */
static bool is_harmless_without(int number, uint32_t action, uint32_t modes)
{
	struct sock_filter filter[] = {NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
				       SAY(action), SAY(SECCOMP_RET_ALLOW)};

	filter[1].k = (uint32_t)number;
	return confine_is_harmless(filter, COUNT(filter), modes);
}

Test(confine, what_kills_is_harmful_and_what_fails_is_not)
{
	cr_expect_not(is_harmless_without(SYS_madvise, SECCOMP_RET_KILL_PROCESS, WIRE_MODE_MEMORY));
	cr_expect_not(is_harmless_without(SYS_madvise, SECCOMP_RET_KILL_THREAD, WIRE_MODE_MEMORY));
	cr_expect_not(is_harmless_without(SYS_madvise, SECCOMP_RET_TRAP, WIRE_MODE_MEMORY));
	cr_expect_not(is_harmless_without(SYS_madvise, SECCOMP_RET_TRACE, WIRE_MODE_MEMORY));
	cr_expect_not(is_harmless_without(SYS_madvise, SECCOMP_RET_USER_NOTIF, WIRE_MODE_MEMORY));
	cr_expect(is_harmless_without(SYS_madvise, SECCOMP_RET_ERRNO | 1, WIRE_MODE_MEMORY));
	cr_expect(is_harmless_without(SYS_madvise, SECCOMP_RET_LOG, WIRE_MODE_MEMORY));
	cr_expect(is_harmless_without(SYS_ptrace, SECCOMP_RET_KILL_PROCESS, WIRE_MODE_MEMORY));
}

/* A program that cannot make threads does without what these need. */
Test(confine, what_the_program_cannot_do_any_more_needs_no_calls)
{
	struct sock_filter lets_nothing_new[] = {
		NUMBER,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 1, 0),
		SAY(SECCOMP_RET_KILL_PROCESS),
		SAY(SECCOMP_RET_ALLOW),
	};
	struct sock_filter lets_threads[] = {
		NUMBER,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
		SAY(SECCOMP_RET_KILL_PROCESS),
		SAY(SECCOMP_RET_ALLOW),
	};

	cr_expect(confine_is_harmless(lets_nothing_new, COUNT(lets_nothing_new), WIRE_MODE_LOCKS));
	cr_expect_not(confine_is_harmless(lets_threads, COUNT(lets_threads), WIRE_MODE_LOCKS));
}
