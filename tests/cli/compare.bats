#!/usr/bin/env bats
# reports compare: what changed between two groups of recordings.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# replicates FIRST LAST: base1.prof … of one build, new1.prof … of another in which hot() is slower.
replicates() {
	local i
	for ((i = $1; i <= $2; i++)); do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
}

@test "finds what became slower, and says so in status and text as reviewed" {
	replicates 1 8
	local status=0
	reports compare base?.prof -- new?.prof >text || status=$?
	[ "$status" -eq 2 ]
	assert_golden compare_replicates.txt text
}

@test "Markdown says the same, as reviewed" {
	replicates 1 8
	reports compare --markdown base?.prof -- new?.prof >text || [ $? -eq 2 ]
	assert_golden compare_replicates.md text
}

@test "JSON says the same" {
	require node
	replicates 1 8
	reports compare --json -o it.json base?.prof -- new?.prof || [ $? -eq 2 ]
	[ "$(ask it.json 'it.functions[0].name')" = hot ]
	[ "$(ask it.json 'it.functions[0].verdict')" = regressed ]
	[ "$(ask it.json 'it.verdicts.regressed')" = 1 ]
	[ "$(ask it.json 'Math.abs(it.functions[0].change - 0.2) < 0.01')" = true ]
	[ "$(ask it.json 'it.functions.find(row => row.name === "helper").moved')" = cool ]
	[ "$(ask it.json 'it.functions.find(row => row.name === "warm").verdict')" = unchanged ]
	[ "$(ask it.json 'it.functions.find(row => row.name === "log_write").verdict')" = inconclusive ]
	[ "$(ask it.json 'it.functions.find(row => row.name === "log_write").runs_needed > 8')" = true ]
	[ "$(ask it.json 'it.total.detectable > 0')" = true ]
	[ "$(ask it.json 'it.base_runs.length + it.new_runs.length')" = 16 ]
}

@test "what became faster is no failure" {
	replicates 1 8
	reports compare new?.prof -- base?.prof >text
	grep -q 'improved *hot' text
}

@test "one run a side is unreplicated and decides nothing" {
	replicates 1 1
	reports compare base1.prof -- new1.prof >text
	head -1 text | grep -q unreplicated
	grep -q '◆ inconclusive  *helper.* may be code of cool' text
	[ "$(grep -cE 'regressed|improved' text)" -eq 0 ]
	grep -q 'Nothing here decides anything' text
}

@test "equal runs regress in nothing" {
	replicates 1 8
	reports compare base[1-4].prof -- base[5-8].prof >text
	grep -q '^Functions by self cost: 0 regressed, 0 improved' text
}

@test "pairs must be pairs" {
	replicates 1 3
	fails_with 1 'as many new recordings' reports compare --paired base?.prof -- new1.prof
	reports compare --paired --sort total base?.prof -- new?.prof >/dev/null
}

@test "other machines, broken and empty runs are refused unless forced" {
	replicates 1 2
	cp new1.prof elsewhere.prof
	sqlite3 elsewhere.prof "INSERT INTO meta VALUES ('cpu_model', 'Another One')"
	fails_with 1 'different machines' reports compare base1.prof -- elsewhere.prof
	reports compare --force base1.prof -- elsewhere.prof >/dev/null
	sqlite3 new2.prof "INSERT INTO meta VALUES ('exit_status', 3)"
	fails_with 1 'ended with status 3' reports compare base1.prof -- new2.prof
	reports compare --force base1.prof -- new2.prof >/dev/null
	synthetic empty
	fails_with 1 'has no samples' reports compare --force base1.prof -- empty.prof
}

@test "hostile names do no harm" {
	synthetic hostile
	reports compare --force --limit 0 hostile.prof -- hostile.prof >text
	[ "$(grep -c "$(printf '[\001-\010\013-\037]')" text)" -eq 0 ]
	reports compare --force --markdown --limit 0 hostile.prof -- hostile.prof >text
	[ "$(grep -c '<script' text)" -eq 0 ]
	# Header, rule and rows all have ten cells.
	[ "$(grep '^|' text | awk -F'|' '{ print NF }' | sort -u)" = 12 ]
	iconv -f UTF-8 -t UTF-8 text >/dev/null
	cp hostile.prof '<img src=x>.prof'
	sqlite3 '<img src=x>.prof' "INSERT INTO meta VALUES ('lost.<img src=y>', 5)"
	reports compare --markdown '<img src=x>.prof' -- hostile.prof >text
	grep -q 'Beware.*img src' text
	[ "$(grep -c '<img' text)" -eq 0 ]
	reports compare --force --json hostile.prof -- hostile.prof | node -e 'JSON.parse(require("fs").readFileSync(0))'
}

@test "bad command lines and files are refused with a sentence" {
	replicates 1 1
	fails_with 1 'after "--"' reports compare base1.prof new1.prof
	fails_with 1 'on each side' reports compare -- new1.prof
	fails_with 1 'on each side' reports compare base1.prof --
	fails_with 1 'cannot open' reports compare base1.prof -- missing.prof
	echo no profile >bad.prof
	fails_with 1 'bad.prof' reports compare base1.prof -- bad.prof
	fails_with 1 'percentage' reports compare --alpha 0 base1.prof -- new1.prof
	fails_with 1 'percentage' reports compare --margin x base1.prof -- new1.prof
	fails_with 1 'self or total' reports compare --sort name base1.prof -- new1.prof
}

@test "a copy without debug information or without symbols is the same code" {
	require perf node
	local without
	collector run -q -o full -- "$BUILD/bin/sim" --seed 1 --steps 60 >/dev/null
	for without in strip-debug strip-all; do
		strip --$without -o sim "$BUILD/bin/sim"
		collector run -q -o bare -- ./sim --seed 1 --steps 60 >/dev/null
		reports compare --json -o it.json full.prof -- bare.prof
		[ "$(ask it.json 'it.functions.length > 0')" = true ]
		[ "$(ask it.json 'it.functions.filter(row => row.presence !== "both").length')" = 0 ]
	done
	reports compare full.prof -- bare.prof >text
	grep -q '^Beware: the builds differ in symbols: bare.prof has none of \[program\]' text
}

@test "a narrow terminal never wraps the table" {
	replicates 1 2
	COLUMNS=80 reports compare base?.prof -- new?.prof | sed '1,/^$/d' >text
	[ "$(wc -L <text)" -le 80 ]
	grep -q hot text
}
