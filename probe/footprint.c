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

/* Returns the bytes that a line of /proc/self/status tells, which has them in kB; 0 without it. */
static uint64_t bytes_after(const char *text, const char *name)
{
	for (const char *at = text; *at; at++) {
		uint64_t number = 0;
		int same = 0;

		while (name[same] && at[same] == name[same])
			same++;
		if (name[same])
			continue;
		for (at += same; *at && *at != '\n'; at++)
			if (*at >= '0' && *at <= '9')
				number = 10 * number + (uint64_t)(*at - '0');
		return number * 1024;
	}
	return 0;
}

struct footprint footprint_look(void)
{
	static char text[4096]; /* stacks may be small */
	long fd = RAW_4(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
	long bytes = fd < 0 ? 0 : RAW_3(SYS_read, fd, text, sizeof(text) - 1);
	uint64_t shared, highest;

	if (fd >= 0)
		RAW_1(SYS_close, fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	shared = bytes_after(text, "\nRssFile:") + bytes_after(text, "\nRssShmem:");
	highest = bytes_after(text, "\nVmHWM:");
	return (struct footprint){
		.private = bytes_after(text, "\nRssAnon:"),
		.highest = highest > shared ? highest - shared : 0,
	};
}
