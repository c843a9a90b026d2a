/* SPDX-License-Identifier: MIT */
/* clock: see clock.h. Source: vdso(7). */
#include "probe/clock.h"

#include "probe/raw.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>

static int (*in_vdso)(clockid_t clock, struct timespec *time);

void clock_prepare(void)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);

	if (vdso)
		in_vdso = dlsym(vdso, "__vdso_clock_gettime");
}

bool clock_is_in_vdso(void)
{
	static const char path[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	static const char *const sources[] = {"tsc\n", "kvm-clock\n",
					      "hyperv_clocksource_tsc_page\n"};
	char name[32] = "";
	long fd = in_vdso ? RAW_4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : -1;
	long bytes = fd < 0 ? 0 : RAW_3(SYS_read, fd, name, sizeof(name) - 1);

	if (fd >= 0)
		RAW_1(SYS_close, fd);
	for (size_t i = 0; bytes > 0 && i < sizeof(sources) / sizeof(*sources); i++) {
		const char *left = sources[i], *right = name;

		while (*left && *left == *right)
			left++, right++;
		if (!*left)
			return true;
	}
	return false;
}

uint64_t clock_now_ns(void)
{
	struct timespec time = {0};

	if (!in_vdso || in_vdso(CLOCK_MONOTONIC, &time))
		RAW_2(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
