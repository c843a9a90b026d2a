/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_perf: fuzz target of collector/import/import_perf.c. Input: the text. */
#include "tests/fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct import_check check;
	FILE *stream = import_check_open(&check, data, bytes);

	if (import_perf(&check.import, stream, NULL))
		abort();
	import_check_close(&check, stream);
	return 0;
}
