/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hits_share FILE: how many of a file's functions can have their lines counted, and with how few
 * probes: "COUNTABLE FUNCTIONS BLOCKS PROBES STEPPED"; why the others cannot goes to stderr.
 */
#include "collector/resolve/flow_counters.h"

#include <stdio.h>
#include <stdlib.h>

struct tally {
	size_t countable, functions, blocks, probes, stepped;
};

static void take(struct tally *tally, struct function_list *list, const struct function *function)
{
	struct flow_counters counters = {0};
	struct function_code code;
	struct flow flow = {0};
	const char *problem;

	function_code_read(list, function, &code);
	problem = flow_read(&flow, list->module, &code, function_list_throws(list));
	if (!problem)
		problem = flow_counters_choose(&counters, &flow);
	tally->functions++;
	tally->countable += !problem;
	if (problem)
		fprintf(stderr, "%s: %s\n", function->name, problem);
	for (uint32_t i = 0; i < flow.count && !problem; i++) {
		tally->blocks += !flow.blocks[i].is_dead;
		tally->probes += counters.is_probed[i];
		tally->stepped += counters.is_probed[i] && !flow.blocks[i].is_emulated;
	}
	flow_counters_done(&counters);
	flow_done(&flow);
	function_code_done(&code);
}

int main(int argc, char **argv)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	char *path = argc > 1 ? realpath(argv[1], NULL) : NULL;
	struct module *module =
		path ? modules_get(modules, &(struct module_identity){.path = path}, 0) : NULL;
	struct function_list list;
	struct tally tally = {0};

	if (!module || module_open(module)) {
		fprintf(stderr, "hits_share: %s\n", module ? module->problem : "which file?");
		return 1;
	}
	function_list_init(&list, module);
	for (size_t i = 0; i < list.count; i++) {
		const struct function *function = &list.functions[i];

		if (!function->is_part && !function->is_chosen && function->bytes &&
		    !(i && function[-1].address == function->address))
			take(&tally, &list, function);
	}
	printf("%zu %zu %zu %zu %zu\n", tally.countable, tally.functions, tally.blocks,
	       tally.probes, tally.stepped);
	function_list_done(&list);
	modules_free(modules);
	profile_free(profile);
	free(path);
	return 0;
}
