#!/usr/bin/env bats
# reports gate: does a change pass?

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# replicates LAST: base1.prof … of one build, new1.prof … of another in which hot() is slower.
replicates() {
	local i
	for ((i = 1; i <= $1; i++)); do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
}

# callgrind COUNT: such a file, of so many instructions.
callgrind() {
	printf '# callgrind format\nversion: 1\nevents: Ir\nfn=main\n1 %s\ntotals: %s\n' "$1" "$1"
}

@test "time that regressed for certain fails, in every form" {
	require node
	replicates 10
	local status=0
	reports gate --github --junit it.xml --markdown it.md base?.prof base10.prof -- new?.prof new10.prof >text || status=$?
	cat text
	[ "$status" -eq 2 ]
	grep -q '^gate: failed' text
	grep -q '^failed *time in hot' text
	grep -q '^::error title=time in hot,file=/src/sim/world.c,line=10::regressed' text
	xmllint --noout it.xml
	[ "$(xmllint --xpath 'count(//testcase[failure])' it.xml)" = "$(xmllint --xpath 'string(/testsuites/@failures)' it.xml)" ]
	[ "$(xmllint --xpath 'count(//testcase)' it.xml)" = "$(xmllint --xpath 'string(/testsuites/@tests)' it.xml)" ]
	head -1 it.md | grep -q 'verdict=failed'
	reports gate --json base?.prof -- new?.prof >it.json || [ $? -eq 2 ]
	[ "$(ask it.json it.verdict)" = failed ]
}

@test "equal runs do not fail; what cannot be told fails only when asked" {
	replicates 2
	reports gate base1.prof -- base2.prof >text
	grep -q '^gate: cannot tell' text
	fails_with 2 '' reports gate --strict base1.prof -- base2.prof
}

@test "counted work: the baseline is a file to be reviewed, three percent more fails" {
	require node
	replicates 1
	callgrind 1000000 >first.out
	callgrind 1030000 >second.out
	reports gate --baseline gate.json --update --instructions first.out base1.prof
	[ "$(ask gate.json 'it.counts[0].count + it.counts[0].value')" = instructions1000000 ]
	reports gate --baseline gate.json --instructions first.out base1.prof
	reports gate --baseline gate.json --instructions second.out base1.prof >text || [ $? -eq 2 ]
	grep -q '^failed *instructions: 1000000 → 1030000, +3.00 %' text
	reports gate --baseline gate.json --instructions first.out --instructions second.out base1.prof >text
	grep -q '^cannot tell *instructions' text
	reports gate --baseline gate.json base1.prof >text
	grep -q '^cannot tell *instructions: 1000000 in the baseline, not counted now' text
}

@test "calls that were counted go into the baseline and decide" {
	require node bpf
	collector run -q --time 'main' -o it -- "$BUILD/workloads/leaf" >/dev/null
	reports gate --baseline gate.json --update it.prof
	[ "$(ask gate.json 'it.counts.find(row => row.function === "main").value')" = 1 ]
	reports gate --baseline gate.json it.prof
	sed -i 's/"value": 1/"value": 0/' gate.json
	fails_with 2 '' reports gate --baseline gate.json it.prof
}

@test "the self-test says what this machine can see" {
	require node
	replicates 8
	reports gate --self-test base?.prof >text
	grep -q '8 recordings of one build, 200 random halves: 0 false alarms' text
	reports gate --self-test --json base?.prof >it.json
	[ "$(ask it.json it.false_alarms)" = 0 ]
}

@test "bad command lines, baselines and counts are refused with a sentence" {
	replicates 1
	fails_with 1 'which recordings' reports gate
	fails_with 1 'nothing to compare with' reports gate new1.prof
	fails_with 1 'at least 8' reports gate --self-test new1.prof
	fails_with 1 'wants the --baseline' reports gate --update new1.prof
	fails_with 1 'nothing was counted' reports gate --baseline gate.json --update new1.prof
	[ ! -f gate.json ]
	echo '{' >gate.json
	fails_with 1 'cannot read the baseline' reports gate --baseline gate.json new1.prof
	echo '{"schema": "other", "counts": []}' >gate.json
	fails_with 1 'no baseline of this gate' reports gate --baseline gate.json new1.prof
	echo '{"schema": "simprof/gate-baseline-v1", "counts": [{"count": "steps", "value": "many"}]}' >gate.json
	fails_with 1 'count number 1' reports gate --baseline gate.json new1.prof
	echo '[1]' >gate.json
	fails_with 1 'no baseline of this gate' reports gate --baseline gate.json new1.prof
	fails_with 1 'no file of callgrind' reports gate --baseline g.json --update --instructions gate.json new1.prof
	fails_with 1 'percentage' reports gate --alpha x base1.prof -- new1.prof
}
