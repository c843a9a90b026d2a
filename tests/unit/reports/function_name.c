/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/function_name.h"

#include "reports/text.h"

#include <criterion/criterion.h>

#define STEP "double phys::World::step<double, 3>(double, std::vector<int>) const"

Test(function_name, a_name_is_meant_by_its_last_parts_without_parameters_and_arguments)
{
	static const char *const meant[] = {STEP,
					    "phys::World::step",
					    "phys::World::step<double, 3>",
					    "World::step",
					    "step",
					    "step<double, 3>",
					    "st*p",
					    "phys::*",
					    "World::st[aeiou]p"};
	static const char *const others[] = {"",	 "World",     "phys",	"tep",
					     "ld::step", "step<int>", "double", "*_step"};

	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++)
		cr_expect(function_name_is(STEP, meant[i]), "%s", meant[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		cr_expect_not(function_name_is(STEP, others[i]), "%s", others[i]);
}

Test(function_name, operators_lambdas_and_nameless_spaces_are_names)
{
	cr_expect(function_name_is("Less::operator()(int, int) const", "Less::operator()"));
	cr_expect(function_name_is("bool a::operator<(a::B const&, a::B const&)", "operator<"));
	cr_expect(function_name_is("bool a::operator< <int>(a::B const&)", "a::operator<"));
	cr_expect(function_name_is("a::B::operator->() const", "B::operator->"));
	cr_expect(function_name_is("operator new(unsigned long)", "operator new"));
	cr_expect(function_name_is("a::B::operator bool() const", "operator bool"));
	cr_expect(function_name_is("(anonymous namespace)::work(int)", "work"));
	cr_expect(function_name_is("run(int)::{lambda(int)#1}::operator()(int) const",
				   "run::{lambda(int)#1}::operator()"));
	cr_expect_not(function_name_is("run(int)::{lambda(int)#1}::operator()(int) const", "run"));
	cr_expect(function_name_is("work(void (*)(int))", "work"));
	cr_expect(function_name_is("std::vector<a::B, std::allocator<a::B> >::push_back(a::B&&)",
				   "vector::push_back"));
}

Test(function_name, names_that_are_none_do_no_harm)
{
	static const char *const names[] = {"",	   "(",	   ")",		"<",	  ">",
					    "::",  "a::",  "operator",	"{",	  "a<b",
					    "a(b", "-> x", "operator ", "a>::b)", "(anonymous"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		cr_expect(function_name_is(names[i], names[i]));
		cr_expect_not(function_name_is(names[i], "x y"));
	}
}

static const char *near_of(const char *wanted)
{
	static char text[200];
	struct near_names near;
	struct obstack memory;

	obstack_init(&memory);
	near_names_init(&near, wanted);
	function_name_near(&near, STEP, &memory);
	function_name_near(&near, "main", &memory);
	near_names_write(&near, text, sizeof(text));
	obstack_free(&memory, NULL);
	return text;
}

Test(function_name, a_near_name_is_offered_by_all_its_parts)
{
	cr_expect_str_eq(near_of("stpe"), "phys::World::step");
	cr_expect_str_eq(near_of("World::stop"), "phys::World::step");
	cr_expect_str_eq(near_of("nain"), "main");
	cr_expect_str_eq(near_of("elsewhere"), "");
}
