/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/unwinding.c on the machine's own libraries. */
#include "collector/resolve/unwinding.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

static bool asks(bool (*question)(const struct module *), const char *library)
{
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	void *handle = dlopen(library, RTLD_LAZY);
	struct link_map *map = NULL;
	struct module *module;
	bool answer;
	char *path;

	cr_assert(handle && !dlinfo(handle, RTLD_DI_LINKMAP, &map), "%s", library);
	path = realpath(map->l_name, NULL);
	module = modules_get(modules, &(struct module_identity){.path = path}, 0);
	cr_assert_eq(module_open(module), 0, "%s", module->problem);
	answer = question(module);
	dlclose(handle);
	modules_free(modules);
	profile_free(profile);
	free(path);
	return answer;
}

Test(unwinding, is_done_by_what_handles_exceptions_and_by_the_unwinder_itself)
{
	cr_expect(asks(unwinding_by, "libstdc++.so.6"));
	cr_expect(asks(unwinding_by, "libgcc_s.so.1"));
}

Test(unwinding, is_not_done_by_c_nor_by_libc_for_others)
{
	cr_expect_not(asks(unwinding_by, "libsqlite3.so.0"));
	cr_expect_not(asks(unwinding_by, "libm.so.6"));
	cr_expect_not(asks(unwinding_by, "libc.so.6"));
}

Test(unwinding, may_come_with_what_a_file_loads_itself)
{
	cr_expect(asks(unwinding_may_come, "libsqlite3.so.0"));
	cr_expect_not(asks(unwinding_may_come, "libm.so.6"));
}
