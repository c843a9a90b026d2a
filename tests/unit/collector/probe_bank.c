/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/probe_bank.c. */
#include "collector/probe_bank.h"

#include <criterion/criterion.h>

#define MS 1e6

static uint64_t tell(const void *cpu_ns)
{
	return *(const uint64_t *)cpu_ns;
}

static struct probe_bank begun(uint64_t *cpu_ns)
{
	struct probe_bank bank = {.share = 0.05};

	probe_bank_begin(&bank, &(struct probe_bank_clock){tell, cpu_ns}, 0, 0);
	return bank;
}

Test(probe_bank, begins_with_what_probes_may_cost_before_the_target_has_used_anything)
{
	uint64_t cpu_ns = 7000000;
	struct probe_bank bank = begun(&cpu_ns);

	cr_expect_float_eq(bank.left_ns, PROBE_BANK_START_NS, 1);
	cr_expect_eq(bank.all_used_ns, 0);
}

Test(probe_bank, is_filled_by_a_share_of_what_the_target_uses_without_probes)
{
	uint64_t cpu_ns = 0;
	struct probe_bank bank = begun(&cpu_ns);

	cpu_ns = 102 * MS;
	probe_bank_look(&bank, 2 * MS, 102 * MS);
	cr_expect_float_eq(bank.spent_ns, PROBE_BANK_IN_PROGRAMS * 2 * MS, 1);
	cr_expect_float_eq(bank.used_ns, 102 * MS - bank.spent_ns, 1);
	cr_expect_float_eq(bank.left_ns,
			   PROBE_BANK_START_NS + 0.05 * bank.used_ns - PROBE_BANK_CAREFUL * 2 * MS,
			   1);
	cr_expect_eq(bank.busy, 1, "one processor at most");
	cr_expect_float_eq(probe_bank_limit_ns(&bank), bank.left_ns + PROBE_BANK_SLACK_NS, 1);
}

Test(probe_bank, is_in_debt_when_probes_have_cost_too_much_and_lets_them_cost_the_slack_alone)
{
	uint64_t cpu_ns = 0;
	struct probe_bank bank = begun(&cpu_ns);

	cpu_ns = 20 * MS;
	probe_bank_look(&bank, 10 * MS, 20 * MS);
	cr_expect_lt(bank.left_ns, 0);
	cr_expect_float_eq(probe_bank_limit_ns(&bank), PROBE_BANK_SLACK_NS, 1);
}

Test(probe_bank, keeps_no_more_than_a_second_of_the_target_asks_for)
{
	uint64_t cpu_ns = 0;
	struct probe_bank bank = begun(&cpu_ns);

	cpu_ns = 60000 * MS;
	probe_bank_look(&bank, 0, 60000 * MS);
	cr_expect_float_eq(bank.left_ns, 50 * MS, 1);
	cr_expect_float_eq(probe_bank_fullest_ns(&bank), 50 * MS, 1);
}

Test(probe_bank, doubts_a_time_the_more_the_more_of_it_probes_took)
{
	cr_expect_eq(probe_bank_doubt(0, 10), 0);
	/* A quarter more of 2 leaves 0.5 of 10 less for the target: 1/0.95 times the rate. */
	cr_expect_float_eq(probe_bank_doubt(2, 10), 0.05 / 0.95, 1e-9);
	cr_expect_gt(probe_bank_doubt(40, 10), 1, "nothing may be left");
}
