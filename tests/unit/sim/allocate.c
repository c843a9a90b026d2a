/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left of memory. */
#include "sim/allocate.h"

#include <criterion/criterion.h>
#include <sys/sysinfo.h>

Test(allocate, what_is_available_is_a_part_of_what_there_is)
{
	struct sysinfo machine;
	cr_assert_eq(sysinfo(&machine), 0);
	double unit = machine.mem_unit;
	double present = ((double)machine.totalram + (double)machine.totalswap) * unit;
	double available = allocate_available();
	cr_assert(available > 1e6, "%g", available);
	cr_assert(available <= present, "%g of %g", available, present);
}
