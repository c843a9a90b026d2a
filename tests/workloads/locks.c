/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * locks CASE [N]: waits whose number, length and places are known. What it prints is the same
 * whether it is watched or not.
 *
 *     free N       N times an uncontended mutex; prints the times it was taken
 *     held         another thread holds a variable's mutex for 100 ms, three times over
 *     blame        one holds the lock for 100 ms, three wait and hold it for a moment
 *     heap         the same as held, with a mutex on the heap
 *     awaits       waits of 50 ms each for a condition, a semaphore, a barrier, the end of a thread
 *     results      what the functions return for all kinds of locks, right and wrong
 *     cancelled    threads that are cancelled while they wait
 *     forks        forks from among threads that fight for a lock
 *     handler      a semaphore is posted by a signal handler
 *     churn        64 threads, 4 times over, on few locks; prints the times all were taken
 *     many         more locks than a thread has counters for
 *     pair N       N lock and unlock of one mutex; prints nanoseconds of CPU time each
 *     fight N      the same by two threads on one mutex
 */
#include "tests/workloads/workload.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static atomic_int is_held;
static atomic_int comers[3], comer_count; /* threads that are to wait for it */

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += ms * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

/* ---- locks -------------------------------------------------------------------------------- */

FUNCTION static void hold(pthread_mutex_t *mutex, long ms)
{
	pthread_mutex_lock(mutex);
	atomic_store(&is_held, 1);
	for (int i = 0; i < comer_count; i++) {
		while (!comers[i])
			pause_ms(1);
		workload_let_wait(comers[i], 0);
	}
	pause_ms(ms);
	pthread_mutex_unlock(mutex);
	NOT_A_TAIL_CALL();
}

FUNCTION static void enter(pthread_mutex_t *mutex)
{
	while (!atomic_load(&is_held))
		pause_ms(1);
	pthread_mutex_lock(mutex);
	atomic_store(&is_held, 0);
	pthread_mutex_unlock(mutex);
	NOT_A_TAIL_CALL();
}

static void *visitor(void *mutex)
{
	comers[0] = gettid();
	for (int i = 0; i < 3; i++)
		enter(mutex);
	return NULL;
}

static void held(pthread_mutex_t *mutex)
{
	pthread_t thread;

	comer_count = 1;
	pthread_create(&thread, NULL, visitor, mutex);
	for (int i = 0; i < 3; i++) {
		hold(mutex, 100);
		while (atomic_load(&is_held))
			pause_ms(1);
	}
	pthread_join(thread, NULL);
	puts("3");
}

FUNCTION static void pass(void)
{
	pthread_mutex_lock(&door);
	NOT_A_TAIL_CALL();
	pthread_mutex_unlock(&door);
	NOT_A_TAIL_CALL();
}

static void *passer(void *place)
{
	*(atomic_int *)place = gettid();
	while (!atomic_load(&is_held))
		pause_ms(1);
	pass();
	return NULL;
}

static void blame(void)
{
	pthread_t threads[3];

	comer_count = 3;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, passer, &comers[i]);
	hold(&door, 100);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	puts("3");
}

static void take_freely(long count)
{
	static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	static pthread_rwlock_t book = PTHREAD_RWLOCK_INITIALIZER;

	for (long i = 0; i < count; i++) {
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
		pthread_rwlock_rdlock(&book);
		pthread_rwlock_unlock(&book);
	}
	printf("%ld\n", count);
}

/* ---- awaits ------------------------------------------------------------------------------- */

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t meal = PTHREAD_COND_INITIALIZER;
static sem_t bell;
static pthread_barrier_t fence;
static bool is_served;

FUNCTION static void serve(void)
{
	pthread_mutex_lock(&table);
	is_served = true;
	pthread_cond_signal(&meal);
	pthread_mutex_unlock(&table);
	NOT_A_TAIL_CALL();
}

FUNCTION static void ring(void)
{
	sem_post(&bell);
	NOT_A_TAIL_CALL();
}

static void *waiter(void *unused)
{
	workload_let_wait(getpid(), 50);
	serve();
	workload_let_wait(getpid(), 50);
	ring();
	workload_let_wait(getpid(), 50);
	pthread_barrier_wait(&fence);
	workload_let_wait(getpid(), 50);
	return unused;
}

FUNCTION static void dine(void)
{
	pthread_mutex_lock(&table);
	while (!is_served)
		pthread_cond_wait(&meal, &table);
	pthread_mutex_unlock(&table);
	NOT_A_TAIL_CALL();
}

static void await_all(void)
{
	pthread_t thread;

	sem_init(&bell, 0, 0);
	pthread_barrier_init(&fence, NULL, 2);
	pthread_create(&thread, NULL, waiter, NULL);
	dine();
	sem_wait(&bell);
	pthread_barrier_wait(&fence);
	pthread_join(thread, NULL);
	puts("4");
}

/* ---- results ------------------------------------------------------------------------------ */

#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 4711;                                                                      \
		int result_ = call;                                                                \
		printf("%-70s %d %d\n", #call, result_, errno);                                    \
	} while (0)

static void say_mutex(int type, int protocol, int robustness)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	struct timespec until = in_ms(CLOCK_REALTIME, 5), steady = in_ms(CLOCK_MONOTONIC, 5);
	struct timespec wrong = {0, -1};

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, type);
	pthread_mutexattr_setprotocol(&attributes, protocol);
	pthread_mutexattr_setrobust(&attributes, robustness);
	pthread_mutex_init(&mutex, &attributes);
	SAY(pthread_mutex_trylock(&mutex));
	SAY(pthread_mutex_trylock(&mutex));
	SAY(pthread_mutex_unlock(&mutex));
	SAY(pthread_mutex_lock(&mutex));
	if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK)
		SAY(pthread_mutex_lock(&mutex));
	if (type != PTHREAD_MUTEX_ERRORCHECK || protocol != PTHREAD_PRIO_INHERIT) {
		SAY(pthread_mutex_timedlock(&mutex, &until));
		if (protocol == PTHREAD_PRIO_NONE)
			SAY(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &steady));
		SAY(pthread_mutex_timedlock(&mutex, &wrong));
	}
	SAY(pthread_mutex_unlock(&mutex));
	SAY(pthread_mutex_unlock(&mutex));
	pthread_mutexattr_destroy(&attributes);
}

static void *die_with(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

static void say_robust(void)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mutex, &attributes);
	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, die_with, &mutex);
		pthread_join(thread, NULL);
		SAY(pthread_mutex_lock(&mutex));
		if (!i)
			SAY(pthread_mutex_consistent(&mutex));
		SAY(pthread_mutex_unlock(&mutex));
	}
	SAY(pthread_mutex_lock(&mutex));
	SAY(pthread_mutex_trylock(&mutex));
}

static void say_rwlock(void)
{
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
	struct timespec until = in_ms(CLOCK_REALTIME, 5), steady = in_ms(CLOCK_MONOTONIC, 5);
	struct timespec wrong = {0, 1000000000};

	SAY(pthread_rwlock_timedrdlock(&lock, &wrong));
	SAY(pthread_rwlock_timedwrlock(&lock, &wrong));
	SAY(pthread_rwlock_clockrdlock(&lock, CLOCK_PROCESS_CPUTIME_ID, &steady));
	SAY(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &wrong));
	SAY(pthread_rwlock_timedrdlock(&lock, &until));
	SAY(pthread_rwlock_unlock(&lock));
	SAY(pthread_rwlock_rdlock(&lock));
	SAY(pthread_rwlock_tryrdlock(&lock));
	SAY(pthread_rwlock_trywrlock(&lock));
	SAY(pthread_rwlock_timedwrlock(&lock, &until));
	SAY(pthread_rwlock_unlock(&lock));
	SAY(pthread_rwlock_unlock(&lock));
	SAY(pthread_rwlock_wrlock(&lock));
	SAY(pthread_rwlock_wrlock(&lock));
	SAY(pthread_rwlock_rdlock(&lock));
	SAY(pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &steady));
	SAY(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &steady));
	SAY(pthread_rwlock_timedrdlock(&lock, &until));
	SAY(pthread_rwlock_unlock(&lock));
}

static void say_others(void)
{
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct timespec until = in_ms(CLOCK_REALTIME, 5), steady = in_ms(CLOCK_MONOTONIC, 5);
	struct timespec wrong = {0, -1};
	pthread_spinlock_t spin;
	sem_t semaphore;
	mtx_t c11;
	cnd_t c11_condition;

	pthread_spin_init(&spin, 0);
	SAY(pthread_spin_lock(&spin));
	SAY(pthread_spin_trylock(&spin));
	SAY(pthread_spin_unlock(&spin));
	sem_init(&semaphore, 0, 1);
	SAY(sem_clockwait(&semaphore, CLOCK_PROCESS_CPUTIME_ID, &steady));
	SAY(sem_wait(&semaphore));
	SAY(sem_trywait(&semaphore));
	SAY(sem_timedwait(&semaphore, &until));
	SAY(sem_timedwait(&semaphore, &wrong));
	SAY(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &steady));
	SAY(sem_post(&semaphore));
	SAY(sem_timedwait(&semaphore, &wrong));
	pthread_mutex_lock(&mutex);
	SAY(pthread_cond_timedwait(&condition, &mutex, &until));
	SAY(pthread_cond_timedwait(&condition, &mutex, &wrong));
	SAY(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &steady));
	SAY(pthread_mutex_unlock(&mutex));
	SAY(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &steady));
	SAY(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &wrong));
	mtx_init(&c11, mtx_timed);
	cnd_init(&c11_condition);
	SAY(mtx_lock(&c11));
	SAY(mtx_trylock(&c11));
	SAY(mtx_timedlock(&c11, &until));
	SAY(mtx_timedlock(&c11, &wrong));
	SAY(cnd_timedwait(&c11_condition, &c11, &until));
	SAY(cnd_signal(&c11_condition));
	SAY(cnd_broadcast(&c11_condition));
	SAY(mtx_unlock(&c11));
	SAY(mtx_trylock(&c11));
}

static void say_results(void)
{
	static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE,
				    PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};

	for (int i = 0; i < 4; i++)
		for (int robustness = 0; robustness < 2; robustness++) {
			say_mutex(types[i], PTHREAD_PRIO_NONE, robustness);
			if (robustness) /* there are no others that are robust, or not safely so */
				continue;
			say_mutex(types[i], PTHREAD_PRIO_INHERIT, robustness);
			say_mutex(types[i], PTHREAD_PRIO_PROTECT, robustness);
		}
	say_robust();
	say_rwlock();
	say_others();
}

/* ---- threads that end, fork, are interrupted ---------------------------------------------- */

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static atomic_bool are_cancelled;

static void *wait_for_ever(void *how)
{
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	sem_t none;

	sem_init(&none, 0, 0);
	if (*(int *)how == 0) {
		pthread_mutex_lock(&mutex);
		pthread_cleanup_push(unlock, &mutex);
		pthread_cond_wait(&never, &mutex);
		pthread_cleanup_pop(0);
	} else if (*(int *)how == 1) {
		sem_wait(&none);
	} else { /* cancelled before: it must not even take what is there */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		while (!atomic_load(&are_cancelled))
			pause_ms(1);
		sem_post(&none);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		sem_wait(&none);
		puts("not cancelled");
	}
	return NULL;
}

static void cancel(void)
{
	int ways[] = {0, 1, 2}, cancelled = 0;
	pthread_t threads[3];
	void *value;

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wait_for_ever, &ways[i]);
	pause_ms(20);
	for (int i = 0; i < 3; i++)
		pthread_cancel(threads[i]);
	atomic_store(&are_cancelled, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &value);
		cancelled += value == PTHREAD_CANCELED;
	}
	printf("%d\n", cancelled);
}

static atomic_bool is_over;

static void *fight(void *count)
{
	while (!atomic_load(&is_over)) {
		pthread_mutex_lock(&door);
		++*(long *)count;
		pthread_mutex_unlock(&door);
	}
	return NULL;
}

static void fork_among_fighters(void)
{
	long counts[3] = {0};
	pthread_t threads[3];
	int good = 0, status;

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, fight, &counts[i]);
	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&door); /* the child has it then */
		pid_t child = fork();

		pthread_mutex_unlock(&door);
		if (!child) {
			pthread_mutex_lock(&table);
			pthread_mutex_unlock(&table);
			_exit(pthread_mutex_lock(&door));
		}
		waitpid(child, &status, 0);
		good += status == 0;
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", good);
}

static void on_alarm(int number)
{
	(void)number;
	sem_post(&bell);
}

static void post_from_handler(void)
{
	struct timespec often = {0, 1000000};
	struct itimerspec interval = {often, often};
	int waited = 0;
	timer_t timer;

	sem_init(&bell, 0, 0);
	signal(SIGALRM, on_alarm);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &interval, NULL);
	while (waited < 100) {
		int result = sem_wait(&bell);

		waited += !result;
		if (result && errno != EINTR)
			break;
		for (int i = 0; i < 10000; i++) { /* the handler also comes here */
			pthread_mutex_lock(&door);
			pthread_mutex_unlock(&door);
		}
	}
	timer_delete(timer);
	printf("%d\n", waited);
}

/* ---- many --------------------------------------------------------------------------------- */

#define CHURN_THREADS 64
#define CHURN_TAKES   2000

static pthread_mutex_t few[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
				 PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

FUNCTION static void take_one(int which)
{
	pthread_mutex_lock(&few[which]);
	NOT_A_TAIL_CALL();
	pthread_mutex_unlock(&few[which]);
	NOT_A_TAIL_CALL();
}

static void *churn_thread(void *unused)
{
	for (int i = 0; i < CHURN_TAKES; i++)
		take_one(i % 4);
	return unused;
}

static void churn(void)
{
	pthread_t threads[CHURN_THREADS];

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < CHURN_THREADS; i++)
			pthread_create(&threads[i], NULL, churn_thread, NULL);
		for (int i = 0; i < CHURN_THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	printf("%d\n", 4 * CHURN_THREADS * CHURN_TAKES);
}

#define MANY 20000

static void take_many(void)
{
	pthread_mutex_t *mutexes = calloc(MANY, sizeof(pthread_mutex_t));

	for (int i = 0; i < 3 * MANY; i++) {
		pthread_mutex_lock(&mutexes[i % MANY]);
		pthread_mutex_unlock(&mutexes[i % MANY]);
	}
	free(mutexes);
	printf("%d\n", 3 * MANY);
}

static void measure_pair(long count)
{
	struct timespec start, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	for (long i = 0; i < count; i++) {
		pthread_mutex_lock(&door);
		NOT_A_TAIL_CALL();
		pthread_mutex_unlock(&door);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	printf("%.2f\n",
	       ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
		       (double)count);
}

static void *take_often(void *count)
{
	for (long i = 0; i < *(long *)count; i++)
		take_one(0);
	return NULL;
}

static void measure_fight(long count)
{
	pthread_t threads[2];
	struct timespec end;

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, take_often, &count);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	printf("%.2f\n", ((double)end.tv_sec * 1e9 + (double)end.tv_nsec) / (2 * (double)count));
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 1000;

	if (!strcmp(which, "free"))
		take_freely(count);
	else if (!strcmp(which, "held"))
		held(&door);
	else if (!strcmp(which, "blame"))
		blame();
	else if (!strcmp(which, "heap"))
		held(calloc(1, sizeof(pthread_mutex_t)));
	else if (!strcmp(which, "awaits"))
		await_all();
	else if (!strcmp(which, "results"))
		say_results();
	else if (!strcmp(which, "cancelled"))
		cancel();
	else if (!strcmp(which, "forks"))
		fork_among_fighters();
	else if (!strcmp(which, "handler"))
		post_from_handler();
	else if (!strcmp(which, "churn"))
		churn();
	else if (!strcmp(which, "many"))
		take_many();
	else if (!strcmp(which, "pair"))
		measure_pair(count);
	else if (!strcmp(which, "fight"))
		measure_fight(count);
	else
		return 2;
	return 0;
}
