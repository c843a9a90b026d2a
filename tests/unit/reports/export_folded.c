/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/export.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static char *folded(struct profile *profile)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	export_folded(profile, 0, stream);
	fclose(stream);
	profile_free(profile);
	return text;
}

Test(export_folded, one_line_for_each_stack_in_order_of_names)
{
	struct profile *profile = new_profile();
	char *text;

	add_stack(profile, "main;step;observe", 3);
	add_stack(profile, "main;act", 2);
	add_stack(profile, "main;step", 1);
	add_stack(profile, "main;act", 2);
	text = folded(profile);
	cr_assert_str_eq(text, "main;act 4\nmain;step 1\nmain;step;observe 3\n");
	free(text);
}

Test(export_folded, no_name_ends_in_what_readers_take_for_a_count)
{
	struct profile *profile = new_profile();
	char *text;

	add_stack(profile, "main 7;step v2;lambda 12", 3);
	add_stack(profile, "main 7;part 1.5", 2);
	add_stack(profile, "42", 1);
	text = folded(profile);
	cr_assert_str_eq(text, "42 1\nmain_7;part_1.5 2\nmain_7;step v2;lambda_12 3\n");
	free(text);
}

Test(export_folded, stacks_that_read_the_same_are_one_line)
{
	struct profile *profile = new_profile();
	uint32_t other = profile_module(profile, PROFILE_MODULE_ELF, "/lib/other.so", NULL);
	uint32_t function = profile_function(profile, "main", NULL, other, 0, 0, true);
	uint32_t frame = profile_frame(profile, other, 0x10);
	char *text;

	add_stack(profile, "main", 2);
	profile_frame_set_lines(profile, frame, &(struct profile_line){.function = function}, 1);
	profile_sample_add(profile,
			   &(struct profile_sample){.time_ns = 9000000,
						    .value = 1,
						    .stack = profile_stack(profile, 0, frame)});
	text = folded(profile);
	cr_assert_str_eq(text, "main 3\n");
	free(text);
}

Test(export_folded, counts_samples_not_their_values)
{
	struct profile *profile = new_profile();
	char *text;

	add_stack(profile, "main", 2);
	profile->samples[0].value = 500250;
	text = folded(profile);
	cr_assert_str_eq(text, "main 2\n");
	free(text);
}

Test(export_folded, what_separates_is_replaced_in_names)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t frame = profile_frame(profile, module, 0x10);
	uint32_t function = profile_function(profile, "a;b\nc", NULL, module, 0, 0, true);
	char *text;

	profile_frame_set_lines(profile, frame, &(struct profile_line){.function = function}, 1);
	profile_sample_add(profile, &(struct profile_sample){
					    .value = 1, .stack = profile_stack(profile, 0, frame)});
	text = folded(profile);
	cr_assert_str_eq(text, "a:b c 1\n");
	free(text);
}

Test(export_folded, samples_without_a_stack_have_a_line_of_their_own)
{
	struct profile *profile = new_profile();
	char *text;

	profile_sample_add(profile, &(struct profile_sample){.value = 1});
	text = folded(profile);
	cr_assert_str_eq(text, "[no stack] 1\n");
	free(text);
}
