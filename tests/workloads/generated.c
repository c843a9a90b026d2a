/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * generated: writes code at run time and, with MAP, a map of it that grows (/tmp/perf-PID.map).
 *
 *     generated [SECONDS [map]]
 *
 *     main → call_first → first        the whole time
 *     main → call_late → late_1 …      one more function every tenth of the time
 *     main → call_reused → early_use   in the first half; in the second half later_use lies in the
 *                                      same bytes
 */
#include "tests/workloads/workload.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES 64

/* push %rbp; mov %rsp,%rbp; mov $rounds,%ecx; 1: dec %ecx; jnz 1b; pop %rbp; ret */
static const uint8_t code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0x00, 0x00, 0x04,
			       0x00, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};

static FILE *map;
static uint8_t *memory;

static void write_code(int place, const char *name)
{
	memcpy(memory + BYTES * place, code, sizeof(code));
	if (!map)
		return;
	fprintf(map, "%llx %x %s\n", (unsigned long long)(uintptr_t)(memory + BYTES * place), BYTES,
		name);
	fflush(map);
}

/* Code generators keep frame pointers, so do their callers here. */
#define CALLER(name)                                                                               \
	FUNCTION static void name(int place)                                                       \
	{                                                                                          \
		((void (*)(void))(uintptr_t)(memory + BYTES * place))();                           \
		NOT_A_TAIL_CALL();                                                                 \
	}

CALLER(call_first)
CALLER(call_late)
CALLER(call_early_use)
CALLER(call_later_use)

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
	clock_t start = clock(), end = workload_end(argc, argv);
	int late = 0, is_second_half = 0;
	char path[64], name[32];

	memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	if (argc > 2)
		map = fopen(path, "w");
	write_code(0, "first");
	write_code(1, "early_use");
	for (clock_t now; (now = clock()) < end;) {
		double share = (double)(now - start) / CLOCKS_PER_SEC / seconds;

		if (share * 10 > late) {
			snprintf(name, sizeof(name), "late_%d", ++late);
			write_code(1 + late, name);
		}
		if (share > 0.5 && !is_second_half) {
			is_second_half = 1;
			write_code(1, "later_use");
		}
		call_first(0);
		(is_second_half ? call_later_use : call_early_use)(1);
		for (int i = 0; i < late; i++)
			call_late(2 + i);
	}
	if (map)
		fclose(map);
	printf("%d\n", late);
	return 0;
}
