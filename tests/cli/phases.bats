#!/usr/bin/env bats
# The scripts of the four phases, on a small engine that a description of a few lines explains. Its
# steps are long beside a probe, so that no budget takes one off, however busy the machine is, and its
# runs are long beside what it costs to begin a recording, so that none breaks the budget.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	scripts=$BATS_TEST_DIRNAME/../../scripts
	export TMPDIR=$BATS_TEST_TMPDIR
	cat >growth.engine <<-END
		[engine]
		command = $BUILD/workloads/growth {n} {steps}
		step = growth_step
		activity = calls
		[values]
		n = 256
		steps = 20
		[quick]
		steps = 50
		[components]
		growing = time_linear,time_square
		[hot]
		square = time_square
		[vary]
		n = 256, 384, 512, 768, 1024 | 1536
	END
}

phase() {
	"$scripts/run_phase$1_profiling" --quick --engine growth.engine --output-dir out "${@:2}"
}

@test "each phase measures an engine of a few lines, and says so in JSON and Markdown" {
	require root perf bpf
	"$scripts/run_all_phases" --quick --engine growth.engine --output-dir out
	for n in 1 2 3 4; do
		[ "$(ask out/phase$n/phase${n}_summary.json it.status)" = success ]
		grep -q 'All that was planned was measured' out/phase$n/PHASE${n}_REPORT.md
		[ "$(ask out/phase$n/phase${n}_summary.json 'Math.min(...it.sweeps.map(sweep => sweep.activity.calls)) > 0')" = true ]
	done
	# Components add up to all.
	ask out/phase1/phase1_summary.json 'it.report.sections.find(section => section.id == "shares").tables[0].rows
		.map(row => Array.isArray(row[1]) ? row[1][0] : row[1]).reduce((sum, share) => sum + share)' |
		awk '{ exit !($1 > 0.999 && $1 < 1.001) }'
	grep -q 'time_square' out/phase2/PHASE2_REPORT.md
	grep -q 'growth.c' out/phase3/PHASE3_REPORT.md
	[ "$(ask out/phase4/phase4_summary.json 'it.scaling.n.groups[0].rows.find(row => row.name == "time_square").calls.class')" = 'O(1)' ]
	# Once a step, 50 steps: counted, not estimated; time_square is called with what phase 1 counts as calls, too.
	[ "$(ask out/phase1/phase1_summary.json 'it.report.sections.find(section => section.id == "counts").tables[0].rows
		.map(row => [row[0], row[2], row[3], row[5]].join()).join(";")')" = 'time_square,50,1,' ]
	ask out/phase4/phase4_summary.json 'it.report.sections.find(section => section.id == "system").tables.map(table => table.id + table.rows.length)' |
		grep -q "memory5.*cores.*io"
	# The matrix is made again as its README says.
	rm out/MATRIX.md
	run_again=$(sed -n 's/.*`\(reports matrix [^`]*\)`.*/\1/p' out/README.md)
	PATH=$BUILD/bin:$PATH bash -c "${run_again//DIR/out}" >/dev/null
	[ -s out/MATRIX.md ]
	[[ $("$scripts/check_profiling_status.sh" --output-dir out) == *"phase 4: ended, success; 30 of 30 runs, 2 sweeps"* ]]
}

@test "work that did not happen, and runs that fail, are told" {
	require perf
	sed -i 's/^activity.*/activity = calls, births/' growth.engine
	local status=0
	phase 1 || status=$?
	[ "$status" -eq 2 ]
	[ "$(ask out/phase1/phase1_summary.json it.status)" = failed ]
	[[ $(ask out/phase1/phase1_summary.json it.problems) == *'macro: a run did not print its count of births'* ]]
	sed -i 's/^command = .*/command = false/' growth.engine
	status=0
	"$scripts/run_phase1_profiling" --engine growth.engine --output-dir bad || status=$?
	[ "$status" -eq 2 ]
	[[ $(ask bad/phase1/phase1_summary.json 'it.problems.join("; ")') == *'macro: 10 runs failed, p1r10b among them: it ended with status 1;'* ]]
	grep -q 'no run is done, 15 failed or took too long: it ended with status ' bad/phase1/PHASE1_REPORT.md
}

@test "phase 2 names the best configuration of points that did the same work" {
	require root perf bpf
	cat >>growth.engine <<-END
		[driver growing square]
		command = $BUILD/workloads/growth {n} {steps}
		time = time_square
		activity = calls
		choose = steps
		n = 50
		steps = 200, 10
	END
	phase 2
	[ "$(ask out/phase2/phase2_summary.json 'it.report.sections.find(section => section.id == "growing_square").tables
		.find(table => table.id == "best").rows.map(row => [row[0], row[1], row[2], row[5] > 2].join()).join(";")')" = \
		'n 50,steps 10,steps 200,true' ]
}

@test "values behind the bar stand among the others by size, and are left out when it is to be quick" {
	sed -i 's/^n = .*/n+steps = 4+9, 16+8, 64+7 | 32+6, 8+5/' growth.engine
	plan() { "$BUILD/bin/collector" phase --number 4 --engine growth.engine "$@" --plan out | sed 's/ .--point=/\n&/g' | sed -n "s/.*--point=n=\([0-9]*\),steps=\([0-9]*\)'.*/\1+\2/p" | paste -sd ' '; }
	[ "$(plan)" = '4+9 8+5 16+8 32+6 64+7 4+9 8+5 16+8 32+6 64+7' ]
	[ "$(plan --quick)" = '4+9 16+8 64+7 4+9 16+8 64+7' ]
}

@test "where probes are refused there are samples, and the reports say what was not measured" {
	require perf
	local n
	for n in 1 2 3 4; do
		"$BUILD/bin/collector" phase --number $n --engine growth.engine --no-probes=because --plan out >plan
		[ "$(grep -cE -- '--(step|time|count|hits|budget)=' plan)" -eq 0 ]
	done
	sed -i 's/^steps = 50/steps = 5/' growth.engine
	mkdir bin
	printf '#!/bin/sh\n[ "$1" = check ] && echo "off-cpu         no   cannot use BPF: it is forbidden" || exec "%s" "$@"\n' "$BUILD/bin/collector" >bin/collector
	chmod +x bin/collector
	# Where the scripts are installed by themselves they take the programs of the PATH.
	cp -r "$scripts" own
	local status=0
	PATH=$PWD/bin:$PATH own/run_phase1_profiling --quick --engine growth.engine --output-dir out || status=$?
	[ "$status" -eq 2 ]
	[ "$(ask out/phase1/phase1_summary.json 'it.problems[0]')" = 'steps, calls and hits: cannot use BPF: it is forbidden' ]
	[ "$(ask out/phase1/phase1_summary.json 'it.sweeps.map(sweep => [sweep.name, sweep.runs.done].join()).join()')" = macro,10 ]
}

@test "killed at any moment and started again, a phase goes on where it was" {
	require perf
	# Without a step and timed functions: those need root, and their probes a second to begin.
	sed -i -e '/^step =/d' -e '/^square/d' growth.engine
	cat >>growth.engine <<-END
		[driver growing square]
		command = $BUILD/workloads/growth {n} {steps}
		activity = calls
		memory = steps=2
		n = 8, 16, 32, 64, 128, 256
	END
	local phase script over moment
	for phase in 1 2 3 4; do
		for moment in 1 2 4; do
			setsid "$scripts/run_phase" $phase --quick --engine growth.engine --output-dir out 3>&- >/dev/null 2>&1 & script=$!
			until over=$(find out/phase$phase -name run.json 2>/dev/null | wc -l) && [ "$over" -ge $moment ]; do sleep 0.05; done
			# By turns the script alone, and all at once.
			if [ $moment -eq 2 ]; then kill -9 -- -$script; else kill -9 $script; fi
			wait $script || :
		done
		# What was at work ends by itself, and what it was making does not count.
		flock "$TMPDIR/simprof-phases-$UID.lock" true
		find out/phase$phase -path '*/runs/p*r*/run.json' ! -path '*/runs/*.*/*' -exec stat -c '%n %Y' {} + >before
		phase $phase
		find out/phase$phase -path '*/runs/*/run.json' -exec stat -c '%n %Y' {} + >after
		[ "$(wc -l <after)" -eq "$(cut -d' ' -f2 out/phase$phase/planned)" ]
		[ "$(grep -cxFf before after)" -eq "$(wc -l <before)" ]
		[ "$(ask out/phase$phase/phase${phase}_summary.json it.status)" = success ]
		ask out/phase$phase/phase${phase}_summary.json 'it.sweeps.every(sweep => sweep.runs.done == sweep.runs.planned && !sweep.runs.missing)' |
			grep -x true
	done
}

@test "a quick win is measured before and after, and its results compared" {
	require perf
	cat >>growth.engine <<-END
		trace = 0
		[win half]
		command = $BUILD/workloads/growth 200
		before = 40
		after = 20
		component = growing
		gain = 2
		[win nothing]
		command = $BUILD/workloads/growth 8
		before = 2
		after = 2.0
	END
	sed -i -e '/^trace/d' -e '/^step =/d' -e 's/^activity.*/&\ntrace = 0/' growth.engine
	[[ $("$scripts/validate_quick_wins" --quick --engine growth.engine --output-dir out --plan 2>&1) == 'wins: 4 sweeps, 36 runs' ]]
	fails_with 1 'cannot write into study.md: it has to have a line' \
		"$scripts/validate_quick_wins" --quick --engine growth.engine --output-dir out --write study.md
	fails_with 1 '--write takes a page of Markdown' "$scripts/validate_quick_wins" --write study
	printf '%s\n' '<!-- end of what was measured -->' mine '<!-- measured by hand -->' below >study.md
	fails_with 1 'cannot write into study.md: it has to have a line' \
		"$scripts/validate_quick_wins" --quick --engine growth.engine --output-dir out --write study.md
	mkdir study
	touch study/mine.svg study/old.svg
	printf '%s\n' above '<!-- measured by hand -->' old '![old](study/old.svg)' '<!-- end of what was measured -->' below >study.md
	"$scripts/validate_quick_wins" --quick --engine growth.engine --output-dir out --write study.md && status=0 || status=$?
	[ "$status" -eq 2 ]
	# What was between the two lines, and nothing else, is what was measured now, with a picture of what changed.
	[ "$(sed -n '1,2p; $p' study.md | paste -sd ';')" = 'above;<!-- measured by hand -->;below' ]
	[ "$(grep -cx old study.md)" -eq 0 ]
	grep -q '^| half | growing |' study.md
	grep -q '^!\[.*\](study/half.svg)$' study.md
	grep -q '<svg' study/half.svg
	[ "$(echo study/[mo]*.svg)" = study/mine.svg ]
	[ "$(ask out/wins/wins_summary.json 'it.wins.map(win => win.trace).join()')" = differs,same ]
	[[ $(ask out/wins/wins_summary.json it.problems) == *'half: its sides did different work, and the description names no change'* ]]
	[[ $(ask out/wins/wins_summary.json 'it.wins[0].work') == 'calls '*' before, '*' after' ]]
	ask out/wins/wins_summary.json 'it.wins[0].gain.high > 1.2 && it.wins[0].cpu.ratio > 1.3 && it.wins[0].expected[0] > 1.02' | grep -x true
	grep -q '<svg' out/wins/half.svg
	# One of them again: the report keeps the other.
	"$scripts/validate_quick_wins" --quick --win nothing --engine growth.engine --output-dir out || [ $? -eq 2 ]
	[ "$(ask out/wins/wins_summary.json 'it.wins.map(win => win.name).join()')" = half,nothing ]
	fails_with 1 "there is no win 'other'; the engine's description has: half, nothing" \
		"$scripts/validate_quick_wins" --win other --engine growth.engine --output-dir out
}

@test "what was measured is not measured again" {
	require root perf bpf
	phase 1
	stat -c '%n %Y' out/phase1/*/runs/*/run.json >before
	rm -r out/phase1/macro/runs/p1r2
	# As a full disk may leave it.
	echo '{"schema":' >out/phase1/macro/runs/p1r3/run.json
	phase 1
	stat -c '%n %Y' out/phase1/*/runs/*/run.json >after
	[ "$(grep -cxFf before after)" -eq $(($(wc -l <before) - 2)) ]
	[ "$(wc -l <after)" -eq "$(wc -l <before)" ]
}

@test "bad command lines and descriptions are refused with a sentence" {
	fails_with 1 "there is no phase '5'" "$scripts/run_phase" 5
	fails_with 1 'names no [win NAME]' "$scripts/validate_quick_wins" --engine growth.engine
	fails_with 1 "there is no component 'nothing'; the engine's description has: growing" phase 2 --component nothing
	fails_with 1 "there is no function 'nothing'; the engine's description has: square" phase 3 --function nothing
	fails_with 1 'is not for phase 1' phase 1 --component growing
	fails_with 1 'is not for phase 2' phase 2 --memory
	fails_with 1 "there is no option '--slow'" phase 1 --slow
	fails_with 1 'cannot read the description' "$scripts/run_all_phases" --engine none.engine --output-dir all
	[ ! -e all ]
	fails_with 1 'cannot read the description' collector phase --number 1 --engine none.engine out
	echo '[motor]
	x = 1' >bad.engine
	fails_with 1 'there is no section [motor]' collector phase --number 1 --engine bad.engine out
	echo '[engine]
	step = x' >bad.engine
	fails_with 1 'it has no command' collector phase --number 1 --engine bad.engine out
	echo "[engine]
	command = x 'y" >bad.engine
	fails_with 1 'in the command of [engine] a quote has no end' collector phase --number 1 --engine bad.engine out
	printf '[engine]\ncommand = x\nsteps = f\n' >bad.engine
	fails_with 1 "line 3: [engine] takes no 'steps'" collector phase --number 1 --engine bad.engine out
	printf '[engine]\ncommand = x\n  step = f\n' >bad.engine
	fails_with 1 'line 3: [engine] has command twice, or an indented line, which goes on with it' \
		collector phase --number 1 --engine bad.engine out
	# refused SENTENCE LINES: the description of those lines
	refused() {
		printf '%b\n' "[engine]\ncommand = x {n}\n$2" >bad.engine
		fails_with 1 "$1" collector phase --number 1 --engine bad.engine out
	}
	refused "time_limit of [engine] has to be a number of seconds above 0, not 'abc'" 'time_limit = abc'
	refused "share of [predicted c] has to be a number above 0 or a range of per cent, as in 10-20, not 'lots'" '[predicted c]\nshare = lots'
	refused '[win w] needs after' '[win w]\nbefore = -a'
	refused "gain of [win w] has to be" '[win w]\nbefore = -a\nafter = -b\ncomponent = c\ngain = much'
	refused "'my func' of [hot] is no name" '[hot]\nmy func = f'
	refused "[driver c t] takes no 'times', and its command has no {times}" '[driver c t]\ncommand = y\ntimes = f'
	refused "[vary] has n first in 'n' and in 'n+s'" '[vary]\nn = 1, 2\nn+s = 1+2, 3+4'
	refused 'line 3: a line has at most 198 characters' "scratch = $(printf 'a%.0s' {1..200})"
	printf '[engine]\ncommand = x {n}\n[components]\nc = a,\n  b\n[driver c t]\ncommand = x {n}\ntime = a,\n  b\nn = 1\n' >good.engine
	[[ $(collector phase --number 2 --engine good.engine --plan out) == *"--time=a, b'"* ]]
	fails_with 1 'nothing was measured yet' "$scripts/check_profiling_status.sh" --output-dir nowhere
	fails_with 1 "there is no option 'more'" "$scripts/check_profiling_status.sh" --output-dir out more
	fails_with 1 '--output-dir takes a path' phase 1 --output-dir ''
	fails_with 1 '--output-dir takes a path' "$scripts/run_all_phases" --output-dir ''
}

@test "a phase that waits for its turn says for whom, and so does the status" {
	local script lock=$TMPDIR/simprof-phases-$UID.lock
	phase 1 --plan
	exec 8>"$lock"
	flock 8
	echo 'phase 9 of somebody' >"$lock"
	setsid "$scripts/run_phase1_profiling" --quick --engine growth.engine --output-dir out 3>&- 8>&- >said 2>&1 & script=$!
	timeout 60 bash -c 'until [ -s out/phase1/waiting ]; do sleep 0.05; done'
	[[ $("$scripts/check_profiling_status.sh" --output-dir out) == *'phase 1: waits for its turn, after phase 9 of somebody; 0 of '* ]]
	grep -q 'at work on this machine, phase 9 of somebody' said
	kill -- -$script
	wait $script || :
	exec 8>&-
	[[ $("$scripts/check_profiling_status.sh" --output-dir out) == *'phase 1: not begun; 0 of '* ]]
}

@test "a plan is told of one phase alone, and changes nothing of what was begun" {
	[[ $(phase 1 --plan) == 'phase1: '*' sweeps, '*' runs' ]]
	[[ $("$scripts/check_profiling_status.sh" --output-dir out) == 'phase 1: not begun; 0 of '* ]]
	planned=$(cat out/phase1/planned)
	touch out/phase1/phase1_run.log
	sed -i '/^time_linear/d; s/^square = .*/&\nlinear = time_linear/' growth.engine
	printf '[driver d]\ncommand = %s {n} 20\nn = 1, 2, 3\n' "$BUILD/workloads/growth" >>growth.engine
	phase 1 --plan
	[ "$(cat out/phase1/planned)" = "$planned" ]
}

@test "runs that failed are made again when that is asked for" {
	require root perf bpf
	cp /bin/false engine
	sed -i "s|^command = .*|command = $PWD/engine {n} {steps}|" growth.engine
	run phase 1
	[ "$status" -eq 2 ]
	rm engine
	cp "$BUILD/workloads/growth" engine
	run phase 1
	[ "$status" -eq 2 ]
	phase 1 --retry
	[ "$(ask out/phase1/phase1_summary.json it.status)" = success ]
}
