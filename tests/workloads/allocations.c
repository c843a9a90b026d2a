/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * allocations: `allocations CASE` allocates in the circumstances that the case is named for, and
 * prints how many blocks and bytes it asked for itself, then what it wants to be compared.
 */
#include "tests/workloads/workload.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static _Atomic uint64_t blocks, bytes;

FUNCTION static void *keep(size_t size)
{
	void *block = malloc(size);

	blocks++;
	bytes += size;
	NOT_A_TAIL_CALL();
	return block;
}

/* Keeps the compiler from leaving both out, the allocation and its free. */
FUNCTION static void drop(void *block)
{
	free(block);
	NOT_A_TAIL_CALL();
}

FUNCTION static void churn(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		void *volatile block = keep(16 + (size_t)i % 256);

		free(block);
	}
}

/* ---- every function of the family ------------------------------------------------------------ */

static void family(void)
{
	size_t volatile too_many = SIZE_MAX, nothing = 0;
	void *volatile block;
	void *aligned = NULL;
	char *text;

	for (int i = 0; i < 100; i++) {
		drop(keep(100));
		block = calloc(3, 50);
		block = realloc(block, 1000);
		block = reallocarray(block, 20, 5);
		drop(block);
		drop(aligned_alloc(64, 128));
		if (posix_memalign(&aligned, 64, 200))
			abort();
		drop(aligned);
		drop(memalign(32, 300));
		drop(valloc(400));
		drop(pvalloc(500));
		text = strdup("seven..");
		drop(text);
		drop(NULL);
		/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): it is counted, too */
		block = malloc(nothing);
		drop(block);
		errno = 0;
		block = malloc(PTRDIFF_MAX); /* fails: not counted */
		if (block || errno != ENOMEM || calloc(too_many, 2) ||
		    reallocarray(NULL, too_many, 2))
			abort();
		blocks += 11;
		bytes += 150 + 1000 + 100 + 128 + 200 + 300 + 400 + 500 + 8 + 0;
	}
	blocks -= 100; /* keep has counted its own */
}

/* ---- leaks and the peak ---------------------------------------------------------------------- */

static void *held[1000];

FUNCTION static void *leak(size_t size)
{
	void *block = keep(size);

	NOT_A_TAIL_CALL();
	return block;
}

FUNCTION static void grow(void)
{
	for (int i = 0; i < 1000; i++)
		held[i] = keep(2000);
}

FUNCTION static void shrink(void)
{
	for (int i = 0; i < 1000; i++)
		free(held[i]);
}

static void leaks(void)
{
	for (int i = 0; i < 10; i++) {
		void *volatile lost = leak(123);

		(void)lost;
	}
	grow();
	shrink();
	held[0] = keep(77); /* still reachable at the end */
}

/* ---- processes ------------------------------------------------------------------------------- */

static _Atomic int is_over;

static void *churn_on(void *argument)
{
	while (!is_over)
		churn(100);
	return argument;
}

static void in_fork(void)
{
	drop(malloc(10));
}

static void forks(void)
{
	pthread_t threads[3];
	int status, good = 0;

	pthread_atfork(in_fork, in_fork, in_fork);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, churn_on, NULL);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid) {
			churn(100);
			if (i % 2)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		good += !status;
	}
	is_over = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	blocks = bytes = 0; /* nobody knows how many */
	printf("%d children ended well\n", good);
}

static int end_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static char name[] = "true";
static char *const arguments[] = {name, NULL};

FUNCTION static pid_t by_vfork(void)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid)
		return pid;
	execv("/bin/true", arguments);
	_exit(1);
}

static void spawns(void)
{
	int good = 0;
	pid_t pid;

	for (int i = 0; i < 20; i++) {
		churn(10);
		good += !end_of(by_vfork());
		if (!posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ))
			good += !end_of(pid);
	}
	printf("%d children ended well\n", good);
}

static void inherited(void)
{
	void *block = keep(1000);
	int status;
	pid_t pid = fork();

	if (!pid) {
		free(block); /* its copy of it: never counted to the child */
		drop(malloc(50));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	blocks += 1;
	bytes += 50;
	free(block);
}

static void killed(void)
{
	churn(5000);
	printf("%llu %llu\n", (unsigned long long)blocks, (unsigned long long)bytes);
	fflush(stdout);
	raise(SIGKILL);
}

/* ---- threads --------------------------------------------------------------------------------- */

static pthread_key_t key;

static void in_destructor(void *value)
{
	free(value);
	churn(5);
}

static void *work(void *argument)
{
	pthread_setspecific(key, keep(60));
	churn(1000);
	return argument;
}

/* Blocks are freed by other threads than those that allocated them. */
static void *free_all(void *argument)
{
	shrink();
	return argument;
}

static void threads(void)
{
	pthread_t all[64], other;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	pthread_key_create(&key, in_destructor);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 64; i++)
			if (pthread_create(&all[i], i % 2 ? &small : NULL, work, NULL))
				abort();
		for (int i = 0; i < 64; i++)
			pthread_join(all[i], NULL);
	}
	grow();
	pthread_create(&other, NULL, free_all, NULL);
	pthread_join(other, NULL);
}

/* ---- beginnings and ends --------------------------------------------------------------------- */

static void *early;

__attribute__((constructor(101))) static void construct(void)
{
	early = keep(11);
}

static void at_exit(void)
{
	churn(7);
}

__attribute__((destructor)) static void destruct(void)
{
	free(keep(13));
}

/* What at_exit and destruct are going to ask for. */
static void announce_ends(void)
{
	blocks += 8;
	bytes += 16 + 17 + 18 + 19 + 20 + 21 + 22 + 13;
	atexit(at_exit);
}

/* ---- surroundings ---------------------------------------------------------------------------- */

static void descriptors(void)
{
	int fd;

	close_range(3, ~0U, 0);
	churn(100);
	fd = open("/dev/null", O_RDONLY);
	printf("the next descriptor is %d\n", fd);
	clearenv();
	churn(100);
}

static void little_memory(void)
{
	struct rlimit limit = {200 << 20, 200 << 20};
	void *volatile last = NULL;
	void *block;
	int status = 0;

	setrlimit(RLIMIT_AS, &limit);
	do {
		block = malloc(1 << 20);
		if (!block)
			break;
		*(void **)block = last;
		last = block;
	} while (1);
	while (last) {
		block = last;
		last = *(void **)block;
		free(block);
	}
	for (int i = 0; i < 3; i++)
		if (!fork())
			_exit(malloc(100) == NULL);
		else
			wait(&status);
	blocks = bytes = 0;
	printf("memory was exhausted, %d\n", status);
}

/* As servers do at their start: another root, and the work in a child. */
static void confined(void)
{
	pid_t pid;

	if (chroot("/var/empty") && chroot("/tmp"))
		puts("no chroot");
	churn(500);
	pid = fork();
	if (!pid) {
		drop(malloc(50));
		_exit(0);
	}
	printf("the child ended with %d\n", end_of(pid));
	blocks += 1;
	bytes += 50;
}

/* Memory from the kernel: prints how often and how much of it is asked for, and what stays. */
FUNCTION static void regions(void)
{
	const size_t page = 4096, mebi = 1 << 20;
	const int how = MAP_PRIVATE | MAP_ANONYMOUS;
	char *first = mmap(NULL, mebi, PROT_READ | PROT_WRITE, how, -1, 0);
	char *second = mmap(NULL, mebi, PROT_READ | PROT_WRITE, how, -1, 0);
	char *third = mmap(NULL, page, PROT_READ | PROT_WRITE, how, -1, 0);
	char *odd = mmap(NULL, page + 1, PROT_READ | PROT_WRITE, how, -1, 0); /* two pages */
	void *file = mmap(NULL, page, PROT_READ, MAP_PRIVATE, open("/proc/self/exe", O_RDONLY), 0);
	char *end;

	munmap(first, mebi);
	munmap(second + 16 * page, 32 * page); /* a hole */
	second = mmap(second, page, PROT_READ, how | MAP_FIXED, -1, 0);
	third = mremap(third, page, 5 * page, MREMAP_MAYMOVE);
	if (second == MAP_FAILED || third == MAP_FAILED ||
	    mremap(third, 5 * page, (size_t)1 << 47, MREMAP_MAYMOVE) != MAP_FAILED)
		puts("no room");
	munmap(odd, page + 1);
	file = mremap(file, page, 2 * page, MREMAP_MAYMOVE);
	munmap(file, 2 * page);
	end = sbrk((intptr_t)page * 3);
	if (end != (char *)-1)
		sbrk(-(intptr_t)page);
	for (int i = 0; i < 10; i++)
		sbrk(100);
	for (int i = 0; i < 5; i++)
		sbrk(-100);
	printf("%zu\n", mebi - 32 * page + 5 * page + 2 * page + 500);
	printf("17 %zu\n", 2 * mebi + page + 2 * page + page + 5 * page + 3 * page + 1000);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*function)(void);
} cases[] = {
	{"family", family},	   {"leaks", leaks},	     {"forks", forks},
	{"spawns", spawns},	   {"inherited", inherited}, {"killed", killed},
	{"threads", threads},	   {"ends", announce_ends},  {"descriptors", descriptors},
	{"little", little_memory}, {"confined", confined},   {"regions", regions},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IONBF, 0); /* a buffer would be an allocation more */
	for (size_t i = 0; argc > 1 && i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(argv[1], cases[i].name))
			cases[i].function();
	if (argc < 2 || strcmp(argv[1], "ends")) {
		blocks += 1; /* destruct's */
		bytes += 13;
	}
	printf("%llu %llu\n", (unsigned long long)blocks, (unsigned long long)bytes);
	free(early);
	return 0;
}
