/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/variable.c, on the variables of this program. */
#include "collector/resolve/variable.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

extern char __executable_start[];

static int hidden[4] = {1};
int shown_to_all[2] = {2};
static struct module module;
static struct variable_names *names;

static void setup(void)
{
	module.path = (char *)"/proc/self/exe";
	module.fd = open(module.path, O_RDONLY);
	elf_version(EV_CURRENT);
	names = variable_names_new();
}

static void teardown(void)
{
	variable_names_free(names);
	close(module.fd);
}

TestSuite(variable, .init = setup, .fini = teardown);

static const char *name(const void *address, char *text, size_t bytes)
{
	uint64_t elf_address = (uint64_t)address - (uint64_t)__executable_start;

	return variable_name(names, &module, elf_address, text, bytes) ? text : "none";
}

Test(variable, names_static_and_global_ones_and_places_inside)
{
	char text[64];

	cr_assert_str_eq(name(hidden, text, sizeof(text)), "hidden");
	cr_assert_str_eq(name(&hidden[2], text, sizeof(text)), "hidden+0x8");
	cr_assert_str_eq(name(shown_to_all, text, sizeof(text)), "shown_to_all");
}

Test(variable, code_and_addresses_outside_have_none)
{
	char text[64];

	cr_assert_str_eq(name((const void *)setup, text, sizeof(text)), "none");
	cr_assert_not(variable_name(names, &module, UINT64_MAX, text, sizeof(text)));
	cr_assert_not(variable_name(names, &module, 0, text, sizeof(text)));
}

Test(variable, a_file_that_could_not_be_opened_has_none)
{
	struct module closed = {.fd = -1};
	char text[64];

	cr_assert_not(variable_name(names, &closed, 0x1000, text, sizeof(text)));
}
