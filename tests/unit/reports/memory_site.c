/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/memory_site.h"

#include <criterion/criterion.h>

#include "tests/unit/reports/small_profile.h"

Test(memory_site, requests_are_passed_on_by_operators_the_standard_library_and_wrappers)
{
	static const char *const pass_on[] = {
		"operator new(unsigned long)",
		"operator new[](unsigned long)",
		"std::vector<int>::reserve(unsigned long)",
		"void std::vector<World, std::allocator<World> >::_M_realloc_insert<World&>(int)",
		"std::__new_allocator<char>::allocate(unsigned long, void const*)",
		"__gnu_cxx::new_allocator<int>::allocate",
		"xmalloc",
		"CRYPTO_zalloc",
		"g_strdup",
		"Perl_safesysrealloc",
		"xmalloc(unsigned long)",
		"(anonymous namespace)::Pool::calloc(void (*)(int), unsigned long) const",
	};
	static const char *const own[] = {
		"main",
		"World::step(std::vector<int>)",
		"std::vector<int> make<int>(int)",
		"Grid<std::string>::grow()",
		"stdout_open",
		"malloc_statistics",
		"use(void (*)(malloc))",
		"(anonymous namespace)",
	};

	for (size_t i = 0; i < sizeof(pass_on) / sizeof(*pass_on); i++)
		cr_expect(memory_site_passes_on(pass_on[i]), "%s", pass_on[i]);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		cr_expect_not(memory_site_passes_on(own[i]), "%s", own[i]);
}

static const char *site(const char *folded)
{
	static char name[64];
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, folded, 1);

	snprintf(name, sizeof(name), "%s",
		 profile->functions[memory_site_of(profile, stack).symbol].name);
	profile_free(profile);
	return name;
}

Test(memory_site, is_the_innermost_function_with_a_purpose_of_its_own)
{
	cr_expect_str_eq(site("main;grow;operator new(unsigned long)"), "grow");
	cr_expect_str_eq(site("main;grow;std::string::reserve;operator new(unsigned long)"),
			 "grow");
	cr_expect_str_eq(site("main;grow"), "grow");
	cr_expect_str_eq(site("xmalloc;operator new(unsigned long)"),
			 "operator new(unsigned long)");
}

/* The same of functions without symbols, whose names begin with "x+", among others. */
static const char *site_of_stripped(const char *folded)
{
	static char name[64];
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, folded, 1);

	for (size_t i = 0; i < profile->functions_count; i++)
		profile->functions[i].named = strncmp(profile->functions[i].name, "x+", 2) != 0;
	snprintf(name, sizeof(name), "%s",
		 profile->functions[memory_site_of(profile, stack).symbol].name);
	profile_free(profile);
	return name;
}

Test(memory_site, a_function_without_a_name_is_a_part_of_the_wrapper_that_called_it)
{
	cr_expect_str_eq(site_of_stripped("main;grow;sqlite3Malloc;x+1"), "grow");
	cr_expect_str_eq(site_of_stripped("main;x+3;sqlite3Malloc;x+2;x+1"), "x+3");
	cr_expect_str_eq(site_of_stripped("xmalloc;grow;x+2;x+1"), "x+1");
	cr_expect_str_eq(site_of_stripped("x+3;x+2;x+1"), "x+1");
	cr_expect_str_eq(site_of_stripped("main;xmalloc;x+6;x+5;x+4;x+3;x+2;x+1"), "x+1");
}
