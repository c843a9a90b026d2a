#!/usr/bin/env bats
# reports lines: cost of source lines.

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# with_source: small.prof's kd_tree.c is a file here, as old as the recording or older
with_source() {
	synthetic small
	seq -f 'line %g of <b>the</b> tree' 100 >kd_tree.c
	printf 'first\n\tindented \033[31m red\n' | cat - kd_tree.c >kd_tree.new && mv kd_tree.new kd_tree.c
	sqlite3 small.prof "UPDATE files SET path = '$PWD/kd_tree.c' WHERE path LIKE '%kd_tree.c';
		REPLACE INTO meta VALUES ('start_time', '2020-01-01T00:00:00Z')"
	touch -d 2019-01-01 kd_tree.c
}

@test "the hottest lines of the known profile as reviewed" {
	synthetic small
	reports lines -o lines small.prof
	assert_golden lines_small.txt lines
}

@test "a function that calls shows what its lines pass on" {
	synthetic small
	reports lines --json small.prof environment_observe >json
	[ "$(ask json 'it.lines.length')" -eq 1 ]
	[ "$(ask json 'it.lines[0].line + " " + it.lines[0].self.samples + " " + it.lines[0].total.samples')" = '54 400 880' ]
	[ "$(ask json 'it.lines[0].self.share_95_this_run[0] < 0.4 && it.lines[0].self.share_95_this_run[1] > 0.4')" = true ]
}

@test "a name that means nothing is a sentence with what is near" {
	synthetic small
	fails_with 1 "called 'environment_obsreve' in small.prof; did you mean environment_observe?" reports lines small.prof environment_obsreve
	fails_with 1 "called 'nothing like it' in small.prof" reports lines small.prof 'nothing like it'
	reports lines --json small.prof 'kd_*' >json
	[ "$(ask json 'it.lines.every(row => row.function.startsWith("kd_"))')" = true ]
}

@test "inlined code stands at its own line, or at the line of its call" {
	synthetic small
	reports lines --json small.prof spatial/kd_tree.c >own
	[ "$(ask own 'it.lines.map(row => row.line + ":" + row.self.samples + ":" + row.total.samples).join(" ")')" = '14:200:200 61:0:200' ]
	reports lines --json --inlined-at-call small.prof kd_tree.c >call
	[ "$(ask call 'it.lines.map(row => row.line + ":" + row.self.samples).join(" ")')" = '61:200' ]
}

@test "all lines together have all samples" {
	synthetic wide 500
	reports lines --json wide.prof >json
	[ "$(ask json 'it.lines.reduce((sum, row) => sum + row.self.samples, 0)')" -eq "$(sqlite3 wide.prof 'SELECT count(*) FROM samples')" ]
}

@test "the source stands beside the cost, with what surrounds it" {
	with_source
	reports lines small.prof kd_tree.c >lines
	cat lines
	grep -E '200 +20 +14  line 12 of <b>the</b> tree$' lines
	grep -E '^ +13  line 11 of' lines
	grep -E '^ +17  line 15 of' lines
	grep -E '^ +…' lines
	run ! grep -E '^ +30  ' lines
	! grep -q 'not found\|modified' lines
}

@test "a source that was modified since is marked" {
	with_source
	touch -d 2021-01-01 kd_tree.c
	reports lines small.prof kd_tree_search >lines
	grep -q 'kd_tree.c (!) modified after the recording began' lines
}

@test "source that is not there, or no file, is said" {
	synthetic small
	reports lines small.prof kd_tree_search >lines
	grep -q '^source not found: /src/sim/spatial/kd_tree.c: No such file' lines
	mkfifo pipe
	sqlite3 small.prof "UPDATE files SET path = '$PWD/pipe' WHERE path LIKE '%kd_tree.c'"
	timeout 10 reports lines small.prof kd_tree_search >lines
	grep -q 'source not found' lines
	reports lines small.prof memcpy | grep -q 'no debug information names the file'
}

@test "neither names nor source reach the terminal as they are" {
	synthetic hostile
	reports lines hostile.prof >lines
	reports lines --view source hostile.prof >>lines
	[ "$(LC_ALL=C grep -c $'[\x01-\x08\x0b-\x1f\x7f]' lines)" -eq 0 ]
	with_source
	sqlite3 small.prof 'UPDATE lines SET line = 2 WHERE line = 14'
	reports lines small.prof kd_tree.c >lines
	grep -q '    indented ?\[31m red' lines
}

@test "functions are found with and without their parameters, files by their last parts" {
	synthetic small
	sqlite3 small.prof "UPDATE functions SET name = 'observe(int, char*)' WHERE name = 'environment_observe'"
	reports lines small.prof observe | grep -q '54 *observe(int, char\*)'
	reports lines small.prof sim/observation.c | grep -q ' 54 '
	fails_with 1 "no function and no file called 'tree.c'" reports lines small.prof tree.c
	fails_with 1 "no function and no file called ''" reports lines small.prof ''
	fails_with 1 'one function or file at a time' reports lines small.prof a b
	fails_with 1 'which profile?' reports lines
	fails_with 1 'hot or source' reports lines --view x small.prof
	[[ $(reports lines --help) == *'--inlined-at-call'* ]]
}

@test "profiles without samples or names are said to be so" {
	synthetic empty
	reports lines empty.prof >lines
	grep -q 'no samples' lines
	synthetic killed
	reports lines killed.prof >lines
	grep -q 'no sample has a source line' lines
}

@test "hits stand beside the lines, with how they are known and the time of each" {
	with_source
	sqlite3 small.prof "INSERT INTO hit_functions SELECT 0, frame, 50, 50, 1, 1, NULL FROM lines
			JOIN functions ON functions.id = function WHERE name = 'kd_tree_search';
		INSERT INTO line_hits SELECT 0, id, 14, 4000, 2, 120 FROM files WHERE path LIKE '%kd_tree.c';
		INSERT INTO line_hits SELECT 0, id, 61, 50, 0, 0 FROM files WHERE path LIKE '%kd_tree.c';
		INSERT INTO line_hits SELECT 0, id, 62, 7, 1, 0 FROM files WHERE path LIKE '%kd_tree.c'"
	reports lines small.prof kd_tree.c >lines
	cat lines
	grep -E ' ≈4000 ±120 +50.0 µs +14  line 12' lines
	grep -E ' 50 +61  line 59' lines
	grep -E ' =7 +62  line 60' lines
	grep -q '^hits: counted; = derived' lines
	grep -q '^time per hit is that of this recording, with what the probes took, which was not measured' lines
	reports lines --json small.prof kd_tree.c >json
	[ "$(ask json 'it.lines.map(row => row.hits.count + row.hits.label + row.hits.margin).join(" ")')" = '4000estimated120 50exact0 7derived0' ]
	[ "$(ask json 'it.lines[0].hits.self_per_hit')" = 50000 ]
	[ "$(ask json 'it.lines.map(row => row.hits.restricted).join(" ")')" = 'false false false' ]
	sqlite3 small.prof "UPDATE hit_functions SET note = 'also inlined at elsewhere.c:3'"
	reports lines --json small.prof kd_tree.c >json
	[ "$(ask json 'it.lines.map(row => row.hits.restricted).join(" ")')" = 'true true true' ]
	sqlite3 small.prof 'UPDATE hit_functions SET note = NULL'
	reports lines --json --inlined-at-call small.prof kd_tree.c >call
	[ "$(ask call 'it.lines.map(row => row.line + ":" + row.hits.count).join(" ")')" = '61:50 62:7' ]
	sqlite3 small.prof 'DELETE FROM samples'
	reports lines small.prof kd_tree.c >lines
	grep -q '^no samples' lines
	grep -E ' 50 +61  line 59' lines
	reports lines small.prof | grep -E ' ≈4000 ±120 .*kd_tree'
}

@test "allocations stand beside the lines that made them" {
	synthetic rich
	reports lines rich.prof world.c >lines
	cat lines
	grep -E ' 1000 +61.0 MiB +143 ' lines
	grep -q '^allocations: at the line and in what it called$' lines
	reports lines --json rich.prof agent.c >json
	[ "$(ask json 'it.lines.map(row => row.line + ":" + row.allocations.own + ":" + row.allocations.bytes).join(" ")')" = '33:400:409600' ]
}

@test "a division that costs is shown among its instructions, and hinted at" {
	require perf
	collector run -q -o divides -- "$BUILD/workloads/divides" 0.2 >/dev/null
	reports lines --disassembly divides.prof divide >lines
	cat lines
	grep -E '^hint: divides.c:[0-9]+: [0-9]+ of its [0-9]+ samples stand at a division or right behind one, most at i?div r' lines
	grep -E '^ *[0-9.]+ +[0-9]+ +[0-9a-f]+  .*divides.c:[0-9]+$' lines
	grep -E '^ .* [0-9a-f]+  ret *$' lines
	reports lines --json --disassembly divides.prof divide >json
	[ "$(ask json 'it.disassembly[0].function + " " + it.disassembly[0].whole')" = 'divide true' ]
	[ "$(ask json 'it.disassembly[0].instructions.reduce((sum, row) => sum + row.samples, 0) === it.lines.reduce((sum, row) => sum + row.self.samples, 0)')" = true ]
}

@test "hits of a real loop stand at its lines and its instructions" {
	require root bpf
	collector run -q --hits divide --budget none -o divides -- "$BUILD/workloads/divides" 0.05 >/dev/null 2>&1 ||
		skip "no line hits here"
	reports lines --json --disassembly divides.prof divide >json
	[ "$(ask json 'new Set(it.lines.filter(row => row.hits).map(row => row.hits.label)).has("exact")')" = true ]
	[ "$(ask json 'Math.max(...it.lines.map(row => row.hits ? row.hits.count : 0)) % 99999')" = 0 ]
	[ "$(ask json 'it.disassembly[0].instructions.find(row => /^i?div/.test(row.text)).hits ===
		Math.max(...it.lines.map(row => row.hits ? row.hits.count : 0))')" = true ]
}

@test "another build of the program, or none, is not disassembled" {
	synthetic small
	reports lines --disassembly small.prof environment_observe >lines
	grep -q '^no disassembly: cannot open /opt/engine/bin/sim: No such file' lines
	sqlite3 small.prof "UPDATE modules SET path = '$BUILD/bin/reports' WHERE path = '/opt/engine/bin/sim'"
	reports lines --disassembly small.prof environment_observe >lines
	grep -q 'is not the build that was recorded (build id ab12)' lines
	sqlite3 small.prof "UPDATE modules SET path = '$PWD/small.prof' WHERE path = '$BUILD/bin/reports'"
	reports lines --disassembly small.prof environment_observe >lines
	grep -q '^no disassembly: .*small.prof is no ELF file' lines
	mkfifo fifo
	sqlite3 small.prof "UPDATE modules SET path = '$PWD/fifo' WHERE path LIKE '%small.prof'"
	timeout 10 reports lines --disassembly small.prof environment_observe >lines
	grep -q '^no disassembly: .*fifo is no file' lines
	fails_with 1 '--disassembly of which function?' reports lines --disassembly small.prof
}

@test "a source is kept when asked, and one that was changed, not only touched, is marked" {
	require perf
	sed 's,tests/workloads/,,' "$BATS_TEST_DIRNAME/../workloads/divides.c" >own.c
	gcc -g -O2 -I "$BATS_TEST_DIRNAME/../workloads" -o own own.c
	collector run -q -o plain -- ./own 0.1 >/dev/null
	collector run -q --embed-sources -o kept -- ./own 0.1 >/dev/null
	touch -d '+1 hour' own.c
	reports lines plain.prof divide >lines
	grep -q 'sum ^ (i << 40)' lines
	run ! grep 'own.c (!)' lines
	sed -i 's/100000/100001/' own.c
	reports lines plain.prof divide >lines
	grep -q 'own.c (!) changed since the recording: its lines may be others' lines
	rm own.c
	reports lines plain.prof divide | grep -q '^source not found: .*own.c: No such file'
	reports lines kept.prof divide >lines
	grep -q 'i < 100000; i++' lines
	run ! grep -E 'own.c \(!\)|not found' lines
}

@test "of many functions with restricted hits a table names some, and JSON all" {
	synthetic rich
	sqlite3 rich.prof "DELETE FROM hit_functions; DELETE FROM line_hits; DELETE FROM block_hits;
		INSERT INTO hit_functions SELECT row_number() OVER () - 1, id, 50, 50, 1, 1, 'not counted' FROM frames WHERE id > 0 LIMIT 9;
		INSERT INTO line_hits SELECT 0, id, 14, 4000, 1, 0 FROM files WHERE path LIKE '%kd_tree.c'"
	reports lines rich.prof >lines
	[ "$(grep -c '^hits of .*: not counted$' lines)" -eq 6 ]
	grep -q '^… and 3 more functions with restricted hits; --json has all$' lines
	reports lines --json rich.prof >json
	[ "$(ask json 'it.restricted_hits.filter(row => row.note === "not counted").length')" -eq 9 ]
}

@test "the lines of a real loop are found in its own source" {
	require perf
	[ -x "$BUILD/workloads/leaf" ]
	collector run -o leaf -- "$BUILD/workloads/leaf" >/dev/null 2>&1
	reports lines --json leaf.prof burn >json
	[ "$(ask json 'it.lines.reduce((sum, row) => sum + row.self.share, 0) > 0.9')" = true ]
	[ "$(ask json 'it.lines.every(row => row.file.endsWith("tests/workloads/workload.h"))')" = true ]
	reports lines --source-dir "$BATS_TEST_DIRNAME/../.." leaf.prof burn >lines
	cat lines
	grep -E '^ *[0-9.]+ .* [0-9]+  +.*value' lines
	! grep -q 'not found\|modified' lines
}
