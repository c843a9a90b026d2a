#!/usr/bin/env bats
# reports functions: self and total per function.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "lists the known profile as reviewed" {
	synthetic small
	reports functions small.prof >functions
	assert_golden functions_small.txt functions
}

@test "--sort total and --limit choose and order rows" {
	synthetic small
	reports functions --sort total --limit 3 small.prof >functions
	[[ $(sed -n 2p functions) == *main* ]]
	[[ $(sed -n 3p functions) == *world_step* ]]
	[[ $(sed -n 4p functions) == *environment_observe* ]]
	[ "$(sed -n 5p functions)" = "… and 7 more" ]
}

@test "recursion makes no more than 100 %" {
	require node
	synthetic deep 500
	reports functions --json deep.prof >functions.json
	[ "$(ask functions.json 'it.functions.find(row => row.function === "recurse").total.share')" = 1 ]
}

@test "--json holds what the text says" {
	require node
	synthetic small
	reports functions --json -o functions.json small.prof
	[ "$(ask functions.json 'it.functions.length')" -eq 10 ]
	[ "$(ask functions.json 'it.functions[0].function')" = environment_observe ]
	[ "$(ask functions.json 'it.functions[0].self.samples')" -eq 400 ]
	[ "$(ask functions.json 'it.functions[0].total.samples')" -eq 880 ]
	[ "$(ask functions.json 'it.functions.reduce((sum, row) => sum + row.self.samples, 0)')" -eq 1000 ]
	[ "$(ask functions.json 'it.trust.samples')" -eq 1000 ]
}

@test "hostile names do no harm to a terminal" {
	synthetic hostile
	reports functions hostile.prof >functions
	[ "$(grep -c "$(printf '[\001-\010\013-\037]')" functions)" -eq 0 ]
	iconv -f UTF-8 -t UTF-8 functions >/dev/null
}

@test "a narrow terminal never wraps" {
	synthetic small
	COLUMNS=60 reports functions small.prof | sed '/^trust/d' >functions
	[ "$(wc -L <functions)" -le 60 ]
	grep -q environment_observe functions
}

@test "no colour where there is no terminal" {
	synthetic small
	! reports functions small.prof | grep -q "$(printf '\033')"
}

@test "bad option values are one sentence" {
	synthetic small
	fails_with 1 '--limit wants a number' reports functions --limit some small.prof
	fails_with 1 '--sort wants self or total' reports functions --sort name small.prof
}

@test "options for shell completion are all of --help, each once" {
	for command in functions calls summary lines; do
		reports $command --help | grep -oE '^ {2,6}(-., )? *--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort >told
		reports options $command | sort >listed
		diff told listed
	done
}

@test "functions, lines and the picture of some threads, components or steps" {
	synthetic rich
	reports functions --json --component spatial rich.prof >json
	[ "$(ask json 'it.selection + " " + it.functions.filter(row => row.self.samples).map(row => row.function + row.self.samples)')" = 'component spatial kd_tree_distance200' ]
	reports functions --json --steps slow rich.prof >slow
	reports functions --json --steps typical rich.prof >typical
	[ "$(ask slow 'it.functions.reduce((sum, row) => sum + row.self.samples, 0)')" -gt 0 ]
	reports lines --json --component spatial rich.prof kd_tree.c >json
	[ "$(ask json 'it.lines[0].self.share')" = 1 ]
	reports flame --component spatial --thread sim -o flame.svg rich.prof
	grep -q '<title>sim · 200 ms of cpu in 200 samples · thread sim, component spatial</title>' flame.svg
	reports functions --thread sim rich.prof | grep -q '^selected: thread sim; shares are of that'
	fails_with 1 "no sample is in a component 'space'; there are observation" reports flame --component space -o none.svg rich.prof
	[ ! -e none.svg ]
	synthetic small
	fails_with 1 'this profile has no steps; record with --step' reports functions --steps slow small.prof
}
