/* SPDX-License-Identifier: MIT */
/* footprint: see footprint.h. */
#include "probe/footprint.h"

#include "probe/raw.h"

#include <fcntl.h>

enum {
	PAGE_BYTES = 4096,
	PAGES = 256, /* asked for at a time */
};

uint64_t footprint_of(const void *address, uint64_t bytes)
{
	uint8_t pages[PAGES] = {0};
	uint64_t resident = 0;

	for (uint64_t at = 0; at < bytes; at += PAGES * PAGE_BYTES) {
		uint64_t part = bytes - at < PAGES * PAGE_BYTES ? bytes - at : PAGES * PAGE_BYTES;

		if (RAW_3(SYS_mincore, (uint64_t)address + at, part, pages))
			break;
		for (uint64_t i = 0; i < (part + PAGE_BYTES - 1) / PAGE_BYTES; i++)
			resident += pages[i] & 1 ? PAGE_BYTES : 0;
	}
	return resident;
}

/* Pages in memory are the second number, shared ones among them the third. */
uint64_t footprint_private(void)
{
	char text[128] = "";
	long fd = RAW_4(SYS_openat, AT_FDCWD, "/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
	long bytes = fd < 0 ? 0 : RAW_3(SYS_read, fd, text, sizeof(text));
	uint64_t numbers[3] = {0};
	int at = 0;

	if (fd >= 0)
		RAW_1(SYS_close, fd);
	for (long i = 0; i < bytes && at < 3; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			numbers[at] = 10 * numbers[at] + (uint64_t)(text[i] - '0');
		else
			at++;
	}
	return (numbers[1] - numbers[2]) * PAGE_BYTES;
}
