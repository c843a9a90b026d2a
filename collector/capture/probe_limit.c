/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_limit: see probe_limit.h. */
#include "collector/capture/probe_limit.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <time.h>

/* That something was told is all there is to know. */
static int take(void *context, void *data, size_t bytes)
{
	(void)context;
	(void)data;
	(void)bytes;
	return 0;
}

int probe_limit_open(struct probe_limit *limit, int ring, __u64 *spent_ns, __u64 *limit_ns,
		     struct error *error)
{
	limit->spent_ns = spent_ns;
	limit->limit_ns = limit_ns;
	limit->told = ring_buffer__new(ring, take, NULL, NULL);
	return limit->told ? 0 : fail(error, -errno, "cannot map the ring of a limit: %m");
}

void probe_limit_done(struct probe_limit *limit)
{
	ring_buffer__free(limit->told);
}

double probe_limit_spent_ns(const struct probe_limit *limit)
{
	return (double)__atomic_load_n(limit->spent_ns, __ATOMIC_ACQUIRE);
}

void probe_limit_set(struct probe_limit *limit, double more_ns)
{
	double limit_ns = probe_limit_spent_ns(limit) + (more_ns > 1 ? more_ns : 1);

	ring_buffer__consume(limit->told);
	__atomic_store_n(limit->limit_ns, (uint64_t)limit_ns, __ATOMIC_RELEASE);
}

bool probe_limit_is_over(const struct probe_limit *limit)
{
	uint64_t limit_ns = __atomic_load_n(limit->limit_ns, __ATOMIC_ACQUIRE);

	return limit_ns && probe_limit_spent_ns(limit) >= (double)limit_ns;
}

void probe_limit_wait(struct probe_limit *limit, uint64_t most_ns)
{
	struct pollfd told = {.fd = probe_limit_fd(limit), .events = POLLIN};
	struct timespec most = {.tv_sec = (time_t)(most_ns / 1000000000u),
				.tv_nsec = (long)(most_ns % 1000000000u)};

	if (!probe_limit_is_over(limit))
		ppoll(&told, 1, &most, NULL);
}

int probe_limit_fd(const struct probe_limit *limit)
{
	return ring_buffer__epoll_fd(limit->told);
}
