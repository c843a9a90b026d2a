/* SPDX-License-Identifier: MIT */
/* sampler: see sampler.h. Sources: timer_create(2), sigaction(2), System V ABI AMD64 (registers).
 */
#include "probe/sampler.h"

#include "probe/raw.h"
#include "probe/ring.h"
#include "probe/signals.h"

#include <time.h>
#include <ucontext.h>

#define PAGE_BYTES 4096ull

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* In the order of DWARF's numbers. */
static const uint8_t register_place[WIRE_REGISTERS] = {
	REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
	REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
};

/*
 * Returns how many bytes from the stack pointer upward are certainly mapped: up to the end of the
 * thread's stack or of its alternate one; on a stack that is not known (a coroutine's), to the end
 * of the page.
 */
static uint64_t readable_bytes(const struct thread *thread, const ucontext_t *context, uint64_t sp)
{
	uint64_t alternate = (uint64_t)context->uc_stack.ss_sp;
	uint64_t alternate_bytes = context->uc_stack.ss_size;

	if (sp >= thread->stack_start && sp < thread->stack_end)
		return thread->stack_end - sp;
	if (alternate && sp - alternate < alternate_bytes)
		return alternate_bytes - (sp - alternate);
	return PAGE_BYTES - sp % PAGE_BYTES;
}

/* Says whether what lies below the stack pointer is certainly mapped. */
static bool has_red_zone(const struct thread *thread, uint64_t sp)
{
	return sp % PAGE_BYTES >= WIRE_RED_ZONE ||
	       (sp >= thread->stack_start + WIRE_RED_ZONE && sp < thread->stack_end);
}

static void take(struct thread *thread, int overrun, const ucontext_t *context)
{
	uint64_t sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
	uint64_t bytes = readable_bytes(thread, context, sp) & ~7ull;
	struct wire_sample *sample;

	if (bytes > probe.wire->copy_bytes)
		bytes = probe.wire->copy_bytes;
	sample = ring_reserve(thread, WIRE_SAMPLE, sizeof(*sample) + bytes, WIRE_LOST_FULL);
	if (!sample)
		return;
	sample->periods = 1 + (uint64_t)(overrun > 0 ? overrun : 0);
	for (int i = 0; i < WIRE_REGISTERS; i++)
		sample->registers[i] = (uint64_t)context->uc_mcontext.gregs[register_place[i]];
	sample->stack_bytes = bytes;
	sample->has_red_zone = has_red_zone(thread, sp);
	if (sample->has_red_zone)
		raw_copy(sample->red_zone, (const void *)(sp - WIRE_RED_ZONE), WIRE_RED_ZONE);
	raw_copy(sample->stack, (const void *)sp, bytes);
	ring_commit(thread, &sample->record);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	struct thread *thread = thread_self;

	if (info->si_code != SI_TIMER || info->si_value.sival_ptr != &probe)
		signals_pass_on(number, info, context);
	else if (thread && wire_is_recording(probe.wire))
		take(thread, info->si_overrun, context);
}

void sampler_prepare(void)
{
	signals_take(SAMPLER_SIGNAL, on_signal);
}

void sampler_retire(void)
{
	signals_give_back();
}

void sampler_begin(struct thread *thread)
{
	struct sigevent event = {
		.sigev_value.sival_ptr = &probe,
		.sigev_signo = SAMPLER_SIGNAL,
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_notify_thread_id = thread->slot->tid,
	};
	uint64_t period_ns = probe.wire->period_ns;
	struct itimerspec every = {
		.it_interval = {(time_t)(period_ns / 1000000000u), (long)(period_ns % 1000000000u)},
	};
	int timer = -1;

	every.it_value.tv_nsec = 1; /* the first tick counts, however short the thread lives */
	if (RAW_3(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &event, &timer)) {
		probe_refuse(WIRE_REFUSED_TIMER);
		return;
	}
	thread->timer = timer;
	signals_open();
	RAW_4(SYS_timer_settime, timer, 0, &every, NULL);
}

void sampler_end(struct thread *thread)
{
	int timer = __atomic_exchange_n(&thread->timer, -1, __ATOMIC_ACQ_REL);

	if (timer >= 0)
		RAW_1(SYS_timer_delete, timer);
}
