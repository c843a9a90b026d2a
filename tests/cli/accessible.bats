#!/usr/bin/env bats
# Pages and pictures for everybody: nothing for axe to complain of in light or dark, and valid by the
# Nu HTML checker.

load requirements
load profiles

setup() {
	require readers
	cd "$BATS_TEST_TMPDIR"
	NPM=$BUILD/npm
	synthetic rich
	reports report -o report.html rich.prof
	reports flame -o flame.svg rich.prof
}

# changes: a picture and a page of what changed
changes() {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
	reports flame --compare -o change.svg base?.prof -- new?.prof
	reports report --compare -o change.html base?.prof -- new?.prof || [ $? -eq 2 ]
}

# axe FILE [KEYS]
axe() {
	timeout 120 node "$BATS_TEST_DIRNAME/../browser/accessible.mjs" "$1" "$NPM" "${2-}"
}

@test "axe finds nothing in the flame graph, its table, its help and its search" {
	require browser node
	axe flame.svg
	axe flame.svg 't'
	axe flame.svg '?'
	axe flame.svg '/mem'
}

@test "axe finds nothing in the report and in the charts" {
	require browser node
	axe report.html
	local chart
	for chart in calls series memory; do
		reports "$chart" --svg -o "$chart.svg" rich.prof
		axe "$chart.svg"
	done
}

@test "axe finds nothing in a comparison" {
	require browser node
	changes
	axe change.svg
	axe change.html
	synthetic hostile
	reports report --compare --force -o hostile.html hostile.prof -- hostile.prof
	axe hostile.html
}

# The checker does not compute hashes, so it takes our policy for one that blocks the page's own
# scripts; report.bats shows that they run.
@test "the Nu HTML checker finds nothing in any page or picture" {
	require java
	changes
	reports calls --svg -o calls.svg rich.prof
	reports series --svg -o series.svg rich.prof
	synthetic hostile
	reports report -o hostile.html hostile.prof
	reports flame -o hostile.svg hostile.prof
	java -jar "$NPM/node_modules/vnu-jar/build/dist/vnu.jar" --also-check-svg \
		--filterpattern '.*violates Content Security Policy.*' ./*.html ./*.svg
}
