#!/usr/bin/env bats
# collector ab: two commands recorded in turn and compared.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	# Short, so that a test takes seconds; there are some tens of samples in a run.
	cat >work <<-'SCRIPT'
		#!/bin/bash
		echo "$0 $*" >>order
		for ((i = 0; i < $1; i++)); do :; done
		echo "output of the program"
	SCRIPT
	chmod +x work
}

@test "ends at the first look when the commands differ much, in blocks of ABBA or BAAB" {
	require perf
	local status=0 block
	# An earlier series was longer.
	echo earlier | tee it.a9.prof it.b24.prof it.axe.prof it.b24.svg
	collector ab --markdown -F 4999 -n 24 -o it -- ./work 5000 a -- ./work 20000 b >text 2>said || status=$?
	cat text said
	[ "$status" -eq 2 ]
	[[ $(head -n 1 text) == '<!-- simprof:compare v1 verdict=regressed -->' ]]
	[[ $(sed -n 2p text) == '**▲ regressed: '* ]]
	grep -q '^| verdict | function |' text
	grep -q '8 base and 8 new runs in pairs' text
	grep -q 'looked after 8 of at most 24 pairs' said
	[ "$(wc -l <order)" -eq 16 ]
	[ -f it.a8.prof ]
	[ -f it.b8.prof ]
	[ ! -f it.a9.prof ]
	grep -q 'kept 2 recordings of an earlier series as it\.\*\.prof\.old' said
	[ "$(cat it.a9.prof.old it.b24.prof.old it.axe.prof)" = "$(yes earlier | head -n 3)" ]
	[ ! -f it.b24.prof ]
	[ ! -f it.b24.svg ]
	[ "$(grep -c 'output of the program' text)" -eq 0 ]
	for block in $(awk '{ printf $3 }' order | fold -w 4); do
		[[ $block == abba || $block == baab ]]
	done
}

@test "answers in JSON, with nothing else on standard output" {
	require perf node
	collector ab --json -F 4999 -n 24 -o it -- ./work 5000 a -- ./work 20000 b >it.json || [ $? -eq 2 ]
	[ "$(node -p 'JSON.parse(require("fs").readFileSync("it.json")).total.verdict')" = regressed ]
	[ "$(node -p 'JSON.parse(require("fs").readFileSync("it.json")).paired')" = true ]
	collector compare --paired it.a?.prof -- it.b?.prof >text || [ $? -eq 2 ]
	[[ $(head -n 1 text) == *regressed* ]]
}

@test "a command that fails ends it" {
	require perf
	fails_with 1 'run 1 of B (false) ended with status 1' collector ab -- true -- false
	fails_with 1 'ended with status 127' collector ab -- ./missing -- ./missing
}

@test "bad command lines are refused with a sentence" {
	fails_with 1 'two commands' collector ab
	fails_with 1 'two commands' collector ab -- true
	fails_with 1 'two commands' collector ab -- true --
	fails_with 1 'after "--"' collector ab true -- true -- true
	fails_with 1 '24 to 600' collector ab -n 2 -- true -- true
}
