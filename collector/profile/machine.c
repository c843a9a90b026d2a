/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine: see machine.h. */
#include "collector/profile/machine.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void describe_cpu(struct profile *profile)
{
	FILE *stream = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	while (stream && fgets(line, sizeof(line), stream)) {
		if (strncmp(line, "model name", 10) || !(value = strchr(line, ':')))
			continue;
		value[strcspn(value, "\n")] = '\0';
		profile_set_text(profile, "cpu_model", value + strspn(value, ": "));
		break;
	}
	if (stream)
		fclose(stream);
	profile_set_number(profile, "cpu_count", sysconf(_SC_NPROCESSORS_ONLN));
}

void machine_describe(struct profile *profile)
{
	struct utsname names;
	char kernel[sizeof(names.sysname) + sizeof(names.release) + 2], libc[64];

	if (!uname(&names)) {
		profile_set_text(profile, "host", names.nodename);
		snprintf(kernel, sizeof(kernel), "%s %s", names.sysname, names.release);
		profile_set_text(profile, "kernel", kernel);
	}
	describe_cpu(profile);
	snprintf(libc, sizeof(libc), "glibc %s", gnu_get_libc_version());
	profile_set_text(profile, "libc", libc);
}
