/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_closing: takes probes off without waiting.
 *
 * The kernel takes the probes of a link off at once when it is closed, but its caller waits until
 * nobody can be in their programs any more: some hundredths of a second for each link, while probes
 * of others stay where they are. So each is closed in a thread of its own.
 *
 * Source: kernel/trace/bpf_trace.c, bpf_uprobe_unregister, and kernel/events/uprobes.c,
 * uprobe_unregister_sync, of Linux 6.18.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

/* Zero-initialised: none are being closed. */
struct link_closing {
	pthread_t *threads;
	size_t count, capacity;
};

/* Closes a descriptor in a thread, or at once where there can be no thread. */
void link_closing_add(struct link_closing *closing, int fd);

/* Waits until all are closed, and frees what is behind @closing. */
void link_closing_wait(struct link_closing *closing);
