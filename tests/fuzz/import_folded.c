/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_folded: fuzz target of collector/import/import_folded.c. Input: the text. */
#include "tests/fuzz/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct import_check check;
	FILE *stream = import_check_open(&check, data, bytes);

	if (import_folded(&check.import, stream, "samples", "count", NULL))
		abort();
	import_check_close(&check, stream);
	return 0;
}
