/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay: keeps samples and mappings, and walks the busiest process's samples again to measure the
 * unwinder's speed: the first stack (which opens its modules), all stacks with nothing known, all
 * again (their bytes come from memory), and some that stay in the processor's cache, as those that
 * the kernel has just copied do.
 */
#pragma once

#include "tests/bench/oracle/sampler.h"

struct replay;

struct replay *replay_new(void);

/* Copies what it is given. */
void replay_map(struct replay *replay, const struct sampler_mapping *mapping);

/* @pid executes another program: its mappings are gone. */
void replay_exec(struct replay *replay, int pid);

/* Copies the sample; some thousands are enough, and more are ignored. */
void replay_keep(struct replay *replay, int pid, const struct unwind_sample *sample);

/* Measures, in seconds of CPU time, and prints one line. */
void replay_measure(const struct replay *replay);

void replay_free(struct replay *replay);
