/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/block_hits.c and its limit, with a function of this program. */
#include "collector/capture/block_hits.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <unistd.h>

#include "tests/requirements.h"

static struct error error;
static volatile int called;

__attribute__((noinline, noclone)) static void hot(void)
{
	called++;
}

static void call(int times)
{
	for (int i = 0; i < times; i++)
		hot();
}

/* Finds the place of hot() in the file of this program, which comes first. */
static int find(struct dl_phdr_info *info, size_t bytes, void *offset)
{
	uint64_t address = (uint64_t)(uintptr_t)hot - info->dlpi_addr;

	(void)bytes;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			*(uint64_t *)offset = address - segment->p_vaddr + segment->p_offset;
	}
	return 1;
}

/* Counts this process. */
static struct block_hits *begun(void)
{
	struct block_hits *hits;

	require("root");
	require("bpf");
	hits = block_hits_open(1, &error);
	cr_assert_not_null(hits, "%s", error.text);
	cr_assert_eq(block_hits_watch(hits, getpid(), &error), 0, "%s", error.text);
	return hits;
}

static void attach(struct block_hits *hits, uint64_t functions)
{
	struct block_hits_probe probe = {
		.is_entry = true, .is_emulated = true, .condition = BLOCK_HITS_ALWAYS};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	dl_iterate_phdr(find, &probe.offset);
	cr_assert_eq(block_hits_attach(hits, fd, &probe, 1, BLOCK_HITS_ALL, functions, &error), 0,
		     "%s", error.text);
	close(fd);
	block_hits_set_window(hits, BLOCK_HITS_OPEN);
}

Test(block_hits, tells_with_the_hit_that_passes_the_limit, .timeout = 60)
{
	struct block_hits *hits = begun();
	struct probe_limit *limit = block_hits_limit(hits);
	uint32_t cost_ns = block_hits_cost_ns(hits, true);
	struct pollfd told = {.fd = probe_limit_fd(limit), .events = POLLIN};

	attach(hits, 1);
	probe_limit_set(limit, 10.5 * cost_ns);
	call(10);
	cr_expect_not(probe_limit_is_over(limit));
	cr_expect_eq(poll(&told, 1, 0), 0);
	call(1);
	cr_expect(probe_limit_is_over(limit));
	cr_expect_eq(poll(&told, 1, 20000), 1);
	cr_expect_float_eq(probe_limit_spent_ns(limit), 11.0 * cost_ns, 0.5);
	probe_limit_set(limit, 10.5 * cost_ns);
	cr_expect_not(probe_limit_is_over(limit));
	cr_expect_eq(poll(&told, 1, 0), 0);
	cr_expect_eq(block_hits_read(hits, 0).hits, 11);
	block_hits_close(hits);
}

Test(block_hits, what_is_taken_off_costs_and_counts_nothing_more, .timeout = 60)
{
	struct block_hits *hits = begun();
	struct probe_limit *limit = block_hits_limit(hits);

	attach(hits, 1);
	probe_limit_set(limit, 1e9);
	call(3);
	block_hits_detach(hits, true);
	call(3);
	cr_expect_eq(block_hits_entries(hits, 0), 6, "entries were to stay");
	block_hits_detach(hits, false);
	block_hits_wait(hits);
	call(3);
	cr_expect_eq(block_hits_entries(hits, 0), 6);
	cr_expect_float_eq(probe_limit_spent_ns(limit), 6.0 * block_hits_cost_ns(hits, true), 0.5);
	block_hits_close(hits);
}

Test(block_hits, of_functions_that_are_not_meant_nothing_is_put_in_place, .timeout = 60)
{
	struct block_hits *hits = begun();

	attach(hits, 2);
	call(3);
	cr_expect_eq(block_hits_entries(hits, 0), 0);
	block_hits_close(hits);
}
