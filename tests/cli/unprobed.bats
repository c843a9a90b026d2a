#!/usr/bin/env bats
# Programs that have no probe, or not all of it, run as ever, and it is told what was not counted.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

value() {
	sqlite3 x.prof "$1"
}

unprobed() {
	value "SELECT coalesce((SELECT value FROM meta WHERE key = 'memory.unprobed'), 0)"
}

@test "a program whose limited memory has no room for the probe is told of, at run and in trust lines" {
	[[ $BUILD != */address* ]] || skip "AddressSanitizer needs more address space"
	run -0 --separate-stderr collector run -q -o x --memory --io -- bash -c \
		'ulimit -v 200000; exec "$0" family' "$BUILD/workloads/allocations"
	[[ $stderr == *"programs in which the probe had no room"*"limited (ulimit -v): 1" ]]
	counted="· (!) programs not counted, their memory is limited (ulimit -v): 1"
	run -0 collector memory x.prof
	[[ $output == *"trust: not every allocation counted $counted"* ]]
	run -0 collector io x.prof
	[[ $output == *"trust: not every call counted"*" $counted"* ]]
}

@test "where the collector's memory is limited, too, its tables fit the limit and all is counted" {
	[[ $BUILD != */address* ]] || skip "AddressSanitizer needs more address space"
	require perf
	for limit in 100000 150000; do
		run -0 --separate-stderr bash -c "ulimit -v $limit
			exec collector run -q -o x --memory --io --locks -- $BUILD/workloads/allocations family"
		[ -z "$stderr" ]
		run -0 collector memory x.prof
		[[ $output == *"trust: every allocation counted"* ]]
	done
}

@test "programs of the tree that ran without the probe are counted and named in trust lines" {
	require perf
	gcc -O2 -static -I"$BATS_TEST_DIRNAME/../.." -o static "$BATS_TEST_DIRNAME/../workloads/leaf.c"
	collector run -q -o x --memory --io -- sh -c './static 0.01; ./static 0.01; true'
	[ "$(unprobed)" = 2 ]
	named="· (!) programs that ran without the probe, not counted: 2 · without the probe: static"
	run -0 collector memory x.prof
	[[ $output == *"trust: not every allocation counted $named"* ]]
	run -0 collector io x.prof
	[[ $output == *"trust: not every call counted"*" $named"* ]]
	collector run -q -o x --memory --io -- sh -c 'sh -c "ls; ls"; (ls); exec env ls'
	[ "$(unprobed)" = 0 ]
	run -0 collector memory x.prof
	[[ $output == *"trust: every allocation counted"* ]]
}

@test "what a program had is gone when it executes one that has no probe" {
	require perf
	printf '%s\n' '#include <stdlib.h>' '#include <unistd.h>' \
		'int main(void) { char *volatile block = malloc(20000000); block[0] = 1;' \
		'	execl("./last", "last", (char *)0); return 1; }' >first.c
	echo 'int main(void) { return 0; }' >last.c
	gcc -O0 -o first first.c
	gcc -static -o last last.c
	collector run -q -o x --memory -- ./first
	run -0 collector memory x.prof
	[[ $output == *"live at end  0 bytes in 0 blocks"* ]]
	[[ $output == *"ended        19.1 MiB in 1 blocks, by exec"* ]]
	[ "$(value "SELECT value FROM meta WHERE key = 'memory.processes'")" = 1 ]
}

@test "where files are limited the probe works, and if it may not the program runs without it" {
	require root perf
	run -0 --separate-stderr bash -c "ulimit -S -f 2000
		exec collector run -q -o x --memory -- $BUILD/workloads/allocations family"
	[ -z "$stderr" ]
	[ "$(value "SELECT value FROM meta WHERE key = 'memory.processes'")" = 1 ]
	run -0 --separate-stderr setpriv --bounding-set -sys_resource bash -c "ulimit -f 2000
		exec collector run -q -o x --memory -- $BUILD/workloads/allocations family"
	[[ $stderr == "collector run: allocations were not counted: "*"\`ulimit -f\` allows 2048000 bytes a file" ]]
	[ "$(value "SELECT value FROM meta WHERE key = 'state'")" = complete ]
}
