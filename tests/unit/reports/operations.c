/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/operations.c. */
#include "reports/operations.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

#define LOCKS	OPERATIONS_KIND(PROFILE_SUBJECT_MUTEX)
#define LOCKING OPERATIONS_KIND(PROFILE_OPERATION_LOCK)

static struct report report;
static struct operations operations;
static struct profile *profile;

static void setup(void)
{
	profile = new_profile();
}

static void teardown(void)
{
	operations_done(&operations);
	report_done(&report);
}

TestSuite(operations, .init = setup, .fini = teardown);

static uint32_t subject(const char *name, uint8_t kind, uint32_t site)
{
	return profile_subject_add(profile, &(struct profile_subject){.kind = kind,
								      .name = (char *)name,
								      .address = 0x1000,
								      .site = site,
								      .taken = 10});
}

static void operation(uint32_t number, uint32_t stack, uint32_t other, uint64_t ns)
{
	profile_operation_add(profile, &(struct profile_operation){.subject = number,
								   .kind = PROFILE_OPERATION_LOCK,
								   .stack = stack,
								   .other = other,
								   .count = 1,
								   .total_ns = ns,
								   .longest_ns = ns});
}

static void measure(void)
{
	report_init(&report, profile);
	operations_measure(&operations, &report, LOCKS, LOCKING);
}

Test(operations, locks_of_one_name_are_one_group_and_the_longest_waits_come_first)
{
	uint32_t stack = add_stack(profile, "main;enter", 0),
		 holder = add_stack(profile, "main;hold", 0);
	uint32_t first = subject("door", PROFILE_SUBJECT_MUTEX, 0);
	uint32_t second = subject("door", PROFILE_SUBJECT_MUTEX, 0);

	operation(subject("gate", PROFILE_SUBJECT_MUTEX, 0), stack, 0, 100);
	operation(first, stack, holder, 70);
	operation(second, stack, holder, 80);
	operation(second, stack, 0, 1);
	measure();
	cr_assert_str_eq(operations.groups[0].label, "door");
	cr_assert_eq(operations.groups[0].subjects, 2);
	cr_assert_eq(operations.groups[0].taken, 20);
	cr_assert_eq(operations.groups[0].all.count, 3);
	cr_assert_eq(operations.groups[0].all.total_ns, 151);
	cr_assert_eq(operations.groups[0].all.longest_ns, 80);
	cr_assert_eq(operations.groups[0].site_count, 2);
	cr_assert_eq(operations.groups[0].sites[0].amounts.total_ns, 150);
	cr_assert_eq(operations.groups[0].sites[0].other, holder);
	cr_assert_str_eq(operations.groups[1].label, "gate");
	cr_assert_eq(operations.all.total_ns, 251);
	cr_assert_eq(operations.taken, 30);
}

Test(operations, other_kinds_are_left_out)
{
	uint32_t stack = add_stack(profile, "main", 0);

	operation(subject("bell", PROFILE_SUBJECT_SEMAPHORE, 0), stack, 0, 100);
	profile_operation_add(profile, &(struct profile_operation){
					       .subject = subject("door", PROFILE_SUBJECT_MUTEX, 0),
					       .kind = PROFILE_OPERATION_AWAIT,
					       .stack = stack,
					       .count = 1});
	measure();
	cr_assert_eq(operations.all.count, 0);
	cr_assert_eq(operations.taken, 10);
}

Test(operations, a_lock_without_a_name_has_its_allocation_or_address)
{
	uint32_t site = add_stack(profile, "main;agent_new", 0);
	char text[200];

	operation(subject("", PROFILE_SUBJECT_MUTEX, site), site, 0, 2);
	operation(subject("", PROFILE_SUBJECT_MUTEX, 0), site, 0, 1);
	measure();
	cr_assert_str_eq(operations.groups[0].label, "allocated in agent_new");
	cr_assert_str_eq(operations.groups[1].label, "0x1000");
	cr_assert_str_eq(operations_stack_text(&report, site, text, sizeof(text)),
			 "agent_new < main");
	cr_assert_str_eq(operations_stack_text(&report, 0, text, sizeof(text)), "not known");
}

Test(operations, the_standard_library_is_passed_over_to_who_called_it)
{
	uint32_t wait = add_stack(
		profile,
		"main;std::__invoke<>;reader(world&);std::mutex::lock();__gthread_mutex_lock", 0);
	uint32_t site = add_stack(profile, "main;world_new;operator new(unsigned long)", 0);
	uint32_t all = add_stack(profile, "std::a;std::b", 0);
	char text[200];

	operation(subject("", PROFILE_SUBJECT_MUTEX, site), wait, 0, 2);
	measure();
	cr_expect_str_eq(operations.groups[0].label, "allocated in world_new");
	cr_expect_str_eq(operations_stack_text(&report, wait, text, sizeof(text)),
			 "reader(world&) < main");
	cr_expect_str_eq(operations_stack_text(&report, all, text, sizeof(text)), "std::b");
}

Test(operations, what_had_no_room_is_a_group_of_its_own)
{
	operation(0, add_stack(profile, "main", 0), 0, 5);
	measure();
	cr_assert_eq(operations.groups[0].all.count, 1);
	cr_assert_eq(operations.groups[0].kind, 0);
	cr_assert_eq(operations.all.total_ns, 5);
}

Test(operations, percentiles_come_from_the_histogram_of_all_its_subjects)
{
	uint32_t stack = add_stack(profile, "main", 0);
	uint32_t first = subject("door", PROFILE_SUBJECT_MUTEX, 0);
	uint32_t second = subject("door", PROFILE_SUBJECT_MUTEX, 0);

	operation(first, stack, 0, 1000000);
	profile_spread_add(profile, &(struct profile_spread){.subject = first,
							     .bucket = 10,
							     .kind = PROFILE_OPERATION_LOCK,
							     .count = 98});
	profile_spread_add(profile, &(struct profile_spread){.subject = second,
							     .bucket = 20,
							     .kind = PROFILE_OPERATION_LOCK,
							     .count = 2});
	profile_spread_add(profile, &(struct profile_spread){.subject = second,
							     .bucket = 30,
							     .kind = PROFILE_OPERATION_SHARE,
							     .count = 99});
	measure();
	cr_assert_eq(operations_percentile(&operations, &operations.groups[0], LOCKING, 0.5), 10);
	cr_assert_eq(operations_percentile(&operations, &operations.groups[0], LOCKING, 0.99), 20);
	cr_assert_eq(operations_percentile(&operations, &operations.groups[0], 0, 0.5), 0);
}

Test(operations, a_stack_under_a_note_is_counted_as_cut)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_NOTE, "[note]", NULL);
	uint32_t frame = profile_frame(profile, module, 3);
	uint32_t stack = profile_stack(profile, 0, frame);

	operation(subject("door", PROFILE_SUBJECT_MUTEX, 0), stack, 0, 5);
	measure();
	cr_assert_eq(operations.cut, 1);
}
