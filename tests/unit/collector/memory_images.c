/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/memory_images.c. */
#include "collector/capture/memory_images.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct memory_execs none;

Test(memory_images, what_exec_put_in_the_place_of_a_program_replaces_it_and_the_higher_peak_counts)
{
	const struct wire_process rows[] = {
		{.pid = 7, .peak = 100}, {.pid = 8, .peak = 50}, {.pid = 7, .peak = 30}};
	struct memory_image *images = memory_images_find(rows, 3, &none);

	cr_expect(images[0].is_replaced && !images[0].is_lower);
	cr_expect(!images[1].is_replaced && !images[1].is_lower);
	cr_expect(!images[2].is_replaced && images[2].is_lower);
	free(images);
}

Test(memory_images, a_number_that_a_fork_or_the_next_process_of_vfork_gets_again_is_another_process)
{
	const struct wire_process rows[] = {
		{.pid = 7, .peak = 10},
		{.pid = 7, .peak = 20, .is_fork = 1, .resident_bytes = 4096},
		{.pid = 7, .peak = 30},
		{.pid = 7, .peak = 40}};
	struct memory_image *images = memory_images_find(rows, 4, &none);

	cr_expect_not(images[0].is_replaced, "the next is a fork");
	cr_expect_not(images[1].is_replaced, "it was seen to exit");
	cr_expect(images[2].is_replaced && images[2].is_lower);
	cr_expect_not(images[0].is_lower || images[1].is_lower || images[3].is_lower);
	free(images);
}

Test(memory_images, a_process_that_was_seen_to_exit_executed_nothing_later)
{
	const struct wire_process rows[] = {{.pid = 5, .resident_bytes = 1}, {.pid = 6}};
	struct memory_execs execs = {0};

	memory_execs_begin(&execs, 0, 1);
	memory_execs_begin(&execs, 1, 2);
	cr_expect_not(memory_execs_take(&execs, rows, 5, 9));
	cr_expect_not(memory_execs_take(&execs, rows, 6, 2), "it is that exec which made the row");
	cr_expect(memory_execs_take(&execs, rows, 6, 9));
	cr_expect_not(memory_execs_take(&execs, rows, 6, 10), "that was known");
	memory_execs_done(&execs);
}
