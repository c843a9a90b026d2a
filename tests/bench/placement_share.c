/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placement_share FILE: how many of a file's functions can be probed where the kernel emulates the
 * instruction: "TIMED COUNTED AT_ENTRY FUNCTIONS", the last but one without moving the probe.
 */
#include "collector/resolve/function_list.h"
#include "collector/resolve/placement.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_cheap(const struct module *module, const struct function *function, bool is_counted,
		     bool at_entry)
{
	static uint8_t bytes[PLACEMENT_LONGEST];
	size_t wanted = function->bytes < sizeof(bytes) ? function->bytes : sizeof(bytes);
	struct placement_code code = {function->address, bytes, 0};
	struct placement placement;

	code.count = module_read(module, function->address, bytes, wanted);
	return placement_find(&code, 1, is_counted, &placement) &&
	       placement.kind != PLACEMENT_STEPPED &&
	       (!at_entry || placement.address == function->address);
}

int main(int argc, char **argv)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	char *path = argc > 1 ? realpath(argv[1], NULL) : NULL;
	struct module *module =
		path ? modules_get(modules, &(struct module_identity){.path = path}, 0) : NULL;
	size_t timed = 0, counted = 0, at_entry = 0, functions = 0;
	struct function_list list;

	if (!module || module_open(module)) {
		fprintf(stderr, "placement_share: %s\n", module ? module->problem : "which file?");
		return 1;
	}
	function_list_init(&list, module);
	for (size_t i = 0; i < list.count; i++) {
		const struct function *function = &list.functions[i];

		if (function->is_part || function->is_chosen || !function->bytes ||
		    (i && function[-1].address == function->address))
			continue;
		functions++;
		timed += is_cheap(module, function, false, false);
		counted += is_cheap(module, function, true, false);
		at_entry += is_cheap(module, function, false, true);
	}
	printf("%zu %zu %zu %zu\n", timed, counted, at_entry, functions);
	function_list_done(&list);
	modules_free(modules);
	profile_free(profile);
	free(path);
	return 0;
}
