# shellcheck shell=bash
# A small tree with this repository's Makefile and scripts and three programs of a few lines, so
# that a test may break, install and rebuild it in seconds.

# The make and the test run that this test is part of must not reach the one inside it.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL WERROR SAN CFLAGS V REQUIRE TESTS
unset ASAN_OPTIONS UBSAN_OPTIONS

# small_tree DIR: makes it, a git repository with one commit, and goes there.
small_tree() {
	local root=$BATS_TEST_DIRNAME/../..
	mkdir -p "$1"/{sim,collector/base,reports,tests/unit/sim,tests/cli}
	cp -r "$root"/{Makefile,scripts,.clang-format,.clang-tidy,.gitignore} "$1"
	cp "$root"/tests/requirements.[ch] "$1/tests"
	cp "$root"/tests/cli/requirements.bash "$1/tests/cli"
	cp "$root"/collector/base/{error.[ch],xalloc.h} "$1/collector/base"
	cd "$1" || return 1
	printf '#pragma once\n\nint world_age(void);\n' >sim/world.h
	printf '#include "sim/world.h"\n\nint world_age(void)\n{\n\treturn 7;\n}\n' >sim/world.c
	printf '#include "sim/world.h"\n\nint main(void)\n{\n\treturn world_age() - 7;\n}\n' >sim/main.c
	printf '#include <stdio.h>\n\nint main(void)\n{\n\treturn puts(REVISION) < 0;\n}\n' >collector/main.c
	printf 'int main(void)\n{\n\treturn 0;\n}\n' >reports/main.c
	cat >tests/unit/sim/world.c <<-'C'
		#include <criterion/criterion.h>

		#include "sim/world.h"

		Test(world, is_seven)
		{
			cr_assert_eq(world_age(), 7);
		}
	C
	printf '@test "sim runs" {\n\tsim\n}\n' >tests/cli/sim.bats
	git init -q .
	git add -A
	commit_small_tree
}

commit_small_tree() {
	git -c user.name=test -c user.email=test@example.org commit -q --allow-empty -m change
}
