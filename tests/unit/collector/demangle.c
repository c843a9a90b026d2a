/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/demangle.c. */
#include "collector/resolve/demangle.h"

#include "collector/base/xalloc.h"

#include <criterion/criterion.h>

static void assert_demangled(const char *linkage_name, const char *expected)
{
	char *name = demangle(linkage_name);

	cr_assert_str_eq(name, expected, "%s gave %s", linkage_name, name);
	free(name);
}

Test(demangle, reads_cpp_with_parameters)
{
	assert_demangled("_ZN5world4stepEi", "world::step(int)");
	assert_demangled("_ZNK3kit3boxIdE3getEv", "kit::box<double>::get() const");
	assert_demangled("_ZN12_GLOBAL__N_14moveERK5agent",
			 "(anonymous namespace)::move(agent const&)");
}

Test(demangle, reads_both_manglings_of_rust)
{
	assert_demangled("_ZN5world4step17h0123456789abcdefE", "world::step");
	assert_demangled(
		"_ZN46_$LT$world..Agent$u20$as$u20$world..Moving$GT$4step17h05af221e174051e9E",
		"<world::Agent as world::Moving>::step");
	assert_demangled("_RNvCs1234_7mycrate3foo", "mycrate::foo");
}

Test(demangle, cuts_what_compilers_append_to_copies)
{
	assert_demangled("step.constprop.0", "step");
	assert_demangled("step.isra.0.part.3", "step");
	assert_demangled("step.cold", "step");
	assert_demangled("step.cold.12", "step");
	assert_demangled("step.lto_priv.0.cold", "step");
	assert_demangled("_ZN5world4stepEi.isra.0", "world::step(int)");
}

Test(demangle, leaves_other_names_alone)
{
	const char *const names[] = {
		"step", "_Zebra",    "_ZN", "step._omp_fn.0", ".constprop.0", "step.0",
		"",	"step.avx2", "_R"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_demangled(names[i], names[i]);
}

Test(demangle, gives_up_on_a_name_that_describes_gigabytes, .timeout = 10)
{
	/* f(p<a,a>, p<p<a,a>,p<a,a>>, ...): each parameter is twice as long as the last. */
	char name[1024] = "_Z1f1pI1aS0_E";
	const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int i = 1; i < 34; i++) {
		char parameter[16];

		snprintf(parameter, sizeof(parameter), "S_IS%c_S%c_E", digits[i], digits[i]);
		strcat(name, parameter);
	}
	assert_demangled(name, name);
	assert_demangled("_Z1f1pI1aS0_ES_IS1_S1_E", "f(p<a, a>, p<p<a, a>, p<a, a> >)");
}
