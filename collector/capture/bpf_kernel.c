/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bpf_kernel: see bpf_kernel.h. */
#include "collector/capture/bpf_kernel.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPES		   "/sys/kernel/btf/vmlinux"
#define MACHINES_NAMESPACE 4026531836u /* PROC_PID_INIT_INO, linux/proc_ns.h */

/* The first line that libbpf complained with since it was last asked: later ones follow from it. */
static _Thread_local char complaint[200];

__attribute__((format(printf, 2, 0))) static int keep(enum libbpf_print_level level,
						      const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && !*complaint) {
		vsnprintf(complaint, sizeof(complaint), format, arguments);
		complaint[strcspn(complaint, "\n")] = '\0';
	}
	return 0;
}

/* Asks the kernel for the smallest map there is. Returns 0 or a negative errno. */
static int try_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int explain(struct error *error, int result, const char *what)
{
	if (result == -EPERM || result == -EACCES)
		return fail(
			error, result,
			"cannot %s: the kernel refuses BPF to this %s the capabilities CAP_BPF "
			"and CAP_PERFMON (in a container --cap-add BPF --cap-add PERFMON, and "
			"a seccomp profile that allows bpf); without it there are samples of CPU "
			"time, and run --memory, --locks, --io and --sql",
			what, geteuid() ? "user; run as root, or with" : "root; it lacks");
	if (result == -ENOSYS)
		return fail(error, result, "cannot %s: this kernel has no BPF (CONFIG_BPF_SYSCALL)",
			    what);
	return fail(error, result, "cannot %s: %s%s%s", what, strerror(-result),
		    *complaint ? "; libbpf says: " : "", complaint);
}

uint32_t bpf_kernel_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) || status.st_ino == MACHINES_NAMESPACE
		       ? 0
		       : (uint32_t)status.st_ino;
}

int bpf_kernel_prepare(struct error *error)
{
	int result;

	libbpf_set_print(keep);
	*complaint = '\0';
	result = try_map();
	if (result)
		return explain(error, result, "use BPF");
	if (access(TYPES, R_OK))
		return fail(error, -ENOSYS,
			    "cannot use BPF: this kernel does not describe its types (no " TYPES
			    "); it takes one built with CONFIG_DEBUG_INFO_BTF");
	return 0;
}

int bpf_kernel_fail(struct error *error, int result, const char *what)
{
	explain(error, result, what);
	*complaint = '\0';
	return result;
}
