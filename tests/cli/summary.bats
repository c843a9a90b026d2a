#!/usr/bin/env bats
# reports summary: one screen, and the trust line.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "sums up the known profile as reviewed" {
	synthetic small
	reports summary small.prof >summary
	assert_golden summary_small.txt summary
}

@test "an empty profile says so and why" {
	synthetic empty
	run reports summary empty.prof
	[ "$status" -eq 0 ]
	[[ $output == *"no samples: the program used less CPU time than one sampling period"* ]]
}

@test "an empty profile tells the cause that its recording left, and nothing against it" {
	require sqlite3
	synthetic empty
	sqlite3 empty.prof "DELETE FROM meta WHERE key LIKE 'lost.%';
		UPDATE meta SET value = 'stopped: the disk is full' WHERE key = 'state'"
	reports summary empty.prof >summary
	grep -qx 'no samples: the disk is full' summary
	reports functions empty.prof | grep -qx 'no samples: the disk is full'
	! grep -e 'CPU time than' -e 'no loss' -e 'samples of cpu' summary
}

@test "a profile that knows nothing of itself begins with what it has" {
	require sqlite3
	synthetic empty
	sqlite3 empty.prof "DELETE FROM meta; DELETE FROM metrics"
	reports summary empty.prof >summary
	[ "$(head -n 1 summary)" = '0 samples' ]
	grep -qx 'no samples: the profile does not say why' summary
	reports flame empty.prof | grep -q '<title>profile · no samples</title>'
}

# put KEY TEXT: sets a text of small.prof
put() {
	sqlite3 small.prof "INSERT OR REPLACE INTO meta VALUES ('$1', $2)"
}

@test "a command line of 100 KB is shortened" {
	require sqlite3 xmllint
	synthetic small
	put command "'./sim ' || hex(zeroblob(50000)) || ' end'"
	reports summary small.prof >summary
	[ "$(head -n 1 summary | wc -c)" -lt 300 ]
	[[ $(head -n 1 summary) == './sim 00'*'…'*'0 end: 1000 samples'* ]]
	reports flame -o small.svg small.prof
	[ "$(sed '/<script/,$d' small.svg | wc -L)" -lt 1000 ]
	[ "$(grep -o '"command":"[^"]*"' small.svg | wc -c)" -lt 1100 ]
}

@test "no control byte of a profile reaches a terminal, JSON or SVG" {
	require sqlite3 xmllint node
	synthetic small
	for key in command program state engine engine_note; do
		put "$key" "'$key ' || char(27) || '[31m' || char(7, 155, 127)"
	done
	put "lost.' || char(27) || 'x" 5
	sqlite3 small.prof "UPDATE functions SET name = name || char(27, 155);
		UPDATE modules SET path = path || char(27, 155);
		UPDATE files SET path = path || char(27, 155);
		UPDATE threads SET name = name || char(27, 155);
		UPDATE metrics SET name = name || char(27, 155), unit = unit || char(27, 155)"
	for command in summary 'summary --json' functions 'functions --json' 'export --format folded' flame; do
		# shellcheck disable=SC2086
		reports $command small.prof >out
		iconv -f UTF-8 -t UTF-8 out >/dev/null
		[ "$(LC_ALL=C tr -d '\012\011\040-\176\200-\377' <out | wc -c)" -eq 0 ]
		[ "$(LC_ALL=C grep -c "$(printf '\302\233')" out)" -eq 0 ]
	done
	xmllint --noout out
	reports summary small.prof | grep -q '^command ?\[31m????: '
	[ "$(reports summary --json small.prof | node -p 'JSON.parse(require("fs").readFileSync(0)).metric')" = 'cpu???' ]
}

@test "a hostile file name is quoted without its control bytes" {
	fails_with 1 'cannot open a?[31m.prof: No such file' \
		reports summary "$(printf 'a\033[31m.prof')"
}

@test "every report is right where frames were not named" {
	require sqlite3 node xmllint
	synthetic small
	sqlite3 small.prof 'DELETE FROM lines WHERE frame % 2 = 0'
	reports export --format folded small.prof >folded
	[ "$(sed 's/.* //' folded | sum)" -eq 1000 ]
	grep -q 'sim+0x' folded
	reports functions --json small.prof >functions.json
	[ "$(ask functions.json 'it.functions.reduce((sum, row) => sum + row.self.samples, 0)')" -eq 1000 ]
	reports summary small.prof | grep -q 'sim+0x'
	reports flame -o small.svg small.prof
	xmllint --noout small.svg
	grep -q '<title>sim+0x[0-9a-f]*$' small.svg
	sqlite3 small.prof 'DELETE FROM lines'
	[ "$(reports export --format folded small.prof | sed 's/.* //' | sum)" -eq 1000 ]
	reports functions small.prof | grep -q '(!) 100 % without symbol'
}

@test "an incomplete recording is marked" {
	synthetic killed
	[[ $(reports summary killed.prof) == *"(!) incomplete recording"* ]]
	[[ $(reports summary killed.prof) == *"(!) 100 % without symbol"* ]]
}

@test "--check answers with status 2 when the data does not carry the report" {
	synthetic small
	reports summary --check small.prof >summary
	synthetic killed
	run reports summary --check killed.prof
	[ "$status" -eq 2 ]
}

@test "--json holds the trust items and both tables" {
	require node
	synthetic small
	reports summary --json small.prof >summary.json
	[ "$(ask summary.json 'it.by_self[0].function')" = environment_observe ]
	[ "$(ask summary.json 'it.by_total[0].function')" = main ]
	[ "$(ask summary.json 'it.trust.endings.truncated')" -eq 20 ]
	[ "$(ask summary.json 'it.trust.complete_stacks')" -eq 980 ]
	[ "$(ask summary.json 'it.trust.bad')" = false ]
}

@test "every command has --help with exit 0" {
	for command in flame functions summary export; do
		reports $command --help | grep -q NAME.prof
	done
	reports --help | grep -q 'Exit status'
	fails_with 1 'COMMAND' reports
}

@test "colour is for terminals, unless it is asked for or forbidden" {
	synthetic killed
	[ "$(collector summary killed.prof | grep -c $'\033')" -eq 0 ]
	[ "$(FORCE_COLOR=1 collector summary killed.prof | grep -c $'\033')" -gt 0 ]
	[ "$(CLICOLOR_FORCE=1 collector summary killed.prof | grep -c $'\033')" -gt 0 ]
	[ "$(FORCE_COLOR=0 collector summary killed.prof | grep -c $'\033')" -eq 0 ]
	[ "$(NO_COLOR=1 FORCE_COLOR=1 collector summary killed.prof | grep -c $'\033')" -eq 0 ]
	[ "$(NO_COLOR=1 collector summary --color always killed.prof | grep -c $'\033')" -gt 0 ]
	[ "$(FORCE_COLOR=1 collector summary --color=never killed.prof | grep -c $'\033')" -eq 0 ]
	[ "$(FORCE_COLOR=1 collector summary --color=auto killed.prof | grep -c $'\033')" -gt 0 ]
	fails_with 1 "--color takes auto, always or never, not 'red'" reports summary --color red killed.prof
	require script
	[ "$(TERM=xterm script -qec 'collector summary killed.prof' /dev/null | grep -c $'\033')" -gt 0 ]
	[ "$(TERM=dumb script -qec 'collector summary killed.prof' /dev/null | grep -c $'\033')" -eq 0 ]
	[ "$(NO_COLOR=1 TERM=xterm script -qec 'collector summary killed.prof' /dev/null | grep -c $'\033')" -eq 0 ]
}

@test "tables fit the width of the terminal" {
	require node
	synthetic hostile
	local columns command
	for columns in 60 80 120; do
		for command in functions lines; do
			COLUMNS=$columns collector $command hostile.prof >table
			[ "$(node -p "require('fs').readFileSync('table', 'utf8').split('\n').filter(line =>
				!line.startsWith('trust') && [...line].length > $columns).length")" -eq 0 ]
		done
	done
}

@test "the table of threads fits the width, and keeps what is unexplained" {
	synthetic rich
	for width in 80 60; do
		COLUMNS=$width reports summary rich.prof | sed -n '/^the time of the threads/,/^$/p' >table
		grep -q 'unexplained$' table
		run ! grep -E ".{$((width + 1))}" table
	done
}
