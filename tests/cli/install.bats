#!/usr/bin/env bats
# make install and uninstall.

bats_require_minimum_version 1.5.0
load small_tree

setup() {
	small_tree "$BATS_TEST_TMPDIR/tree"
}

@test "install puts the programs below DESTDIR and prefix, and they run" {
	make install DESTDIR="$BATS_TEST_TMPDIR/stage" prefix=/usr
	for program in sim collector reports; do
		"$BATS_TEST_TMPDIR/stage/usr/bin/$program"
	done
	[ -s "$BATS_TEST_TMPDIR/stage/usr/share/bash-completion/completions/collector" ]
	[ -s "$BATS_TEST_TMPDIR/stage/usr/share/man/man1/collector.1" ]
}

@test "man pages say what --help says, of every command" {
	"$BATS_TEST_DIRNAME/../../scripts/manual" "$BUILD/bin" pages
	for command in $(collector --help | sed -n "/^\`/q; s/^  \([a-z]*\)  *[a-z].*/\1/p"); do
		[ -s "pages/collector-$command.1" ]
	done
	for script in run_all_phases run_phase2_profiling check_profiling_status.sh validate_quick_wins analyze_profile compare_profiles; do
		grep -A3 '^\.SH SYNOPSIS' "pages/$script.1" | grep -q "^$script"
	done
	[ -s pages/reports.1 ]
	grep -q '^\.SH SYNOPSIS' pages/collector-run.1
	grep -qF 'collector run [OPTION...]' pages/collector-run.1
	grep -qF -e '\-\-frequency=HZ' pages/collector-run.1
	run -1 "$BATS_TEST_DIRNAME/../../scripts/manual" /nonexistent pages
	[[ $output == *"BINDIR has the programs"* ]]
}

@test "uninstall leaves no file behind and touches no other" {
	mkdir -p "$BATS_TEST_TMPDIR/stage/usr/local/bin"
	touch "$BATS_TEST_TMPDIR/stage/usr/local/bin/other"
	make install DESTDIR="$BATS_TEST_TMPDIR/stage"
	[[ $(find "$BATS_TEST_TMPDIR/stage" -type f | wc -l) -gt 1 ]]
	make uninstall DESTDIR="$BATS_TEST_TMPDIR/stage"
	[[ $(find "$BATS_TEST_TMPDIR/stage" ! -type d) == "$BATS_TEST_TMPDIR/stage/usr/local/bin/other" ]]
}
