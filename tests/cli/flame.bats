#!/usr/bin/env bats
# reports flame: one SVG from the profile alone, well-formed and bounded whatever is in it.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# boxes SVG: number of boxes of the picture
boxes() {
	xmllint --xpath 'count(//*[@class="rows"]/*[local-name()="rect"])' "$1"
}

@test "draws the known profile as reviewed" {
	require xmllint
	synthetic small
	reports flame -o small.svg small.prof
	xmllint --noout small.svg
	sed '/<script/,$d' small.svg >picture
	assert_golden flame_small.svg picture
}

@test "writes to standard output, and the same bytes every time" {
	synthetic small
	reports flame small.prof >first.svg
	reports flame small.prof >second.svg
	cmp first.svg second.svg
	[ "$(tail -n 1 first.svg)" = "</svg>" ]
}

@test "writes the whole tree as JSON" {
	require node
	synthetic small
	reports flame --json small.prof >tree.json
	reports functions --json small.prof >functions.json
	node -e '
		const [tree, table] = process.argv.slice(1).map(file => JSON.parse(require("fs").readFileSync(file)));
		const assert = require("assert"), self = {};
		tree.nodes.forEach((node, id) => {
			assert(id === 0 ? node.parent === null : node.parent < id);
			self[node.function] = (self[node.function] ?? 0) + node.self;
		});
		for (const row of table.functions)
			assert.strictEqual(self[row.function], row.self.amount, row.function);
		assert.strictEqual(tree.nodes[0].total, tree.nodes.reduce((sum, node) => sum + node.self, 0));
		assert.strictEqual(tree.nodes[0].samples, 1000);
	' tree.json functions.json
	synthetic deep 3000
	reports flame --json deep.prof >deep.json
	[ "$(ask deep.json 'it.nodes.length > 3000')" = true ]
}

@test "puts the callers below with --flame" {
	require xmllint
	synthetic small
	reports flame --flame -o up.svg small.prof
	reports flame --icicle -o down.svg small.prof
	y() { xmllint --xpath "number(//*[local-name()='rect'][starts-with(*, 'main')]/@y)" "$1"; }
	leaf() { xmllint --xpath "number(//*[local-name()='rect'][starts-with(*, 'memcpy')]/@y)" "$1"; }
	[ "$(y up.svg)" -gt "$(leaf up.svg)" ]
	[ "$(y down.svg)" -lt "$(leaf down.svg)" ]
}

@test "names hide nothing from XML" {
	require xmllint
	synthetic hostile
	reports flame -o hostile.svg hostile.prof
	xmllint --noout hostile.svg
	[ "$(xmllint --xpath 'count(//*[local-name()="script"])' hostile.svg)" -eq 2 ]
	[ "$(xmllint --xpath 'count(//*[local-name()="x"])' hostile.svg)" -eq 0 ]
	[ "$(boxes hostile.svg)" -eq 14 ]
}

@test "has no event handlers and asks nothing of the network" {
	require xmllint
	synthetic small
	reports flame -o small.svg small.prof
	[ "$(xmllint --xpath 'count(//@*[starts-with(name(), "on")])' small.svg)" -eq 0 ]
	[ "$(xmllint --xpath 'count(//@*[local-name()="href" or local-name()="src"])' small.svg)" -eq 0 ]
	! grep -o '[a-z]*://[^"'"'"' ]*' small.svg | grep -v '^http://www.w3.org/'
}

@test "keeps its size for 10,000 stacks of depth 40" {
	require xmllint
	synthetic wide 10000
	reports flame -o wide.svg wide.prof
	xmllint --huge --noout wide.svg
	[ "$(boxes wide.svg)" -le 4000 ]
	[ "$(stat -c %s wide.svg)" -le 800000 ]
	grep -q 'of 284652 boxes are drawn' wide.svg
	grep -q 'pruned":\[[1-9]' wide.svg
}

@test "keeps its size for a recursion of 100,000 levels" {
	require xmllint
	synthetic deep 100000
	reports flame -o deep.svg deep.prof
	xmllint --huge --noout deep.svg
	[ "$(boxes deep.svg)" -le 62 ]
	[ "$(stat -c %s deep.svg)" -le 800000 ]
	grep -q '+ [0-9]* levels' deep.svg
}

@test "says no samples, and why" {
	require xmllint
	synthetic empty
	reports flame -o empty.svg empty.prof
	xmllint --noout empty.svg
	grep -q 'no samples: the program used less CPU time than one sampling period' empty.svg
}

@test "labels frames of a killed recording by address, and says it is incomplete" {
	synthetic killed
	reports flame -o killed.svg killed.prof
	grep -q 'sim+0x1010' killed.svg
	grep -q 'class="bad"[^>]*>⚠ incomplete recording' killed.svg
}

@test "a legend adds up to 100 %" {
	synthetic wide 300
	reports flame -o wide.svg wide.prof
	[ "$(grep -o '"tenths":[0-9]*' wide.svg | cut -d: -f2 | sum)" -eq 1000 ]
}

@test "takes a title" {
	synthetic small
	reports flame --title 'before & <after>' small.prof | grep -q '<title>before &amp; &lt;after&gt;</title>'
}

@test "leaves an older file alone when it fails" {
	require mount
	synthetic wide 3000
	mkdir full
	echo old >full.svg
	run unshare -m sh -c 'mount -t tmpfs -o size=64k none full && cp full.svg full/a.svg &&
		! reports flame -o full/a.svg wide.prof 2>message && cat full/a.svg && ls full'
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf 'old\na.svg')" ]
	grep -q 'cannot write full/a.svg: No space left on device; free space' message
}

@test "tells standard output that is full" {
	synthetic small
	fails_with 1 'cannot write to standard output: No space left on device' \
		sh -c 'reports flame small.prof >/dev/full'
}

@test "each bad input is one sentence and status 1" {
	synthetic small
	fails_with 1 'which profile' reports flame
	fails_with 1 'one profile at a time' reports flame small.prof small.prof
	fails_with 1 'No such file' reports flame nowhere.prof
	fails_with 1 "unrecognized option '--nonsense'" reports flame --nonsense small.prof
	fails_with 1 "no command 'flam'" reports flam small.prof
	fails_with 1 'cannot write no/a.svg: No such file' reports flame -o no/a.svg small.prof
	: >nothing.prof
	fails_with 1 'nothing.prof' reports flame nothing.prof
	head -c 5000 small.prof >cut.prof
	fails_with 1 'cut.prof' reports flame cut.prof
	[ ! -e a.svg ]
}

@test "collector hands the command on" {
	synthetic small
	collector flame -o small.svg small.prof
	[ -s small.svg ]
}

@test "--compare draws what changed, as reviewed" {
	require xmllint
	local i
	for i in 1 2 3 4 5 6 7 8; do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
	reports flame --compare -o change.svg base?.prof -- new?.prof
	xmllint --noout change.svg
	sed '/<script/,$d' change.svg >picture
	assert_golden flame_change.svg picture
	reports flame --compare base1.prof -- new1.prof >once.svg
	[ "$(grep -c 'p ≤' <(sed '/<script/,$d' once.svg))" -eq 0 ]
}

@test "--compare refuses what cannot be compared, and bad command lines" {
	"$BUILD/bench/synthetic_profile" replicate one.prof 1
	fails_with 1 'wants BASE.prof... -- NEW.prof...' reports flame --compare one.prof
	fails_with 1 'on each side' reports flame --compare one.prof --
	fails_with 1 'cannot open' reports flame --compare one.prof -- missing.prof
	cp one.prof elsewhere.prof
	sqlite3 elsewhere.prof "INSERT INTO meta VALUES ('cpu_model', 'Another One')"
	fails_with 1 'different machines' reports flame --compare one.prof -- elsewhere.prof
	reports flame --compare --force one.prof -- elsewhere.prof >/dev/null
	synthetic hostile
	reports flame --compare --force hostile.prof -- hostile.prof >hostile.svg
	xmllint --noout hostile.svg
}
