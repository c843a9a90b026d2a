/* SPDX-License-Identifier: GPL-3.0-or-later */
/* interruptions: see interruptions.h. Source: perf_event_open(2). */
#include "collector/capture/interruptions.h"

#include "collector/base/xalloc.h"
#include "collector/capture/perf_engine.h"
#include "collector/capture/perf_record.h"
#include "collector/capture/perf_ring.h"
#include "collector/capture/tracepoint.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COPY_BYTES	 (16u << 10) /* of the interrupted stack */
#define RING_BYTES	 (2u << 20)
#define LEAST_RING_BYTES (256u << 10)
#define MOST_RING_MEMORY (64u << 20) /* over all CPUs */
#define SECOND_NS	 1000000000u

/* The deliveries on one CPU. */
struct lane {
	int fd;
	struct perf_ring ring;
	const struct perf_event_header *next; /* peeked record, or NULL */
	uint64_t next_time_ns;
	uint64_t lost;	       /* records, as of the last look */
	uint64_t doubtful_end; /* of the ring: records before it are not told */
};

struct interruptions {
	int poll_fd;
	struct lane *lanes;
	size_t lane_count, lane_capacity;
	struct lane *first; /* that has the earliest record, as of the last row_next */
	bool is_missing;    /* some were missed, and that has not been told yet */
	bool has_begun;
	struct error refusal; /* "" when there was none */
	uint64_t most;	      /* in a second */
	uint64_t told, missed;
	uint64_t second_ns; /* when the one began in which `in_second` were told */
	uint64_t in_second;
	bool were_too_many;
};

struct interruptions *interruptions_new(uint64_t most)
{
	struct interruptions *interruptions = xcalloc(1, sizeof(*interruptions));

	interruptions->most = most;
	interruptions->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	return interruptions;
}

static void close_lanes(struct interruptions *interruptions)
{
	for (size_t i = 0; i < interruptions->lane_count; i++) {
		perf_ring_unmap(&interruptions->lanes[i].ring);
		close(interruptions->lanes[i].fd);
	}
	interruptions->lane_count = 0;
}

static int add_lane(struct interruptions *interruptions, uint64_t tracepoint, int cpu,
		    size_t ring_bytes)
{
	struct epoll_event interest = {.events = EPOLLIN};
	struct error *error = &interruptions->refusal;
	struct lane lane = {0};
	int result;

	lane.fd = perf_engine_open_deliveries(tracepoint, cpu, COPY_BYTES, (uint32_t)ring_bytes,
					      error);
	if (lane.fd == -ENODEV)
		return 0;
	if (lane.fd < 0)
		return lane.fd;
	result = perf_ring_map(&lane.ring, lane.fd, ring_bytes, error);
	if (result) {
		close(lane.fd);
		return result;
	}
	epoll_ctl(interruptions->poll_fd, EPOLL_CTL_ADD, lane.fd, &interest);
	xgrow(interruptions->lanes, interruptions->lane_count, interruptions->lane_capacity);
	interruptions->lanes[interruptions->lane_count++] = lane;
	return 0;
}

static void control(const struct interruptions *interruptions, unsigned long request)
{
	for (size_t i = 0; i < interruptions->lane_count; i++)
		ioctl(interruptions->lanes[i].fd, request, 0);
}

/* They are enabled when all of them are there: a delivery that one CPU does not tell would leave
 * another's in its place. */
void interruptions_begin(struct interruptions *interruptions)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_CONF), result;
	size_t ring_bytes = RING_BYTES;
	uint64_t tracepoint;

	if (interruptions->has_begun)
		return;
	interruptions->has_begun = true;
	while (ring_bytes > LEAST_RING_BYTES && cpus * ring_bytes > MOST_RING_MEMORY)
		ring_bytes /= 2;
	result = tracepoint_find("signal/signal_deliver", &tracepoint, &interruptions->refusal);
	for (int cpu = 0; cpu < cpus && !result; cpu++)
		result = add_lane(interruptions, tracepoint, cpu, ring_bytes);
	if (result) {
		close_lanes(interruptions);
		return;
	}
	interruptions->refusal = (struct error){0};
	control(interruptions, PERF_EVENT_IOC_ENABLE);
}

static void peek(struct lane *lane)
{
	lane->next = perf_ring_peek(&lane->ring);
	lane->next_time_ns = lane->next ? perf_record_time(lane->next) : 0;
}

/* ---- the row of source.h ------------------------------------------------------------------ */

static int row_poll_fd(void *self)
{
	return ((struct interruptions *)self)->poll_fd;
}

/* Looks at a CPU's records; returns how many have found no room since the last look. */
static uint64_t look(struct lane *lane)
{
	uint64_t head = lane->ring.head, lost = lane->lost, values[2]; /* count, lost */

	perf_ring_snapshot(&lane->ring);
	/* A ring that nothing has come to was not full. */
	if (lane->ring.head != head && read(lane->fd, values, sizeof(values)) == sizeof(values))
		lane->lost = values[1];
	if (!lane->next)
		peek(lane);
	return lane->lost - lost;
}

static void row_look(void *self)
{
	struct interruptions *interruptions = self;
	uint64_t missed = 0;

	for (size_t i = 0; i < interruptions->lane_count; i++)
		missed += look(&interruptions->lanes[i]);
	if (!missed)
		return;
	interruptions->missed += missed;
	interruptions->is_missing = true;
	for (size_t i = 0; i < interruptions->lane_count; i++)
		interruptions->lanes[i].doubtful_end = interruptions->lanes[i].ring.head;
}

/* That some were missed comes before all else. */
static uint64_t row_next(void *self)
{
	struct interruptions *interruptions = self;
	struct lane *found = NULL;

	if (interruptions->is_missing)
		return 0;
	for (size_t i = 0; i < interruptions->lane_count; i++) {
		struct lane *lane = &interruptions->lanes[i];

		if (lane->next && (!found || lane->next_time_ns < found->next_time_ns))
			found = lane;
	}
	interruptions->first = found;
	return found ? found->next_time_ns : SOURCE_NOTHING;
}

/* Gives up where there are too many. */
static void count(struct interruptions *interruptions, uint64_t time_ns)
{
	interruptions->told++;
	if (time_ns - interruptions->second_ns >= SECOND_NS) {
		interruptions->second_ns = time_ns;
		interruptions->in_second = 0;
	}
	if (++interruptions->in_second <= interruptions->most || interruptions->were_too_many)
		return;
	interruptions->were_too_many = true;
	control(interruptions, PERF_EVENT_IOC_DISABLE);
	for (size_t i = 0; i < interruptions->lane_count; i++)
		interruptions->lanes[i].doubtful_end = UINT64_MAX;
	interruptions->is_missing = true;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct interruptions *interruptions = self;
	struct lane *lane = interruptions->first;
	struct event event = {.kind = EVENT_INTERRUPTIONS_MISSED};

	if (interruptions->is_missing) {
		interruptions->is_missing = false;
		deliver(context, &event);
		return;
	}
	if (!perf_record_parse(lane->next, &event) && event.kind == EVENT_SAMPLE) {
		event.kind = EVENT_INTERRUPTION;
		count(interruptions, event.time_ns);
		if (lane->ring.tail >= lane->doubtful_end)
			deliver(context, &event);
	}
	perf_ring_advance(&lane->ring, lane->next);
	peek(lane);
}

static void row_stop(void *self)
{
	control(self, PERF_EVENT_IOC_DISABLE);
}

static void row_describe(void *self, struct profile *profile)
{
	const struct interruptions *interruptions = self;

	if (!interruptions->has_begun)
		return;
	if (interruptions->refusal.text[0])
		profile_set_text(profile, "interruptions.refusal", interruptions->refusal.text);
	profile_set_number(profile, "interruptions.told", (int64_t)interruptions->told);
	profile_set_number(profile, "interruptions.missed", (int64_t)interruptions->missed);
	profile_set_number(profile, "interruptions.too_many", interruptions->were_too_many);
}

static void row_close(void *self)
{
	struct interruptions *interruptions = self;

	close_lanes(interruptions);
	close(interruptions->poll_fd);
	free(interruptions->lanes);
	free(interruptions);
}

struct source interruptions_row(struct interruptions *interruptions)
{
	static const struct source_kind kind = SOURCE_KIND("interruptions");

	return (struct source){&kind, interruptions};
}
