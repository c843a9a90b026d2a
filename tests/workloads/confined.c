/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * confined: a program that kills itself for system calls that it does not know.
 *
 *     confined few|most|threads|execute prctl|syscall
 *
 * It makes 1000 blocks of 100 bytes, installs a filter, and makes 1000 more, large enough together
 * that the heap grows; then it uses some CPU time, prints a line and ends. The filter lets pass
 *
 *     few      what such a program needs by itself
 *     most     all but one call that nobody makes
 *     threads  what a program needs that makes a thread afterwards
 *     execute  all but some calls that the program does not make that it executes afterwards
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 1000

static const int few[] = {SYS_read,	  SYS_write, SYS_fstat, SYS_newfstatat, SYS_brk,
			  SYS_exit_group, SYS_exit,  SYS_mmap,	SYS_futex};
static const int threads[] = {SYS_read,
			      SYS_write,
			      SYS_fstat,
			      SYS_newfstatat,
			      SYS_brk,
			      SYS_exit_group,
			      SYS_exit,
			      SYS_mmap,
			      SYS_munmap,
			      SYS_mprotect,
			      SYS_madvise,
			      SYS_clone,
			      SYS_clone3,
			      SYS_futex,
			      SYS_rseq,
			      SYS_set_robust_list,
			      SYS_rt_sigprocmask,
			      SYS_rt_sigaction};
static const int not_executed[] = {SYS_gettid, SYS_mincore, SYS_timer_create};

static struct sock_filter filter[64];
static unsigned short length;

static void add(unsigned short code, unsigned int value, int yes, int no)
{
	filter[length++] = (struct sock_filter)BPF_JUMP(code, value, yes, no);
}

/* Calls of the list get @listed, all others @others. */
static void build(const int *list, size_t count, unsigned int listed, unsigned int others)
{
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (size_t i = 0; i < count; i++) {
		add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)list[i], 0, 1);
		add(BPF_RET | BPF_K, listed, 0, 0);
	}
	add(BPF_RET | BPF_K, others, 0, 0);
}

static int install(const char *way)
{
	struct sock_fprog program = {.len = length, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	if (!strcmp(way, "prctl"))
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
	/* As those do that ask first whether there are filters. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) != -1 || errno != EFAULT)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static void *allocate(void *bytes)
{
	for (int i = 0; i < BLOCKS; i++)
		memset(malloc(*(size_t *)bytes), i, 10);
	return NULL;
}

static void work(void)
{
	volatile unsigned long sum = 0;

	for (unsigned long i = 0; i < 30000000; i++)
		sum += i;
}

static void run_in_thread(size_t *bytes)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, allocate, bytes) || pthread_join(thread, NULL))
		exit(3);
}

int main(int count, char **arguments)
{
	size_t small = 100, large = 20000;
	const char *what;

	if (count < 3)
		return 2;
	what = arguments[1];
	if (!strcmp(what, "few"))
		build(few, sizeof(few) / sizeof(*few), SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
	else if (!strcmp(what, "threads"))
		build(threads, sizeof(threads) / sizeof(*threads), SECCOMP_RET_ALLOW,
		      SECCOMP_RET_KILL_PROCESS);
	else if (!strcmp(what, "execute"))
		build(not_executed, sizeof(not_executed) / sizeof(*not_executed),
		      SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
	else
		build((const int[]){SYS_acct}, 1, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
	setvbuf(stdout, NULL, _IONBF, 0);
	allocate(&small);
	if (install(arguments[2])) {
		perror("confined");
		return 1;
	}
	if (!strcmp(what, "threads"))
		run_in_thread(&large);
	else
		allocate(&large);
	work();
	puts("done");
	if (!strcmp(what, "execute"))
		execl("/bin/echo", "echo", "done by another", NULL);
	return 0;
}
