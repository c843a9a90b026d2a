/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_record: the bytes of a record in a perf ring → struct event. Pure: no system call, so that
 * any bytes can be fed to it.
 *
 * Source: perf_event_open(2), "MMAP layout"; linux/perf_event.h, enum perf_event_type.
 */
#pragma once

#include "collector/capture/event.h"

#include <linux/perf_event.h>

/* What our events ask for. perf_record_parse understands exactly these. */
#define PERF_RECORD_SAMPLE_TYPE                                                                    \
	(PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN |         \
	 PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER)
#define PERF_RECORD_SIDE_TYPE (PERF_SAMPLE_TID | PERF_SAMPLE_TIME)
/* ax bx cx dx si di bp sp ip, r8-r15, as numbered in asm/perf_regs.h */
#define PERF_RECORD_REGISTERS 0xff01ffull

/*
 * Parses one record.
 *
 * @header  the record, header->size bytes, all present and 8-byte aligned; borrowed
 * @event   receives it; kind EVENT_NONE for types of no interest
 * Returns 0, or -1 when the record's contents contradict its size.
 */
int perf_record_parse(const struct perf_event_header *header, struct event *event);

/* Returns the time of a record without parsing it whole, 0 for one that has none. */
uint64_t perf_record_time(const struct perf_event_header *header);
