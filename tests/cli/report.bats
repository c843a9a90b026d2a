#!/usr/bin/env bats
# collector report and compare --html: one page about a recording or a comparison.

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# look CASE HTML …: a case of tests/browser/report.mjs
look() {
	timeout 120 node "$BATS_TEST_DIRNAME/../browser/report.mjs" "$@"
}

# replicates: eight recordings of each of two programs
replicates() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
}

@test "page, Markdown and JSON of a recording agree, number by number" {
	require browser node
	synthetic rich
	collector report -o page.html rich.prof
	collector report --json -o page.json rich.prof
	collector report --markdown -o page.md rich.prof
	look numbers page.html page.json page.md
}

@test "page, Markdown and JSON of a comparison agree, and have its exit status" {
	require browser node
	replicates
	run -2 collector report --compare -o page.html base?.prof -- new?.prof
	run -2 collector report --compare --json -o page.json base?.prof -- new?.prof
	run -2 collector report --compare --markdown -o page.md base?.prof -- new?.prof
	look numbers page.html page.json page.md
	run -2 collector compare --html -o same.html base?.prof -- new?.prof
	cmp page.html same.html
}

@test "the figures are those of the other commands" {
	require node
	synthetic rich
	collector report --json -o page.json rich.prof
	collector functions --json -o functions.json rich.prof
	collector calls --json -o calls.json rich.prof
	collector memory --json -o memory.json rich.prof
	cell() { # TABLE COLUMN ROW
		ask page.json "const t = it.sections.flatMap(s => s.tables || []).find(t => t.id == '$1');
			t.rows[$3][t.columns.findIndex(c => c.id == '$2')]"
	}
	[ "$(cell functions self_amount 0)" = "$(ask functions.json 'it.functions[0].self.amount')" ]
	[ "$(cell functions samples 0)" = "$(ask functions.json 'it.functions[0].self.samples')" ]
	[ "$(cell calls calls 0)" = "$(ask calls.json 'it.functions[0].calls')" ]
	[ "$(cell memory bytes 0)" = "$(ask memory.json 'it.totals.allocated')" ]
	[ "$(ask page.json 'it.sections.find(s => s.id == "steps").text[0]')" = \
		"100 steps, 97 a second, the first 0 of them warm-up; 10 are slow." ]
}

@test "the matrix has every sample and every allocation once, and says what lacks" {
	synthetic rich
	reports report --json rich.prof >json
	matrix() { ask json "const s = it.sections.find(s => s.id == 'matrix'), t = (s.tables || [])[0]; $1"; }
	[ "$(matrix 't.rows.reduce((sum, row) => sum + row[1][0], 0).toFixed(9)')" = 1.000000000 ]
	[ "$(matrix 't.rows.reduce((sum, row) => sum + row[4], 0)')" -eq 1400 ]
	[ "$(matrix 't.rows[1].slice(2, 4).join(" ")')" = 'kd_tree_distance kd_tree.c:14' ]
	[ "$(matrix '(1 / (1 - t.rows[1][1][0]) - 1) * t.rows[1][1][1] / t.rows[1][1][0] - t.rows[1].at(-1) < 1e-9')" = true ]
	[ "$(matrix 's.notes.join().includes("Growth with the size: not measured")')" = true ]
	synthetic small
	reports report --json small.prof >json
	[ "$(matrix 't.columns.some(column => column.id == "allocations")')" = false ]
	[ "$(matrix 's.notes.join().includes("Allocations: not measured")')" = true ]
	synthetic empty
	reports report --json empty.prof >json
	[ "$(matrix 's.missing')" = 'there are no samples' ]
}

@test "locks, files and SQL statements are those of their commands" {
	require perf node
	collector run -q --locks --io --sql -o x -- sim --agents 10 --steps 20 >out
	collector report --json -o page.json x.prof
	# rows TABLE COLUMN…: cells of a table of the page
	rows() {
		local table=$1 ids
		shift
		ids=$(printf '"%s",' "$@")
		ask page.json "(t => JSON.stringify(t.rows.map(r => [${ids%,}].map(id =>
			r[t.columns.findIndex(c => c.id == id)]))))(it.sections.flatMap(s => s.tables || [])
			.find(t => t.id == '$table'))"
	}
	collector io --json -o other.json x.prof
	[ "$(rows files subject count total longest)" = "$(ask other.json "JSON.stringify(it.files
		.filter(g => g.count).slice(0, 20).map(g => [g.name, g.count, g.ns, g.longest_ns]))")" ]
	collector sql --json -o other.json x.prof
	# Preparing a statement is no execution of it, and its time none of an execution's.
	[ "$(rows statements subject count prepared p99)" = "$(ask other.json "JSON.stringify(it.statements
		.filter(g => g.count).slice(0, 20).map(g => [g.name, (g.operations.execute || { count: 0 }).count,
		(g.operations.prepare || { count: 0 }).count, g.operations.execute ? g.p99_ns : null]))")" ]
	[ "$(rows transactions subject count rows)" = "$(ask other.json "JSON.stringify(it.transactions
		.filter(g => g.count).map(g => [g.name, g.count, g.rows]))")" ]
	[ "$(ask other.json 'it.statements.some(g => g.operations.prepare && g.operations.execute)')" = true ]
	[ "$(ask page.json 'it.sections.find(s => s.id == "locks").text[0]')" = "Every one is counted, none is sampled." ]
}

@test "the page asks nothing of a network and lets nothing else run" {
	require browser node
	synthetic rich
	collector report -o page.html rich.prof
	look policy page.html
	[ "$(sed 's/data-v//' page.html | grep -o '[a-z]*://[^"'"'"' <]*' | grep -cv '^http://www.w3.org/')" -eq 0 ]
}

@test "links lead into the picture, keys and tables work" {
	require browser node
	synthetic rich
	collector report -o page.html rich.prof
	look use page.html
}

@test "the links for other tools hold the exports, byte by byte" {
	require browser node
	synthetic rich
	collector report -o page.html rich.prof
	mkdir saved
	look downloads page.html saved
	for format in folded speedscope.json firefox.json callgrind csv json; do
		reports export --format ${format%.json} rich.prof | cmp - <(gunzip -c saved/sim.$format.gz)
	done
	reports export --format pprof rich.prof | cmp - saved/sim.pb.gz
}

@test "what has no room in the page is named with its command" {
	synthetic wide 10000
	reports report -o page.html wide.prof
	[ "$(stat -c %s page.html)" -le 1000000 ]
	[[ $(sed -n '/id="downloads"/,$p' page.html) == *'collector export --format speedscope -o FILE NAME.prof'* ]]
}

@test "light, dark and paper" {
	require browser node
	synthetic rich
	collector report -o page.html rich.prof
	look themes page.html
}

@test "hostile names show as they are and run nothing" {
	require browser node
	synthetic hostile
	collector report -o page.html hostile.prof
	look hostile page.html
	collector report --compare --force -o page.html hostile.prof -- hostile.prof
	look hostile page.html
}

@test "hostile names are no HTML, links or mentions in Markdown" {
	synthetic hostile
	collector report --markdown -o page.md hostile.prof
	[ "$(grep -c '[<`*@]' <(sed -e 1d -e 's/^\*\*\(.*\)\*\*$/\1/' page.md))" -eq 0 ]
}

@test "the page holds every call of 10,000 stacks" {
	synthetic wide 10000
	collector report -o page.html wide.prof
	grep -q '"pruned":\[0,0\]' page.html
	[ "$(stat -c %s page.html)" -le 4000000 ]
	grep -q '^.*of 284652 boxes are drawn' page.html
}

@test "the page of a comparison has every section, of each side or not measured" {
	require node
	local sections='it.sections.map(section => section.id).join(" ")'
	synthetic rich
	collector report --compare --force --json -o it.json rich.prof -- rich.prof
	[ "$(ask it.json "$sections")" = 'flame functions lines latency memory scaling matrix method' ]
	[[ $(ask it.json 'it.sections.find(section => section.id === "scaling").missing') == *'--scaling DIR'* ]]
	[ "$(ask it.json 'it.sections.find(section => section.id === "matrix").tables.map(table => table.id).join(" ")')" = 'base_matrix new_matrix' ]
	[[ $(ask it.json 'it.trust.map(item => item.text).join(" ")') == *'one build, with the same arguments'* ]]
	fails_with 1 'nowhere' collector report --compare --force --scaling nowhere -o it.html rich.prof -- rich.prof
	fails_with 1 'nowhere' collector report --scaling nowhere -o it.html rich.prof
	[ ! -e it.html ]
}

@test "what was not measured is said, never left out" {
	synthetic small
	collector report --markdown small.prof >page.md
	[ "$(grep -c '^not measured: ' page.md)" -eq 9 ]
	synthetic empty
	collector report --markdown empty.prof | grep -q 'There are no samples: the program used less CPU time'
	collector report -o empty.html empty.prof
	synthetic killed
	collector report --markdown killed.prof | grep -q 'incomplete recording'
}

@test "each bad input is one sentence and status 1, and leaves no file" {
	synthetic small
	fails_with 1 'which profile' collector report
	fails_with 1 'No such file' collector report -o page.html nowhere.prof
	fails_with 1 'has no metric' collector report --metric nonsense small.prof
	fails_with 1 'which are the new recordings' collector report --compare small.prof
	fails_with 1 'cannot open' collector report --compare -o page.html small.prof -- nowhere.prof
	head -c 5000 small.prof >cut.prof
	fails_with 1 'cut.prof' collector report -o page.html cut.prof
	[ ! -e page.html ]
}

@test "lines have hits, allocations, hints and, when asked, their text" {
	synthetic rich
	seq -f '    line %g </td><script>' 100 >kd_tree.c
	touch -d 2019-01-01 kd_tree.c
	sqlite3 rich.prof "UPDATE files SET path = '$PWD/kd_tree.c' WHERE path LIKE '%kd_tree.c';
		REPLACE INTO meta VALUES ('start_time', '2020-01-01T00:00:00Z');
		INSERT INTO hit_functions SELECT 0, frame, 50, 50, 1, 1, NULL FROM lines
			JOIN functions ON functions.id = function WHERE name = 'kd_tree_search';
		INSERT INTO line_hits SELECT 0, id, 14, 4000, 1, 0 FROM files WHERE path LIKE '%kd_tree.c'"
	collector report --json --embed-sources rich.prof >json
	cell() { # COLUMN, of the line of kd_tree.c
		ask json "const t = it.sections.find(s => s.id == 'lines').tables[0], at = name => t.columns.findIndex(c => c.id == name);
			t.rows.find(row => row[0].endsWith('kd_tree.c:14'))[at('$1')]"
	}
	[ "$(cell hits) $(cell hits_are) $(cell self_per_hit) $(cell allocations)" = '4000 derived 50000 0' ]
	[ "$(cell source)" = 'line 14 </td><script>' ]
	collector report --embed-sources -o page.html rich.prof
	grep -q 'line 14 &lt;/td&gt;&lt;script&gt;' page.html
	grep -q 'time per hit is that of this recording, with what the probes took' page.html
	sqlite3 rich.prof "UPDATE line_hits SET label = 2, margin = 120; UPDATE hit_functions SET note = 'seen in part';
		REPLACE INTO meta VALUES ('memory.rate', 1000)"
	collector report --json rich.prof >json
	[ "$(cell hits_are)" = 'estimated ±120' ]
	grep -q 'Hits of .*kd_tree_search.*: seen in part' json
	grep -q 'Allocations are estimated from samples' json
	collector lines --json rich.prof >json
	[ "$(ask json it.allocations_are_estimates)" = true ]
	collector report --json rich.prof >json
	[ "$(cell source)" = undefined ]
}

@test "a profile does not choose what files a page publishes" {
	synthetic rich
	mkdir outside inside
	seq -f 'secret %g' 100 >outside/hosts
	seq -f 'secret %g' 100 >outside/kd_tree.c
	named() { # PATH: the page when the profile's file is that one
		sqlite3 rich.prof "UPDATE files SET path = '$1' WHERE path LIKE '%kd_tree.c' OR path LIKE '$PWD%'"
		(cd inside && reports report --embed-sources "${@:2}" ../rich.prof)
	}
	named "$PWD/outside/hosts" >page.html
	run ! grep -q 'secret 14' page.html
	ln -s ../outside/hosts inside/kd_tree.c
	named "$PWD/inside/kd_tree.c" >page.html
	run ! grep -q 'secret 14' page.html
	named "$PWD/outside/kd_tree.c" >page.html
	run ! grep -q 'secret 14' page.html
	grep -q 'is left out: it is not what the recording found' page.html
	named "$PWD/outside/kd_tree.c" --source-dir ../outside >page.html
	grep -q 'secret 14' page.html
	rm inside/kd_tree.c
	cp outside/kd_tree.c inside
	named "$PWD/inside/kd_tree.c" >page.html
	grep -q 'secret 14' page.html
	reports lines rich.prof >lines
	sqlite3 rich.prof "UPDATE files SET path = '$PWD/outside/hosts' WHERE path LIKE '$PWD%'"
	reports lines rich.prof kd_tree_distance >lines
	grep -q '^source not found: .*outside/hosts: its name is not that of source code' lines
}

@test "no command writes onto a recording that it reads, whatever leads there" {
	synthetic rich
	cp rich.prof other.prof
	ln -s rich.prof soft.prof
	ln rich.prof hard.prof
	sha256sum rich.prof >before
	for to in rich.prof ./rich.prof soft.prof hard.prof "$PWD/rich.prof"; do
		fails_with 1 "the report is made of $to" reports flame -o "$to" rich.prof
		fails_with 1 "the report is made of $to" reports export -f csv -o "$to" rich.prof
		fails_with 1 "the report is made of $to" reports lines -o "$to" rich.prof
		fails_with 1 "the report is made of $to" reports report -o "$to" rich.prof
		fails_with 1 "the report is made of $to" reports compare --html --force -o "$to" other.prof -- rich.prof
		fails_with 1 "the report is made of $to" reports flame --compare --force -o "$to" other.prof -- rich.prof
		fails_with 1 "the report is made of $to" reports gate --force --junit "$to" other.prof -- rich.prof
	done
	for command in functions series summary calls steps memory; do
		fails_with 1 'the report is made of rich.prof' reports "$command" -o rich.prof rich.prof
	done
	printf 'main;step 3\n' >stacks.folded
	fails_with 1 'the report is made of stacks.folded' reports flame -o stacks.folded stacks.folded
	sha256sum --check before
	[ "$(cat stacks.folded)" = 'main;step 3' ]
}
