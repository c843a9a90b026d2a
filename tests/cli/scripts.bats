#!/usr/bin/env bats
# The scripts that judge the others: each must see what it is there to see.

bats_require_minimum_version 1.5.0
load requirements
load small_tree

setup() {
	small_tree "$BATS_TEST_TMPDIR/tree"
}

# ---- check-layers

# layers_reject FILE LINE WORDS: with LINE put into FILE, check-layers complains with WORDS.
layers_reject() {
	mkdir -p "$(dirname "$1")"
	echo "$2" >>"$1"
	run -1 scripts/check-layers
	[[ $output == *"$3"* ]]
	git checkout -q . && git clean -qfd
	scripts/check-layers
}

@test "check-layers accepts the tree as it is" {
	"$BATS_TEST_DIRNAME/../../scripts/check-layers"
	scripts/check-layers
}

@test "check-layers rejects includes that point up or sideways" {
	mkdir -p probe collector/{capture,resolve,profile,cfi}
	for header in probe/wire.h probe/probe.h collector/capture/ring.h collector/resolve/unwind.h \
		collector/profile/profile.h collector/cfi/cfi.h collector/session.h reports/flame.h; do
		echo '#pragma once' >$header
	done
	git add -A
	commit_small_tree

	layers_reject sim/world.c '#include "collector/base/error.h"' 'sim may not include'
	layers_reject sim/drivers/kd.c '#include "probe/wire.h"' 'sim may not include'
	layers_reject probe/probe.c '#include "collector/base/error.h"' 'probe may not include'
	layers_reject collector/base/error.c '#include "collector/profile/profile.h"' 'base may not'
	layers_reject collector/cfi/cfi.c '#include "collector/base/error.h"' 'cfi may not'
	layers_reject collector/profile/profile.h '#include "collector/session.h"' 'profile may not'
	layers_reject collector/capture/ring.c '#include "probe/probe.h"' 'capture may not'
	layers_reject collector/capture/ring.c '#include "collector/resolve/unwind.h"' 'capture may not'
	layers_reject collector/resolve/unwind.c '#include "collector/capture/ring.h"' 'resolve may not'
	layers_reject collector/session.c '#include "sim/world.h"' 'collector may not'
	layers_reject reports/flame.c '#include "collector/resolve/unwind.h"' 'reports may not'
	layers_reject reports/flame.c '# include "sim/world.h"' 'reports may not'

	layers_reject collector/session.c '#include "off_cpu.skel.h"' 'is for collector/capture/off_cpu.c'
	layers_reject collector/capture/off_cpu.c '#include "off_cpu.skel.h"' 'beside collector/capture/bpf'
	layers_reject reports/flame.c '#include "reports/pprof.pb-c.h"' 'is for the folder of its .proto'
	layers_reject collector/capture/bpf/off_cpu.h '#include "collector/base/error.h"' 'bpf may not'

	mkdir collector/capture/bpf
	echo '#include "collector/capture/bpf/off_cpu.h"' >collector/capture/bpf/off_cpu.bpf.c
	echo '#pragma once' >collector/capture/bpf/off_cpu.h
	echo '#include "off_cpu.skel.h"' >collector/capture/off_cpu.c
	echo '#include "probe/wire.h"' >>collector/capture/ring.c
	echo '#include "collector/cfi/cfi.h"' >>collector/resolve/unwind.c
	echo '#include "collector/cfi/cfi.h"' >>probe/probe.c
	echo '#include "collector/capture/ring.h"' >>collector/session.c
	echo '#include "collector/profile/profile.h"' >>reports/flame.c
	scripts/check-layers
}

@test "check-layers rejects ways around it" {
	layers_reject sim/world.c '#include "world.h"' 'seen from the root'
	layers_reject sim/world.c '#include "sim/../collector/base/error.h"' 'seen from the root'
	layers_reject sim/world.c '#include <collector/base/error.h>' 'write it in quotes'
	layers_reject sim/world.c '#include WORLD' 'must stand in the line'
	layers_reject sim/main.c '#include "sim/world.c"' 'is a source'
	layers_reject collector/new/new.c '#include "collector/base/error.h"' 'has no row'
}

@test "check-layers rejects headers that include each other" {
	echo '#include "sim/agent.h"' >>sim/world.h
	echo '#include "sim/tree.h"' >sim/agent.h
	echo '#include "sim/world.h"' >sim/tree.h
	run -1 scripts/check-layers
	[[ $output == *"include each other"*"sim/agent.h"* ]]
}

# ---- run-tests

@test "run-tests counts unit tests, and fails when one fails" {
	run -0 make unit
	[[ ${lines[-1]} == "unit tests in build: 1 passed, 0 failed, 0 skipped" ]]
	sed -i 's/return 7/return 8/' sim/world.c
	run -2 make unit
	[[ $output == *"FAIL  unit sim: world::is_seven"* ]]
	[[ $output == *"0 passed, 1 failed"* ]]
	[[ $(cat build/tests/unit.count) == "0 1 0" ]]
}

@test "run-tests counts command line tests, and fails when one fails" {
	run -0 make cli
	[[ ${lines[-1]} == "cli tests in build: 1 passed, 0 failed, 0 skipped" ]]
	printf '@test "false is true" {\n\techo because\n\tfalse\n}\n' >tests/cli/false.bats
	run -2 make cli
	[[ $output == *"FAIL  cli: false is true"*because* ]]
	[[ $output == *"1 passed, 1 failed"* ]]
}

@test "run-tests fails when a test program dies" {
	sed -i '/^Test/i static __attribute__((destructor)) void die(void) { __builtin_trap(); }' \
		tests/unit/sim/world.c
	run -2 make unit
	[[ $output == *"FAIL  unit sim"*"exit status"* ]]
}

@test "run-tests fails when no test ran" {
	printf '#include <criterion/criterion.h>\n' >tests/unit/sim/world.c
	run -2 make unit
	[[ $output == *"no unit test ran"* ]]
	rm tests/cli/sim.bats
	run -2 make cli
	[[ $output == *"no cli test ran"* ]]
}

@test "run-tests fails on a leak, which Criterion alone lets pass" {
	sed -i 's/cr_assert_eq.*/&\n\tstatic void *volatile kept;\n\tkept = malloc(100);\n\tkept = NULL;\n\t(void)kept;/' \
		tests/unit/sim/world.c
	sed -i '1i #include <stdlib.h>' tests/unit/sim/world.c
	run -0 make unit
	run -2 make SAN=address,undefined unit
	[[ $output == *"sanitizer report"*LeakSanitizer* ]]
	[[ $output == *"1 passed, 1 failed, 0 skipped"* ]]
}

@test "a requirement that is missing skips with its reason, and fails where it was promised" {
	printf 'load requirements\n@test "x" {\n\trequire no-such-program\n}\n' >tests/cli/x.bats
	printf '#include "tests/requirements.h"\nTest(world, y)\n{\n\trequire("no-such-program");\n}\n' \
		>>tests/unit/sim/world.c
	run -0 make unit cli
	[[ $output == *"skip  unit sim: world::y: no-such-program is not installed"* ]]
	[[ $output == *"skip  cli: x: no-such-program is not installed"* ]]
	[[ $(cat build/tests/unit.count build/tests/cli.count) == "1 0 1"$'\n'"1 0 1" ]]
	REQUIRE=other,no-such-program run -2 make -k unit cli
	[[ $output == *"FAIL  unit sim: world::y"*"REQUIRE promises no-such-program"* ]]
	[[ $output == *"FAIL  cli: x"*"REQUIRE promises no-such-program"* ]]
}

# ---- install-deps

# fake NAME SCRIPT: a program that stands in for one of the system's.
fake() {
	mkdir -p "$BATS_TEST_TMPDIR/fake"
	printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/fake/$1"
	chmod +x "$BATS_TEST_TMPDIR/fake/$1"
}

@test "install-deps makes no call to apt when all is there" {
	fake dpkg-query 'shift 2; printf "installed=%s " "$@"'
	fake apt-get 'echo called; exit 1'
	PATH=$BATS_TEST_TMPDIR/fake:$PATH run -0 scripts/install-deps build test bench lint
	[[ -z $output ]]
}

@test "install-deps installs exactly what is missing, without recommendations" {
	fake dpkg-query 'shift 2; for p; do [[ $p == make ]] || printf "installed=%s " "$p"; done'
	fake apt-get 'echo "apt-get $*"'
	fake sudo '[[ $1 != -n ]] || shift; exec "$@"'
	PATH=$BATS_TEST_TMPDIR/fake:$PATH run -0 scripts/install-deps build
	[[ ${lines[-1]} == "apt-get -q -y "*"install --no-install-recommends make" ]]
}

@test "install-deps says what to do when apt fails" {
	fake dpkg-query 'exit 1'
	fake apt-get '[[ $* != *update* ]]'
	fake sudo '[[ $1 != -n ]] || shift; exec "$@"'
	PATH=$BATS_TEST_TMPDIR/fake:$PATH run -1 scripts/install-deps build
	[[ ${lines[-1]} == "install-deps: apt-get update failed; look at the network"* ]]
	fake apt-get '[[ $* != *install* ]]'
	PATH=$BATS_TEST_TMPDIR/fake:$PATH run -1 scripts/install-deps build
	[[ ${lines[-1]} == "install-deps: apt-get could not install gcc"* ]]
}

@test "install-deps says what to do without root and sudo, and where there is no apt" {
	require root
	fake dpkg-query 'exit 1'
	fake apt-get 'exit 1'
	chmod a+rx "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/../.. "$BATS_TEST_TMPDIR"/../../..
	PATH=$BATS_TEST_TMPDIR/fake run -1 /usr/bin/setpriv --reuid=65534 --clear-groups \
		/bin/bash -s build <scripts/install-deps
	[[ $output == *"needs root and there is no sudo"*"apt-get install gcc"* ]]
	PATH=/nowhere run -1 /bin/bash scripts/install-deps build
	[[ $output == *"this is no Debian"*gcc* ]]
}

@test "install-deps rejects a group that it does not know" {
	run -1 scripts/install-deps nonsense
	[[ $output == "install-deps: there is no group 'nonsense'"* ]]
}

@test "every script says what it does" {
	for script in scripts/*; do
		[[ -f $script && -x $script ]] || continue
		run -0 "$script" --help
		[[ $output == "${script#scripts/}"* ]]
	done
}
