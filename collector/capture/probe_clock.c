/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_clock: see probe_clock.h. */
#include "collector/capture/probe_clock.h"

#include "probe/wire.h"

#include <signal.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec time = {0};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *run(void *context)
{
	static const struct timespec step = {.tv_nsec = WIRE_CLOCK_NS};
	struct probe_clock *clock = context;
	uint64_t start_ns = now_ns();

	while (!atomic_load(&clock->is_stopped)) {
		nanosleep(&step, NULL);
		atomic_store(clock->hand, (uint32_t)((now_ns() - start_ns) / WIRE_CLOCK_NS));
	}
	return NULL;
}

void probe_clock_start(struct probe_clock *clock, _Atomic uint32_t *hand)
{
	sigset_t all, old;

	clock->hand = hand;
	clock->is_stopped = false;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	clock->is_running = !pthread_create(&clock->thread, NULL, run, clock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void probe_clock_stop(struct probe_clock *clock)
{
	if (!clock->is_running)
		return;
	atomic_store(&clock->is_stopped, true);
	pthread_join(clock->thread, NULL);
	clock->is_running = false;
}
