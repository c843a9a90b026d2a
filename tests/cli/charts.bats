#!/usr/bin/env bats
# Charts: collector calls, series and memory --svg, of a profile of a known shape.

bats_require_minimum_version 1.5.0
load requirements
load profiles

setup() {
	require xmllint
	cd "$BATS_TEST_TMPDIR"
}

# count FILE XPATH: how many nodes of an SVG
count() {
	xmllint --xpath "count($2)" "$1"
}

@test "calls --svg draws every call of the histogram, and the figures as a table" {
	synthetic rich
	collector calls --svg -o calls.svg rich.prof
	[ "$(count calls.svg "//*[local-name()='rect'][@class='area']")" -eq 2 ]
	[ "$(xmllint --xpath "//*[local-name()='rect'][@class='area']/*/text()" calls.svg |
		grep -o '[0-9]* calls' | sum)" -eq 100 ]
	[ "$(count calls.svg "//*[@role='table']//*[@role='rowheader'][text()='step']")" -eq 1 ]
	xmllint --xpath "//*[@role='table']" calls.svg | grep -q '>12.0 ms<'
}

@test "series --svg has a panel and a row for each series, and ticks for steps" {
	synthetic rich
	collector series --svg -o series.svg rich.prof
	[ "$(count series.svg "//*[@role='table']/*[@role='row']")" -eq 4 ]
	[ "$(count series.svg "//*[local-name()='path'][@class='first']")" -eq 3 ]
	[ "$(xmllint --xpath "string((//*[local-name()='path'][@class='mark'])[1]/@d)" series.svg |
		grep -o 'v-5' | wc -l)" -eq 100 ]
}

@test "memory --svg has the levels in bytes only" {
	synthetic rich
	collector memory --svg -o memory.svg rich.prof
	[ "$(count memory.svg "//*[local-name()='path'][@class='first']")" -eq 1 ]
	grep -q '>30.0 MiB<' memory.svg
}

@test "charts have a title, a description, no script and no address" {
	synthetic rich
	local chart
	for chart in calls series memory; do
		collector "$chart" --svg -o chart.svg rich.prof
		xmllint --noout chart.svg
		[ -n "$(xmllint --xpath "string(/*/*[local-name()='title'])" chart.svg)" ]
		[ -n "$(xmllint --xpath "string(/*/*[local-name()='desc'])" chart.svg)" ]
		[ "$(count chart.svg "//*[local-name()='script'] | //@*[starts-with(name(), 'on')]")" -eq 0 ]
		[ "$(grep -o '[a-z]*://' chart.svg | wc -l)" -eq 1 ]
	done
}

@test "names in charts stay names" {
	require sqlite3
	synthetic rich
	sqlite3 rich.prof "UPDATE series SET name = '</text><script>alert(1)</script>' WHERE name = 'rss';
		UPDATE series SET unit = '\"><x/>' WHERE name = 'minor-faults';
		UPDATE functions SET name = ']]><script>alert(2)</script>' WHERE name = 'step';
		UPDATE meta SET value = 'sim <x/>' WHERE key = 'command'"
	local chart
	for chart in calls series memory; do
		collector "$chart" --svg -o chart.svg rich.prof
		xmllint --noout chart.svg
		[ "$(count chart.svg "//*[local-name()='script' or local-name()='x']")" -eq 0 ]
	done
}

@test "what cannot be drawn is one sentence" {
	synthetic small
	fails_with 1 'no function was probed' collector calls --svg small.prof
	fails_with 1 'no series' collector series --svg small.prof
	fails_with 1 'no memory over time' collector memory --svg -o memory.svg small.prof
	[ ! -e memory.svg ]
	require sqlite3
	synthetic rich
	sqlite3 rich.prof 'UPDATE timings SET returns = 0; DELETE FROM timing_buckets'
	fails_with 1 'no function was timed' collector calls --svg -o calls.svg rich.prof
	[ ! -e calls.svg ]
}
