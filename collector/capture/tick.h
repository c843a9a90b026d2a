/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tick: sampling on the kernel's own tick, which adds no interrupt.
 *
 * The timer interrupt dominates what a sample costs, and the scheduler's tick fires anyway. An
 * event on the tracepoint timer:hrtimer_expire_entry, filtered to the tick's handler, gives one
 * sample per tick (CONFIG_HZ a second) with the interrupted code's registers and stack. Limits:
 * that rate and no other; no samples on CPUs without a tick (nohz_full); the right to open
 * tracepoints (root, or CAP_PERFMON with tracefs); and work that is itself driven by the tick is
 * seen more often than it should be.
 *
 * At the tracepoint the kernel is always running, so a sample's kernel chain begins with the tick
 * itself, up to the interrupt's entry. What lies beyond is the interrupted kernel code; nothing
 * beyond means that user code was interrupted.
 *
 *     tracepoint ← … ← hrtimer_interrupt ← asm_sysvec_apic_timer_interrupt ← interrupted code
 *     └─────────────────────── cut ──────────────────────────────────────┘
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/event.h"

#include <stdint.h>

struct tick {
	uint64_t tracepoint;  /* perf_event_attr.config */
	uint64_t handler;     /* address that the filter lets through */
	uint64_t entry_start; /* the interrupt's entry code */
	uint64_t entry_end;
	uint64_t period_ns; /* of the tick */
};

/*
 * Finds the tick of this kernel.
 *
 * Returns 0, or a negative errno with a sentence: no tracefs, no permission, unknown kernel.
 */
int tick_find(struct tick *tick, struct error *error);

/* Applies the filter to an event. Returns 0 or a negative errno. */
int tick_filter(const struct tick *tick, int fd, struct error *error);

/* Cuts the tick's own frames off a sample's kernel chain. */
void tick_cut(const struct tick *tick, struct event_sample *sample);

/*
 * Proves that samples really come: counts on the calling thread, which spins until one
 * has come.
 *
 * Returns 0, or -EIO when none came: an event that opens may still never fire.
 */
int tick_prove(const struct tick *tick, struct error *error);
