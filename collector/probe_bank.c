/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_bank: see probe_bank.h. */
#include "collector/probe_bank.h"

#include <math.h>

#define KEPT_NS	   1e9 /* of the target's CPU time, whose budget is kept for later */
#define MOST_DOUBT 0.9 /* of a time that is looked at */

static const double least_used = 0.02; /* of a processor: what an idle target counts as using */
static const double least_own = 0.1;   /* of the CPU time: what probes leave the target at least */

static uint64_t watched_cpu_ns(const void *perf)
{
	return perf_source_cpu_ns(perf);
}

struct probe_bank_clock probe_bank_clock_of(const struct perf_source *perf)
{
	return (struct probe_bank_clock){perf ? watched_cpu_ns : NULL, perf};
}

double probe_bank_doubt(double spent_ns, double used_ns)
{
	double taken = PROBE_BANK_COST_DOUBT * spent_ns / used_ns;

	return taken / (1 - fmin(taken, MOST_DOUBT));
}

double probe_bank_fullest_ns(const struct probe_bank *bank)
{
	return fmax(bank->share * KEPT_NS, PROBE_BANK_START_NS);
}

double probe_bank_limit_ns(const struct probe_bank *bank)
{
	return fmax(bank->left_ns, 0) + PROBE_BANK_SLACK_NS;
}

void probe_bank_look(struct probe_bank *bank, double probed_ns, uint64_t now_ns)
{
	double cpu_ns = bank->clock.cpu_ns ? (double)bank->clock.cpu_ns(bank->clock.context) : 0;
	double least_ns = least_used * (double)(now_ns - bank->look_ns), own_ns, left_ns;
	double measured_ns = probed_ns - bank->probed_ns;

	bank->busy = 1;
	if (now_ns > bank->look_ns)
		bank->busy = fmax((cpu_ns - bank->cpu_ns) / (double)(now_ns - bank->look_ns), 1);
	bank->spent_ns = PROBE_BANK_IN_PROGRAMS * measured_ns;
	own_ns = least_own * (cpu_ns - bank->cpu_ns);
	bank->used_ns = fmax(cpu_ns - bank->cpu_ns - bank->spent_ns, own_ns);
	bank->all_used_ns += bank->used_ns;
	left_ns = bank->left_ns + bank->share * fmax(bank->used_ns, least_ns) -
		  PROBE_BANK_CAREFUL * measured_ns;
	bank->left_ns = fmin(left_ns, probe_bank_fullest_ns(bank));
	bank->cpu_ns = cpu_ns;
	bank->probed_ns = probed_ns;
	bank->look_ns = now_ns;
}

void probe_bank_begin(struct probe_bank *bank, const struct probe_bank_clock *clock,
		      double probed_ns, uint64_t now_ns)
{
	bank->clock = *clock;
	bank->look_ns = now_ns;
	probe_bank_look(bank, probed_ns, now_ns);
	bank->left_ns = PROBE_BANK_START_NS;
	bank->all_used_ns = 0;
}
