/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpu_time FILE COMMAND...: runs COMMAND and writes to FILE the CPU time, in seconds, that it and
 * the children it waited for used; to FILE.kilobytes the most memory that one of them had. One
 * inside a profiler and one around it tell target and profiler apart, for every profiler in the
 * same way. The exit status is COMMAND's.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static bool write_number(const char *path, const char *suffix, double number, int digits)
{
	char name[4096];
	FILE *stream;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	stream = fopen(name, "w");
	return stream && fprintf(stream, "%.*f\n", digits, number) > 0 && !fclose(stream);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: cpu_time FILE COMMAND...\n", stderr);
		return 125;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("cpu_time");
		return 125;
	}
	if (!write_number(argv[1], "", seconds(usage.ru_utime) + seconds(usage.ru_stime), 6) ||
	    !write_number(argv[1], ".kilobytes", (double)usage.ru_maxrss, 0)) {
		perror(argv[1]);
		return 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
