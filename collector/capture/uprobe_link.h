/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_link: one BPF program on many places of a file, through bpf(2) itself.
 *
 * Source: include/uapi/linux/bpf.h of Linux 6.13, BPF_LINK_CREATE with uprobe_multi; Debian 12's
 * header is older and libbpf 1.1 has no function for it.
 */
#pragma once

#include "collector/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Attach types that a program is loaded for; 0: for uprobe_link_classic. */
#define UPROBE_LINK_ENTRY   48 /* BPF_TRACE_UPROBE_MULTI */
#define UPROBE_LINK_SESSION 57 /* BPF_TRACE_UPROBE_SESSION: one program for entry and return */

/*
 * @program  descriptor of a program loaded for @type
 * @pid      process that alone meets the probes, without those it will fork; 0: all
 * @fd       the file, open for reading; borrowed
 * @offsets  @count places in the file, and what bpf_get_attach_cookie shall tell there
 * Returns a descriptor that holds the probes in place until it is closed, or a negative errno.
 */
int uprobe_link(int program, uint32_t type, pid_t pid, int fd, const uint64_t *offsets,
		const uint64_t *cookies, size_t count, struct error *error);

/*
 * The way of older kernels: a perf event for each place, of all processes.
 *
 * @program    descriptor of a program loaded for no attach type
 * @is_return  the probe is at the return from the function whose entry the place is
 * Returns a descriptor as above. Cost: 1 ms on, 0.1 s off.
 * Source: perf_event_open(2), dynamic PMU "uprobe" (Linux 4.17); BPF_LINK_CREATE of BPF_PERF_EVENT
 * with a cookie (5.15).
 */
int uprobe_link_classic(int program, int fd, uint64_t offset, uint64_t cookie, bool is_return,
			struct error *error);
