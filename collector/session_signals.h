/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_signals: the signals that end programs arrive as data while a session lasts, so that they
 * are passed on and not died of.
 */
#pragma once

#include "collector/target.h"

#include <stdint.h>

#define SIGNALS_TAKEN 7 /* INT, TERM, HUP, QUIT; USR1, USR2 and ALRM would end us too */

struct session_signals {
	struct target_signals saved; /* as they were before the session */
	struct sigaction ending[SIGNALS_TAKEN];
	int fd;		       /* readable when one has come */
	int interrupts;	       /* wishes for an end so far */
	uint64_t interrupt_ns; /* of the last one */
};

void session_signals_take(struct session_signals *signals);

/*
 * Lets them end the collector again: from here on nothing can be lost but time. One that comes
 * right after one that was passed on is the same wish and ends nothing: timeout(1) signals the
 * program and then its group. Once a process.
 */
void session_signals_allow(struct session_signals *signals);

/* Makes them again what they were. */
void session_signals_done(struct session_signals *signals);

/*
 * Counts those that have come and passes them on to a launched program.
 *
 * @pid  of the program; 0: there is none of ours, and every signal is a wish for an end
 * One typed at the terminal went to the whole foreground group, so the program has it already; that
 * the terminal was hung up went to us alone when we lead the session. A second SIGINT is meant for
 * us. Source: credentials(7), sessions.
 */
void session_signals_pass(struct session_signals *signals, pid_t pid);
