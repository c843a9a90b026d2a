/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * survival: `survival SCENE [FILE]` does what a library inside the process could break, and prints
 * what it saw. With libprobe.so in it the lines must be the same as without. It gives up by itself
 * when it hangs.
 *
 * In all scenes dlsym is the program's own, and allocates.
 */
#include "tests/workloads/workload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define GIVE_UP_S 60

typedef void *find_symbol(void *handle, const char *name);

/* The last call is a jump, so that RTLD_NEXT means what it means to the caller. */
void *dlsym(void *restrict handle, const char *restrict name)
{
	static find_symbol *real;
	void *volatile block = malloc(24);

	if (!real)
		real = (find_symbol *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
	free(block);
	return real(handle, name);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int null_fd = -1;
static _Atomic int worked;

/* One of everything that is counted. */
FUNCTION static void work(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		char *volatile block = malloc(16 + (size_t)i % 200);

		*block = 'x';
		pthread_mutex_lock(&lock);
		worked += write(null_fd, block, 1) == 1;
		pthread_mutex_unlock(&lock);
		free(block);
	}
}

static void say_worked(const char *where)
{
	printf("%s: %d\n", where, worked);
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static bool is_watched(void)
{
	return getenv("SIMPROF_PROBE") != NULL;
}

/* ---- descriptors -------------------------------------------------------------------------- */

static char own_path[PATH_MAX];
static const char *file = "survival.said";

static void print_file(void)
{
	FILE *stream = fopen(file, "r");
	char line[256];

	while (stream && fgets(line, sizeof(line), stream))
		fputs(line, stdout);
	if (stream)
		fclose(stream);
}

/* Executes itself in a scene whose output goes to the file, after a preparation. */
static void execute(const char *scene, void (*prepare)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prepare();
		execl(own_path, own_path, scene, file, NULL);
		_exit(127);
	}
	status = status_of(pid);
	print_file();
	printf("%s ended with %d\n", scene, status);
}

static void close_all(void)
{
	close_range(0, 1023, 0);
}

/* Starts without any descriptor. */
static void begin_bare(void)
{
	int first = open("/dev/null", O_WRONLY), second;

	null_fd = first;
	work(100);
	close(first);
	second = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dprintf(second, "descriptors %d %d, worked %d\n", first, second, worked);
}

static void start_bare(void)
{
	execute("bare", close_all);
}

static void starve(void)
{
	struct rlimit files = {4, 4}, none = {0, 0};

	close_range(3, 1023, 0);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_SIGPENDING, &none);
	setrlimit(RLIMIT_MEMLOCK, &none);
}

static void begin_starved(void)
{
	int fd;

	work(100);
	close(null_fd);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dprintf(fd, "descriptor %d, worked %d\n", fd, worked);
}

static void start_starved(void)
{
	execute("starved", starve);
}

/* ---- signals ------------------------------------------------------------------------------ */

static sigjmp_buf back;
static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	handled++;
	work(3);
	if (number == SIGSEGV)
		siglongjmp(back, 1);
}

FUNCTION static void touch(volatile int *nothing)
{
	*nothing = 1; /* NOLINT(clang-analyzer-core.NullDereference) */
	NOT_A_TAIL_CALL();
}

static void handle_signals(void)
{
	static char alternate[16384];
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags |= SA_NODEFER;
	sigaction(SIGSEGV, &action, NULL);
	for (volatile int i = 0; i < 50; i++) {
		raise(SIGUSR1);
		if (!sigsetjmp(back, 1))
			touch((volatile int *)(uintptr_t)i); /* faults */
		work(1);
	}
	printf("%d signals\n", (int)handled);
	say_worked("handlers");
}

/* ---- threads ------------------------------------------------------------------------------ */

#define THREADS 64

static pthread_key_t key;
extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

static void destroy(void *value)
{
	intptr_t left = (intptr_t)value - 1;

	work(5);
	if (left)
		pthread_setspecific(key, (void *)left);
}

static void destroy_local(void *value)
{
	(void)value;
	work(5);
}

static void *live(void *unused)
{
	pthread_setspecific(key, (void *)3);
	__cxa_thread_atexit_impl(destroy_local, NULL, &__dso_handle);
	work(200);
	return unused;
}

static void crowd(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
	pthread_key_create(&key, destroy);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], i % 2 ? &small : NULL, live, NULL))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	say_worked("threads and their destructors");
}

static void *be_last(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	work(50);
	say_worked("the last thread");
	fflush(stdout);
	return NULL;
}

static void leave_first(void)
{
	static pthread_t first;
	pthread_t last;

	first = pthread_self();
	pthread_create(&last, NULL, be_last, &first);
	pthread_exit(NULL);
}

#define COROUTINE_BYTES 65536

static ucontext_t main_context, coroutine;

static void coroutine_main(void)
{
	for (int i = 0; i < 3; i++) {
		work(10);
		swapcontext(&coroutine, &main_context);
	}
}

/* On a stack that comes, goes and comes again at one address. */
FUNCTION static void switch_stack(void)
{
	void *stack = mmap(NULL, COROUTINE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = COROUTINE_BYTES;
	makecontext(&coroutine, coroutine_main, 0);
	for (volatile int i = 0; i < 3; i++) {
		swapcontext(&main_context, &coroutine);
		work(3);
	}
	munmap(stack, COROUTINE_BYTES);
}

static void switch_stacks(void)
{
	for (int i = 0; i < 20; i++)
		switch_stack();
	say_worked("coroutines");
}

/* ---- processes ---------------------------------------------------------------------------- */

/* Without the lock, which may be another's in the child. */
static void in_fork(void)
{
	char *volatile block = malloc(10);

	*block = 'x';
	worked += write(null_fd, block, 1) == 1;
	free(block);
}

static _Atomic int is_over;

static void *work_on(void *unused)
{
	while (!is_over)
		work(20);
	return unused;
}

static void fork_among_threads(void)
{
	pthread_t threads[2];
	int good = 0;

	pthread_atfork(in_fork, in_fork, in_fork);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work_on, NULL);
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (int j = 0; j < 100; j++)
				free(realloc(malloc(10), 100));
			if (i % 2)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}
		good += !status_of(pid);
	}
	is_over = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("%d children ended well\n", good);
}

FUNCTION static pid_t work_in_vfork(void)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (!pid) {
		work(50); /* NOLINT(clang-analyzer-unix.Vfork): programs do it */
		_exit(0);
	}
	return pid;
}

static void share_memory(void)
{
	int good = 0;

	for (int i = 0; i < 10; i++) {
		good += !status_of(work_in_vfork());
		work(10);
	}
	printf("%d children ended well\n", good);
	say_worked("vfork");
}

/* Gives up what it may do, as servers do after their start. */
static void drop_rights(void)
{
	int good;

	if (geteuid() == 0 && (chroot("/var/empty") && chroot("/tmp")))
		puts("no chroot");
	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		puts("no other user");
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1);
	clearenv();
	work(100);
	good = !status_of(work_in_vfork());
	printf("a child ended well: %d\n", good);
	say_worked("without rights");
}

/* Goes where only read, write and exit are allowed, once it has what it needs. */
static void lock_in(void)
{
	char line[32];
	int status;
	pid_t pid = fork();

	if (!pid) {
		work(500);
		if (prctl(PR_SET_SECCOMP, 1))
			syscall(SYS_exit, 3);
		work(500);
		syscall(SYS_exit, worked == 1000 ? 0 : 4);
	}
	status = status_of(pid);
	snprintf(line, sizeof(line), "locked in: %d\n", status);
	fputs(line, stdout);
}

static void crash(void)
{
	work(10);
	say_worked("before the end");
	fflush(stdout);
	abort();
}

/* ---- the collector ------------------------------------------------------------------------ */

static void signal_collector(int number)
{
	if (is_watched())
		kill(getppid(), number);
}

static void outlive(void)
{
	pid_t collector = getppid();

	work(100);
	signal_collector(SIGKILL);
	while (is_watched() && getppid() == collector)
		usleep(1000);
	work(1000);
	say_worked("alone");
	crowd();
	start_bare();
	share_memory();
	fork_among_threads();
}

/* Uses CPU time deep in the stack, so that a copy of the stack is large. */
FUNCTION static uint64_t spend_deep(clock_t end)
{
	volatile char large[100000];
	uint64_t value = 1;

	large[0] = 1;
	while (clock() < end)
		value = burn(value);
	return value + (uint64_t)large[0];
}

/* Samples more than there is room for, while the collector sleeps. */
static void flood(void)
{
	uint64_t value;

	signal_collector(SIGSTOP);
	value = spend_deep(clock() + 3 * CLOCKS_PER_SEC / 4);
	work(1000);
	signal_collector(SIGCONT);
	say_worked(value ? "flooded" : "");
}

/* ------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*play)(void);
} scenes[] = {
	{"start_bare", start_bare},
	{"bare", begin_bare},
	{"start_starved", start_starved},
	{"starved", begin_starved},
	{"signals", handle_signals},
	{"crowd", crowd},
	{"leave_first", leave_first},
	{"switch_stacks", switch_stacks},
	{"forks", fork_among_threads},
	{"vforks", share_memory},
	{"drop_rights", drop_rights},
	{"lock_in", lock_in},
	{"crash", crash},
	{"outlive", outlive},
	{"flood", flood},
};

int main(int argc, char **argv)
{
	alarm(GIVE_UP_S);
	if (argc > 2)
		file = argv[2];
	if (readlink("/proc/self/exe", own_path, sizeof(own_path) - 1) < 0)
		return 1;
	if (argc < 2 || strcmp(argv[1], "bare") != 0)
		null_fd = open("/dev/null", O_WRONLY);
	for (size_t i = 0; argc > 1 && i < sizeof(scenes) / sizeof(*scenes); i++)
		if (!strcmp(argv[1], scenes[i].name)) {
			scenes[i].play();
			return 0;
		}
	return 2;
}
