/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_signals: the signals that end programs arrive as data while a session lasts, so that they
 * are passed on and not died of.
 */
#pragma once

#include "collector/target.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct session_signals {
	struct target_signals saved;	/* as they were before the session */
	struct sigaction ending[_NSIG]; /* by number, those that are taken */
	sigset_t taken;
	int fd;		       /* readable when one has come */
	int interrupts;	       /* wishes for an end so far */
	uint64_t interrupt_ns; /* of the last one */
	uint64_t stop_ns;      /* when a stop was asked for that has not come yet; 0: none */
};

/*
 * Takes all signals that end a program and that can be caught, but for those that tell of errors of
 * its own. Those that were ignored, as nohup has it, are passed on, since the program may catch
 * them, and are no wish for an end. An interrupt is one all the same when it is sent to us alone:
 * shells without job control have what runs in the background ignore it.
 */
void session_signals_take(struct session_signals *signals);

/*
 * Takes also those that stop and continue a launched program: we stop when it has stopped, so that
 * no sample is lost meanwhile, and not when it does not mind.
 */
void session_signals_take_stops(struct session_signals *signals);

/*
 * Lets them end the collector again: from here on nothing can be lost but time. One that comes
 * right after one that was passed on is the same wish and ends nothing: timeout(1) signals the
 * program and then its group. Nor does one for which @give_up, called in the handler, finds
 * something that need not be waited for. Once a process.
 */
void session_signals_allow(struct session_signals *signals, bool (*give_up)(void));

/* Makes them again what they were. */
void session_signals_done(struct session_signals *signals);

/*
 * Counts those that have come and passes them on to a launched program.
 *
 * @pid  of the program; 0: there is none of ours, and every signal is a wish for an end
 * One typed at the terminal went to the whole foreground group, so the program has it already; that
 * the terminal was hung up went to us alone when we lead the session. A second SIGINT is meant for
 * us. That the program stops is seen at a later call, so this is called some times a second.
 * Source: credentials(7), sessions.
 */
void session_signals_pass(struct session_signals *signals, pid_t pid);
