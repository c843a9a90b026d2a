/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_folded: fuzz target of collector/import/import_folded.c. Input: the text. */
#include "tests/fuzz/import.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct import_check check;
	FILE *stream = import_check_open(&check, data, bytes);
	int result = import_folded(&check.import, stream, "samples", "count", NULL);

	if (result && (result != -EINVAL || check.samples)) /* two counts a line are refused */
		abort();
	import_check_close(&check, stream);
	return 0;
}
