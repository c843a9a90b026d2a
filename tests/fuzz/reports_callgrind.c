/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reports_callgrind: fuzz target of reports/gate_callgrind.c. Input: a file of callgrind. */
#include "reports/gate_callgrind.h"

#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct error error;
	double instructions;

	if (!gate_callgrind_read(file_of(data, bytes), &instructions, &error) &&
	    !(instructions > 0 && instructions <= 1e18))
		abort();
	return 0;
}
