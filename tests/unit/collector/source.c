/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/source.c: several sources, one stream in the order of time. */
#include "collector/capture/source.h"

#include <criterion/criterion.h>
#include <time.h>

#define LONG_AGO 1000 /* a time on CLOCK_MONOTONIC that every round's horizon lies behind */

/* A source of events at given times; what lies beyond `arrived` is told by the next look. */
struct list {
	const uint64_t *times_ns;
	size_t count, arrived, taken, per_look;
};

static void look(void *self)
{
	struct list *list = self;

	list->arrived += list->per_look;
	if (list->arrived > list->count)
		list->arrived = list->count;
}

static uint64_t next(void *self)
{
	const struct list *list = self;

	return list->taken < list->arrived ? list->times_ns[list->taken] : SOURCE_NOTHING;
}

static void take(void *self, source_deliver *deliver, void *context)
{
	struct list *list = self;

	deliver(context, &(struct event){.time_ns = list->times_ns[list->taken++]});
}

static const struct source_kind kind = {.look = look, .next = next, .take = take};

/* What came out of the rounds. */
struct seen {
	uint64_t times_ns[16];
	size_t count;
};

static void see(void *context, const struct event *event)
{
	struct seen *seen = context;

	seen->times_ns[seen->count++] = event->time_ns;
}

static void expect(const struct seen *seen, const uint64_t *times_ns, size_t count)
{
	cr_assert_eq(seen->count, count);
	cr_assert_arr_eq(seen->times_ns, times_ns, count * sizeof(*times_ns));
}

Test(source, merges_what_all_sources_have_in_the_order_of_time)
{
	struct list one = {.times_ns = (uint64_t[]){1, 4, 5}, .count = 3, .per_look = 3};
	struct list two = {.times_ns = (uint64_t[]){2, 3, 6}, .count = 3, .per_look = 3};
	struct list none = {0};
	struct source sources[] = {{&kind, &one}, {&kind, &none}, {&kind, &two}};
	struct seen seen = {0};

	source_round(sources, 3, false, see, &seen);
	expect(&seen, (uint64_t[]){1, 2, 3, 4, 5, 6}, 6);
}

Test(source, leaves_what_lies_beyond_the_horizon_for_the_next_round)
{
	struct timespec now;
	uint64_t times_ns[2] = {LONG_AGO};
	struct list list = {.times_ns = times_ns, .count = 2, .per_look = 2};
	struct source source = {&kind, &list};
	struct seen seen = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	times_ns[1] = ((uint64_t)now.tv_sec + 3600) * 1000000000u;
	source_round(&source, 1, false, see, &seen);
	expect(&seen, times_ns, 1);
	source_round(&source, 1, true, see, &seen);
	expect(&seen, times_ns, 2);
}

Test(source, looks_once_a_round)
{
	struct list list = {.times_ns = (uint64_t[]){1, 2, 3}, .count = 3, .per_look = 1};
	struct source source = {&kind, &list};
	struct seen seen = {0};

	source_round(&source, 1, false, see, &seen);
	cr_assert_eq(seen.count, 1);
	source_round(&source, 1, false, see, &seen);
	cr_assert_eq(seen.count, 2);
}

static int stopped;

static void stop(void *self)
{
	*(int *)self = ++stopped;
}

Test(source, one_that_is_added_first_stops_first)
{
	static const struct source_kind stops = {.stop = stop};
	struct sources sources = {0};
	int order[3];

	sources_add_first(&sources, (struct source){&stops, &order[1]});
	sources_add(&sources, (struct source){&stops, &order[2]});
	sources_add_first(&sources, (struct source){&stops, &order[0]});
	sources_stop(&sources);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(order[i], i + 1);
}
