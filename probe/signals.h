/* SPDX-License-Identifier: MIT */
/*
 * signals: one signal of the process is ours, and the program does not notice.
 *
 * The program sees and sets its own action for it, which is called for the signals that are not
 * ours. As long as it has none, the signal is left out of the sets that it blocks or waits for:
 * blocked it could not sample, and waited for it would come out of the program's own sigwait.
 */
#pragma once

#include <signal.h>

/* Takes the signal; @handler decides which are ours and passes the others on. */
void signals_take(int number, void (*handler)(int number, siginfo_t *info, void *context));

/* Gives it back: the program's own action is the process's again. */
void signals_give_back(void);

/* Does with a signal that is not ours what the program wants done. */
void signals_pass_on(int number, siginfo_t *info, void *context);

/* Lets the signal through to the calling thread. */
void signals_open(void);
