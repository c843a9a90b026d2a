/* SPDX-License-Identifier: MIT */
/*
 * confine: programs that forbid themselves system calls (seccomp).
 *
 * The kernel takes the library's calls for the program's own, and may kill it for them. So whoever
 * installs a filter by prctl, syscall or a library that uses these (libseccomp) is looked over the
 * shoulder: the filter, a short program without loops, is executed here for each call that the
 * library might still make. When one of them would kill the process, end in a handler of the
 * program's, or wait for somebody, the library makes no call any more and counts nothing from then
 * on, and that is counted (WIRE_REFUSED_CONFINED). Calls that would merely fail are left to fail.
 *
 * Not seen are filters that are installed by a system instruction of the program's own, and those
 * that were there before the program began.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

/* The system call that a filter is asked about. */
struct confine_call {
	int number;
	uint64_t arguments[6];
};

/* Returns what a filter says to a call, SECCOMP_RET_ALLOW for a filter that the kernel refuses. */
uint32_t confine_ask(const struct sock_filter *filter, uint32_t length,
		     const struct confine_call *call);

/* Says whether a filter lets the calls pass, or fail, that the library makes in these modes. */
bool confine_is_harmless(const struct sock_filter *filter, uint32_t length, uint32_t modes);

/* Says whether the calls that tell how much memory the library took may be made at the end. */
bool confine_lets_measure(void);
