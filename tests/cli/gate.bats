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
	xmllint --noout --schema "$BATS_TEST_DIRNAME/../readers/jenkins-junit.xsd" it.xml
	[ "$(xmllint --xpath 'count(//testcase[failure])' it.xml)" = "$(xmllint --xpath 'string(/testsuites/@failures)' it.xml)" ]
	[ "$(xmllint --xpath 'count(//testcase)' it.xml)" = "$(xmllint --xpath 'string(/testsuites/@tests)' it.xml)" ]
	head -1 it.md | grep -q 'verdict=failed'
	reports gate --json base?.prof -- new?.prof >it.json || [ $? -eq 2 ]
	[ "$(ask it.json it.verdict)" = failed ]
	# Annotations do not spoil the JSON, and what a step wrote before stays in its summary.
	reports gate --json --github base?.prof -- new?.prof >it.json 2>said || [ $? -eq 2 ]
	[ "$(ask it.json it.verdict)" = failed ]
	grep -q '^::error title=time in hot' said
	echo before >summary.md
	GITHUB_STEP_SUMMARY=summary.md reports gate --markdown summary.md base?.prof -- new?.prof >text || [ $? -eq 2 ]
	[ "$(head -n 1 summary.md)" = before ]
	grep -q 'verdict=failed' summary.md
	echo before >other.md
	GITHUB_STEP_SUMMARY=summary.md reports gate --markdown other.md base?.prof -- new?.prof >text || [ $? -eq 2 ]
	head -n 1 other.md | grep -q 'verdict=failed'
}

@test "equal runs do not fail; what cannot be told fails only when asked" {
	replicates 2
	reports gate --junit it.xml base1.prof -- base2.prof >text
	grep -q '^gate: cannot tell' text
	xmllint --noout --schema "$BATS_TEST_DIRNAME/../readers/jenkins-junit.xsd" it.xml
	[ "$(xmllint --xpath 'count(//testcase[skipped][system-out])' it.xml)" -gt 0 ]
	fails_with 2 '' reports gate --strict base1.prof -- base2.prof
}

@test "counted work: the baseline is a file to be reviewed, three percent more fails" {
	require node
	replicates 2
	callgrind 1000000 >first.out
	callgrind 1030000 >second.out
	reports gate --baseline gate.json --update --instructions first.out --instructions first.out base?.prof
	[ "$(ask gate.json 'it.counts[0].count + it.counts[0].value')" = instructions1000000 ]
	reports gate --baseline gate.json --instructions first.out base1.prof
	reports gate --baseline gate.json --instructions first.out
	reports gate --baseline gate.json --instructions second.out base1.prof >text || [ $? -eq 2 ]
	grep -q '^failed *instructions: 1000000 → 1030000, +3.00 %' text
	reports gate --baseline gate.json --instructions first.out --instructions second.out base1.prof >text
	grep -q '^cannot tell *instructions' text
	reports gate --baseline gate.json base1.prof >text
	grep -q '^cannot tell *instructions: 1000000 in the baseline, not counted now' text
}

@test "counted work of base recordings decides, and what no base has is no pass" {
	replicates 2
	local file
	for file in base1:100 base2:100 new1:300 new2:300; do
		sqlite3 "${file%:*}.prof" "INSERT INTO metrics VALUES (1, 'allocations', 'count', 1, 0)" \
			"INSERT INTO samples SELECT max(time_ns) + 1, 1, max(stack), 1, ${file#*:}, 0 FROM samples"
	done
	reports gate base?.prof -- new?.prof >text || [ $? -eq 2 ]
	grep -q '^failed *allocations: 100 → 300' text
	fails_with 1 'base1.prof and base1.prof are the same recording' reports gate base?.prof -- base?.prof
	reports gate --force base?.prof -- base?.prof >text
	grep -q '^passed *allocations: 100 → 100' text
	reports gate base1.prof -- new?.prof >text
	grep -q 'not judged: the base has them once' text
	echo '{"schema": "simprof/gate-baseline-v1", "counts": []}' >empty.json
	reports gate --baseline empty.json new1.prof >text
	grep -q '^cannot tell *what the baseline lacks: allocations (300 now)' text
	fails_with 2 '' reports gate --strict --baseline empty.json new1.prof
	replicates 1
	fails_with 2 '' reports gate --strict --baseline empty.json new1.prof
}

@test "calls, allocations, files and SQL go into the baseline and decide" {
	require node bpf sqlite3
	local i
	cat >work.sql <<-'SQL'
		CREATE TABLE log (step INTEGER, text TEXT);
		INSERT INTO log WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i, 'entry' FROM n;
		SELECT count(*) FROM log;
	SQL
	for i in 1 2; do
		collector run --budget none -q --memory --io --sql --count sqlite3_step -o "it$i" -- sqlite3 "log$i" '.read work.sql' >/dev/null
	done
	[ "$(sqlite3 it1.prof "SELECT value FROM meta WHERE key = 'probes'")" = '--count sqlite3_step, --budget none' ]
	reports gate --baseline gate.json --update it1.prof it2.prof
	cat gate.json
	[ "$(ask gate.json 'it.counts.find(row => row.function === "sqlite3_step").value > 3')" = true ]
	[ "$(ask gate.json 'it.counts.find(row => row.count === "allocations" && !row.function).value > 100')" = true ]
	[ "$(ask gate.json 'it.counts.find(row => row.count === "SQL rows" && (row.statement || "").includes("count(*)")).value')" = 1 ]
	[ "$(ask gate.json 'it.counts.find(row => row.count === "bytes written to files").value > 4096')" = true ]
	reports gate --strict --baseline gate.json it2.prof
	reports gate --baseline gate.json --counted it2.prof it1.prof -- it2.prof >text
	grep -q '^passed *allocations: ' text
	echo 'SELECT step FROM log;' >>work.sql
	collector run --budget none -q --memory --io --sql --count sqlite3_step -o more -- sqlite3 log3 '.read work.sql' >/dev/null
	reports gate --baseline gate.json more.prof >text || [ $? -eq 2 ]
	cat text
	grep -q '^failed *calls of sqlite3_step' text
	grep -q '^failed *SQL executions: ' text
	grep -q '^failed *SQL rows: ' text
	grep -q '^passed *SQL transactions: ' text
}

# bats test_tags=alone
@test "counts the instructions of a command itself, with or without recordings" {
	require valgrind node
	printf '#!/bin/sh\nfor i in $(seq 50); do :; done\n' >work
	chmod +x work
	reports gate --baseline gate.json --update --callgrind './work'
	[ "$(ask gate.json 'it.counts.length + it.counts[0].count')" = 1instructions ]
	reports gate --strict --baseline gate.json --callgrind "'./work'" >text
	grep -q '^passed *instructions' text
	sed -i 's/50/20000/' work
	fails_with 2 '' reports gate --baseline gate.json --callgrind ./work
	fails_with 1 "ended with status 3 under callgrind" reports gate --baseline gate.json --callgrind 'sh -c "exit 3"'
	fails_with 1 'is no command' reports gate --baseline gate.json --callgrind 'a; b'
	fails_with 1 'is no command' reports gate --baseline gate.json --callgrind ''
}

@test "the self-test says what this machine can see" {
	require node
	replicates 8
	reports gate --self-test base?.prof >text
	grep -q '8 recordings of one build, 200 random halves: 0 false alarms' text
	reports gate --self-test --json base?.prof >it.json
	[ "$(ask it.json it.false_alarms)" = 0 ]
	sqlite3 base8.prof "UPDATE meta SET value = './other' WHERE key = 'command'"
	fails_with 1 'base8.prof (./other) is of another command' reports gate --self-test --baseline gate.json base?.prof
	[ ! -e gate.json ]
	reports gate --self-test --force base?.prof >text
}

@test "what the self-test found is kept in the baseline and decides" {
	require node
	replicates 8
	reports gate --self-test --baseline gate.json base?.prof
	[ "$(ask gate.json 'it.calibrations[0].runs')" = 8 ]
	reports gate --baseline gate.json base?.prof -- new?.prof >text || [ $? -eq 2 ]
	grep -q '^failed *time in hot' text
	grep -q '^by its self-test this machine sees changes of [0-9.]* % of the total with 8 runs a side' text
	fails_with 1 'this machine cannot see 0.01 %' reports gate --margin 0.01 --baseline gate.json base?.prof -- new?.prof
	sed -i 's/"spread_of_total": .*/"spread_of_total": 1.5/' gate.json
	reports gate --json --baseline gate.json base?.prof -- new?.prof >it.json
	[[ $(ask it.json 'it.items.find(item => item.name === "time in hot").reason') == *'within what this machine does to one build' ]]
	callgrind 10 >some.out
	reports gate --baseline gate.json --update --instructions some.out --instructions some.out
	[ "$(ask gate.json 'it.calibrations[0].spread_of_total')" = 1.5 ]
	sed -i 's/"machine": "[^"]*"/"machine": "another"/' gate.json
	reports gate --baseline gate.json base?.prof -- new?.prof >text || [ $? -eq 2 ]
	grep -q '^this machine is not calibrated' text
}

@test "other machines, versions, broken and empty runs are refused" {
	replicates 1
	synthetic empty
	fails_with 1 'has no samples' reports gate base1.prof -- empty.prof
	cp new1.prof elsewhere.prof
	sqlite3 elsewhere.prof "INSERT INTO meta VALUES ('cpu_model', 'Another One')"
	fails_with 1 'different machines' reports gate base1.prof -- elsewhere.prof
	reports gate --force base1.prof -- elsewhere.prof >/dev/null
	cp new1.prof old.prof
	sqlite3 old.prof 'PRAGMA user_version = 1'
	fails_with 1 'has format version 1' reports gate base1.prof -- old.prof
	head -c 9000 new1.prof >cut.prof
	fails_with 1 'cut.prof is damaged' reports gate base1.prof -- cut.prof
}

@test "bad command lines, baselines and counts are refused with a sentence" {
	replicates 1
	fails_with 1 'which recordings' reports gate
	fails_with 1 'nothing to compare with' reports gate new1.prof
	fails_with 1 'at least 8' reports gate --self-test new1.prof
	fails_with 1 'wants the --baseline' reports gate --update new1.prof
	fails_with 1 'nothing was counted' reports gate --baseline gate.json --update new1.prof
	[ ! -f gate.json ]
	fails_with 1 'cannot read the baseline: unable to open gate.json: No such file' reports gate --baseline gate.json new1.prof
	echo '{' >gate.json
	fails_with 1 'cannot read the baseline' reports gate --baseline gate.json new1.prof
	echo '{"schema": "other", "counts": []}' >gate.json
	fails_with 1 'no baseline of this gate' reports gate --baseline gate.json new1.prof
	echo '{"schema": "simprof/gate-baseline-v1", "counts": [{"count": "steps", "value": "many"}]}' >gate.json
	fails_with 1 'count number 1' reports gate --baseline gate.json new1.prof
	echo '{"schema": "simprof/gate-baseline-v1", "counts": [{"count": "a", "value": 1}, {"count": "a", "value": 2}]}' >gate.json
	fails_with 1 'count number 2 is there twice' reports gate --baseline gate.json new1.prof
	echo '{"schema": "simprof/gate-baseline-v1", "counts": [], "calibrations": [{"machine": "a", "runs": 8}]}' >gate.json
	fails_with 1 'calibration number 1' reports gate --baseline gate.json new1.prof
	echo '[1]' >gate.json
	fails_with 1 'no baseline of this gate' reports gate --baseline gate.json new1.prof
	callgrind 5 >once.out
	fails_with 1 "was counted once" reports gate --baseline g.json --update --instructions once.out new1.prof
	[ ! -e g.json ]
	fails_with 1 'no file of callgrind' reports gate --baseline g.json --update --instructions gate.json new1.prof
	fails_with 1 'percentage' reports gate --alpha x base1.prof -- new1.prof
}

@test "the examples for CI install git before anything needs it" {
	local file installed used
	for file in "$BATS_TEST_DIRNAME"/../../scripts/ci/*.yml; do
		installed=$(grep -nE 'apt-get install .*\bgit\b' "$file" | head -1 | cut -d: -f1)
		used=$(grep -nE 'actions/checkout@|\bgit (clone|config|worktree)\b' "$file" | head -1 | cut -d: -f1)
		echo "$file: $installed, $used"
		[ "$installed" -lt "$used" ]
	done
}
