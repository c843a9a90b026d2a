/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_map: fuzz target of collector/resolve/perf_map.c. Input: the text of a map. */
#include "collector/resolve/perf_map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint64_t addresses[] = {
		0, 1, 0x1000, 0x1080, 0x10ff, 0x7fe0c0005b80, UINT64_MAX - 1, UINT64_MAX};
	struct perf_map_entry entries[sizeof(addresses) / sizeof(*addresses)];
	size_t count = sizeof(addresses) / sizeof(*addresses);

	perf_map_find((const char *)data, bytes, addresses, count, entries);
	for (size_t i = 0; i < count; i++)
		if (entries[i].name &&
		    (entries[i].name < (const char *)data ||
		     entries[i].name + entries[i].name_bytes > (const char *)data + bytes ||
		     entries[i].name_bytes <= 0 || entries[i].file_bytes < 0))
			abort();
	return 0;
}
