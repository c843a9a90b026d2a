#!/usr/bin/env bats
# The Makefile's promises: what is built again and what is not, and where.

bats_require_minimum_version 1.5.0
load small_tree

setup() {
	small_tree "$BATS_TEST_TMPDIR/tree"
}

# built: the names of the files that a make with these arguments compiles or links.
built() {
	make "$@" | awk '$1 ~ /^(CC|LINK|BPF|SKEL)$/ { print $2 }' | sort | xargs
}

@test "a second make does nothing" {
	[[ -n $(built) ]]
	find build -type f -printf '%p %T@\n' | sort >before
	run -0 make
	[[ -z $output ]]
	find build -type f -printf '%p %T@\n' | sort | diff before -
}

@test "a touched header compiles again what includes it, and nothing else" {
	make
	touch sim/world.h
	[[ $(built) == "bin/sim obj/sim/main.o obj/sim/world.o" ]]
}

@test "a changed style sheet or schema compiles again what may embed it" {
	mkdir collector/profile
	printf 'int schema;\n' >collector/profile/schema.c
	touch reports/flame.css collector/profile/profile.sql
	make
	echo 'a {}' >reports/flame.css
	[[ $(built) == "bin/reports obj/reports/main.o" ]]
	echo '-- changed' >collector/profile/profile.sql
	[[ $(built) == "bin/collector bin/reports obj/collector/profile/schema.o" ]]
}

@test "what both sides of a BPF program include makes both again, and nothing else" {
	mkdir -p collector/capture/bpf
	echo '#define STEP 1' >collector/capture/bpf/count.h
	cat >collector/capture/bpf/count.bpf.c <<-'C'
		#include "collector/capture/bpf/count.h"
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		int count;

		SEC("tp_btf/sys_enter")
		int on_call(void *context)
		{
			count += STEP;
			return 0;
		}
	C
	cat >collector/capture/count.c <<-'C'
		#include "collector/capture/bpf/count.h"
		#include "count.skel.h"

		int count_step = STEP;
	C
	make
	echo '#define STEP 2' >collector/capture/bpf/count.h
	[[ $(built) == "bin/collector gen/count.skel.h obj/collector/capture/bpf/count.bpf.o obj/collector/capture/count.o" ]]
	run -0 make
	[[ -z $output ]]
}

@test "a header that disappears does not stop the build" {
	make
	sed -i '/include/d' sim/main.c sim/world.c
	sed -i '1i int world_age(void);' sim/main.c sim/world.c
	rm sim/world.h
	make
}

@test "a new source file is found without an edit" {
	make
	printf 'int world_size(void);\nint world_size(void)\n{\n\treturn 1;\n}\n' >sim/size.c
	[[ $(built) == "bin/sim obj/sim/size.o" ]]
}

@test "other compiler flags compile everything again" {
	first=$(built)
	[[ $(built CFLAGS=-O1) == "$first" ]]
	[[ -z $(built CFLAGS=-O1) ]]
}

@test "a new commit is seen in the program that prints the revision" {
	make
	commit_small_tree
	[[ $(built) == "bin/collector obj/collector/main.o" ]]
	[[ $(build/bin/collector) == "$(git describe --always --dirty)" ]]
}

@test "two jobs build the same files as one" {
	make
	find build -type f | sort >one
	rm -rf build
	make -j2
	find build -type f | sort | diff one -
}

@test "everything generated lies in build, and clean removes it" {
	make
	make unit cli
	[[ -z $(git status --porcelain) ]]
	make clean
	[[ ! -e build ]]
	[[ -z $(git status --porcelain --ignored) ]]
}

@test "sanitizers build in a folder of their own" {
	make
	find build -type f -printf '%p %T@\n' | sort >before
	make SAN=undefined build/undefined/bin/sim
	[[ -x build/undefined/bin/sim ]]
	find build -path build/undefined -prune -o -type f -printf '%p %T@\n' | sort | diff before -
}

@test "WERROR=1 makes a warning an error, and only then" {
	printf 'static int unused;\n' >>sim/world.c
	make
	touch sim/world.c
	run ! make WERROR=1
	[[ $output == *Werror* ]]
}

@test "missing libraries get a sentence with the remedy" {
	run -2 make PKGS_sim=no-such-library
	[[ $output == *"run scripts/install-deps"* ]]
	make PKGS_sim=no-such-library help
}

@test "help lists every target that a user calls" {
	run -0 make help
	for target in all help check unit cli lint bench install uninstall clean; do
		[[ $output =~ (^|$'\n')$target\ +[a-z] ]]
	done
}
