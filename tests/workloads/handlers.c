/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * handlers: signal handlers on an alternate stack, interrupting now one, now another function at
 * the same depth.
 *
 *     main → by_one → loop_one     interrupted by on_timer → in_handler, on the alternate stack
 *     main → by_two → loop_two
 *
 * A stack of the handler goes on, across the signal frame, in the interrupted function, and that
 * one's caller has the same number; anything else is a mixture of two moments.
 *
 * With a second argument signals are raised, and each handler runs for so many milliseconds of CPU
 * time. Both interruptions look alike, word by word:
 *
 *     main → raise_one → raise     interrupted by on_raise → for_one, on the alternate stack
 *     main → raise_two → raise     for_two
 */
#include "tests/workloads/workload.h"

#include <signal.h>
#include <sys/time.h>

#define ROUNDS 73 /* no multiple of the sampler's or the timer's period */

static volatile uint64_t handled, sum = 1;

FUNCTION static void in_handler(void)
{
	handled = burn(handled + 1);
	NOT_A_TAIL_CALL();
}

FUNCTION static void on_timer(int number)
{
	(void)number;
	in_handler();
	NOT_A_TAIL_CALL();
}

FUNCTION static void loop_one(void)
{
	sum = burn(sum);
	NOT_A_TAIL_CALL();
}

FUNCTION static void loop_two(void)
{
	sum = burn(sum + 2);
	NOT_A_TAIL_CALL();
}

FUNCTION static void by_one(void)
{
	for (int i = 0; i < ROUNDS; i++)
		loop_one();
}

FUNCTION static void by_two(void)
{
	for (int i = 0; i < ROUNDS; i++)
		loop_two();
}

static volatile int who;
static int raised_milliseconds;

FUNCTION static void for_one(clock_t end)
{
	while (clock() < end)
		handled = burn(handled + 1);
}

FUNCTION static void for_two(clock_t end)
{
	while (clock() < end)
		handled = burn(handled + 2);
}

FUNCTION static void on_raise(int number)
{
	clock_t end = clock() + raised_milliseconds * (CLOCKS_PER_SEC / 1000);

	(void)number;
	(who == 1 ? for_one : for_two)(end);
	NOT_A_TAIL_CALL();
}

FUNCTION static void raise_one(void)
{
	who = 1;
	raise(SIGUSR1);
	NOT_A_TAIL_CALL();
}

FUNCTION static void raise_two(void)
{
	who = 2;
	raise(SIGUSR1);
	NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
	static char room[65536];
	const stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	const struct itimerval every = {{0, 1000}, {0, 1000}};
	const struct sigaction action = {.sa_handler = on_timer,
					 .sa_flags = SA_RESTART | SA_ONSTACK};
	clock_t end = workload_end(argc, argv);

	sigaltstack(&stack, NULL);
	raised_milliseconds = argc > 2 ? atoi(argv[2]) : 0;
	while (raised_milliseconds && clock() < end) {
		struct sigaction long_action = {.sa_handler = on_raise, .sa_flags = SA_ONSTACK};

		sigaction(SIGUSR1, &long_action, NULL);
		raise_one();
		raise_two();
	}
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	while (clock() < end) {
		by_one();
		by_two();
	}
	printf("%llu %llu\n", (unsigned long long)sum, (unsigned long long)handled);
	return 0;
}
