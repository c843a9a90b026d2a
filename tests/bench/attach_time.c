/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attach_time FILE PREFIX MOST ALIKE: how long it takes to put probes on functions of FILE whose
 * names begin with PREFIX, at most so many, with a link for so many each, to take them off, and
 * until they are off when their owner is killed, while a process runs FILE.
 */
#include "collector/capture/uprobe.h"
#include "collector/resolve/function_list.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Adds at most so many functions; returns their number. */
static size_t add_functions(struct uprobe *uprobe, const struct module *module, const char *prefix,
			    size_t most)
{
	struct function_list list;
	size_t count = 0;

	function_list_init(&list, module);
	for (size_t i = 0; i < list.count && count < most; i++) {
		uint64_t address = list.functions[i].address;

		if (strncmp(list.functions[i].name, prefix, strlen(prefix)) != 0)
			continue;
		for (size_t j = 0; j < module->segment_count; j++) {
			const struct module_segment *segment = &module->segments[j];

			if (address - segment->address < segment->bytes) {
				uprobe_add(uprobe, &(struct uprobe_function){
							   .offset = address - segment->address +
								     segment->offset});
				count++;
			}
		}
	}
	function_list_done(&list);
	return count;
}

/* What is put in place. */
struct probes {
	const struct module *module;
	size_t count, alike;
};

static int attach(struct uprobe *uprobe, const struct probes *probes)
{
	struct error error;
	int result = 0;

	for (size_t first = 0; first < probes->count && !result; first += probes->alike) {
		size_t left = probes->count - first;

		result = uprobe_attach(uprobe, probes->module->fd, first,
				       left < probes->alike ? left : probes->alike, &error);
	}
	if (result)
		fprintf(stderr, "attach_time: %s\n", error.text);
	return result;
}

/* In a child, which is killed; its end is known when all its descriptors are closed. */
static double time_death(struct uprobe *uprobe, const struct probes *probes)
{
	int ready[2];
	char byte;
	double start;
	pid_t child;

	if (pipe(ready))
		return 0;
	child = fork();
	if (child == 0) {
		attach(uprobe, probes);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		return 0;
	start = now();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return now() - start;
}

int main(int argc, char **argv)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct probes probes;
	struct module *module;
	struct uprobe *uprobe;
	struct error error;
	double start;
	pid_t child;

	if (argc < 5 || strtoul(argv[3], NULL, 10) > UPROBE_FUNCTIONS ||
	    !strtoul(argv[4], NULL, 10))
		return 1;
	module = modules_get(modules, &(struct module_identity){.path = argv[1]}, 0);
	uprobe = uprobe_open(UPROBE_FUNCTIONS, UPROBE_BEST, &error);
	if (module_open(module) || !uprobe) {
		fprintf(stderr, "attach_time: %s\n", uprobe ? module->problem : error.text);
		return 1;
	}
	child = fork();
	if (child == 0)
		execl(argv[1], argv[1], NULL);
	usleep(200000);
	probes.module = module;
	probes.count = add_functions(uprobe, module, argv[2], strtoul(argv[3], NULL, 10));
	probes.alike = strtoul(argv[4], NULL, 10);
	start = now();
	if (attach(uprobe, &probes))
		return 1;
	printf("on %.3f <= 0.5\n", now() - start);
	start = now();
	uprobe_detach(uprobe);
	printf("off %.3f <= 0.2\n", now() - start);
	printf("off-when-killed %.3f <= 0.2\n", time_death(uprobe, &probes));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	uprobe_close(uprobe);
	modules_free(modules);
	profile_free(profile);
	return 0;
}
