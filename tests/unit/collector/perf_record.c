/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/perf_record.c. Records are built by hand from perf_event_open(2). */
#include "collector/capture/perf_record.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A record under construction. */
struct builder {
	_Alignas(8) uint8_t bytes[4096];
	struct perf_event_header *header; /* in bytes */
	size_t at;
};

static void start(struct builder *builder, uint32_t type, uint16_t misc)
{
	memset(builder, 0, sizeof(*builder));
	builder->header = (struct perf_event_header *)builder->bytes;
	builder->header->type = type;
	builder->header->misc = misc;
	builder->at = sizeof(*builder->header);
}

static void put(struct builder *builder, const void *data, size_t bytes)
{
	memcpy(builder->bytes + builder->at, data, bytes);
	builder->at += bytes;
	builder->header->size = builder->at;
}

static void put_u64(struct builder *builder, uint64_t value)
{
	put(builder, &value, sizeof(value));
}

static void put_ids(struct builder *builder, uint32_t pid, uint32_t tid)
{
	put_u64(builder, (uint64_t)tid << 32 | pid);
}

static void build_sample(struct builder *builder, uint64_t abi, uint64_t room, uint64_t present)
{
	uint8_t stack[64];

	start(builder, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_ids(builder, 10, 11);
	put_u64(builder, 123456789);
	put_u64(builder, 1001001);
	put_u64(builder, 6); /* call chain */
	put_u64(builder, PERF_CONTEXT_KERNEL);
	put_u64(builder, 0xffffffff81000010);
	put_u64(builder, 0xffffffff81000020);
	put_u64(builder, PERF_CONTEXT_USER);
	put_u64(builder, 0x401000);
	put_u64(builder, 0x402000);
	put_u64(builder, abi);
	for (uint64_t i = 0; abi && i < EVENT_REGISTERS; i++)
		put_u64(builder, 100 + i);
	put_u64(builder, room);
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = i;
	if (room) {
		put(builder, stack, room);
		put_u64(builder, present);
	}
}

Test(perf_record, reads_a_sample)
{
	struct builder builder;
	struct event event;

	memset(&event, 0xff, sizeof(event)); /* what a stack may hold */
	build_sample(&builder, PERF_SAMPLE_REGS_ABI_64, 64, 40);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.sample.return_count, 0);
	cr_assert_eq(event.kind, EVENT_SAMPLE);
	cr_assert_eq(event.pid, 10);
	cr_assert_eq(event.tid, 11);
	cr_assert_eq(event.time_ns, 123456789);
	cr_assert_eq(perf_record_time(builder.header), 123456789);
	cr_assert_eq(event.sample.weight, 1001001);
	cr_assert_eq(event.sample.kernel_count, 2, "the context marker is no frame");
	cr_assert_eq(event.sample.kernel[0], 0xffffffff81000010);
	cr_assert_eq(event.sample.caller_count, 2, "nor is this one");
	cr_assert_eq(event.sample.callers[1], 0x402000);
	cr_assert_eq(event.sample.has_registers, EVENT_REGISTERS_64);
	cr_assert_eq(event.sample.stack_bytes, 40);
	cr_assert_eq(event.sample.stack[39], 39);
}

Test(perf_record, numbers_registers_as_dwarf_does)
{
	/* In asm/perf_regs.h: ax 0, bx 1, cx 2, dx 3, si 4, di 5, bp 6, sp 7, ip 8, then r8... */
	static const uint64_t expected[EVENT_REGISTERS] = {
		100, 103, 102, 101, 104, 105, 106, 107, 109, 110, 111, 112, 113, 114, 115, 116, 108,
	};
	struct builder builder;
	struct event event;

	build_sample(&builder, PERF_SAMPLE_REGS_ABI_64, 0, 0);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	for (int i = 0; i < EVENT_REGISTERS; i++)
		cr_assert_eq(event.sample.registers[i], expected[i], "register %d", i);
	cr_assert_eq(event.sample.stack_bytes, 0);
}

Test(perf_record, a_sample_without_user_code_has_no_registers)
{
	struct builder builder;
	struct event event;

	build_sample(&builder, PERF_SAMPLE_REGS_ABI_NONE, 0, 0);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.sample.has_registers, EVENT_REGISTERS_NONE);
	cr_assert_eq(event.sample.kernel_count, 2);
}

Test(perf_record, refuses_a_sample_cut_anywhere_or_with_impossible_sizes)
{
	struct builder builder;
	struct event event;

	build_sample(&builder, PERF_SAMPLE_REGS_ABI_64, 64, 40);
	for (size_t bytes = sizeof(*builder.header); bytes < builder.at; bytes += 8) {
		builder.header->size = bytes;
		cr_assert_eq(perf_record_parse(builder.header, &event), -1, "%zu bytes", bytes);
	}
	build_sample(&builder, PERF_SAMPLE_REGS_ABI_64, 64, 65);
	cr_assert_eq(perf_record_parse(builder.header, &event), -1, "more present than room");
	build_sample(&builder, 3, 64, 64);
	cr_assert_eq(perf_record_parse(builder.header, &event), -1, "unknown register set");
	build_sample(&builder, PERF_SAMPLE_REGS_ABI_64, 64, 64);
	memset(builder.bytes + 32, 0xff, 8);
	cr_assert_eq(perf_record_parse(builder.header, &event), -1, "endless call chain");
}

static void build_mapping(struct builder *builder, uint16_t misc, const char *path)
{
	char padded[64] = {0};
	uint8_t identity[24];

	start(builder, PERF_RECORD_MMAP2, misc);
	put_ids(builder, 10, 10);
	put_u64(builder, 0x400000);
	put_u64(builder, 0x2000);
	put_u64(builder, 0x1000);
	for (int i = 0; i < 24; i++)
		identity[i] = i;
	if (misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
		identity[0] = 20;
	put(builder, identity, sizeof(identity));
	put_u64(builder, 0); /* prot, flags */
	strcpy(padded, path);
	put(builder, padded, (strlen(path) + 8) & ~7);
	put_ids(builder, 10, 10); /* sample_id */
	put_u64(builder, 777);
}

Test(perf_record, reads_a_mapping_by_inode_or_by_build_id)
{
	struct builder builder;
	struct event event;

	build_mapping(&builder, 0, "/usr/bin/program");
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_MAPPING);
	cr_assert_eq(event.time_ns, 777);
	cr_assert_eq(event.mapping.start, 0x400000);
	cr_assert_eq(event.mapping.end, 0x402000);
	cr_assert_eq(event.mapping.file_offset, 0x1000);
	cr_assert_eq(event.mapping.inode, 0x0f0e0d0c0b0a0908);
	cr_assert_eq(event.mapping.build_id_bytes, 0);
	cr_assert_str_eq(event.mapping.path, "/usr/bin/program");

	build_mapping(&builder, PERF_RECORD_MISC_MMAP_BUILD_ID, "/usr/bin/program");
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.mapping.inode, 0);
	cr_assert_eq(event.mapping.build_id_bytes, 20);
	cr_assert_eq(event.mapping.build_id[19], 23);
}

Test(perf_record, refuses_a_path_that_does_not_end_inside_the_record)
{
	struct builder builder;
	struct event event;

	build_mapping(&builder, 0, "/usr/bin/program");
	memset(builder.bytes + builder.at - 32, 'x', 16);
	cr_assert_eq(perf_record_parse(builder.header, &event), -1);
}

Test(perf_record, reads_births_ends_names_and_losses)
{
	struct builder builder;
	struct event event;

	start(&builder, PERF_RECORD_FORK, 0);
	put_u64(&builder, 3ull << 32 | 4); /* pid 4, parent pid 3 */
	put_u64(&builder, 5ull << 32 | 6); /* tid 6, parent tid 5 */
	put_u64(&builder, 99);
	put_ids(&builder, 3, 5);
	put_u64(&builder, 100);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_FORK);
	cr_assert(event.pid == 4 && event.tid == 6);
	cr_assert(event.fork.parent_pid == 3 && event.fork.parent_tid == 5);
	cr_assert_eq(event.time_ns, 100);
	builder.header->type = PERF_RECORD_EXIT;
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_EXIT);

	start(&builder, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	put_ids(&builder, 4, 6);
	put(&builder, "name\0\0\0", 8);
	put_ids(&builder, 4, 6);
	put_u64(&builder, 101);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_NAME);
	cr_assert_str_eq(event.name.name, "name");
	cr_assert(event.name.is_exec);

	start(&builder, PERF_RECORD_LOST, 0);
	put_u64(&builder, 1);
	put_u64(&builder, 42);
	put_ids(&builder, 0, 0);
	put_u64(&builder, 102);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_LOST);
	cr_assert_eq(event.lost, 42);

	start(&builder, PERF_RECORD_THROTTLE, 0);
	put_u64(&builder, 103);
	put_u64(&builder, 1);
	put_u64(&builder, 1);
	put_ids(&builder, 10, 12);
	put_u64(&builder, 103);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_THROTTLE);
}

Test(perf_record, skips_records_it_does_not_know)
{
	struct builder builder;
	struct event event;

	start(&builder, 9999, 0);
	put_u64(&builder, 1);
	cr_assert_eq(perf_record_parse(builder.header, &event), 0);
	cr_assert_eq(event.kind, EVENT_NONE);
}

Test(perf_record, any_bytes_are_answered_without_reading_outside)
{
	struct event event;

	srandom(1);
	for (int round = 0; round < 200000; round++) {
		/* A buffer of its own, exactly as long, so that a sanitizer sees one byte too far.
		 */
		size_t bytes = 8 + 8 * (random() % 40);
		struct perf_event_header *header = malloc(bytes);

		for (size_t i = 0; i < bytes; i++)
			((uint8_t *)header)[i] = random() % 4 ? random() % 3 : random();
		header->type = random() % 12;
		header->size = bytes;
		cr_assert_geq(perf_record_parse(header, &event), -1);
		perf_record_time(header);
		free(header);
	}
}
